"""Prices as data, refused by name where they are wrong, and never zero where they are unknown."""

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

import harness
from harness.dynamodb.pricing import Prices, break_even_utilisation, on_demand_usd, provisioned_usd

FILE = Path(harness.__file__).parent / "prices.yaml"
KNOWN = {
    "dynamodb.on_demand_write_usd_per_million": 0.625,
    "dynamodb.on_demand_read_usd_per_million": 0.125,
    "dynamodb.provisioned_wcu_hour_usd": 0.00065,
    "dynamodb.provisioned_rcu_hour_usd": 0.00013,
}


def document(values: dict[str, Any]) -> dict[str, Any]:
    return {"date": "2026-11", "source": "a page", "regions": {"us-east-1": values, "eu-west-1": {}}}


def prices(values: dict[str, float]) -> Prices:
    return Prices.from_mapping(document(values), region="us-east-1")


def test_a_known_price_is_given_and_an_unknown_one_is_none() -> None:
    """Nothing is free because its price is missing."""
    known = prices({"dynamodb.storage_gb_month_usd": 0.25})
    assert known.usd("dynamodb.storage_gb_month_usd") == 0.25
    assert known.usd("dynamodb.backup_gb_month_usd") is None


def test_a_price_may_be_zero_or_a_whole_number() -> None:
    """Both are known prices."""
    known = prices({"a": 0, "b": 150})
    assert (known.usd("a"), known.usd("b")) == (0.0, 150.0)


def test_the_record_holds_what_a_manifest_keeps() -> None:
    """Date, region, source and values, as plain JSON types."""
    assert prices({"a": 1}).as_record() == {
        "date": "2026-11",
        "region": "us-east-1",
        "source": "a page",
        "values": {"a": 1.0},
    }


def test_an_unquoted_full_date_is_read_as_it_is_written() -> None:
    """YAML turns 2026-11-30 into a date of its own."""
    written = {**document({}), "date": datetime.date(2026, 11, 30)}
    assert Prices.from_mapping(written, region="us-east-1").date == "2026-11-30"


def test_an_unknown_region_is_refused_with_those_there_are() -> None:
    """The error names the region asked for and the known ones."""
    with pytest.raises(ValueError, match="no prices for region 'mars-1'; there are prices for eu-west-1, us-east-1"):
        Prices.from_mapping(document({}), region="mars-1")


@pytest.mark.parametrize("wrong", [-0.1, "0.1", None, True, math.nan, math.inf, [1]])
def test_what_is_no_price_is_refused_with_its_place(wrong: Any) -> None:
    """The error names region, key and what was found."""
    with pytest.raises(ValueError, match=r"regions\.us-east-1\.some_usd: expected dollars.*found"):
        Prices.from_mapping(document({"some_usd": wrong}), region="us-east-1")


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (None, "the price document: expected a mapping, found None"),
        ({"date": "2026-11", "source": "a page"}, "regions: expected a mapping, found None"),
        ({**document({}), "regions": {"us-east-1": [1]}}, r"regions\.us-east-1: expected a mapping"),
        ({**document({}), "date": None}, "date: expected a text, found None"),
        ({**document({}), "date": 2026}, "date: expected a text, found 2026"),
        ({**document({}), "source": ""}, "source: expected a text, found ''"),
    ],
)
def test_a_document_of_another_form_is_refused(wrong: Any, where: str) -> None:
    """The error names the part."""
    with pytest.raises(ValueError, match=where):
        Prices.from_mapping(wrong, region="us-east-1")


def test_requests_on_demand_cost_by_the_million() -> None:
    """2 million reads at $0.125 and 4 million writes at $0.625: 0.25 + 2.50."""
    assert on_demand_usd(prices(KNOWN), read_units=2e6, write_units=4e6) == pytest.approx(2.75)


def test_capacity_costs_by_the_hour() -> None:
    """100 RCU and 10 WCU for a day: 100 × 24 × 0.00013 + 10 × 24 × 0.00065 = 0.312 + 0.156."""
    usd = provisioned_usd(prices(KNOWN), read_capacity_units=100, write_capacity_units=10, hours=24)
    assert usd == pytest.approx(0.468)


