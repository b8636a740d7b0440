"""What operations consume and cost as AWS states it, each with its number in docs/facts.md and its arithmetic."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import harness
from harness.dynamodb import metering
from harness.dynamodb.metering import Consistency
from harness.dynamodb.pricing import Kind, Prices, break_even_utilisation

KB = 1_024

Item = dict[str, dict[str, Any]]


@pytest.mark.parametrize(
    ("size_bytes", "eventual", "strong", "transactional"),
    [
        (1, 0.5, 1, 2),  # a block begun is a block
        (4 * KB, 0.5, 1, 2),  # 4096 / 4096 = 1
        (4 * KB + 1, 1, 2, 4),  # 4097 / 4096 → 2
        (8 * KB, 1, 2, 4),  # the guide's 8 KB item: 1, 2 and 4
        (400 * KB, 50, 100, 200),  # the largest item: 100 blocks
    ],
)
def test_a1_a_read_costs_each_4_kb_begun(size_bytes: int, eventual: float, strong: float, transactional: float) -> None:
    """Half a unit eventually consistent, one strongly, two in a transaction."""
    assert metering.read_units(size_bytes) == eventual
    assert metering.read_units(size_bytes, "strong") == strong
    assert metering.read_units(size_bytes, "transactional") == transactional


@pytest.mark.parametrize(("size_bytes", "units"), [(0, 1), (1, 1), (KB, 1), (KB + 1, 2), (3 * KB, 3), (400 * KB, 400)])
def test_a2_a_write_costs_each_kb_begun_and_twice_that_in_a_transaction(size_bytes: int, units: float) -> None:
    """The guide's 3 KB item: 3 units, 6 in a transaction."""
    assert metering.write_units(size_bytes) == units
    assert metering.write_units(size_bytes, transactional=True) == 2 * units


