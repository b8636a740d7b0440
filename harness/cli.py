"""The command line: parses, wires, prints, and is the only place that does the last."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from harness import cli_aa
from harness.errors import HarnessError
from harness.paths import PROJECT_ROOT

if TYPE_CHECKING:
    from harness.local.services import State

app = typer.Typer(
    name="dbharness", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Benchmarks managed databases: RDS, DynamoDB, ElastiCache; on AWS or on one laptop.",
)  # fmt: skip
services_app = typer.Typer(no_args_is_help=True, help="The embedded servers, kept up for several runs.")
app.add_typer(services_app, name="services")
cli_aa.register(app)
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)

ScenarioNames = Annotated[
    list[str] | None, typer.Argument(metavar="[SCENARIO]…", help="Which to run; all where none is named.")
]
ProfileOption = Annotated[str | None, typer.Option(help="smoke, quick or standard; config.yaml's where not given.")]
TargetOption = Annotated[str | None, typer.Option(help="local or aws (section aws says where).")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of config.yaml; repeatable."),
]
ConfigOption = Annotated[Path, typer.Option(help="The configuration file.")]


@app.command()
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
    seed: Annotated[int | None, typer.Option(help="Draws keys, orders and tables.")] = None,
    pace: Annotated[
        str | None,
        typer.Option(help="fast or rds, of every failover: as fast as it goes, or as long as RDS is said to take."),
    ] = None,
    overrides: SetOption = None,
    config: ConfigOption = PROJECT_ROOT / "config.yaml",
) -> None:
    """Measure, and write a run directory with its report."""
    from harness import suite
    from harness.rundir import command_line

    asked = suite.Request(
        scenarios=tuple(scenarios or ()), profile=profile, target=target, out=out_dir, seed=seed,
        overrides=(*(overrides or ()), *([f"rds_failover.pace={pace}"] if pace else [])), config=config,
        command=tuple(command_line()),
    )  # fmt: skip
    with suite.progress_on(err) as progress:
        outcome = suite.run(asked, progress)
    for line in outcome.lines:
        out.print(line, markup=False)
    raise typer.Exit(outcome.exit_code)


@app.command()
def report(run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]) -> None:
    """Make the report of a run again from its samples."""
    from harness.report_child import make_report

    raise typer.Exit(make_report(run_dir))


@app.command()
def calibrate(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what this machine's clients cost, what it can honestly offer to each service, and what makes it noisy."""
    from harness import calibration, suite

    with suite.progress_on(err) as progress:
        found = calibration.run(progress)
    for line in (found.as_json(),) if as_json else found.lines():
        out.print(line, markup=False)


@app.command()
def selftest(
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Keep the run there; thrown away where not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the order of the trials.")] = 1,
) -> None:
    """Measure servers whose answers are known, and say whether each came back; exit 1 where one didn't."""
    from harness import selftest as planted
    from harness import suite

    with suite.progress_on(err) as progress:
        outcome = planted.run(progress, out=out_dir, seed=seed)
    for line in outcome.lines():
        out.print(line, markup=False)
    raise typer.Exit(outcome.exit_code)


