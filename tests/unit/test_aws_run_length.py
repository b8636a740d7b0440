"""How long a planned run on AWS is: what the settings fix is added up by hand, what is assumed is named."""

from pathlib import Path
from statistics import fmean

import orjson
import pytest

from harness import config as configuration
from harness import dataset, flights, registry
from harness.aws import planned, run_length
from harness.aws.deployment import (
    FIVE_ENTRIES_BYTES,
    ITEM_BYTES,
    LOCAL_ENTRIES_BYTES,
    STACKS,
    Database,
    of_stacks,
)
from harness.config import Config
from harness.dynamodb.capacity_plan import CapacityModesSettings, trials_of
from harness.dynamodb.metering import item_size
from harness.dynamodb.query_settings import QueryVsScanSettings
from harness.errors import UsageError
from harness.paths import PROJECT_ROOT
from harness.plan import Trial


def trial(arm: str, part: str, **params: float) -> Trial:
    return Trial(trial=0, pair=0, arm=arm, step="", labels={"part": part}, params=dict(params))


def capacity(arm: str, part: str = "ramp", service_s: float = 100) -> Trial:
    return trial(
        arm, part, service_s=service_s, peak_multiple=2.0, read_capacity_units=5, write_capacity_units=3
    )  # fmt: skip


def test_capacity_modes_takes_its_service_seconds_and_a_full_store_before_what_is_provisioned() -> None:
    """100 s each and 20 s for each table, 300 s more for the provisioned one: 540 s.

    On demand 2 × 5 × 100 = 1,000 read units at most, 2 × 3 × 100 = 600 write units; part hot needs scaled limits.
    """
    made = run_length.capacity_modes([capacity("provisioned"), capacity("on_demand"), capacity("on_demand", "hot")])
    assert (made.seconds, made.read_request_units, made.write_request_units) == (540, 1_000, 600)


def test_diurnal_is_what_makes_standard_long() -> None:
    """5 hours × 3 arms × 6 rounds are 90 h; two of the arms are provisioned: 18 tables × 20 s and 12 stores × 300 s are 1.1 h more."""
    settings = CapacityModesSettings(parts=("diurnal",), pairs=6)
    made = run_length.capacity_modes(trials_of(settings, seed="1"))
    assert made.seconds == 90 * 3_600 + 18 * 20 + 12 * 300


def test_cache_hit_rate_takes_its_trials_and_two_seconds_between_them() -> None:
    """(1 + 2) + 2 and (0 + 3) + 2 s; a cache on AWS isn't killed, so part lost takes none."""
    trials = [
        trial("lazy", "size", warm_up_s=1, measured_s=2),
        trial("lazy", "stampede", warm_up_s=0, measured_s=3),
        trial("timeout", "lost", warm_up_s=0, measured_s=100),
    ]
    assert run_length.cache_hit_rate(trials).seconds == 10


def test_a_failover_takes_what_is_typical_at_most_and_a_rest() -> None:
    """6 × (120 + 300) s of the instance, 6 × (35 + 300) s of the cluster; a single instance has nowhere to go."""
    databases = [
        Database(engine="mysql", topology=topology, instance_class="db.m5.large", storage_gb=100)
        for topology in ("single_az", "multi_az_instance", "multi_az_cluster")
    ]
    made = run_length.rds_failover(databases, trials=6)
    assert made.seconds == 6 * 420 + 6 * 335
    assert made.how.startswith("6 failovers of 2 databases")


def test_loading_tables_costs_a_unit_for_every_item_and_index_entry() -> None:
    """Tables of 1,000 and 4,000 with one index: 2 × 5,000 units, loaded in 5 s.

    A Scan of them reads 242,000 and 968,000 B: 60 and 237 blocks of 4 KB, half a unit each: 30 and 118.5. Two arms, (1 + 2) answers each, as
    many units as two Scans: 2 × 3 × 148.5 = 891, in each of the 6 rounds.
    """
    settings = QueryVsScanSettings(parts=("table_items",), table_items=(1000, 4000), pairs=6)
    made = run_length.query_vs_scan(settings)
    assert made.write_request_units == 10_000
    assert made.read_request_units == 6 * 891


def test_the_largest_table_is_loaded_once_with_all_its_indexes() -> None:
    """Five indexes on the largest: 4,000 × 6; one on the other: 1,000 × 2."""
    settings = QueryVsScanSettings(parts=("arms", "table_items"), table_items=(1000, 4000))
    assert run_length.query_vs_scan(settings).write_request_units == 24_000 + 2_000


def test_larger_items_cost_more_to_load_and_to_read() -> None:
    """1,000 items of 2,048 B: 2 units each; 2,048,000 B are 500 blocks, 250 units a Scan, 3 in each of 6 rounds."""
    settings = QueryVsScanSettings(parts=("item_bytes",), item_sizes=(2048,), item_size_items=1000)
    made = run_length.query_vs_scan(settings)
    assert (made.write_request_units, made.read_request_units) == (2_000, 6 * 3 * 250)


def test_somebody_elses_scan_isnt_planned_on_aws() -> None:
    """Part neighbour sets the twin's clock."""
    made = run_length.query_vs_scan(QueryVsScanSettings(parts=("neighbour",)))
    assert (made.seconds, made.read_request_units, made.write_request_units) == (0, 0, 0)


def test_an_item_and_its_entries_are_as_large_as_the_flights_are() -> None:
    """January's first thousand flights by A15, to a byte."""
    data = dataset.load((1,))
    items = [orjson.loads(one) for one in flights.serialised_items(data, places=range(1000))]

    def entries(*indexes: flights.FlightIndex) -> float:
        return fmean(sum(item_size(index.entry(item)) for index in indexes) for item in items)

    local = (flights.LOCAL_INCLUDE, flights.LOCAL_KEYS)
    everywhere = (flights.BY_DEST, flights.BY_DEST_INCLUDE, flights.BY_DEST_KEYS, *local)
    assert fmean(map(item_size, items)) == pytest.approx(ITEM_BYTES, abs=1)
    assert entries(flights.BY_DEST) == pytest.approx(ITEM_BYTES, abs=1)
    assert entries(*everywhere) == pytest.approx(FIVE_ENTRIES_BYTES, abs=1)
    assert entries(*local) == pytest.approx(LOCAL_ENTRIES_BYTES, abs=1)


def quick(path: Path = PROJECT_ROOT / "config.yaml") -> Config:
    return configuration.load(path, registry.settings_models(), profile="quick")


def test_a_run_is_deployed_first_and_taken_down_last() -> None:
    """45 and 20 minutes, around the scenarios that run on AWS, in their order."""
    work = planned.work(quick(), of_stacks(STACKS["quick"], items=27_004))
    assert [part.name for part in work.parts] == [
        "up", "query_vs_scan", "capacity_modes", "cache_hit_rate", "rds_failover", "down",
    ]  # fmt: skip
    assert (work.parts[0].seconds, work.parts[-1].seconds) == (2_700, 1_200)
    assert work.hours == pytest.approx(sum(part.seconds for part in work.parts) / 3_600)


def test_only_what_is_asked_for_is_planned() -> None:
    """And what isn't there is refused by name."""
    deployed = of_stacks(STACKS["quick"], items=27_004)
    work = planned.work(quick(), deployed, ["rds_failover"])
    assert [part.name for part in work.parts] == ["up", "rds_failover", "down"]
    assert work.parts[1].seconds == 2 * 6 * 420
    with pytest.raises(UsageError, match="how long nothing takes isn't known"):
        planned.work(quick(), deployed, ["nothing"])
