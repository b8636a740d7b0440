"""Finds a MariaDB server, or unpacks Debian's packages of one into the project's cache, installing nothing.

``apt-get`` works on lists and a cache of its own below the project's folder, so neither root nor the system's state is
needed; ``dpkg -x`` unpacks the server and the libraries that the system lacks. ``python -m
harness.local.mariadb_fetch`` is what ``make setup`` calls: it says in one line what will be used, and ends with 0
even where MySQL can't be had.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CannotMeasure
from harness.paths import cache_dir

PACKAGES = ("mariadb-server-core", "mariadb-client-core")
_STEPS_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class MariaDb:
    """Where the programs and the files of one MariaDB are; ``root`` is ``/`` where the system has it."""

    root: Path

    @property
    def server(self) -> Path:
        """The server program."""
        return _first(
            self.root / "usr/sbin/mariadbd",
            self.root / "usr/bin/mariadbd",
            self.root / "usr/libexec/mariadbd",
        )

    @property
    def install_db(self) -> Path:
        """The script that makes a data directory."""
        return _first(self.root / "usr/bin/mariadb-install-db", self.root / "usr/bin/mysql_install_db")

    @property
    def base(self) -> Path:
        """MariaDB's basedir."""
        return self.root / "usr"

    def environment(self) -> dict[str, str]:
        """The environment its programs need: where their libraries are."""
        if self.root == Path("/"):
            return dict(os.environ)
        folders = sorted({str(path.parent) for path in self.root.rglob("*.so*") if "plugin" not in path.parts})
        return os.environ | {"LD_LIBRARY_PATH": ":".join(folders)}

    def version(self) -> str:
        """``10.11.11``; raises CannotMeasure where the server can't even say that."""
        try:
            said = subprocess.run(
                [self.server, "--no-defaults", "--version"],
                env=self.environment(),
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotMeasure(
                f"{self.server} doesn't run: {getattr(error, 'stderr', '') or error}".strip()
            ) from error
        return said.stdout.partition("Ver ")[2].split("-")[0]


def find() -> MariaDb:
    """The one below ``DBHARNESS_MARIADB``, else the system's, else the unpacked one; CannotMeasure says why none is there."""
    given = os.environ.get("DBHARNESS_MARIADB")
    for root in (Path(given),) if given else (Path("/"), unpacked()):
        found = MariaDb(root=root)
        if found.server.exists() and found.install_db.exists():
            return found
    if given:
        raise CannotMeasure(f"no MariaDB server: DBHARNESS_MARIADB names {given}, which has no usr/sbin/mariadbd")
    note = unpacked().with_suffix(".why")
    why = note.read_text().strip() if note.exists() else "`make setup` hasn't fetched it"
    raise CannotMeasure(f"no MariaDB server: {why}")


def unpacked() -> Path:
    """Where the unpacked packages are, or would be."""
    return cache_dir() / "mariadb"


def fetch() -> MariaDb:
    """What ``find`` finds, fetched first where it isn't there; CannotMeasure where it can't be had."""
    try:
        return find()
    except CannotMeasure:
        pass
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise CannotMeasure("this system has neither a MariaDB server nor apt-get to fetch one; install mariadb-server")
    target = unpacked()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mariadb-", dir=target.parent) as scratch:
        root = unpack(PACKAGES, Path(scratch))
        found = MariaDb(root=root)
        found.version()
        root.chmod(0o755)
        if not target.exists():
            root.rename(target)
    return find()


def unpack(packages: tuple[str, ...], scratch: Path) -> Path:
    """Debian's packages and what they need that the system lacks, unpacked into a folder below ``scratch``."""
    root = scratch / "root"
    for package in _download(packages, scratch):
        _run(["dpkg", "-x", str(package), str(root)])
    return root


def _download(wanted: tuple[str, ...], scratch: Path) -> list[Path]:
    """The packages and what they need that the system hasn't, through apt on lists and a cache of our own."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (scratch / folder).mkdir(parents=True)
    ours = [
        f"Dir::State::Lists={scratch / 'lists'}", f"Dir::Cache={scratch / 'cache'}", "Debug::NoLocking=1",
        "APT::Sandbox::User=", "Acquire::Languages=none", "Acquire::Retries=2", "Acquire::http::Timeout=20",
    ]  # fmt: skip
    apt = ["apt-get", "-qq", *(word for option in ours for word in ("-o", option))]
    _run([*apt, "update"])
    _run([*apt, "install", "--download-only", "--no-install-recommends", "-y", *wanted])
    packages = sorted((scratch / "cache/archives").glob("*.deb"))
    if not any(package.name.startswith(f"{wanted[0]}_") for package in packages):
        raise CannotMeasure(f"apt-get downloaded no {wanted[0]}")
    return packages


def _run(command: list[str]) -> None:
    try:
        subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=_STEPS_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"{command[0]} took over {_STEPS_TIMEOUT_S} s") from error
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise CannotMeasure(f"{command[0]} failed: {lines[-1] if lines else 'without a word'}") from error


def _first(*candidates: Path) -> Path:
    return next((path for path in candidates if path.exists()), candidates[0])


def main() -> int:
    """One line on what will be used, or on why MySQL will read *not measured*."""
    note = unpacked().with_suffix(".why")
    try:
        found = fetch()
    except (CannotMeasure, OSError) as error:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(f"{error}\n")
        sys.stderr.write(f"MySQL: not available: {error}\n")
        return 0
    note.unlink(missing_ok=True)
    where = "of the system" if found.root == Path("/") else f"unpacked in {found.root}"
    sys.stdout.write(f"MySQL: MariaDB {found.version()} {where}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
