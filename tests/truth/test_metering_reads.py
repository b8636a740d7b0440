"""What pages of Query and Scan consume (A4–A9, A17), through the twin in process, each figure by hand."""

from typing import Any

import pytest
from metered_tables import ALL, INDEXES, KB, KEYS_ONLY, TOTAL, Raw, arms, counted, item, load, make, put, total
from twin_in_process import done, refused, unhurried

from harness.local.dynamodb.service import Service

OF_A: Raw = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
BY_L: Raw = OF_A | {"IndexName": "by_l"}


@pytest.fixture
def twin() -> Service:
    return unhurried()


def walk(twin: Service, operation: str, **request: Any) -> list[Raw]:
    """All pages of one read."""
    answers = [done(twin, operation, **request)]
    while "LastEvaluatedKey" in answers[-1]:
        answers.append(done(twin, operation, **request, ExclusiveStartKey=answers[-1]["LastEvaluatedKey"]))
    return answers


def test_a4_a_query_sums_its_items_and_rounds_once(twin: Service) -> None:
    """1,500 items of 64 bytes are 96,000, 23.4 blocks: 12 eventually consistent, 24 strongly; a Scan the same."""
    table = make(twin)
    load(twin, table, [item("a", f"{n:04}", 64) for n in range(1_500)])
    for operation, what in (("Query", OF_A), ("Scan", {})):
        for consistent, units in ((False, 12), (True, 24)):
            answer = done(twin, operation, TableName=table, ConsistentRead=consistent, **what, **TOTAL)
            assert (answer["Count"], total(answer)) == (1_500, units)


def test_a5_neither_filter_nor_projection_nor_count_saves_anything(twin: Service) -> None:
    """20 items of 2,000 bytes are 40,000, 9.8 blocks: 5 units, whatever comes back."""
    table = make(twin)
    load(twin, table, [item("a", f"{n:02}", 2_000, o=str(n % 10)) for n in range(20)])
    values = {**OF_A["ExpressionAttributeValues"], ":o": {"S": "3"}}
    filtered = done(
        twin,
        "Query",
        TableName=table,
        **TOTAL,
        **(OF_A | {"ExpressionAttributeValues": values}),
        FilterExpression="o = :o",
    )
    assert (filtered["Count"], filtered["ScannedCount"], total(filtered)) == (2, 20, 5)
    projected = done(twin, "Query", TableName=table, **TOTAL, **OF_A, ProjectionExpression="o")
    assert (len(projected["Items"]), total(projected)) == (20, 5)
    count = done(twin, "Query", TableName=table, **TOTAL, **OF_A, Select="COUNT")
    assert ("Items" in count, count["Count"], total(count)) == (False, 20, 5)


@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_a6_a_full_page_of_small_items_costs_128_and_a_half(twin: Service, operation: str) -> None:
    """Of items of 100 bytes the 10,486th takes the sum to 1,048,600: 257 blocks, 128.5; 114 are left, 11,400 bytes: 1.5."""
    table = make(twin)
    load(twin, table, [item("a", f"{n:05}", 100) for n in range(10_600)])
    request: Raw = {"TableName": table, **TOTAL, **(OF_A if operation == "Query" else {})}
    found = walk(twin, operation, **request)
    assert [answer["ScannedCount"] for answer in found] == [10_486, 114]
    assert [total(answer) for answer in found] == [128.5, 1.5]


def test_a6_a_page_ends_at_exactly_1_mb(twin: Service) -> None:
    """Four items of 262,144 bytes are 1 MB: a page of 4, 128 units, then one of nothing, 0.5; a byte less is one page."""
    table = make(twin)
    load(twin, table, [item("a", str(n), 256 * KB) for n in range(4)])
    load(twin, table, [item("b", str(n), 256 * KB - (n == 3)) for n in range(4)])
    pages = {}
    for name in ("a", "b"):
        of_name = OF_A | {"ExpressionAttributeValues": {":p": {"S": name}}}
        pages[name] = [
            (page["ScannedCount"], total(page)) for page in walk(twin, "Query", TableName=table, **of_name, **TOTAL)
        ]
    assert pages == {"a": [(4, 128), (0, 0.5)], "b": [(4, 128)]}


