"""`dbharness aws snapshot` and `restore`: how long copies and restores of a stack's databases take, and what they'd lose."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.aws import operation_findings, remote
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
from harness.aws.gateway import Aws
from harness.aws.probe import OverSsm
from harness.aws.restorable import Clusters, Databases, Instances
from harness.aws.snapshots import Operations, clean
from harness.cli_shared import CONFIG, ConfigOption, JsonOption, print_json, say
from harness.errors import HarnessError, UsageError
from harness.paths import runs_dir
from harness.sql.endpoint import Engine

SCHEMA = 1  # of what --json prints: members may be added
_OUTPUT: dict[Engine, str] = {"mysql": "MySql", "postgres": "Postgres"}
EngineOption = Annotated[str | None, typer.Option(help="mysql or postgres: the stack's database of that engine.")]
InstanceOption = Annotated[str | None, typer.Option(help="Or this RDS instance.")]
ClusterOption = Annotated[str | None, typer.Option(help="Or this Multi-AZ cluster.")]
KeepOption = Annotated[bool, typer.Option("--keep", help="Leave what was made; else it is taken down again.")]
CleanOption = Annotated[bool, typer.Option("--clean", help="Only take down what an operation left that was killed.")]

SnapshotOption = Annotated[
    str | None, typer.Option("--snapshot", metavar="ID", help="From this snapshot; one is made now where not given.")
]
PointInTimeOption = Annotated[
    bool, typer.Option("--point-in-time", help="From the automated backups instead, to the newest time there is.")
]
AtOption = Annotated[datetime | None, typer.Option(help="To this time, UTC.")]
ProbeOption = Annotated[bool, typer.Option("--probe", help="Ask the restored database from a load generator.")]
ProbeSqlOption = Annotated[
    str | None, typer.Option(metavar="SQL", help="… and for its newest row's time, such as SELECT max(at) FROM t.")
]


def register(app: typer.Typer) -> None:
    """Mount the two commands."""
    app.command("snapshot")(snapshot)
    app.command("restore")(restore)


def snapshot(
    stack: StackOption = None,
    engine: EngineOption = None,
    instance: InstanceOption = None,
    cluster: ClusterOption = None,
    keep: KeepOption = False,
    only_clean: CleanOption = False,
    yes: YesOption = False,
    out_dir: OutOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    region: RegionOption = None,
    endpoint: EndpointOption = None,
    aws_profile: CredentialsOption = None,
) -> None:
    """Take a manual snapshot, and say how long it took."""
    if out_dir is not None:
        writable(out_dir)
    there = stack_asked_for(config, stack, region, endpoint, aws_profile)
    if only_clean:
        _clean_alone(there.aws, as_json=as_json)
        return
    databases, name, _ = _database(there, engine, instance, cluster)
    tell("Its storage is billed while it is kept.")
    asking(yes).agree(f"Take a snapshot of {databases.what} {name}")
    _clean(there.aws)
    operations = Operations(databases, there.aws.stack, tell, expires=there.outputs.get("Expires"), keep=keep)
    _measured(
        operations, lambda: operation_findings.of_snapshot(operations.snapshot(name), basis=there.basis), out_dir,
        as_json=as_json,
    )  # fmt: skip


def restore(
    stack: StackOption = None,
    engine: EngineOption = None,
    instance: InstanceOption = None,
    cluster: ClusterOption = None,
    from_snapshot: SnapshotOption = None,
    point_in_time: PointInTimeOption = False,
    at: AtOption = None,
    probe: ProbeOption = False,
    probe_sql: ProbeSqlOption = None,
    keep: KeepOption = False,
    only_clean: CleanOption = False,
    yes: YesOption = False,
    out_dir: OutOption = None,
    as_json: JsonOption = False,
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
        writable(out_dir)
    there = stack_asked_for(config, stack, region, endpoint, aws_profile)
    if only_clean:
        _clean_alone(there.aws, as_json=as_json)
        return
    databases, name, of_engine = _database(there, engine, instance, cluster)
    tell("It is billed until it is deleted.")
    asking(yes).agree(f"Restore {databases.what} {name} to a new one of the same class")
    _clean(there.aws)
    operations = Operations(
        databases, there.aws.stack, tell, expires=there.outputs.get("Expires"), keep=keep,
        probe=_probe(there, of_engine, probe_sql) if probe or probe_sql else None,
    )  # fmt: skip
    when = at.replace(tzinfo=UTC) if at and not at.tzinfo else at

    def measure() -> list[dict[str, Any]]:
        made = operations.restore_to_point_in_time(name, when) if by_time else operations.restore(name, from_snapshot)
        return operation_findings.of_restore(made, basis=there.basis)

    _measured(operations, measure, out_dir, as_json=as_json)


def _measured(
    operations: Operations, measure: Callable[[], list[dict[str, Any]]], out_dir: Path | None, *, as_json: bool = False
) -> None:
    """Measure, say and write what came out, take down whatever happens. Raises the first HarnessError."""
    try:
        found = measure()
        if not as_json:
            say(finding["sentence"] for finding in found)
        folder = out_dir or runs_dir() / f"aws-operations-{operations.id}"
        file = folder / "findings.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(operation_findings.to_json(found))
        except OSError as error:
            raise UsageError(f"--out {folder}: {error.strerror}; the findings are written nowhere") from error
        if as_json:
            _print_findings(found, file)
        else:
            say([f"findings are in {file}"])
    except BaseException as error:
        try:
            operations.take_down()
        except HarnessError as left:
            tell(str(left))
        raise error
    operations.take_down()


def _print_findings(found: list[dict[str, Any]], file: Path | None) -> None:
    print_json({"schema": SCHEMA, "findings": found, "path": None if file is None else str(file.resolve())})


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
    installed = remote.RemoteRun(there.aws, place, tell)
    authority = installed.install(authority=Path(settings.ca_bundle).expanduser())
    return OverSsm(
        there.aws, place.master, installed.python, secret=where.secret, database=where.database, region=there.aws.region,
        authority=str(authority), sql=sql,
    )  # fmt: skip


def _clean_alone(aws: Aws, *, as_json: bool) -> None:
    """Clean, and measure nothing."""
    _clean(aws)
    if as_json:
        _print_findings([], None)


def _clean(aws: Aws) -> None:
    for databases in (Instances(aws), Clusters(aws)):
        clean(databases, aws.stack, tell)
