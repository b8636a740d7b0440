"""One run of one side: `dbharness run` of that side's code, in a process of its own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.gating import ELSEWHERE_VARIABLE
from harness.local.services import services_status
from harness.pairs.commits import Tree
from harness.pairs.sides import Side
from harness.paths import cache_dir
from harness.suite import die_with_parent, stop

_PATIENCE_S = 60.0  # a run that is stopped ends its load, and makes the report of what it has
# The program's own name, so that the run's report tells a command that can be typed.
_ENTRY = "import sys; sys.argv[0] = 'dbharness'; from harness.cli import main; main()"
_WRONG_USAGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What both sides have in common; a side's own configuration file stands in place of this one."""

    scenario: str | None
    profile: str | None
    seed: int | None
    overrides: tuple[str, ...]
    config: Path | None


def words_of(side: Side, asked: Asked, out: Path) -> list[str]:
    """The words of the command line: a side's overrides come after the common ones, and so over them."""
    options = {"--profile": asked.profile, "--seed": asked.seed, "--config": side.config or asked.config, "--out": out}
    given = [word for option, value in options.items() if value is not None for word in (option, str(value))]
    overrides = [word for override in (*asked.overrides, *side.overrides) for word in ("--set", override)]
    return ["run", *([asked.scenario] if asked.scenario else []), *given, *overrides]


def run_side(side: Side, tree: Tree, asked: Asked, out: Path, log: Path) -> str | None:
    """Make one run into ``out``; None when it is there, else why not.

    Raises UsageError for what its command line refuses. Ctrl-C ends it in order, and goes on from here.
    """
    if side.endpoint is None:
        refuse_shared_services()
    command = [tree.python, "-P", "-c", _ENTRY, *words_of(side, asked, out)]
    with log.open("wb") as printed:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, env=_environment(tree),
            cwd=tree.folder if tree.commit else None, start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one ctypes call
        )  # fmt: skip
    try:
        code = child.wait()
    except KeyboardInterrupt:
        stop(child, _PATIENCE_S)
        raise
    return _failure(side, out, code, log)


def refuse_shared_services() -> None:
    """Raises UsageError where `services up` keeps servers: some runs would use those, which what came before has worn, and some not."""
    if services_status() is not None:
        raise UsageError(
            "servers of `services up` are running; each run here starts its own: `dbharness services down` stops those"
        )


def _environment(tree: Tree) -> dict[str, str]:
    """The code of that tree and no other; all share what was downloaded, and gates are the comparison's to judge."""
    return os.environ | {
        "PYTHONPATH": str(tree.folder), "DBHARNESS_CACHE": str(cache_dir().absolute()), ELSEWHERE_VARIABLE: "1",
    }  # fmt: skip


def _failure(side: Side, out: Path, code: int, log: Path) -> str | None:
    """None where every scenario is complete and reported."""
    said = log.read_text(errors="replace").strip().splitlines() or [f"it ended with exit code {code}"]
    manifest = out / "manifest.json"
    if not manifest.is_file():
        if code == _WRONG_USAGE:
            raise UsageError("\n".join(f"--{side.letter}: {line}" for line in said))
        return said[-1]
    run: dict[str, Any] = json.loads(manifest.read_text())
    for name, entry in run["scenarios"].items():
        if entry["status"] != "complete":
            return (
                f"{name} is {entry['status'].replace('_', ' ')}: {entry['reason'] or f'it ended with exit code {code}'}"
            )
    whole = run["status"] == "complete" and (out / "findings.json").is_file()
    return None if whole else said[-1]
