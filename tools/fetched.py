"""Other people's programs that tests and benchmarks hold ours against, each in the project's cache, nothing installed.

npm packages are those of ``tools/npm`` (pinned by its lock file), Python programs have an environment each, pinned by
``tools/python/NAME.txt``: their pins and ours don't agree. ``wrk``, ``redis-benchmark`` and ``sysbench`` are Debian's packages,
unpacked, in the version that the release has. What is there already is used as it is; what is fetched is put in place whole or
not at all. CannotMeasure says why something can't be had.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from harness.errors import CannotMeasure
from harness.local import mariadb_fetch
from harness.paths import PROJECT_ROOT, cache_dir

LEAST_NODE = 20
_TIMEOUT_S = 300
_NPM = PROJECT_ROOT / "tools" / "npm"
_PYTHON = PROJECT_ROOT / "tools" / "python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program and the environment that its libraries need."""

    path: Path
    version: str
    environment: dict[str, str] = field(repr=False)


def node_modules() -> Path:
    """The npm packages of ``tools/npm``, installed as its lock file says."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise CannotMeasure(f"node {LEAST_NODE} or newer and npm are needed for the JavaScript SDK and dynalite")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if int(said.removeprefix("v").partition(".")[0] or 0) < LEAST_NODE:
        raise CannotMeasure(f"the JavaScript SDK and dynalite need node {LEAST_NODE} or newer, this is {said}")

    def install(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_NPM / name, folder)
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", str(folder)])

    return _cached("npm", [_NPM / "package-lock.json"], install) / "node_modules"


def dynalite() -> Path:
    """dynalite's command line, to be run by node."""
    return node_modules() / "dynalite" / "cli.js"


def python(environment: str) -> Path:
    """The interpreter of one of the environments that ``tools/python`` pins: ``awscli``, ``dynamo-benchmark`` or ``moto``.

    Their programs are run by module (``-m awscli``): a script would name the folder that it was made in.
    """
    pins = _PYTHON / f"{environment}.txt"

    def install(folder: Path) -> None:
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--no-deps", "-r", str(pins)])

    return _cached(f"python-{environment}", [pins], install) / "bin" / "python"


def wrk() -> Program:
    """The HTTP load generator."""
    return _debian("wrk", "wrk")


def redis_benchmark() -> Program:
    """Redis's own load generator."""
    return _debian("redis-tools", "redis-benchmark")


def sysbench() -> Program:
    """The load generator for MySQL; its scripts are in ``share/sysbench`` beside its ``bin``."""
    return _debian("sysbench", "sysbench")


def _debian(package: str, name: str) -> Program:
    """The system's program of that name, else the one of Debian's package, unpacked in the cache."""
    if found := shutil.which(name):
        return _program(Path(found), dict(os.environ))
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise CannotMeasure(f"this system has neither {name} nor apt-get to fetch it; install {package}")

    def install(folder: Path) -> None:
        mariadb_fetch.unpack((package,), folder)

    root = _cached(package, [], install) / "root"
    libraries = sorted({str(path.parent) for path in root.rglob("*.so*")})
    return _program(root / "usr/bin" / name, os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)})


def _program(path: Path, environment: dict[str, str]) -> Program:
    """With the version that it gives itself: ``NAME VERSION …``."""
    said = subprocess.run([path, "--version"], env=environment, capture_output=True, text=True, check=False).stdout
    words = said.split()
    if len(words) < 2 or words[0] != path.name:
        raise CannotMeasure(f"{path} doesn't run")
    return Program(path=path, version=words[1], environment=environment)


def _cached(name: str, pins: list[Path], install: Callable[[Path], None]) -> Path:
    """The folder of one thing at one state of its pins, made if it isn't there; complete or absent."""
    digest = sha256(b"\n".join(path.read_bytes() for path in pins)).hexdigest()[:12]
    folder = cache_dir() / "others" / f"{name}-{digest}"
    if folder.is_dir():
        return folder
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


def run(command: list[str]) -> None:
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