def test_a6_a_page_may_be_empty_and_not_the_last(twin: Service) -> None:
    """Six items of 1,000 bytes, pages of 2, a filter that none passes: each page 2,000 bytes, half a unit; the last is empty."""
    table = make(twin)
    load(twin, table, [item("a", str(n), 1_000) for n in range(6)])
    found = walk(twin, "Query", TableName=table, **OF_A, **TOTAL, Limit=2, FilterExpression="attribute_exists(nothing)")
    assert [(page["Count"], page["ScannedCount"], total(page)) for page in found] == [(0, 2, 0.5)] * 3 + [(0, 0, 0.5)]


def test_a7_a_query_that_finds_nothing_costs_the_least_read(twin: Service) -> None:
    """Half a unit, or one; an empty Scan too."""
    table = make(twin)
    for operation, what in (("Query", OF_A), ("Scan", {})):
        for consistent, units in ((False, 0.5), (True, 1)):
            answer = done(twin, operation, TableName=table, ConsistentRead=consistent, **what, **TOTAL)
            assert (answer["Count"], total(answer)) == (0, units)


def test_a8_a_read_of_a_global_index_counts_its_entries_on_the_index_alone(twin: Service) -> None:
    """Eight items of 10 KB: entries of p, s and g are 2 + 2 + 2 bytes, one block, 0.5; on the table 80 KB are 20 blocks, 10."""
    table = make(twin, by_g=KEYS_ONLY)
    load(twin, table, [item("a", str(n), 10 * KB, g="1") for n in range(8)])
    of_g: Raw = {
        "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "1"}},
        "IndexName": "by_g",
    }
    answer = done(twin, "Query", TableName=table, **of_g, **INDEXES)
    assert (answer["Count"], arms(answer["ConsumedCapacity"])) == (8, (0, 0, 0.5))
    scanned = done(twin, "Scan", TableName=table, IndexName="by_g", **INDEXES)
    assert (scanned["Count"], arms(scanned["ConsumedCapacity"])) == (8, (0, 0, 0.5))
    assert arms(done(twin, "Query", TableName=table, **OF_A, **INDEXES)["ConsumedCapacity"]) == (10, 0, 0)
    assert counted(twin, table, "index/by_g", "read") == 1
    assert refused(twin, "Query", TableName=table, **of_g, ConsistentRead=True) == "ValidationException"


def test_a8_a_read_of_a_local_index_may_be_strongly_consistent_and_draws_on_the_table(twin: Service) -> None:
    """Five entries that hold all of 2,000 bytes: 10,000, 2.4 blocks: 1.5, or 3; the table's meter counts both."""
    table = make(twin, by_l=ALL)
    load(twin, table, [item("a", str(n), 2_000, l=str(9 - n)) for n in range(5)])
    for consistent, units in ((False, 1.5), (True, 3)):
        answer = done(twin, "Query", TableName=table, **BY_L, **INDEXES, ConsistentRead=consistent)
        assert [one["s"]["S"] for one in answer["Items"]] == ["4", "3", "2", "1", "0"]
        assert arms(answer["ConsumedCapacity"]) == (0, units, 0)
    assert counted(twin, table, kind="read") == 4.5


WHAT_FETCHES: dict[str, Raw] = {
    "all attributes": {"Select": "ALL_ATTRIBUTES"},
    "one that the index hasn't": {"ProjectionExpression": "x"},
    "one that it has and one that it hasn't": {"ProjectionExpression": "l, x"},
}


@pytest.mark.parametrize("what", WHAT_FETCHES)
@pytest.mark.parametrize(
    ("size", "consistent", "of_table", "of_index"),
    [
        (100, False, 1.5, 0.5),  # 3 × 0.5, as measured on the service: 1.5 on the table, 0.5 on the index
        (9 * KB, False, 4.5, 0.5),  # 9 KB are three blocks, 3 × 1.5, as measured too
        (9 * KB, True, 9, 1),
        (4 * KB + 1, False, 3, 0.5),  # each rounded alone, 3 × 1; together 12,291 bytes were 4 blocks, 2
    ],
)
def test_a9_a_read_of_a_local_index_pays_for_each_item_it_fetches(
    twin: Service, what: str, size: int, consistent: bool, of_table: float, of_index: float
) -> None:
    """Three entries of p, s and l, 18 bytes, one block; and each item of the table, rounded on its own."""
    table = make(twin, by_l=KEYS_ONLY)
    load(twin, table, [item("a", str(n), size, l=str(n)) for n in range(3)])
    answer = done(twin, "Query", TableName=table, **BY_L, **WHAT_FETCHES[what], **INDEXES, ConsistentRead=consistent)
    assert (answer["Count"], "x" in answer["Items"][0]) == (3, True)
    assert arms(answer["ConsumedCapacity"]) == (of_table, of_index, 0)
    assert counted(twin, table, kind="read") == of_table + of_index


