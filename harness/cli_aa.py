"""``dbharness aa``: the same on both sides, n times; how often would chance have passed for a difference?"""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli_shared import JsonOption, err, print_json, say
from harness.series import Through


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("aa")(aa)


def aa(
    comparisons: Annotated[int, typer.Option(min=2, help="How many are cut from one series.")] = 20,
    pairs: Annotated[int, typer.Option(min=2, help="Pairs of trials in each; six at least, to tell anything.")] = 6,
    through: Annotated[Through, typer.Option(help="Which service is asked.")] = "dynamodb",
    trial_s: Annotated[float, typer.Option(min=0.01, help="How long a trial is measured, s.")] = 1.0,
    warm_up_s: Annotated[float, typer.Option(min=0, help="How long it warms up before, s.")] = 0.1,
    think_ms: Annotated[
        float, typer.Option(min=0, help="Rest after each answer, ms; 0 asks as fast as it goes.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Draws the order inside the pairs.")] = 1,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="The run directory; a new one under runs/ without.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare one operation with itself, often, and say how often it passed for a change; exit 1 where too often."""
    from harness import suite
    from harness.series.run import run
    from harness.series.settings import SeriesSettings

    settings = SeriesSettings(
        through=through, comparisons=comparisons, pairs=pairs, trial_s=trial_s, warm_up_s=warm_up_s, think_ms=think_ms
    )
    with suite.progress_on(err) as progress:
        outcome = run(progress, out=out_dir, seed=seed, settings=settings, quiet=as_json)
    if as_json:
        print_json(outcome.as_record())
    else:
        say(outcome.lines())
    raise typer.Exit(outcome.exit_code)
