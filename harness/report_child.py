"""Starts whatever reads runs in a process of its own: pandas and matplotlib never live where load is made."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.filesystems import is_url
from harness.paths import PROJECT_ROOT


def make_report(run: Path | str, *, quiet: bool = False, out: Path | None = None) -> int:
    """Make the report of ``run``, a path or a URL, from its samples; its exit code: 0, 2 not a run, 3 nothing measured.

    It goes to the run's own directory, or to ``out``. Unless ``quiet`` the child prints the main findings and the report's path
    on our standard output.
    """
    place = run if isinstance(run, str) and is_url(run) else str(Path(run).resolve())
    told = [] if out is None else ["--out", str(out.resolve())]
    return ask("reports", [place, *told, *(["--quiet"] if quiet else [])])


def ask(module: str, words: Sequence[str]) -> int:
    """Run ``python -m module words…`` on our own streams; its exit code, which the command line hands on.

    Paths in ``words`` have to be absolute: the child works in the project's folder.
    """
    return subprocess.run([sys.executable, "-m", module, *words], cwd=PROJECT_ROOT, check=False).returncode