@app.command()
def plan(
    traces: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[TRACE]…", help="CSV or Parquet, or JSON of CloudWatch's consumed capacity."),
    ] = None,
    from_run: Annotated[Path | None, typer.Option(metavar="RUN", help="Replay what a run consumed.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Which of the run's scenarios.")] = None,
    arm: Annotated[str | None, typer.Option(help="Which of its arms.")] = None,
    from_table: Annotated[
        str | None, typer.Option(metavar="NAME", help="Replay what a table on AWS consumed, by CloudWatch; only reads.")
    ] = None,
    days: Annotated[int, typer.Option(help="How far back, for --from-table: 15 by the minute, 455 at most.")] = 14,
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask there instead of AWS, for --from-table.")
    ] = None,
    most_throttled: Annotated[float, typer.Option(metavar="PERCENT", help="Of reads and of writes.")] = 0.1,
    timezone: Annotated[str | None, typer.Option(help="Of times that have no offset, such as Europe/Berlin.")] = None,
    item_bytes: Annotated[int | None, typer.Option(help="Size of every item.")] = None,
    strong: Annotated[bool, typer.Option("--strong", help="Reads are strongly consistent.")] = False,
    reserved: Annotated[bool, typer.Option("--reserved", help="Compare with capacity reserved for a year.")] = False,
    key_shares: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The busiest keys' shares of the demand, one a line.")
    ] = None,
    schedule: Annotated[
        Path | None, typer.Option(metavar="FILE", help="read,write units of each UTC hour, to compare too.")
    ] = None,
    scaling_delay: Annotated[float, typer.Option(metavar="S", help="From auto scaling's alarm to its change.")] = 0.0,
    most_capacity: Annotated[int, typer.Option(help="A table's quota of each kind.")] = 40_000,
    region: Annotated[str, typer.Option(help="Whose prices; and where the table is.")] = "us-east-1",
    price_region: Annotated[
        str | None, typer.Option(metavar="REGION", help="Whose prices, where not that region's.")
    ] = None,
    prices: Annotated[str | None, typer.Option(metavar="FILE", help="A price file of your own.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Replay by the twin's own rules too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    out_dir: Annotated[Path | None, typer.Option("--out", help="A new directory for a report.")] = None,
) -> None:
    """Replay a demand and say which capacity setting of DynamoDB is cheapest."""
    import json

    from harness import planning

    planned = planning.plan(
        planning.Request(
            traces=tuple(traces or ()), from_run=from_run, scenario=scenario, arm=arm,
            from_table=from_table, days=days, endpoint_url=endpoint_url, most_throttled_percent=most_throttled, timezone=timezone, item_bytes=item_bytes, strong=strong,
            reserved=reserved, key_shares=key_shares, schedule=schedule, scaling_delay_s=scaling_delay,
            most_capacity=most_capacity, region=region, price_region=price_region, prices_file=prices, check=check, out=out_dir,
        )
    )  # fmt: skip
    if as_json:
        print(json.dumps(planned.as_record(), allow_nan=False))  # noqa: T201 - for programs: nothing wrapped or styled
    else:
        planning.show(planned, out)
    if out_dir is not None:
        raise typer.Exit(planning.write_report(planned, out_dir, None if as_json else out))


@app.command("plan-cache")
def plan_cache(
    trace: Annotated[
        Path | None, typer.Argument(metavar="[TRACE]", help="CSV or Parquet: key, and maybe bytes, time, op.")
    ] = None,
    from_run: Annotated[Path | None, typer.Option(metavar="RUN", help="The keys that a run's samples hold.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Which of the run's scenarios.")] = None,
    arm: Annotated[str | None, typer.Option(help="Which of its arms.")] = None,
    part: Annotated[str | None, typer.Option(help="Which of its parts.")] = None,
    step: Annotated[str | None, typer.Option(help="Which of their steps.")] = None,
    item_bytes: Annotated[int | None, typer.Option(help="Size of every value.")] = None,
    reads_per_s: Annotated[float | None, typer.Option(help="Instead of what the trace's times tell.")] = None,
    read_usd: Annotated[
        float | None, typer.Option("--read-usd-per-million", help="Worth of a read saved; DynamoDB's price without.")
    ] = None,
    rds: Annotated[str | None, typer.Option(metavar="TYPE", help="Or its part of an instance, as db.t3.large.")] = None,
    rds_reads_per_s: Annotated[float | None, typer.Option(help="That use this instance up.")] = None,
    t_get_us: Annotated[float | None, typer.Option(help="A read of the cache takes, for the mean latency.")] = None,
    t_db_us: Annotated[float | None, typer.Option(help="A read of the database takes.")] = None,
    t_set_us: Annotated[float | None, typer.Option(help="Setting an entry takes.")] = None,
    ttl_s: Annotated[float | None, typer.Option(help="Say what a TTL alone would leave.")] = None,
    engine: Annotated[str, typer.Option(help="valkey or redis.")] = "valkey",
    reserved_memory_percent: Annotated[float, typer.Option(help="Of a node's memory.")] = 25.0,
    item_overhead_bytes: Annotated[int, typer.Option(help="Memory of an entry beyond key and value.")] = 80,
    replicas: Annotated[int, typer.Option(help="Nodes more that hold the same.")] = 0,
    warm_up: Annotated[float, typer.Option(metavar="PERCENT", help="First accesses that aren't counted.")] = 0.0,
    sample: Annotated[float, typer.Option(metavar="SHARE", help="Of the keys, for huge traces.")] = 1.0,
    region: Annotated[str, typer.Option(help="Whose prices.")] = "us-east-1",
    prices: Annotated[str | None, typer.Option(metavar="FILE", help="A price file of your own.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Play plain LRU caches too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    out_dir: Annotated[Path | None, typer.Option("--out", help="A new directory for a report.")] = None,
) -> None:
    """Say from a key trace which cache size and which ElastiCache node type pays."""
    import json

    from harness import cache_planning

    planned = cache_planning.plan(
        cache_planning.Request(
            trace=trace, from_run=from_run, scenario=scenario, arm=arm, part=part, step=step,
            item_bytes=item_bytes, reads_per_s=reads_per_s,
            read_usd_per_million=read_usd, rds=rds, rds_reads_per_s=rds_reads_per_s,
            trips_us=(t_get_us, t_db_us, t_set_us), ttl_s=ttl_s, engine=engine,
            reserved_memory_percent=reserved_memory_percent, item_overhead_bytes=item_overhead_bytes, replicas=replicas,
            warm_up_percent=warm_up, sample=sample, region=region, prices_file=prices, check=check, out=out_dir,
        )
    )  # fmt: skip
    if as_json:
        print(json.dumps(planned.as_record(), allow_nan=False))  # noqa: T201 - for programs: nothing wrapped or styled
    else:
        cache_planning.show(planned, out)
    if out_dir is not None:
        raise typer.Exit(cache_planning.write_report(planned, out_dir, None if as_json else out))


@app.command()
def dynamodb(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 asks the system.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(help="How much faster than the wall its clock runs.")] = 1.0,
    require_signature: Annotated[
        bool, typer.Option("--require-signature", help="Refuse what isn't signed with the key.")
    ] = False,
    access_key: Annotated[
        str | None, typer.Option(metavar="ID", help="The key's id; AWS_ACCESS_KEY_ID where not given.")
    ] = None,
    secret_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The secret key; AWS_SECRET_ACCESS_KEY where not given.")
    ] = None,
    service_time: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: how long answers take, for each operation.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the service times.")] = 0,
    control: Annotated[bool, typer.Option("--control", help="Offer /_twin/ beyond loopback too.")] = False,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Read tables from there, and write them when stopped.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: what AWS doesn't publish; docs/twin.md lists it.")
    ] = None,
    partition_limits: Annotated[bool, typer.Option(help="Throttle hot partitions as well as tables.")] = True,
) -> None:
    """Run the DynamoDB twin in the foreground; any AWS SDK can talk to it."""
    from harness.local.dynamodb.wire.options import options_of
    from harness.local.dynamodb.wire.server import serve

    options = options_of(
        host=host, port=port, speed=speed, require_signature=require_signature, access_key=access_key,
        secret_key_file=secret_key_file, service_time=service_time, seed=seed, control=control,
        partition_limits=partition_limits, data=data, parameters=parameters,
    )  # fmt: skip
    raise typer.Exit(serve(options))


