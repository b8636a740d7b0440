"""`dbharness plan` and `plan-cache`: what a demand or a key trace says of a capacity or a cache, without measuring."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from harness.cli_shared import JsonOption, out, print_json

Scenario = Annotated[str | None, typer.Option(help="Which of the run's scenarios.")]
Arm = Annotated[str | None, typer.Option(help="Which of its arms.")]
Prices = Annotated[str | None, typer.Option(metavar="FILE", help="A price file of your own.")]
OutDir = Annotated[Path | None, typer.Option("--out", help="A new directory for a report.")]

Traces = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[TRACE]…", help="CSV or Parquet, or JSON of CloudWatch's consumed capacity."),
]
ConsumedOfRun = Annotated[Path | None, typer.Option(metavar="RUN", help="Replay what a run consumed.")]
FromTable = Annotated[
    str | None, typer.Option(metavar="NAME", help="Replay what a table on AWS consumed, by CloudWatch; only reads.")
]
Days = Annotated[int, typer.Option(help="How far back, for --from-table: 15 by the minute, 455 at most.")]
TableEndpoint = Annotated[str | None, typer.Option(metavar="URL", help="Ask there instead of AWS, for --from-table.")]
MostThrottled = Annotated[float, typer.Option(metavar="PERCENT", help="Of reads and of writes.")]
Timezone = Annotated[str | None, typer.Option(help="Of times that have no offset, such as Europe/Berlin.")]
ItemBytes = Annotated[int | None, typer.Option(help="Size of every item.")]
Strong = Annotated[bool, typer.Option("--strong", help="Reads are strongly consistent.")]
Reserved = Annotated[bool, typer.Option("--reserved", help="Compare with capacity reserved for a year.")]
KeyShares = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The busiest keys' shares of the demand, one a line.")
]
Schedule = Annotated[
    Path | None, typer.Option(metavar="FILE", help="read,write units of each UTC hour, to compare too.")
]
ScalingDelay = Annotated[float, typer.Option(metavar="S", help="From auto scaling's alarm to its change.")]
MostCapacity = Annotated[int, typer.Option(help="A table's quota of each kind.")]
RegionOfTable = Annotated[str, typer.Option(help="Whose prices; and where the table is.")]
PriceRegion = Annotated[str | None, typer.Option(metavar="REGION", help="Whose prices, where not that region's.")]
CheckByTwin = Annotated[bool, typer.Option("--check", help="Replay by the twin's own rules too.")]

KeyTrace = Annotated[
    Path | None, typer.Argument(metavar="[TRACE]", help="CSV or Parquet: key, and maybe bytes, time, op.")
]
KeysOfRun = Annotated[Path | None, typer.Option(metavar="RUN", help="The keys that a run's samples hold.")]
Part = Annotated[str | None, typer.Option(help="Which of its parts.")]
Step = Annotated[str | None, typer.Option(help="Which of their steps.")]
ValueBytes = Annotated[int | None, typer.Option(help="Size of every value.")]
ReadsPerS = Annotated[float | None, typer.Option(help="Instead of what the trace's times tell.")]
ReadUsd = Annotated[
    float | None, typer.Option("--read-usd-per-million", help="Worth of a read saved; DynamoDB's price without.")
]
Rds = Annotated[str | None, typer.Option(metavar="TYPE", help="Or its part of an instance, as db.t3.large.")]
RdsReadsPerS = Annotated[float | None, typer.Option(help="That use this instance up.")]
GetUs = Annotated[float | None, typer.Option(help="A read of the cache takes, for the mean latency.")]
DbUs = Annotated[float | None, typer.Option(help="A read of the database takes.")]
SetUs = Annotated[float | None, typer.Option(help="Setting an entry takes.")]
TtlS = Annotated[float | None, typer.Option(help="Say what a TTL alone would leave.")]
EngineName = Annotated[str, typer.Option(help="valkey or redis.")]
ReservedMemory = Annotated[float, typer.Option(help="Of a node's memory.")]
ItemOverhead = Annotated[int, typer.Option(help="Memory of an entry beyond key and value.")]
Replicas = Annotated[int, typer.Option(help="Nodes more that hold the same.")]
WarmUp = Annotated[float, typer.Option(metavar="PERCENT", help="First accesses that aren't counted.")]
Sample = Annotated[float, typer.Option(metavar="SHARE", help="Of the keys, for huge traces.")]
RegionOfPrices = Annotated[str, typer.Option(help="Whose prices.")]
CheckByLru = Annotated[bool, typer.Option("--check", help="Play plain LRU caches too.")]


def register(app: typer.Typer) -> None:
    """Mount the two commands."""
    app.command("plan")(plan)
    app.command("plan-cache")(plan_cache)


def plan(
    traces: Traces = None,
    from_run: ConsumedOfRun = None,
    scenario: Scenario = None,
    arm: Arm = None,
    from_table: FromTable = None,
    days: Days = 14,
    endpoint_url: TableEndpoint = None,
    most_throttled: MostThrottled = 0.1,
    timezone: Timezone = None,
    item_bytes: ItemBytes = None,
    strong: Strong = False,
    reserved: Reserved = False,
    key_shares: KeyShares = None,
    schedule: Schedule = None,
    scaling_delay: ScalingDelay = 0.0,
    most_capacity: MostCapacity = 40_000,
    region: RegionOfTable = "us-east-1",
    price_region: PriceRegion = None,
    prices: Prices = None,
    check: CheckByTwin = False,
    as_json: JsonOption = False,
    out_dir: OutDir = None,
) -> None:
    """Replay a demand and say which capacity setting of DynamoDB is cheapest."""
    from harness import planning

    planned = planning.plan(
        planning.Request(
            traces=tuple(traces or ()), from_run=from_run, scenario=scenario, arm=arm, from_table=from_table, days=days,
            endpoint_url=endpoint_url, most_throttled_percent=most_throttled, timezone=timezone, item_bytes=item_bytes,
            strong=strong, reserved=reserved, key_shares=key_shares, schedule=schedule, scaling_delay_s=scaling_delay,
            most_capacity=most_capacity, region=region, price_region=price_region, prices_file=prices, check=check,
            out=out_dir,
        )
    )  # fmt: skip
    _answer(
        planned.as_record(), partial(planning.show, planned), partial(planning.write_report, planned),
        as_json=as_json, out_dir=out_dir,
    )  # fmt: skip


def plan_cache(
    trace: KeyTrace = None,
    from_run: KeysOfRun = None,
    scenario: Scenario = None,
    arm: Arm = None,
    part: Part = None,
    step: Step = None,
    item_bytes: ValueBytes = None,
    reads_per_s: ReadsPerS = None,
    read_usd: ReadUsd = None,
    rds: Rds = None,
    rds_reads_per_s: RdsReadsPerS = None,
    t_get_us: GetUs = None,
    t_db_us: DbUs = None,
    t_set_us: SetUs = None,
    ttl_s: TtlS = None,
    engine: EngineName = "valkey",
    reserved_memory_percent: ReservedMemory = 25.0,
    item_overhead_bytes: ItemOverhead = 80,
    replicas: Replicas = 0,
    warm_up: WarmUp = 0.0,
    sample: Sample = 1.0,
    region: RegionOfPrices = "us-east-1",
    prices: Prices = None,
    check: CheckByLru = False,
    as_json: JsonOption = False,
    out_dir: OutDir = None,
) -> None:
    """Say from a key trace which cache size and which ElastiCache node type pays."""
    from harness import cache_planning

    planned = cache_planning.plan(
        cache_planning.Request(
            trace=trace, from_run=from_run, scenario=scenario, arm=arm, part=part, step=step, item_bytes=item_bytes,
            reads_per_s=reads_per_s, read_usd_per_million=read_usd, rds=rds, rds_reads_per_s=rds_reads_per_s,
            trips_us=(t_get_us, t_db_us, t_set_us), ttl_s=ttl_s, engine=engine,
            reserved_memory_percent=reserved_memory_percent, item_overhead_bytes=item_overhead_bytes, replicas=replicas,
            warm_up_percent=warm_up, sample=sample, region=region, prices_file=prices, check=check, out=out_dir,
        )
    )  # fmt: skip
    _answer(
        planned.as_record(), partial(cache_planning.show, planned), partial(cache_planning.write_report, planned),
        as_json=as_json, out_dir=out_dir,
    )  # fmt: skip


def _answer(
    record: Mapping[str, Any],
    show: Callable[[Console], None],
    write_report: Callable[[Path, Console | None], int],
    *,
    as_json: bool,
    out_dir: Path | None,
) -> None:
    """Print a plan, for programs or for people; with a directory, leave its report there and exit as that does."""
    if as_json:
        print_json(record)
    else:
        show(out)
    if out_dir is not None:
        raise typer.Exit(write_report(out_dir, None if as_json else out))
