"""Starts whatever reads runs in a process of its own: pandas and matplotlib never live where load is made."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.paths import PROJECT_ROOT


def make_report(run: Path, *, quiet: bool = False) -> int:
    """Make the report of ``run`` from its samples; its exit code: 0, 2 not a run, 3 nothing measured.

    Unless ``quiet`` the child prints the main findings and the report's path on our standard output.
    """
    return ask("reports", [str(run.resolve()), *(["--quiet"] if quiet else [])])


def report_of(run: Path, *, as_json: bool) -> tuple[int, dict[str, Any] | None]:
    """The same, printed on our standard output; or ``as_json`` what it says as a document, and nothing is printed."""
    return answer("reports", [str(run.resolve())], as_json=as_json)


def answer(module: str, words: Sequence[str], *, as_json: bool) -> tuple[int, dict[str, Any] | None]:
    """Run it: on our own streams, or ``as_json`` with its document ours to hand on, None where it had nothing to say."""
    if not as_json:
        return ask(module, words), None
    done = subprocess.run(
        _command(module, [*words, "--json"]), cwd=PROJECT_ROOT, stdout=subprocess.PIPE, check=False
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def ask(module: str, words: Sequence[str]) -> int:
    """Run ``python -m module words…`` on our own streams; its exit code, which the command line hands on.

    Paths in ``words`` have to be absolute: the child works in the project's folder.
    """
    return subprocess.run(_command(module, words), cwd=PROJECT_ROOT, check=False).returncode


def _command(module: str, words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", module, *words]
