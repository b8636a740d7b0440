"""`dbharness run`, `report`, `calibrate` and `selftest`: what measures, and what makes a report of it."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli_compare import AllowOption
from harness.cli_gates import BaselineOption, InconclusiveOption, against_what
from harness.cli_shared import (
    CONFIG,
    ConfigOption,
    ProfileOption,
    ScenarioNames,
    SeedOption,
    SetOption,
    TargetOption,
    err,
    say,
)


def register(app: typer.Typer) -> None:
    """Mount the four commands."""
    for command in (run, report, calibrate, selftest):
        app.command()(command)


def run(
    scenarios: ScenarioNames = None,
    profile: ProfileOption = None,
    target: TargetOption = None,
    out_dir: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR|URL",
            help="The run directory itself, or a URL that a copy is kept at (s3://…); a new one under runs/ where not given.",
        ),
    ] = None,
    seed: SeedOption = None,
    pace: Annotated[
        str | None,
        typer.Option(help="fast or rds, of every failover: as fast as it goes, or as long as RDS is said to take."),
    ] = None,
    overrides: SetOption = None,
    baseline: BaselineOption = None,
    allow: AllowOption = None,
    inconclusive: InconclusiveOption = "pass",
    config: ConfigOption = CONFIG,
) -> None:
    """Measure, write a run directory with its report, and judge the configuration's gates."""
    from harness import suite
    from harness.rundir import command_line

    asked = suite.Request(
        scenarios=tuple(scenarios or ()), profile=profile, target=target, out=out_dir, seed=seed,
        overrides=(*(overrides or ()), *([f"rds_failover.pace={pace}"] if pace else [])), config=config,
        command=tuple(command_line()),
        against=against_what(baseline, allow, inconclusive),
    )  # fmt: skip
    with suite.progress_on(err) as progress:
        outcome = suite.run(asked, progress)
    say(outcome.lines)
    raise typer.Exit(outcome.exit_code)


def report(run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> None:
    """Make the report of a run again from its samples."""
    from harness.report_child import make_report

    raise typer.Exit(make_report(run_dir))


def calibrate(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what this machine's clients cost, what it can honestly offer to each service, and what makes it noisy."""
    from harness import calibration, suite

    with suite.progress_on(err) as progress:
        found = calibration.run(progress)
    say((found.as_json(),) if as_json else found.lines())


def selftest(
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Keep the run there; thrown away where not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the order of the trials.")] = 1,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table as README has it.")] = False,
) -> None:
    """Measure servers whose answers are known, and say whether each came back; exit 1 where one didn't."""
    from harness import selftest as planted
    from harness import suite

    with suite.progress_on(err) as progress:
        outcome = planted.run(progress, out=out_dir, seed=seed)
    say(outcome.markdown() if markdown else outcome.lines())
    raise typer.Exit(outcome.exit_code)