@app.command(
    "aws",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
)
def aws(context: typer.Context) -> None:
    """The AWS target; `dbharness aws --help` says what there is."""
    from harness.aws.cli import app as aws_app  # boto3 is imported where it is used

    aws_app(args=context.args, prog_name="dbharness aws")


@services_app.command("up")
def services_up(
    speed: Annotated[float, typer.Option(help="Speed of the DynamoDB twin's clock.")] = 1.0,
) -> None:
    """Start all embedded servers and leave them running."""
    from harness.local import services

    _print_services(services.services_up(dynamodb_speed=speed))


@services_app.command("down")
def services_down() -> None:
    """Stop what `services up` started."""
    from harness.local import services

    out.print("stopped" if services.services_down() else "nothing was up", markup=False)


@services_app.command("status")
def services_status() -> None:
    """Say what is up, and where."""
    from harness.local import services

    _print_services(services.services_status())


def _print_services(state: "State | None") -> None:
    """A line for each service: where it answers, and what it is."""
    if state is None:
        out.print("nothing is up", markup=False)
        return
    if state.dynamodb_url:
        speed = f", speed {state.dynamodb_speed:g}"
        out.print(f"dynamodb  {state.dynamodb_url}  ({state.products['dynamodb']}{speed})", markup=False)
    for node in state.cache:
        out.print(f"cache     {node.host}:{node.port}  ({state.products['valkey']})", markup=False)
    for engine, at in state.sql.items():
        url = f"{at.user}:{at.password}@{at.host}:{at.port}/{at.database}"
        out.print(f"{engine:9} {url}  ({state.products[engine]})", markup=False)
    for missing, why in state.unavailable.items():
        out.print(f"{missing:9} not available: {why}", markup=False)


def main() -> None:
    """Entry point: one line instead of a traceback for anything a user can mend."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except HarnessError as error:
        err.print(str(error), markup=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _terminate(*_: object) -> None:
    """SIGTERM unwinds like Ctrl-C, so that everything is stopped on the way out."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