@pytest.mark.parametrize("more", [{}, {"ProjectionExpression": "l, s"}, {"Select": "COUNT"}])
def test_a9_what_the_local_index_holds_is_not_fetched(twin: Service, more: Raw) -> None:
    """Three entries of 6 bytes: half a unit, nothing on the table."""
    table = make(twin, by_l=KEYS_ONLY)
    load(twin, table, [item("a", str(n), 9 * KB, l=str(n)) for n in range(3)])
    answer = done(twin, "Query", TableName=table, **BY_L, **more, **INDEXES)
    assert (answer["Count"], arms(answer["ConsumedCapacity"])) == (3, (0, 0.5, 0))


def test_a9_an_index_that_holds_everything_never_fetches(twin: Service) -> None:
    """Three entries of 9 KB are 27 KB, 6.75 blocks: 3.5 units for all attributes, all of them the index's."""
    table = make(twin, by_l=ALL)
    load(twin, table, [item("a", str(n), 9 * KB, l=str(n)) for n in range(3)])
    answer = done(twin, "Query", TableName=table, **BY_L, Select="ALL_ATTRIBUTES", **INDEXES)
    assert arms(answer["ConsumedCapacity"]) == (0, 3.5, 0)


def test_a9_a_fetch_is_paid_for_what_is_evaluated_not_for_what_passes(twin: Service) -> None:
    """A filter that one of three entries passes: three fetches of 100 bytes all the same (A5), and with Limit 2 two."""
    table = make(twin, by_l=KEYS_ONLY)
    load(twin, table, [item("a", str(n), 100, l=str(n)) for n in range(3)])
    values = {**OF_A["ExpressionAttributeValues"], ":x": {"S": "1"}}
    request: Raw = BY_L | {
        "ExpressionAttributeValues": values,
        "FilterExpression": "s = :x",
        "Select": "ALL_ATTRIBUTES",
    }
    answer = done(twin, "Query", TableName=table, **request, **INDEXES)
    assert (answer["Count"], answer["ScannedCount"]) == (1, 3)
    assert arms(answer["ConsumedCapacity"]) == (1.5, 0.5, 0)
    limited = done(twin, "Query", TableName=table, **request, **INDEXES, Limit=2)
    assert arms(limited["ConsumedCapacity"]) == (1, 0.5, 0)


@pytest.mark.parametrize("segments", [1, 3, 8])
def test_a17_segments_cost_what_one_scan_costs_but_for_rounding(twin: Service, segments: int) -> None:
    """60 items of 1,000 bytes are 14.6 blocks, 7.5 units; each segment rounds its own sum, half a unit more at most."""
    table = make(twin)
    load(twin, table, [item(str(n), "1", 1_000) for n in range(60)])
    assert total(done(twin, "Scan", TableName=table, **TOTAL)) == 7.5
    answers = [
        done(twin, "Scan", TableName=table, Segment=one, TotalSegments=segments, **TOTAL) for one in range(segments)
    ]
    names = [one["p"]["S"] for answer in answers for one in answer["Items"]]
    assert sorted(names) == sorted(map(str, range(60)))
    for answer in answers:
        blocks = max(1, -(-1_000 * answer["Count"] // 4_096))
        assert total(answer) == blocks / 2
    assert 7.5 <= sum(map(total, answers)) <= 7.5 + segments / 2


def test_a17_segments_of_more_than_a_page_cut_their_own_pages(twin: Service) -> None:
    """24 items of 100 KB: one Scan takes pages of 11, 11 and 2; whatever the segments hold, each item is paid once."""
    table = make(twin)
    for n in range(24):
        put(twin, table, item(str(n), "1", 100 * KB))
    whole = [total(page) for page in walk(twin, "Scan", TableName=table, **TOTAL)]
    # 11 × 102,400 bytes are 275 blocks, 137.5 units; 2 × 102,400 are 50 blocks, 25.
    assert whole == [137.5, 137.5, 25]
    parts = [
        page for one in range(2) for page in walk(twin, "Scan", TableName=table, Segment=one, TotalSegments=2, **TOTAL)
    ]
    assert sum(page["Count"] for page in parts) == 24
    # 102,400 is 25 blocks exactly: nothing is rounded, an empty page alone costs half a unit.
    empty = sum(0.5 for page in parts if not page["Count"])
    assert sum(map(total, parts)) == 300 + empty
