"""`dbharness run`, `report`, `calibrate` and `selftest`: what measures, and what makes a report of it."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli_compare import AllowOption
from harness.cli_gates import BaselineOption, InconclusiveOption, against_what
from harness.cli_shared import (
    CONFIG,
    ConfigOption,
    JsonOption,
    ProfileOption,
    ScenarioNames,
    SeedOption,
    SetOption,
    TargetOption,
    err,
    print_json,
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
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Measure, write a run directory with its report, and judge the configuration's gates."""
    from harness import suite
    from harness.rundir import command_line

    asked = suite.Request(
        scenarios=tuple(scenarios or ()), profile=profile, target=target, out=out_dir, seed=seed,
        overrides=(*(overrides or ()), *([f"rds_failover.pace={pace}"] if pace else [])), config=config,
        command=tuple(command_line()), as_json=as_json,
        against=against_what(baseline, allow, inconclusive),
    )  # fmt: skip
    with suite.progress_on(err) as progress:
        outcome = suite.run(asked, progress)
    if as_json:
        print_json(outcome.record)
    else:
        say(outcome.lines)
    raise typer.Exit(outcome.exit_code)


def report(
    run_dir: Annotated[
        str, typer.Argument(metavar="RUN", help="A run directory, or a URL that it is read from in place (s3://…).")
    ],
    out_dir: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where the report goes; the run's own directory where not given."),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Write nothing; say whether samples and figures are as the run left them: exit 1 if not."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the report of a run again from its samples, or verify that they are the run's."""
    from harness.filesystems import is_url
    from harness.report_child import ask

    place = run_dir if is_url(run_dir) else str(Path(run_dir).resolve())
    flags = [*(["--out", str(out_dir.resolve())] if out_dir else []), *(["--verify"] if verify else [])]
    raise typer.Exit(ask("reports", [place, *flags, *(["--json"] if as_json else [])]))


def calibrate(as_json: JsonOption = False) -> None:
    """Say what this machine's clients cost, what it can honestly offer to each service, and what makes it noisy."""
    from harness import calibration, suite

    with suite.progress_on(err) as progress:
        found = calibration.run(progress)
    if as_json:
        print_json(found.as_record())
    else:
        say(found.lines())


def selftest(
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Keep the run there; thrown away where not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the order of the trials.")] = 1,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table as README has it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure servers whose answers are known, and say whether each came back; exit 1 where one didn't."""
    from harness import selftest as planted
    from harness import suite

    with suite.progress_on(err) as progress:
        outcome = planted.run(progress, out=out_dir, seed=seed)
    if as_json:
        print_json(outcome.as_record())
    else:
        say(outcome.markdown() if markdown else outcome.lines())
    raise typer.Exit(outcome.exit_code)
