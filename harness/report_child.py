"""Starts the report in a process of its own: pandas and matplotlib never live where load is made."""

import subprocess
import sys
from pathlib import Path

from harness.paths import PROJECT_ROOT


def make_report(run: Path, *, quiet: bool = False) -> int:
    """Make the report of ``run`` from its samples; its exit code: 0, 2 not a run, 3 nothing measured.

    Unless ``quiet`` the child prints the main findings and the report's path on our standard output.
    """
    command = [sys.executable, "-m", "reports", str(run.resolve()), *(["--quiet"] if quiet else [])]
    return subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode
