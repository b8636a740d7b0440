"""What every arm of query_vs_scan consumes of one small table, worked out by hand from A1 to A12 and A15.

The table holds eight flights of two aircraft. By A15 a flight without its pad is 61 bytes:

    names   tailnum 7 + flight_key 10 + dest 4 + dep_delay 9 + arr_delay 9      = 39
    values  "N1" 2 + "2013-01-01#1" 12 + "MIA" 3 + 5: 2 bytes + -7: 3 bytes     = 22

and the pad (its name 3) brings it to a size:

    N1   1,500 bytes each: three flights to MIA, two to ATL      7,500 bytes
    N2   6,000 bytes each: two flights to MIA, one to ATL       18,000 bytes
                                                          table 25,500 bytes

An entry of an index is what it keeps: all of it; with the delays the 61 bytes; of the keys alone, 7 + 10 + 4 for names
and 2 + 12 + 3 for values, 38 bytes. Reads count blocks of 4,096 bytes at 0.5 units eventually, 1 strongly; writes of 1,024.
"""

import random
from math import ceil

import pytest
from twin_in_process import InProcess, unhurried

from harness import index_writes
from harness.dynamodb.accesses import Connections, Question
from harness.dynamodb.answers import Item, bulk_load, consumed_units
from harness.dynamodb.metering import item_size
from harness.dynamodb.query_settings import QueryVsScanSettings
from harness.flight_questions import ARMS, ATTRIBUTES, Asked, access_of, parallel_scan
from harness.flights import (
    BY_DEST,
    BY_DEST_INCLUDE,
    BY_DEST_KEYS,
    LOCAL_INCLUDE,
    LOCAL_KEYS,
    key,
    table_definition,
)
from scenarios.query_vs_scan import ALL_INDEXES

SIZES = {"N1": 1_500, "N2": 6_000}
FLIGHTS = [("N1", "MIA"), ("N1", "MIA"), ("N1", "MIA"), ("N1", "ATL"), ("N1", "ATL"),
           ("N2", "MIA"), ("N2", "MIA"), ("N2", "ATL")]  # fmt: skip


def flight(number: int, aircraft: str, dest: str) -> Item:
    """61 bytes, and a pad to the aircraft's size."""
    return {
        "tailnum": {"S": aircraft}, "flight_key": {"S": f"2013-01-01#{number}"}, "dest": {"S": dest},
        "dep_delay": {"N": "5"}, "arr_delay": {"N": "-7"}, "pad": {"S": "x" * (SIZES[aircraft] - 61 - 3)},
    }  # fmt: skip


ITEMS = [flight(number, *one) for number, one in enumerate(FLIGHTS)]


@pytest.fixture(scope="module")
def connections() -> Connections:
    """The table with all five indexes, in a twin of its own."""
    service = unhurried()
    made = Connections(lambda: InProcess(service), 8)
    capacity = {"read_capacity_units": 40_000, "write_capacity_units": 40_000}
    assert (
        made.call("CreateTable", table_definition("few", by_dest=False, indexes=ALL_INDEXES, **capacity)).status == 200
    )
    assert bulk_load(lambda: InProcess(service), "few", ITEMS, concurrency=1) == 8
    return made


def asked(**where: tuple[str, ...]) -> Asked:
    """The flights that have these texts, and the answer to it: key, aircraft and delays of each."""
    found = [item for item in ITEMS if all(item[name]["S"] in texts for name, texts in where.items())]
    rows = frozenset((item["flight_key"]["S"], item["tailnum"]["S"], "5", "-7") for item in found)
    question = Question(table="few", where=where, attributes=ATTRIBUTES, keys=tuple(map(key, found)))
    return Asked(question=question, answer=rows)


QUESTIONS = {
    "aircraft": asked(tailnum=("N1",)),
    "airport": asked(dest=("MIA",)),
    "route": asked(tailnum=("N1",), dest=("MIA",)),
    "large_route": asked(tailnum=("N2",), dest=("MIA",)),
    "range": asked(tailnum=("N1", "N2")),
}
# (question, arm) -> units, of which an index's, requests, items evaluated.
BY_HAND: dict[tuple[str, str], tuple[float, float | None, int, int]] = {
    # N1's flights are summed: 7,500 bytes are 2 blocks (A4).
    ("aircraft", "query"): (1.0, None, 1, 5),
    ("aircraft", "query_strong"): (2.0, None, 1, 5),
    # Each flight alone is 1 block (A1, A3): 5 of them.
    ("aircraft", "get_item"): (2.5, None, 5, 5),
    ("aircraft", "get_item_strong"): (5.0, None, 5, 5),
    ("aircraft", "batch_get"): (2.5, None, 1, 5),
    ("aircraft", "batch_get_strong"): (5.0, None, 1, 5),
    # The whole table: 25,500 bytes are 7 blocks, however little comes back (A5).
    ("aircraft", "scan"): (3.5, None, 1, 8),
    ("aircraft", "scan_strong"): (7.0, None, 1, 8),
    ("aircraft", "scan_projection"): (3.5, None, 1, 8),
    ("aircraft", "scan_count"): (3.5, None, 1, 8),
    # Five entries (A8): 3 × 1,500 + 2 × 6,000 = 16,500 bytes are 5 blocks; 5 × 61 and 5 × 38 bytes are 1 block.
    ("airport", "gsi_all"): (2.5, 2.5, 1, 5),
    ("airport", "gsi_include"): (0.5, 0.5, 1, 5),
    # … and then the items: 3 of 1 block and 2 of 2 blocks, 7 × 0.5. Both steps evaluate five.
    ("airport", "gsi_keys_only"): (4.0, 0.5, 2, 10),
    ("airport", "scan"): (3.5, None, 1, 8),
    # Three entries: 183 bytes with the delays, 1 block; by keys alone 114 bytes, and 3 items of 1 block (A9).
    ("route", "lsi_include"): (0.5, 0.5, 1, 3),
    ("route", "lsi_include_strong"): (1.0, 1.0, 1, 3),
    ("route", "lsi_fetch"): (2.0, 0.5, 1, 3),
    ("route", "lsi_fetch_strong"): (4.0, 1.0, 1, 3),
    # All of N1 is evaluated, as without the filter (A5).
    ("route", "query_filter"): (1.0, None, 1, 5),
    ("route", "scan"): (3.5, None, 1, 8),
    # N2's two flights to MIA: the entries' 1 block, and 2 items of 2 blocks each, not 12,000 bytes in 3.
    ("large_route", "lsi_include"): (0.5, 0.5, 1, 2),
    ("large_route", "lsi_fetch"): (2.5, 0.5, 1, 2),
    ("large_route", "lsi_fetch_strong"): (5.0, 1.0, 1, 2),
    # N2's 18,000 bytes are 5 blocks, so one Query each: 1.0 + 2.5; one by one: 5 × 0.5 + 3 × 1.0.
    ("range", "query"): (3.5, None, 2, 8),
    ("range", "get_item"): (5.5, None, 8, 8),
    ("range", "batch_get"): (5.5, None, 1, 8),
    ("range", "scan"): (3.5, None, 1, 8),
}  # fmt: skip


@pytest.mark.parametrize(("question", "arm"), BY_HAND)
def test_an_arm_consumes_what_was_worked_out_by_hand_and_finds_the_flights_asked_for(
    connections: Connections, question: str, arm: str
) -> None:
    """Units, the index's part of them, requests and items evaluated; and item by item the same answer as every other arm."""
    one = QUESTIONS[question]
    answer = access_of(arm)(connections, one.question, keep=one.row)
    found = (answer.read_units, answer.index_units, answer.pages, answer.items_scanned)
    assert (answer.outcome, found) == ("ok", BY_HAND[question, arm])
    assert one.wrong(answer, item_by_item=arm != "scan_count") is None


def test_no_arm_is_left_out() -> None:
    """Every arm of every question has its figures above; parallel Scans have a test of their own."""
    assert {(question, arm) for question, arms in ARMS.items() for arm in arms} <= set(BY_HAND)