def test_a3_a_batch_rounds_each_item_on_its_own() -> None:
    """The guide's batch of 1.5 KB and 6.5 KB: 4 KB + 8 KB, so 3 strong units; summed first they are 2."""
    sizes = [3 * KB // 2, 13 * KB // 2]
    assert sum(metering.read_units(size, "strong") for size in sizes) == 3
    assert metering.read_units(sum(sizes), "strong") == 2


@pytest.mark.parametrize(
    ("summed_bytes", "eventual", "strong"),
    [
        (41_779, 5.5, 11),  # 40.8 × 1024 = 41,779.2; / 4096 = 10.2 → 11
        (1_500 * 64, 12, 24),  # 96,000 / 4096 = 23.4 → 24
    ],
)
def test_a4_a_query_sums_its_items_and_rounds_once(summed_bytes: int, eventual: float, strong: float) -> None:
    """The guide's two examples: 40.8 KB cost as 44 KB, and 1,500 items of 64 bytes cost 24."""
    assert metering.read_units(summed_bytes) == eventual
    assert metering.read_units(summed_bytes, "strong") == strong


def test_a5_a_filter_saves_nothing() -> None:
    """1,000 items of 200 bytes evaluated cost ceil(200,000 / 4096) = 49 halves, however few come back."""
    evaluated_bytes, returned_bytes = 1_000 * 200, 3 * 200
    assert metering.read_units(evaluated_bytes) == 24.5
    assert metering.read_units(returned_bytes) == 0.5


def test_a6_a_full_page_costs_128_and_a_half() -> None:
    """Items of 100 bytes: the 10,486th crosses 1 MB, at 1,048,600; / 4096 = 256.006 → 257 halves."""
    items = 0
    while items * 100 < metering.PAGE_BYTES:
        items += 1
    assert items == 10_486
    assert metering.read_units(items * 100) == 128.5


@pytest.mark.parametrize(("consistency", "units"), [("eventual", 0.5), ("strong", 1), ("transactional", 2)])
def test_a7_finding_nothing_costs_the_least_read(consistency: Consistency, units: float) -> None:
    """A missing item (A1) or an empty answer is a block all the same."""
    assert metering.read_units(0, consistency) == units


def test_a8_a_read_of_an_index_is_sized_on_its_entries() -> None:
    """100 items of 1 KB cost 12.5 on the table (100 / 4 halves), their 40-byte entries 0.5: 4,000 < 4,096."""
    item: Item = {"flight": {"S": "UA1545"}, "dest": {"S": "IAH"}, "note": {"S": "x" * 1_001}}
    # flight 6 + 6, dest 4 + 3, note 4 + 1,001
    assert metering.item_size(item) == 1_024
    entry: Item = {
        "flight": {"S": "UA1545"},
        "dest": {"S": "IAH"},
        "day": {"S": "2013-01-01T05:15"},
        "k": {"BOOL": True},
    }
    # 12 + 7, day 3 + 16, k 1 + 1
    assert metering.item_size(entry) == 40
    assert metering.read_units(100 * metering.item_size(item)) == 12.5
    assert metering.read_units(100 * metering.item_size(entry)) == 0.5


@pytest.mark.parametrize(
    ("old", "new", "units"),
    [
        (None, 2_500, 3),  # a new item of 2.4 KB
        (2_500, 900, 3),  # a smaller one over it: the old counts
        (900, 2_500, 3),  # a larger one over it: the new counts
        (2_500, None, 3),  # a deletion costs what it deletes
        (None, None, 1),  # deleting what isn't there
    ],
)
def test_a10_a_write_costs_the_larger_of_the_item_before_and_after(
    old: int | None, new: int | None, units: float
) -> None:
    """Puts and updates alike; a transaction doubles it."""
    assert metering.put_units(old, new) == units
    assert metering.put_units(old, new, transactional=True) == 2 * units


@pytest.mark.parametrize(
    ("existing", "attempted", "units"),
    [
        (3_000, 100, 3),
        (100, 3_000, 3),
        (3_000, None, 3),  # a conditional deletion
        (None, None, 1),  # of what isn't there
    ],
)
def test_a11_a_failed_condition_costs_as_if_it_had_held(
    existing: int | None, attempted: int | None, units: float
) -> None:
    """The larger of the existing and the attempted item, one unit at least."""
    assert metering.failed_condition_units(existing, attempted) == units
    assert metering.failed_condition_units(existing, attempted, transactional=True) == 2 * units


@pytest.mark.parametrize(
    ("old", "new", "same_key", "identical", "units"),
    [
        (None, None, True, True, 0),  # the item has no entry in this index, before or after
        (None, 1_500, False, False, 2),  # an entry is added
        (1_500, None, False, False, 2),  # an entry is removed
        (1_500, 1_500, True, True, 0),  # nothing projected has changed
        (1_500, 2_500, True, False, 3),  # updated in place: the larger
        (2_500, 1_500, True, False, 3),
        (1_500, 2_500, False, False, 5),  # another index key: removed, 2, and added, 3
    ],
)
def test_a12_an_index_costs_what_changes_in_it(
    old: int | None, new: int | None, same_key: bool, identical: bool, units: float
) -> None:
    """Nothing, one write or two for each index touched."""
    assert metering.index_write_units(old, new, same_key=same_key, identical=identical) == units


def test_a15_an_item_is_its_names_and_its_values() -> None:
    """Every type once, added up by hand."""
    item: Item = {
        "tailnum": {"S": "N14228"},  # 7 + 6
        "Zürich": {"S": "ü"},  # 7 + 2: UTF-8, not characters
        "distance": {"N": "1400"},  # 8 + 1 + one pair (14 00)
        "dep_delay": {"N": "-11.5"},  # 9 + 1 + two pairs (11 . 50) + sign
        "raw": {"B": "AAEC/w=="},  # 3 + 4 bytes, not 8 characters
        "cancelled": {"BOOL": False},  # 9 + 1
        "note": {"NULL": True},  # 4 + 1
        "legs": {"L": [{"S": "EWR"}, {"N": "1"}]},  # 4 + 3 + (1 + 3) + (1 + 2)
        "plane": {"M": {"seats": {"N": "149"}}},  # 5 + 3 + 1 + 5 + (1 + two pairs, 01 49)
        "codes": {"SS": ["UA", "B6"]},  # 5 + 2 + 2
    }
    assert metering.item_size(item) == 13 + 9 + 10 + 13 + 7 + 10 + 5 + 14 + 17 + 9


@pytest.mark.parametrize("kind", ["read", "write"])
def test_c1_on_demand_breaks_even_at_28_9_percent(kind: Kind) -> None:
    """0.00013 / (0.125e-6 × 3600) = 0.00013 / 0.00045 = 0.2889; for writes, five times both."""
    document = yaml.safe_load((Path(harness.__file__).parent / "prices.yaml").read_text())
    prices = Prices.from_mapping(document, region="us-east-1")
    utilisation = break_even_utilisation(prices, kind)
    assert utilisation is not None
    assert utilisation == pytest.approx(0.2889, abs=5e-5)
    assert 1 / utilisation == pytest.approx(3.46, abs=5e-3)
