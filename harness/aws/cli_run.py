"""`dbharness aws run`: scenarios on a stack's load generators, once what that costs was agreed to."""

import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness import registry, suite
from harness.aws import cli_estimate, estimate_output, remote
from harness.aws.cli_parts import (
    CredentialsOption,
    EndpointOption,
    OutOption,
    RegionOption,
    Stack,
    StackOption,
    YesOption,
    stack_asked_for,
    tell,
    writable,
)
from harness.aws.cli_stack import asking
from harness.aws.estimate import Estimate
from harness.aws.gateway import is_stand_in
from harness.aws.spend_guard import SpendGuard
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
    err,
    print_json,
)
from harness.errors import UsageError
from harness.gating import Against, about, declared, worse
from harness.paths import runs_dir
from harness.redaction import Redactor
from harness.report_child import report_of
from harness.run_record import run_record
from harness.rundir import RunDir, command_line, redactor_of

_RUN = re.compile(r"[\w-]+")

MaxUsdOption = Annotated[float | None, typer.Option(help="Stop the run when it has cost so much; --yes wants it.")]
GatherOption = Annotated[
    str | None, typer.Option(metavar="RUN", help="Only gather a run from the bucket, and report it.")
]
BucketOption = Annotated[str | None, typer.Option(help="The run's bucket, where no stack of `up` has one.")]
GeneratorsOption = Annotated[
    list[str] | None, typer.Option("--generator", metavar="ID", help="Instances to use instead of the stack's.")
]


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("run")(run)


def run(
    scenarios: ScenarioNames = None,
    stack: StackOption = None,
    profile: ProfileOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    out_dir: OutOption = None,
    max_usd: MaxUsdOption = None,
    yes: YesOption = False,
    gather: GatherOption = None,
    bucket: BucketOption = None,
    generators: GeneratorsOption = None,
    baseline: BaselineOption = None,
    allow: AllowOption = None,
    inconclusive: InconclusiveOption = "pass",
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Run scenarios on the load generators; samples are gathered, the report is made and gates are judged here."""
    against = against_what(baseline, allow, inconclusive)
    there = stack_asked_for(
        config, stack, region, endpoint, aws_profile, profile=profile, overrides=tuple(overrides or ()), seed=seed
    )
    folder = out_dir or runs_dir() / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-aws"
    writable(folder, empty=gather is None)
    if gather is not None:
        directory = _gathered(there, gather, bucket, folder)
        baselines = against.runs(declared(directory.manifest), besides=directory.path)
        raise typer.Exit(_ended(directory, None, against, baselines, as_json=as_json))
    place = remote.where(there.aws, bucket=bucket, instances=tuple(generators or ()))
    names = registry.known(scenarios or ())
    baselines = against.runs(about(there.config.gates, names))
    guard = _agreed(there, names, max_usd=max_usd, yes=yes)
    settings = there.settings
    authority = Path(settings.ca_bundle).expanduser() if settings.ca_bundle else None
    asked = remote.Asked(
        scenarios=names, config=config.read_text(), out=folder, profile=profile, seed=seed, command=tuple(command_line()),
        redactor=_redactor(there),
        overrides=(*(overrides or ()), f"aws={json.dumps(settings.model_dump(mode='json'))}"),
    )  # fmt: skip
    with suite.progress_on(err) as progress:
        directory, why = remote.run(there.aws, place, asked, guard, progress, tell, authority=authority)
    code = _ended(directory, why, against, baselines, as_json=as_json)
    tell(
        f"about ${guard.usd:.2f}: the stack's time that went by, and requests as planned; `dbharness aws down` ends that"
    )
    raise typer.Exit(code)


def _gathered(there: Stack, run: str, bucket: str | None, folder: Path) -> RunDir:
    """A run that its bucket has, copied into ``folder``. Raises UsageError, CannotMeasure."""
    if not _RUN.fullmatch(run):
        raise UsageError(f"--gather {run!r}: expected a run's id, for example 20261128-120301-a1b2c3")
    kept_in = remote.bucket_of(there.aws, bucket)
    return remote.gather(there.aws, kept_in, run, folder, tell, redactor=_redactor(there))


def _redactor(there: Stack) -> Redactor | None:
    return redactor_of(there.config.model_copy(update={"aws": there.settings}))


def _ended(directory: RunDir, why: str | None, against: Against, baselines: Sequence[Path], *, as_json: bool) -> int:
    """Make the report of what was gathered and judge its gates; the exit code. ``why``: it was cut short."""
    reported, report = report_of(directory.path, as_json=as_json)
    code, gated = suite.INTERRUPTED, None
    if why != "interrupted":
        gates = declared(directory.manifest)
        judged, gated = against.after_report(directory.path, gates, baselines, as_json=as_json)
        code = worse(reported or (0 if directory.manifest["status"] == "complete" else 3), judged)
    if as_json:
        print_json(run_record(directory, code, report=report, gates=gated))
    return code


def _agreed(there: Stack, names: tuple[str, ...], *, max_usd: float | None, yes: bool) -> SpendGuard:
    """Show what the run costs and have it agreed to. Raises UsageError where it isn't, or costs more than the limit."""
    costs = cli_estimate.for_stacks(
        [there.parameters], there.config, names, sheet=cli_estimate.file_sheet(there.config)
    )
    limit = max_usd if max_usd is not None else _known_cost(costs)
    if yes and max_usd is None and not is_stand_in(there.aws.endpoint_url):
        raise UsageError("--yes on AWS wants --max-usd too: what nobody is asked about needs a limit")
    try:
        guard = SpendGuard(max_usd=limit, clock_ns=time.monotonic_ns, at_least=costs.hourly.at_least)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if costs.hourly.usd is None:
        raise UsageError("what the stack costs an hour is unknown, so nothing could stop the run; name prices_file")
    if why := guard.refuse(costs):
        raise UsageError(why)
    for line in (
        f"Running {', '.join(names)} is estimated at {estimate_output.total(costs.run)}, the stack at "
        f"{estimate_output.total(costs.hourly)} an hour; stopped at ${limit:.2f}.",
        *([f"Unknown, and in no sum: {', '.join(costs.unknown)}."] if costs.unknown else ()),
    ):
        tell(line)
    asking(yes).agree("Run it")
    guard.spend(costs.by_amount_usd)
    guard.charge(costs.hourly.usd)
    return guard


def _known_cost(costs: Estimate) -> float:
    """Twice what is known of the run: the limit where none was given."""
    if not costs.run.usd:
        raise UsageError("what this run costs is unknown: give a limit with --max-usd")
    return 2 * costs.run.usd
