"""``dbharness aa``: the same on both sides, n times; how often would chance have passed for a difference?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli_shared import CONFIG, JsonOption, ProfileOption, SetOption, err, print_json, say
from harness.errors import UsageError
from harness.series import Through


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("aa")(aa)


def aa(
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO]", help="Compare whole runs of it; one long series of short trials without."),
    ] = None,
    comparisons: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    pairs: Annotated[int, typer.Option(min=2, help="Pairs in each; six at least, to tell anything.")] = 6,
    through: Annotated[Through | None, typer.Option(help="Which service a series asks; dynamodb without.")] = None,
    trial_s: Annotated[float | None, typer.Option(min=0.01, help="How long its trials are measured, s; 1.")] = None,
    warm_up_s: Annotated[float | None, typer.Option(min=0, help="How long they warm up before, s; 0.1.")] = None,
    think_ms: Annotated[
        float | None, typer.Option(min=0, help="Rest after each answer, ms; 0 asks as fast as it goes; 1.")
    ] = None,
    profile: ProfileOption = None,
    overrides: SetOption = None,
    config: Annotated[Path | None, typer.Option(help="The configuration file of whole runs.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the order inside the pairs.")] = 1,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A new folder; one under runs/ without.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a thing with itself, often, and say how often it passed for a change; exit 1 where too often."""
    of_series = {"through": through, "trial_s": trial_s, "warm_up_s": warm_up_s, "think_ms": think_ms}
    of_runs = {"profile": profile, "set": overrides or None, "config": config}
    if scenario is None:
        _refuse(of_runs, "is of whole runs: name a SCENARIO")
        raise typer.Exit(
            _series(_given(of_series) | {"comparisons": comparisons, "pairs": pairs}, seed, out_dir, as_json)
        )
    _refuse(of_series, f"is of a series, and {scenario} is run as a whole: leave one out")
    from harness.series import whole

    wanted = whole.Wanted(
        scenario=scenario, comparisons=comparisons, pairs=pairs, config=(config or CONFIG).absolute(), profile=profile,
        seed=seed, overrides=tuple(overrides or ()), out=out_dir.absolute() if out_dir else None,
    )  # fmt: skip
    raise typer.Exit(whole.run(wanted, lambda line: err.print(line, markup=False), as_json=as_json))


def _series(given: dict[str, Any], seed: int, out_dir: Path | None, as_json: bool) -> int:
    from harness import suite
    from harness.series.run import run
    from harness.series.settings import SeriesSettings

    with suite.progress_on(err) as progress:
        outcome = run(progress, out=out_dir, seed=seed, settings=SeriesSettings(**given), quiet=as_json)
    if as_json:
        print_json(outcome.as_record())
    else:
        say(outcome.lines())
    return outcome.exit_code


def _refuse(options: dict[str, Any], why: str) -> None:
    for name in _given(options):
        raise UsageError(f"--{name.replace('_', '-')} {why}")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