def test_what_is_used_needs_a_price_and_what_is_not_does_not() -> None:
    """With the price of reads alone, reads have a cost; writes beside them make it unknown."""
    reads = prices({key: usd for key, usd in KNOWN.items() if "read" in key or "rcu" in key})
    assert on_demand_usd(reads, read_units=8e6) == pytest.approx(1.0)
    assert on_demand_usd(reads, read_units=8e6, write_units=1) is None
    assert provisioned_usd(reads, 1_000, 0, hours=1) == pytest.approx(0.13)
    assert provisioned_usd(reads, 1_000, 1, hours=1) is None


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"dynamodb.on_demand_read_usd_per_million": 0.125},
        {"dynamodb.provisioned_rcu_hour_usd": 0.00013},
        {"dynamodb.on_demand_read_usd_per_million": 0, "dynamodb.provisioned_rcu_hour_usd": 0.00013},
    ],
)
def test_modes_break_even_nowhere_without_both_prices(values: dict[str, float]) -> None:
    """Nor where on demand is free."""
    assert break_even_utilisation(prices(values), "read") is None


def test_the_prices_that_come_with_the_project_are_read() -> None:
    """The file is of the form the code expects, and says when and whence."""
    shipped = Prices.from_mapping(yaml.safe_load(FILE.read_text()), region="us-east-1")
    assert shipped.date == "2026-11"
    assert "aws.amazon.com" in shipped.source
    assert KNOWN.items() <= shipped.values.items()


def test_two_availability_zones_cost_twice_one_in_the_shipped_prices() -> None:
    """A Multi-AZ instance is two instances and two volumes (C)."""
    values = Prices.from_mapping(yaml.safe_load(FILE.read_text()), region="us-east-1").values
    doubled = [key for key in values if "_multi_az" in key]
    assert len(doubled) == 1 + 12 + 12  # storage, and twelve classes of each engine
    for key in doubled:
        assert values[key] == pytest.approx(2 * values[key.replace("_multi_az", "")])


def test_the_memory_of_nodes_stands_beside_the_prices() -> None:
    """The same in every region, not needed, and a number where it is there."""
    written = {**document({}), "node_memory_bytes": {"cache_t4g_micro": 536_870_912}}
    assert Prices.from_mapping(written, region="us-east-1").node_memory_bytes == {"cache_t4g_micro": 536_870_912}
    assert prices({}).node_memory_bytes == {}
    with pytest.raises(ValueError, match="node_memory_bytes.a: expected bytes, a number of 0 or more, found 'much'"):
        Prices.from_mapping({**document({}), "node_memory_bytes": {"a": "much"}}, region="us-east-1")


def test_what_an_instance_has_stands_beside_the_prices() -> None:
    """vCPU and memory of a class, the same everywhere; a burstable one may use a share of its vCPU for good, the others all of it."""
    written = {**document({}), "instance_classes": {"db_t3_micro": {"vcpu": 2, "memory_gib": 1, "baseline_share": 0.1}}}
    found = Prices.from_mapping(written, region="us-east-1").instance_classes["db_t3_micro"]
    assert (found.vcpu, found.memory_gib, found.baseline_share) == (2, 1, 0.1)
    plain = Prices.from_mapping(
        {**document({}), "instance_classes": {"a": {"vcpu": 4, "memory_gib": 16}}}, region="us-east-1"
    )
    assert plain.instance_classes["a"].baseline_share == 1
    assert prices({}).instance_classes == {}


@pytest.mark.parametrize("wrong", [{"vcpu": 2}, {"vcpu": 0, "memory_gib": 1}, {"vcpu": 2, "memory_gib": 1, "cores": 1}])
def test_an_instance_that_lacks_something_is_refused_with_its_place(wrong: Any) -> None:
    """Nothing could be sized by it."""
    with pytest.raises(
        ValueError, match=r"instance_classes\.db_x: expected vcpu, memory_gib and perhaps baseline_share"
    ):
        Prices.from_mapping({**document({}), "instance_classes": {"db_x": wrong}}, region="us-east-1")


def test_every_priced_instance_has_a_size_in_the_shipped_prices() -> None:
    """Both engines have the same twelve classes, and each has vCPU and memory."""
    shipped = Prices.from_mapping(yaml.safe_load(FILE.read_text()), region="us-east-1")
    for engine in ("rds.", "rds.postgres_"):
        assert all(shipped.usd(f"{engine}{name}_hour_usd") for name in shipped.instance_classes)


def test_a_source_that_is_no_text_is_refused_by_the_beginning_of_its_keys() -> None:
    """As everything else in a price file."""
    with pytest.raises(ValueError, match=r"sources\.a\.: expected a text, found 3"):
        Prices.from_mapping(document({"a.b": 1.0}) | {"sources": {"a.": 3}}, region="us-east-1")


def test_every_price_of_the_file_has_a_source_of_its_own() -> None:
    """None falls back on what holds for all."""
    file = Prices.from_mapping(yaml.safe_load(FILE.read_text()), region="us-east-1")
    assert [key for key in file.values if file.source_of(key) == file.source] == []
