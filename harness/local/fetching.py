"""Programs of other people, fetched into the project's cache and never installed into the system.

``apt-get`` works on lists and a cache of its own below a scratch folder, so neither root nor the system's state is
needed; ``dpkg -x`` unpacks a package and the libraries that the system lacks. What is fetched is put in place whole or not at
all. CannotMeasure says why something can't be had.
"""

import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from harness.errors import CannotMeasure
from harness.paths import cache_dir

logger = logging.getLogger(__name__)
_TIMEOUT_S = 300


def cached(name: str, pins: Sequence[Path], install: Callable[[Path], None]) -> Path:
    """The folder of one thing at one state of its pins, made by ``install`` if it isn't there; complete or absent."""
    folder = _folder(name, pins)
    if folder.is_dir():
        return folder
    logger.info("fetching %s into %s", name, folder.parent)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        install(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was first: its files are the same
                raise
    return folder


def debian_package(package: str) -> Path:
    """The root of a Debian package unpacked in the cache, with what it needs that the system lacks."""
    if not can_fetch():
        raise CannotMeasure(f"this system has no apt-get to fetch {package} with; install {package}")

    def install(folder: Path) -> None:
        unpack((package,), folder)

    return cached(package, [], install) / "root"


def unpacked(package: str) -> Path | None:
    """The root of a Debian package that was unpacked in the cache before."""
    root = _folder(package, []) / "root"
    return root if root.is_dir() else None


def can_fetch() -> bool:
    """Whether this system has what fetches and unpacks Debian's packages."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg"))


def unpack(packages: Sequence[str], scratch: Path) -> Path:
    """Debian's packages and what they need that the system lacks, unpacked into ``root`` below ``scratch``."""
    root = scratch / "root"
    with tempfile.TemporaryDirectory(prefix="packages-", dir=scratch) as downloads:
        for package in _download(packages, Path(downloads)):
            run(["dpkg", "-x", str(package), str(root)])
    root.chmod(0o755)
    return root


def environment(root: Path) -> dict[str, str]:
    """What programs below ``root`` need to find their libraries; the system's own need nothing."""
    if root == Path("/"):
        return dict(os.environ)
    folders = sorted({str(path.parent) for path in root.rglob("*.so*") if "plugin" not in path.parts})
    return os.environ | {"LD_LIBRARY_PATH": ":".join(folders)}


def run(command: Sequence[str]) -> None:
    """Run one step to its end; CannotMeasure has the last line that it wrote."""
    try:
        subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"{command[0]} took over {_TIMEOUT_S} s") from error
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise CannotMeasure(f"{Path(command[0]).name} failed: {lines[-1] if lines else 'without a word'}") from error


def _folder(name: str, pins: Sequence[Path]) -> Path:
    digest = sha256(b"\n".join(path.read_bytes() for path in pins)).hexdigest()[:12]
    return cache_dir() / "others" / f"{name}-{digest}"


def _download(wanted: Sequence[str], folder: Path) -> list[Path]:
    """The packages and what they need that the system hasn't, through apt on lists and a cache of our own."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    ours = [
        f"Dir::State::Lists={folder / 'lists'}", f"Dir::Cache={folder / 'cache'}", "Debug::NoLocking=1",
        "APT::Sandbox::User=", "Acquire::Languages=none", "Acquire::Retries=2", "Acquire::http::Timeout=20",
    ]  # fmt: skip
    apt = ["apt-get", "-qq", *(word for option in ours for word in ("-o", option))]
    run([*apt, "update"])
    run([*apt, "install", "--download-only", "--no-install-recommends", "-y", *wanted])
    packages = sorted((folder / "cache/archives").glob("*.deb"))
    if not any(package.name.startswith(f"{wanted[0]}_") for package in packages):
        raise CannotMeasure(f"apt-get downloaded no {wanted[0]}")
    return packages
