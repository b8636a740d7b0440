"""Finds a MariaDB server, or unpacks Debian's packages of one into the project's cache, installing nothing.

``python -m harness.local.mariadb_fetch`` is what ``make setup`` calls: it says in one line what will be used, and ends
with 0 even where MySQL can't be had.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CannotMeasure
from harness.local import fetching
from harness.paths import cache_dir

PACKAGES = ("mariadb-server-core", "mariadb-client-core")


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
        return fetching.environment(self.root)

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
        root = fetching.unpack(PACKAGES, Path(scratch))
        MariaDb(root=root).version()
        if not target.exists():
            root.rename(target)
    return find()


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
