"""`dbharness aws run`, `snapshot` and `restore`."""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from harness import config as configuration
from harness import registry, suite
from harness.aws import cli_estimate, estimate_output, operation_findings, remote
from harness.aws.cli_stack import asking
from harness.aws.estimate import Estimate
from harness.aws.gateway import Aws, is_stand_in
from harness.aws.outputs import with_outputs
from harness.aws.planned import scenario_models
from harness.aws.probe import OverSsm
from harness.aws.restorable import Clusters, Databases, Instances
from harness.aws.snapshots import Operations, clean
from harness.aws.spend_guard import SpendGuard
from harness.aws.stacks import owned, stack_of
from harness.cli_compare import AllowOption
from harness.cli_gates import BaselineOption, InconclusiveOption, against_what
from harness.config import AwsSettings, Config
from harness.errors import HarnessError, UsageError
from harness.gating import Against, about, declared, worse
from harness.paths import PROJECT_ROOT, runs_dir
from harness.report_child import make_report
from harness.rundir import RunDir, command_line, redactor_of
from harness.sql.endpoint import Engine

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
_RUN = re.compile(r"[\w-]+")
_OUTPUT: dict[Engine, str] = {"mysql": "MySql", "postgres": "Postgres"}

StackOption = Annotated[
    str | None,
    typer.Option("--stack", help="The stack's name, such as dbharness-anna; config.yaml's aws.stack where not given."),
]
RegionOption = Annotated[str | None, typer.Option(help="AWS's region; config.yaml's where not given.")]
EndpointOption = Annotated[
    str | None,
    typer.Option("--target-endpoint", metavar="URL", help="Ask this endpoint instead of AWS, such as moto's server."),
]
CredentialsOption = Annotated[
    str | None,
    typer.Option(
        "--aws-profile",
        metavar="NAME",
        help="Profile of credentials to use; where not given, botocore looks where it always does.",
    ),
]
ConfigOption = Annotated[Path, typer.Option(help="The configuration file.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask before money is spent.")]
EngineOption = Annotated[str | None, typer.Option(help="mysql or postgres: the stack's database of that engine.")]
InstanceOption = Annotated[str | None, typer.Option(help="Or this RDS instance.")]
ClusterOption = Annotated[str | None, typer.Option(help="Or this Multi-AZ cluster.")]
KeepOption = Annotated[bool, typer.Option("--keep", help="Leave what was made; else it is taken down again.")]
CleanOption = Annotated[bool, typer.Option("--clean", help="Only take down what an operation left that was killed.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="The directory of the results; a new one under runs/ where not given."),
]
BucketOption = Annotated[str | None, typer.Option(help="The run's bucket, where no stack of `up` has one.")]
GeneratorsOption = Annotated[
    list[str] | None, typer.Option("--generator", metavar="ID", help="Instances to use instead of the stack's.")
]
CONFIG = PROJECT_ROOT / "config.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The stack that a command is about, with what CloudFormation says of it."""

    aws: Aws
    config: Config
    outputs: dict[str, str]
    parameters: dict[str, str]

    @property
    def basis(self) -> str:
        """What figures rest on: what stands in for AWS's own endpoints isn't AWS."""
        return "aws" if self.aws.at_aws else "local_model"

    @property
    def settings(self) -> AwsSettings:
        """Section ``aws`` as load generators get it: filled with outputs, with their own role's credentials."""
        own = self.config.aws or AwsSettings()
        filled = with_outputs(own, self.outputs) if self.outputs else own
        return filled.model_copy(
            update={
                "stack": self.aws.stack, "region": self.aws.region, "filled": True, "profile": None, "endpoint_url": None,
                "protected": self.parameters.get("DeletionProtection") == "true",
            }
        )  # fmt: skip


def register(app: typer.Typer) -> None:
    """Mount the three commands."""
    app.command("run")(run)
    app.command("snapshot")(snapshot)
    app.command("restore")(restore)


def run(
    scenarios: Annotated[
        list[str] | None, typer.Argument(metavar="[SCENARIO]…", help="Which to run; all where none is named.")
    ] = None,
    stack: StackOption = None,
    profile: Annotated[
        str | None, typer.Option(help="smoke, quick or standard; config.yaml's where not given.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of config.yaml; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Draws keys, orders and tables.")] = None,
    out_dir: OutOption = None,
    max_usd: Annotated[
        float | None, typer.Option(help="Stop the run when it has cost so much; --yes wants it.")
    ] = None,
    yes: YesOption = False,
    gather: Annotated[
        str | None, typer.Option(metavar="RUN", help="Only gather a run from the bucket, and report it.")
    ] = None,
    bucket: BucketOption = None,
    generators: GeneratorsOption = None,
    baseline: BaselineOption = None,
    allow: AllowOption = None,
    inconclusive: InconclusiveOption = "pass",
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Run scenarios on the load generators; samples are gathered, the report is made and gates are judged here."""
    against = against_what(baseline, allow, inconclusive)
    there = _stack(
        config, stack, region, endpoint, aws_profile, profile=profile, overrides=tuple(overrides or ()), seed=seed
    )
    folder = out_dir or runs_dir() / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-aws"
    _writable(folder, empty=gather is None)
    redactor = redactor_of(there.config.model_copy(update={"aws": there.settings}))
    if gather is not None:
        if not _RUN.fullmatch(gather):
            raise UsageError(f"--gather {gather!r}: expected a run's id, for example 20261128-120301-a1b2c3")
        kept_in = remote.bucket_of(there.aws, bucket)
        directory = remote.gather(there.aws, kept_in, gather, folder, _tell, redactor=redactor)
        baselines = against.runs(declared(directory.manifest), besides=directory.path)
        raise typer.Exit(_code(directory, None, make_report(directory.path), against, baselines))
    place = remote.where(there.aws, bucket=bucket, instances=tuple(generators or ()))
    names = registry.known(scenarios or ())
    baselines = against.runs(about(there.config.gates, names))
    guard = _agreed(there, names, max_usd=max_usd, yes=yes)
    settings = there.settings
    authority = Path(settings.ca_bundle).expanduser() if settings.ca_bundle else None
    asked = remote.Asked(
        scenarios=names, config=config.read_text(), out=folder, profile=profile, seed=seed, command=tuple(command_line()),
        redactor=redactor,
        overrides=(*(overrides or ()), f"aws={json.dumps(settings.model_dump(mode='json'))}"),
    )  # fmt: skip
    with suite.progress_on(err) as progress:
        directory, why = remote.run(there.aws, place, asked, guard, progress, _tell, authority=authority)
    reported = make_report(directory.path)
    _tell(
        f"about ${guard.usd:.2f}: the stack's time that went by, and requests as planned; `dbharness aws down` ends that"
    )
    raise typer.Exit(_code(directory, why, reported, against, baselines))


def _writable(folder: Path, *, empty: bool = False) -> None:
    """Raises UsageError for a folder that can't be made or, where it is to be ``empty``, has something in it."""
    try:
        if empty and folder.exists() and any(folder.iterdir()):
            raise UsageError(f"--out {folder}: exists and isn't empty; name one that doesn't exist")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"--out {folder}: is no folder; name one that doesn't exist")
    except OSError as error:
        raise UsageError(f"--out {folder}: {error.strerror}; name one that doesn't exist") from error


def snapshot(
    stack: StackOption = None,
    engine: EngineOption = None,
    instance: InstanceOption = None,
    cluster: ClusterOption = None,
    keep: KeepOption = False,
    only_clean: CleanOption = False,
    yes: YesOption = False,
    out_dir: OutOption = None,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Take a manual snapshot, and say how long it took."""
    if out_dir is not None:
        _writable(out_dir)
    there = _stack(config, stack, region, endpoint, aws_profile)
    if only_clean:
        _clean(there.aws)
        return
    databases, name, _ = _database(there, engine, instance, cluster)
    _tell("Its storage is billed while it is kept.")
    asking(yes).agree(f"Take a snapshot of {databases.what} {name}")
    _clean(there.aws)
    operations = Operations(databases, there.aws.stack, _tell, expires=there.outputs.get("Expires"), keep=keep)
    _measured(operations, lambda: operation_findings.of_snapshot(operations.snapshot(name), basis=there.basis), out_dir)


def restore(
    stack: StackOption = None,
    engine: EngineOption = None,
    instance: InstanceOption = None,
    cluster: ClusterOption = None,
    from_snapshot: Annotated[
        str | None,
        typer.Option("--snapshot", metavar="ID", help="From this snapshot; one is made now where not given."),
    ] = None,
    point_in_time: Annotated[
        bool, typer.Option("--point-in-time", help="From the automated backups instead, to the newest time there is.")
    ] = False,
    at: Annotated[datetime | None, typer.Option(help="To this time, UTC.")] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Ask the restored database from a load generator.")] = False,
    probe_sql: Annotated[
        str | None, typer.Option(metavar="SQL", help="… and for its newest row's time, such as SELECT max(at) FROM t.")
    ] = None,
    keep: KeepOption = False,
    only_clean: CleanOption = False,
    yes: YesOption = False,
    out_dir: OutOption = None,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Restore a database to a new one, and say how much would have been lost (RPO) and how long it took (RTO)."""
    by_time = point_in_time or at is not None
    if by_time and from_snapshot is not None:
        raise UsageError("--snapshot and a point in time: give one of them")
    if out_dir is not None:
        _writable(out_dir)
    there = _stack(config, stack, region, endpoint, aws_profile)
    if only_clean:
        _clean(there.aws)
        return
    databases, name, of_engine = _database(there, engine, instance, cluster)
    _tell("It is billed until it is deleted.")
    asking(yes).agree(f"Restore {databases.what} {name} to a new one of the same class")
    _clean(there.aws)
    operations = Operations(
        databases, there.aws.stack, _tell, expires=there.outputs.get("Expires"), keep=keep,
        probe=_probe(there, of_engine, probe_sql) if probe or probe_sql else None,
    )  # fmt: skip
    when = at.replace(tzinfo=UTC) if at and not at.tzinfo else at

    def measure() -> list[dict[str, Any]]:
        made = operations.restore_to_point_in_time(name, when) if by_time else operations.restore(name, from_snapshot)
        return operation_findings.of_restore(made, basis=there.basis)

    _measured(operations, measure, out_dir)


def _measured(operations: Operations, measure: Callable[[], list[dict[str, Any]]], out_dir: Path | None) -> None:
    """Measure, say and write what came out, take down whatever happens. Raises the first HarnessError."""
    try:
        found = measure()
        for finding in found:
            out.print(finding["sentence"], markup=False)
        folder = out_dir or runs_dir() / f"aws-operations-{operations.id}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "findings.json").write_text(operation_findings.to_json(found))
        except OSError as error:
            raise UsageError(f"--out {folder}: {error.strerror}; the findings are written nowhere") from error
        out.print(f"findings are in {folder / 'findings.json'}", markup=False)
    except BaseException as error:
        try:
            operations.take_down()
        except HarnessError as left:
            _tell(str(left))
        raise error
    operations.take_down()


def _stack(
    file: Path, name: str | None, region: str | None, endpoint: str | None, aws_profile: str | None, *,
    profile: str | None = None, overrides: tuple[str, ...] = (), seed: int | None = None,
) -> Stack:  # fmt: skip
    """The stack named on the command line or in the configuration. Raises UsageError, AwsError."""
    config = configuration.load(file, scenario_models(), profile=profile, target="aws", seed=seed, overrides=overrides)
    own = config.aws or AwsSettings()
    config = config.model_copy(update={"region": region or own.region or config.region})
    name = name or own.stack
    if name is None:
        raise UsageError("which stack? give --stack, or aws.stack in config.yaml: its tag says what is ours")
    aws = Aws(
        config.region, stack=name, endpoint_url=endpoint or own.endpoint_url,
        profile=aws_profile or own.profile,
    )  # fmt: skip
    (described,) = aws.call("cloudformation", "DescribeStacks", StackName=name)["Stacks"]
    found = owned(stack_of(described))
    aws.ours_protected = found.protected_by_us
    return Stack(aws=aws, config=config, outputs=dict(found.outputs), parameters=dict(found.parameters))


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
        _tell(line)
    asking(yes).agree("Run it")
    guard.spend(costs.by_amount_usd)
    guard.charge(costs.hourly.usd)
    return guard


def _known_cost(costs: Estimate) -> float:
    """Twice what is known of the run: the limit where none was given."""
    if not costs.run.usd:
        raise UsageError("what this run costs is unknown: give a limit with --max-usd")
    return 2 * costs.run.usd


def _database(
    there: Stack, engine: str | None, instance: str | None, cluster: str | None
) -> tuple[Databases, str, Engine | None]:
    """The database that is meant: by its id, by its engine, or the stack's only one. Raises UsageError."""
    if instance or cluster:
        if instance and cluster:
            raise UsageError("--instance and --cluster: give one of them")
        return (Instances(there.aws), instance, None) if instance else (Clusters(there.aws), str(cluster), None)
    have = [one for one in _OUTPUT if f"{_OUTPUT[one]}Endpoint" in there.outputs]
    chosen = [one for one in have if engine in (None, one)]
    if len(chosen) != 1:
        raise UsageError(
            f"which database? stack {there.aws.stack} has {', '.join(have) or 'none'}: give --engine, --instance or --cluster"
        )
    prefix = _OUTPUT[chosen[0]]
    if (name := there.outputs.get(f"{prefix}ClusterId")) is not None:
        return Clusters(there.aws), name, chosen[0]
    return Instances(there.aws), there.outputs[f"{prefix}InstanceId"], chosen[0]


def _probe(there: Stack, engine: Engine | None, sql: str | None) -> OverSsm:
    """Asks from the stack's first load generator, where the harness is installed first. Raises UsageError."""
    settings = there.settings
    where = settings.sql.get(engine) if engine else None
    if where is None or where.secret is None:
        raise UsageError("--probe needs the stack's own database: its secret says who logs in")
    if not settings.ca_bundle:
        raise UsageError("--probe needs aws.ca_bundle, RDS's certificates, in config.yaml (docs/aws.md)")
    place = remote.where(there.aws)
    installed = remote.RemoteRun(there.aws, place, _tell)
    authority = installed.install(authority=Path(settings.ca_bundle).expanduser())
    return OverSsm(
        there.aws, place.master, installed.python, secret=where.secret, database=where.database, region=there.aws.region,
        authority=str(authority), sql=sql,
    )  # fmt: skip


def _clean(aws: Aws) -> None:
    for databases in (Instances(aws), Clusters(aws)):
        clean(databases, aws.stack, _tell)


def _code(directory: RunDir, why: str | None, reported: int, against: Against, baselines: Sequence[Path]) -> int:
    """The exit code of a run that was reported, after its gates were judged."""
    if why == "interrupted":
        return suite.INTERRUPTED
    manifest = directory.manifest
    code = reported or (0 if manifest["status"] == "complete" else 3)
    return worse(code, against.after_report(directory.path, declared(manifest), baselines))


def _tell(line: str) -> None:
    err.print(line, markup=False)