@pytest.mark.parametrize("segments", QueryVsScanSettings().segments)
def test_a_parallel_scan_consumes_each_segment_rounded_on_its_own(connections: Connections, segments: int) -> None:
    """A17: the sum is the sequential Scan's but for the rounding; a segment that holds nothing costs one block (A7).

    Which aircraft lies in which segment is the service's own choice, so it is asked; sizes and rounding are by hand.
    """
    sizes = []
    for number in range(segments):
        part = {"TableName": "few", "Segment": number, "TotalSegments": segments}
        items = connections.call("Scan", part).body["Items"]
        sizes.append(sum(SIZES[item["tailnum"]["S"]] for item in items))
    assert sum(sizes) == 25_500
    answer = access_of(parallel_scan(segments))(
        connections, QUESTIONS["aircraft"].question, keep=QUESTIONS["aircraft"].row
    )
    assert answer.read_units == sum(0.5 * max(1, ceil(size / 4_096)) for size in sizes)
    assert (answer.pages, answer.items_scanned) == (segments, 8)
    assert QUESTIONS["aircraft"].wrong(answer, item_by_item=True) is None


@pytest.mark.parametrize("arm", ["gsi_all", "gsi_include", "gsi_keys_only"])
def test_a_global_index_is_asked_eventually(connections: Connections, arm: str) -> None:
    """A8: strongly it can't be read at all, so there is no such arm."""
    assert f"{arm}_strong" not in ARMS["airport"]
    request = {
        "TableName": "few", "IndexName": access_of(arm).index, "ConsistentRead": True,  # type: ignore[attr-defined]
        "KeyConditionExpression": "dest = :d", "ExpressionAttributeValues": {":d": {"S": "MIA"}},
    }  # fmt: skip
    assert connections.call("Query", request).error_code == "ValidationException"


def test_the_hand_worked_sizes_are_those_that_are_metered() -> None:
    """Items of 1,500 and 6,000 bytes; entries of 61 with the delays and of 38 with keys alone, local ones too."""
    assert [item_size(item) for item in ITEMS] == [1_500] * 5 + [6_000] * 3
    for index, size in (
        (BY_DEST, 1_500),
        (BY_DEST_INCLUDE, 61),
        (BY_DEST_KEYS, 38),
        (LOCAL_INCLUDE, 61),
        (LOCAL_KEYS, 38),
    ):
        assert item_size(index.entry(ITEMS[0])) == size


# Writes of a flight of 1,500 bytes, 2 KB begun. A new one: its entry too, 1 KB begun, or 2 where the index has it all.
# Another arr_delay (1003, as large as -7): nothing where only keys are kept, else the entry (A12). Another dest: the entry
# goes and comes again.
WRITES = {
    "new_flight": {"no_index": (2, None), "keys_only": (3, 1), "include": (3, 1), "all": (4, 2)},
    "changed_delay": {"no_index": (2, None), "keys_only": (2, None), "include": (3, 1), "all": (4, 2)},
    "moved": {"no_index": (2, None), "keys_only": (4, 2), "include": (4, 2), "all": (6, 4)},
}


@pytest.mark.parametrize("question", WRITES)
@pytest.mark.parametrize("arm", index_writes.INDEXES)
def test_a_write_pays_for_the_index_what_a12_says(arm: str, question: str) -> None:
    """Write units and the index's part of them, for each of five writes of each kind; all of it at the first try."""
    service, index = unhurried(), index_writes.INDEXES[arm]
    client, table = InProcess(service), index_writes.table_name(arm)
    capacity = {"read_capacity_units": 40_000, "write_capacity_units": 40_000}
    definition = table_definition(table, by_dest=False, indexes=(index,) if index else (), **capacity)
    assert client.call("CreateTable", definition).status == 200
    small = ITEMS[:5]
    bulk_load(lambda: InProcess(service), table, small, concurrency=1)
    for write in index_writes.writes(arm, question, small, 5, pair=3, rng=random.Random(1)):
        response = client.call(write.op, write.payload)
        assert response.status == 200, response.body
        assert consumed_units(response.body) == WRITES[question][arm]
