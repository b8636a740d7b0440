"""Every kind of line worked out by hand, and nothing free because its price is missing."""

import pytest

from harness.aws.deployment import (
    SIZES,
    STACKS,
    CacheNodes,
    Database,
    Deployment,
    Generators,
    Part,
    Table,
    Work,
    of_stacks,
)
from harness.aws.estimate import Estimate, Line, estimate, proxy_vcpus
from harness.aws.price_sheet import PriceSheet, Quote
from harness.config import Config, load_prices
from harness.dynamodb.pricing import Prices

FILE = PriceSheet(prices=load_prices(Config()))
TEN_HOURS = Work(parts=(Part(name="run", seconds=36_000, how="given"),))


def of(deployed: Deployment, work: Work = TEN_HOURS, sheet: PriceSheet = FILE) -> Estimate:
    return estimate(deployed, work, sheet)


def line(made: Estimate, what: str) -> Line:
    [found] = [one for one in made.lines if one.what == what]
    return found


def database(topology: str = "single_az", engine: str = "mysql", **more: object) -> Deployment:
    asked = {"instance_class": "db.m5.large", "storage_gb": 100.0, **more}
    return Deployment(databases=(Database(engine=engine, topology=topology, **asked),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("topology", "usd_hour", "gb_month"), [("single_az", 0.171, 0.115), ("multi_az_instance", 0.342, 0.23)]
)
def test_an_instance_is_billed_by_the_hour_and_its_storage_by_the_month(
    topology: str, usd_hour: float, gb_month: float
) -> None:
    """Ten hours of $0.171 are $1.71, of the pair $3.42; 100 GB × $0.115 × 10/730 = $0.1575, twice that for two copies."""
    made = of(database(topology))
    instance = line(made, f"RDS mysql, {topology}: db.m5.large")
    storage = line(made, f"RDS mysql, {topology}: storage")
    assert (instance.usd_hour, instance.usd_run) == (usd_hour, pytest.approx(10 * usd_hour))
    assert storage.usd_run == pytest.approx(100 * gb_month * 10 / 730)
    assert instance.source == "https://aws.amazon.com/rds/mysql/pricing/, read 2026-11"


def test_a_cluster_has_prices_of_its_own_which_the_file_lacks() -> None:
    """Three instances of a class aren't three times anything that is known, nor is their storage (io1, with paid operations)."""
    made = of(database("multi_az_cluster", instance_class="db.m6gd.large", iops=1000))
    assert made.unknown == (
        "RDS mysql, multi_az_cluster: db.m6gd.large",
        "RDS mysql, multi_az_cluster: storage",
        "RDS mysql, multi_az_cluster: operations a second",
    )
    assert made.run.usd is None and made.run.at_least


def test_a_cluster_is_billed_by_its_own_price_where_that_is_known() -> None:
    """$0.50 for the three together: $5 in ten hours; 100 GB at $0.375 and 1,000 operations at $0.30 a month for 10 of 730 hours: $4.62."""
    quotes = {
        "rds.db_m6gd_large_multi_az_cluster_hour_usd": Quote(usd=0.50, source="by hand"),
        "rds.storage_io1_multi_az_cluster_gb_month_usd": Quote(usd=0.375, source="by hand"),
        "rds.iops_multi_az_cluster_month_usd": Quote(usd=0.30, source="by hand"),
    }
    made = of(database("multi_az_cluster", instance_class="db.m6gd.large", iops=1000), sheet=FILE.with_quotes(quotes))
    assert made.run.usd == pytest.approx(5.0 + (37.5 + 300.0) * 10 / 730)
    assert not made.run.at_least


def test_the_engines_have_prices_of_their_own() -> None:
    """PostgreSQL isn't taken to cost the same: $0.178 an hour, MySQL $0.171."""
    assert line(of(database(engine="postgres")), "RDS postgres, single_az: db.m5.large").usd_hour == pytest.approx(
        0.178
    )
    assert line(of(database(engine="mysql")), "RDS mysql, single_az: db.m5.large").usd_hour == pytest.approx(0.171)


def test_an_unknown_class_is_unknown_and_the_total_at_least_the_rest() -> None:
    """100 GB for ten hours are $0.1575, the instance isn't known; nor is a proxy of it, whose vCPU nobody knows."""
    made = of(database(instance_class="db.x9.huge", proxy=True))
    instance, proxy = line(made, "RDS mysql, single_az: db.x9.huge"), line(made, "RDS mysql, single_az: proxy")
    assert (instance.usd_per_unit, instance.usd_hour, instance.usd_run) == (None, None, None)
    assert instance.source == "unknown: no price rds.db_x9_huge_hour_usd for us-east-1"
    assert (proxy.quantity, proxy.usd_run) == (None, None)
    assert proxy.source == "unknown: how much of it there is can't be told"
    assert made.run.usd == pytest.approx(0.15753, abs=1e-5) and made.run.at_least


@pytest.mark.parametrize(
    ("instance_class", "topology", "vcpus"),
    [
        ("db.t2.micro", "single_az", 2),
        ("db.m5.large", "single_az", 2),
        ("db.m5.xlarge", "multi_az_instance", 4),
        ("db.m6gd.large", "multi_az_cluster", 6),
    ],
)
def test_a_proxy_is_billed_by_the_vcpu_and_for_two_at_least(instance_class: str, topology: str, vcpus: int) -> None:
    """A db.t2.micro has one and is billed for two; of a cluster all three instances are behind it. $0.015 each: 10 h × 0.015 × n."""
    made = of(database(topology, instance_class=instance_class, proxy=True))
    proxy = line(made, f"RDS mysql, {topology}: proxy")
    assert proxy.quantity == proxy_vcpus(Database(engine="mysql", topology=topology, instance_class=instance_class, storage_gb=1)) == vcpus  # type: ignore[arg-type] # fmt: skip
    assert proxy.usd_run == pytest.approx(0.15 * vcpus)


def test_backups_are_free_up_to_the_size_of_the_databases() -> None:
    """200 GB provisioned, 250 GB of backups: 50 GB × $0.095 × 10/730 = $0.0651; 150 GB cost nothing."""
    both = Deployment(databases=database().databases * 2, backup_gb=250.0)
    beyond = line(of(both), "RDS: backups beyond the free part")
    assert (beyond.quantity, beyond.usd_run) == (50.0, pytest.approx(0.06507, abs=1e-5))
    within = line(of(Deployment(databases=both.databases, backup_gb=150.0)), "RDS: backups beyond the free part")
    assert (within.quantity, within.usd_run) == (0.0, 0.0)


def test_cache_nodes_are_billed_by_whole_hours() -> None:
    """Two nodes at $0.0128 are $0.0256 an hour; nine and a half hours count as ten: $0.256. Redis costs a quarter more."""
    work = Work(parts=(Part(name="run", seconds=9.5 * 3_600, how="given"),))
    nodes = CacheNodes(engine="valkey", node_type="cache.t4g.micro", nodes=2)
    found = line(of(Deployment(caches=(nodes,)), work), "ElastiCache valkey: cache.t4g.micro")
    assert (found.usd_hour, found.usd_run) == (pytest.approx(0.0256), pytest.approx(0.256))
    redis = CacheNodes(engine="redis", node_type="cache.t4g.micro", nodes=2)
    assert of(Deployment(caches=(redis,)), work).run.usd == pytest.approx(0.32)


def test_provisioned_capacity_is_billed_by_whole_hours_used_or_not() -> None:
    """100 RCU × $0.00013 and 50 WCU × $0.00065 are $0.013 and $0.0325 an hour: $0.13 and $0.325 in ten."""
    table = Table(name="provisioned", mode="provisioned", read_capacity_units=100, write_capacity_units=50)
    made = of(Deployment(tables=(table,)))
    assert line(made, "DynamoDB provisioned: reads").usd_run == pytest.approx(0.13)
    assert line(made, "DynamoDB provisioned: writes").usd_run == pytest.approx(0.325)
    assert made.hourly.usd == pytest.approx(0.0455)


def test_requests_on_demand_are_billed_by_their_number_and_by_no_hour() -> None:
    """2 million reads × $0.125 and 0.4 million writes × $0.625 are $0.25 each, in however many hours."""
    asked = Part(name="run", seconds=36_000, how="given", read_request_units=2e6, write_request_units=4e5)
    made = of(Deployment(), Work(parts=(asked,)))
    reads, writes = line(made, "DynamoDB on demand: reads"), line(made, "DynamoDB on demand: writes")
    assert (reads.usd_hour, reads.usd_run, writes.usd_run) == (None, pytest.approx(0.25), pytest.approx(0.25))
    assert (made.run.usd, made.hourly.usd) == (pytest.approx(0.50), 0.0)


def test_storage_of_tables_counts_a_hundred_bytes_more_for_every_item_and_index_entry() -> None:
    """A million items of 300 B, whose entries in two indexes have 100 and 50 B: 10⁶ × (400 + 200 + 150) B = 0.75 GB.

    0.75 × $0.25 × 10/730 = $0.00257.
    """
    table = Table(name="t", mode="on_demand", items=10**6, item_bytes=300, indexes=2, index_bytes=150)
    stored = line(of(Deployment(tables=(table,))), "DynamoDB: storage")
    assert (stored.quantity, stored.usd_run) == (0.75, pytest.approx(0.1875 * 10 / 730))


def test_being_restorable_to_a_point_in_time_is_billed_for_the_table_and_its_local_indexes() -> None:
    """Of the same, where the one of 50 B is local: 10⁶ × (400 + 150) B = 0.55 GB at $0.20 × 10/730, which the file doesn't know."""
    table = Table(
        name="t", mode="on_demand", items=10**6, item_bytes=300, indexes=2, index_bytes=150, local_indexes=1,
        local_index_bytes=50, point_in_time=True,
    )  # fmt: skip
    what, key = "DynamoDB: restorable to a point in time", "dynamodb.point_in_time_gb_month_usd"
    assert not line(of(Deployment(tables=(table,))), what).known
    made = of(Deployment(tables=(table,)), sheet=FILE.with_quotes({key: Quote(usd=0.20, source="by hand")}))
    assert (line(made, what).quantity, line(made, what).usd_run) == (0.55, pytest.approx(0.11 * 10 / 730))


def test_interface_endpoints_are_billed_in_each_zone_and_by_what_passes() -> None:
    """Three in two zones: 6 × $0.01 × 10 h = $0.60; 5 GB × $0.01 = $0.05."""
    made = of(Deployment(endpoint_zones=6, endpoint_gb=5.0))
    assert line(made, "Interface endpoints").usd_run == pytest.approx(0.60)
    assert line(made, "Interface endpoints: data").usd_run == pytest.approx(0.05)


def test_secrets_are_billed_for_their_part_of_a_month() -> None:
    """Three at $0.40 a month of 730 hours: $1.20 × 10/730 = $0.01644 in ten hours."""
    assert line(of(Deployment(secrets=3)), "Secrets Manager").usd_run == pytest.approx(0.016438, abs=1e-6)


def test_there_is_no_nat_gateway_to_pay() -> None:
    """A known zero: there is none."""
    nat = line(of(Deployment()), "NAT gateway")
    assert (nat.usd_hour, nat.usd_run, nat.known) == (0.0, 0.0, True)


def test_load_generators_have_no_price_unless_one_is_given() -> None:
    """Two for ten hours at $0.05 are $1; without a price they are unknown, and so are their disks."""
    deployed = Deployment(generators=(Generators(instance_type="c6i.large", count=2),))
    assert of(deployed).unknown == ("EC2 load generators: c6i.large", "EC2 load generators: disks")
    given = FILE.with_quotes({"ec2.c6i_large_hour_usd": Quote(usd=0.05, source="as given")})
    found = line(of(deployed, sheet=given), "EC2 load generators: c6i.large")
    assert (found.usd_run, found.source) == (pytest.approx(1.0), "as given")


def test_a_region_without_prices_makes_everything_unknown_and_nothing_zero() -> None:
    """Every line but what there is none of, and the totals."""
    nowhere = PriceSheet(prices=load_prices(Config(region="mars-1"), of_any_region=True))
    made = of(of_stacks(STACKS["quick"], items=1000), sheet=nowhere)
    assert {one.what for one in made.lines if one.known} == {"NAT gateway", "RDS: backups beyond the free part"}
    assert (made.run.usd, made.run.at_least, made.hourly.usd) == (None, True, None)


def test_a_total_is_exact_only_where_everything_in_it_is_known() -> None:
    """$1.71 and $0.1575 and no backup: nothing is missing."""
    made = of(database())
    assert (made.run.at_least, made.unknown) == (False, ())
    assert made.run.usd == pytest.approx(1.71 + 0.157534, abs=1e-6)


def test_a_price_says_where_it_comes_from_by_the_longest_beginning_of_its_key() -> None:
    """A part of a service may have another source than the rest of it."""
    prices = Prices(
        date="2026-11", region="r", source="all others", values={"a.b.c": 1.0, "a.x": 2.0, "z": 3.0},
        sources={"a.": "page of a", "a.b.": "page of b"},
    )  # fmt: skip
    assert [prices.source_of(key) for key in ("a.b.c", "a.x", "z")] == ["page of b", "page of a", "all others"]


def test_full_is_three_stacks_with_every_topology_of_both_engines() -> None:
    """Six databases; one cache and one pair of tables; endpoints: 8 with tables and cache, 6 without either: 8 + 6 + 6 in a zone each."""
    full = of_stacks(STACKS["full"], items=1000)
    assert [(one.engine, one.topology) for one in full.databases] == [
        (engine, topology)
        for topology in ("single_az", "multi_az_instance", "multi_az_cluster")
        for engine in ("mysql", "postgres")
    ]
    assert all(one.proxy for one in full.databases)
    assert (len(full.caches), [one.name for one in full.tables]) == (1, ["provisioned", "on_demand"])
    assert (full.endpoint_zones, full.secrets, full.zones) == (20, 7, 3)


def test_a_stack_without_generators_has_no_endpoints_and_no_bucket() -> None:
    """Nobody would use them."""
    bare = of_stacks([{**STACKS["quick"][0], "Generators": 0}], items=1)
    assert (bare.generators, bare.endpoint_zones, bare.endpoint_gb, bare.bucket_gb) == ((), 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MySqlTopology", "ring", "MySqlTopology: expected none or single_az"),
        ("CacheEngine", "memcached", "CacheEngine: expected valkey or redis, found memcached"),
        ("Generators", "many", "Generators: expected a whole number, found 'many'"),
    ],
)
def test_a_parameter_that_cant_be_meant_is_named(name: str, value: str, said: str) -> None:
    """What is deployed otherwise isn't what was estimated."""
    with pytest.raises(ValueError, match=said):
        of_stacks([{**STACKS["quick"][0], name: value}], items=1)


def test_a_missing_parameter_is_named() -> None:
    """It isn't taken to be nothing."""
    stack = {name: value for name, value in STACKS["quick"][0].items() if name != "SqlStorageGb"}
    with pytest.raises(ValueError, match="SqlStorageGb: this parameter of the stack is missing"):
        of_stacks([stack], items=1)


@pytest.mark.parametrize("size", SIZES)
def test_unknown_is_null_in_the_record_and_every_line_has_its_source(size: str) -> None:
    """A program must not read zero where nobody knows."""
    record = of(of_stacks(STACKS[size], items=1000)).as_record()  # type: ignore[index]
    unknown = [one for one in record["lines"] if one["what"] in record["unknown"]]
    assert unknown and all(one["usd_run"] is None and one["source"].startswith("unknown: ") for one in unknown)
    assert all(one["source"] for one in record["lines"])
    assert record["usd_run"]["at_least"] is True
