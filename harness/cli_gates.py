"""The command ``gate``: what must hold of a run that is there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli_compare import AllowOption
from harness.cli_shared import JsonOption
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.gating import Against

Inconclusive = Literal["pass", "fail"]
BaselineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline", metavar="RUN|STORE",
        help="What relative gates are held against: a run, or the newest of a folder or URL of runs; repeatable.",
    ),
]  # fmt: skip
InconclusiveOption = Annotated[
    Inconclusive, typer.Option(help="What an inconclusive gate does: pass with a warning, or exit 4.")
]


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(gate)


def gate(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    gates: Annotated[
        list[str] | None,
        typer.Option("--gate", metavar="TEXT", help="Instead of those of the run's configuration; repeatable."),
    ] = None,
    baseline: BaselineOption = None,
    allow: AllowOption = None,
    inconclusive: InconclusiveOption = "pass",
    as_json: JsonOption = False,
) -> None:
    """Say whether a run keeps its gates: exit 0 or 1; 3 where it can't be asked, 4 where it can't say and has to."""
    from harness.gating import checked

    against = against_what(baseline, allow, inconclusive)
    texts = checked(gates or ())
    baselines = against.runs(texts or _own(run_dir), besides=run_dir)
    raise typer.Exit(against.judge(run_dir, baselines, gates=texts, as_json=as_json))


def against_what(baseline: list[str] | None, allow: Sequence[str] | None, inconclusive: Inconclusive) -> "Against":
    """What these three options say."""
    from harness.gating import Against

    return Against(baselines=tuple(baseline or ()), allowed=tuple(map(str, allow or ())), inconclusive=inconclusive)


def _own(run_dir: Path) -> tuple[str, ...]:
    """The gates of a run's configuration. Raises UsageError for what is no run, or has none."""
    from harness.gating import declared

    try:
        gates = declared(json.loads((run_dir / "manifest.json").read_text()))
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{run_dir} is not a run directory; give a folder that `dbharness run` wrote") from error
    if not gates:
        raise UsageError(f"{run_dir}: its configuration has no gates; give one with --gate (docs/gates.md)")
    return tuple(gates)
