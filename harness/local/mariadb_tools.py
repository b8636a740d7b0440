"""The programs that MariaDB is backed up and restored with: those of the server's own packages, the system's, or Debian's.

They aren't among the server's packages, nor part of ``make setup``: of Debian's ``mariadb-backup`` and ``mariadb-client`` they are
unpacked into the project's cache at first use (30 MB), never installed. ``python -m harness.local.mariadb_tools`` fetches them beforehand.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from harness.errors import CannotMeasure
from harness.local import fetching, mariadb_fetch
from harness.local.mariadb_fetch import MariaDb
from harness.local.processes import reachable

ToolName = Literal["mariadb-backup", "mariadb-binlog", "mariadb"]
NAMES: tuple[ToolName, ...] = ToolName.__args__  # type: ignore[attr-defined]
PACKAGES = ("mariadb-backup", "mariadb-client")
KEPT = "mariadb-tools"
SYSTEM = Path("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One program below ``root``, and the environment in which it finds its libraries."""

    path: Path
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def below(cls, root: Path, name: ToolName) -> Self | None:
        """None where there is none."""
        path = root / "usr/bin" / name
        return cls(path=path, environment=fetching.environment(root)) if path.exists() else None


def find(server: MariaDb, scratch: Path) -> dict[ToolName, Tool]:
    """All of NAMES, fit for ``server``, where servers can execute them: copied below ``scratch`` if need be.

    Raises CannotMeasure where one can't be had, or is of another version.
    """
    found = {name: Tool.below(server.root, name) or Tool.below(SYSTEM, name) for name in NAMES}
    if not all(found.values()):
        root = reachable(_unpacked(), scratch)
        found = {name: tool or Tool.below(root, name) for name, tool in found.items()}
    tools = {name: tool for name, tool in found.items() if tool is not None}
    if missing := [name for name in NAMES if name not in tools]:
        raise CannotMeasure(f"no backups of MySQL: {', '.join(PACKAGES)} have no {', '.join(missing)}")
    _require_same_series(tools["mariadb-backup"], server.version())
    return tools


def _unpacked() -> Path:
    """Where these programs of Debian's packages are in the cache, fetched if they aren't there."""

    def install(folder: Path) -> None:
        root = fetching.unpack(PACKAGES, folder)
        for program in (root / "usr/bin").iterdir():
            if program.name not in NAMES:  # thirty others, four megabytes each
                program.unlink()
        root.rename(folder / KEPT)

    try:
        return fetching.cached(KEPT, [], install) / KEPT
    except CannotMeasure as error:
        raise CannotMeasure(f"no backups of MySQL: no {' and '.join(PACKAGES)}: {error}") from error


def _require_same_series(backup: Tool, server: str) -> None:
    """A backup program reads the files of its own series, 10.11, and of no other."""
    try:
        said = subprocess.run(
            [backup.path, "--version"], env=backup.environment, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotMeasure(f"{backup.path} doesn't run: {getattr(error, 'stderr', '') or error}".strip()) from error
    own = (said.stdout + said.stderr).partition("MariaDB server ")[2].partition("-")[0]
    if own.split(".")[:2] != server.split(".")[:2]:
        raise CannotMeasure(
            f"no backups of MySQL: {backup.path} is of MariaDB {own or 'no version that it tells'}, the server is {server}"
        )


def main() -> int:
    """One line on the programs that will be used, or why there are none."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            tools = find(mariadb_fetch.find(), Path(scratch))
    except (CannotMeasure, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return CannotMeasure.exit_code
    sys.stdout.write("backups of MySQL: " + ", ".join(str(tool.path) for tool in tools.values()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
