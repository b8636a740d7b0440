"""Unmodified boto3 asks the twin with Query and Scan; answers against plain Python, units against docs/facts.md, part A."""

import pytest
from twin_tables import KB, define, flight, items_of, load, pages, units_of

TOTAL = {"ReturnConsumedCapacity": "TOTAL"}
INDEXES = {"ReturnConsumedCapacity": "INDEXES"}
# 30 flights of one aircraft, 7 of another; every third to Boston.
FLIGHTS = [flight("N1", f"{n:02}", 200, dest=("BOS", "IAH", "ORD")[n % 3]) for n in range(30)]
OTHERS = [flight("N2", f"{n:02}", 200, dest="BOS") for n in range(7)]
BIG = [flight("N1", f"{n:03}", 10 * KB) for n in range(150)]


@pytest.fixture(scope="module")
def flights(dynamodb):
    """37 items of 200 bytes; the index holds nothing but keys."""
    name = define(dynamodb, "flights_read", projection={"ProjectionType": "KEYS_ONLY"})
    load(dynamodb, name, FLIGHTS + OTHERS)
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture(scope="module")
def big(dynamodb):
    """150 items of 10 KB, more than one page of 1 MB, all in one partition."""
    load(dynamodb, define(dynamodb, "big"), BIG)
    yield "big"
    dynamodb.delete_table(TableName="big")


def ask(table, condition="aircraft = :a", **values):
    """A Query of aircraft N1 with further values by name."""
    texts = {"a": "N1"} | values
    return {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {f":{name}": {"S": text} for name, text in texts.items()},
    }


CONDITIONS = {
    "aircraft = :a": lambda at: True,
    "aircraft = :a AND #at = :x": lambda at: at == "13",
    "aircraft = :a AND #at < :x": lambda at: at < "13",
    "aircraft = :a AND #at <= :x": lambda at: at <= "13",
    "aircraft = :a AND #at > :x": lambda at: at > "13",
    "#at >= :x AND aircraft = :a": lambda at: at >= "13",
    "aircraft = :a AND #at BETWEEN :x AND :y": lambda at: "13" <= at <= "21",
    "(aircraft = :a) AND (begins_with(#at, :y))": lambda at: at.startswith("21"),
    ":a = aircraft AND :x < #at": lambda at: at > "13",
}


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_key_condition_selects_what_it_says(dynamodb, flights, condition, forward):
    """The items that plain Python would pick, in the order of the sort key or in its reverse."""
    texts = {name: text for name, text in (("x", "13"), ("y", "21")) if f":{name}" in condition}
    request = ask(flights, condition, **texts)
    if "#at" in condition:
        request["ExpressionAttributeNames"] = {"#at": "at"}
    answer = dynamodb.query(**request, ScanIndexForward=forward)
    expected = [item for item in FLIGHTS if CONDITIONS[condition](item["at"]["S"])]
    assert answer["Items"] == (expected if forward else expected[::-1])
    assert (answer["Count"], answer["ScannedCount"]) == (len(expected), len(expected))
    assert "LastEvaluatedKey" not in answer


@pytest.mark.parametrize("forward", [True, False])
def test_a_query_in_pages_of_seven_misses_and_repeats_nothing(dynamodb, flights, forward):
    """30 items with a Limit of 7: pages of 7, 7, 7, 7 and 2, in order either way."""
    answers = pages(dynamodb.query, **ask(flights), Limit=7, ScanIndexForward=forward)
    assert [answer["Count"] for answer in answers] == [7, 7, 7, 7, 2]
    assert items_of(answers) == (FLIGHTS if forward else FLIGHTS[::-1])
    assert answers[0]["LastEvaluatedKey"] == {"aircraft": {"S": "N1"}, "at": {"S": "06" if forward else "23"}}


def test_a_limit_that_ends_at_the_last_item_still_gives_a_key_to_go_on(dynamodb, flights):
    """A6: the service doesn't look beyond the Limit, so the next page may be empty."""
    answers = pages(dynamodb.query, **ask(flights), Limit=30)
    assert [answer["Count"] for answer in answers] == [30, 0]
    assert "LastEvaluatedKey" not in answers[1]


def test_a_filter_saves_nothing_and_counts_what_was_evaluated(dynamodb, flights):
    """A5: 30 items of 200 bytes are 6,000 bytes, 2 blocks, 1 unit, though 10 come back; with Limit 4, two of four."""
    request = ask(flights, d="BOS") | {"FilterExpression": "dest = :d"}
    answer = dynamodb.query(**request, **TOTAL)
    assert answer["Items"] == FLIGHTS[::3]
    assert (answer["Count"], answer["ScannedCount"], units_of(answer)) == (10, 30, 1)
    limited = dynamodb.query(**request, Limit=4)
    assert (limited["Count"], limited["ScannedCount"]) == (2, 4)


def test_a_page_may_be_empty_and_not_the_last(dynamodb, flights):
    """A6: a filter that nothing passes gives empty pages, each with a key to go on but the last."""
    request = ask(flights, d="nowhere") | {"FilterExpression": "dest = :d"}
    answers = pages(dynamodb.query, **request, Limit=10)
    assert [(answer["Count"], answer["ScannedCount"]) for answer in answers] == [(0, 10), (0, 10), (0, 10), (0, 0)]


def test_a_projection_and_a_count_give_less_for_the_same_units(dynamodb, flights):
    """A5: two attributes of each item, or only their number, still cost 1 unit."""
    projected = dynamodb.query(**ask(flights), ProjectionExpression="dest", **TOTAL)
    assert projected["Items"] == [{"dest": item["dest"]} for item in FLIGHTS]
    counted = dynamodb.query(**ask(flights), Select="COUNT", **TOTAL)
    assert ("Items" in counted, counted["Count"]) == (False, 30)
    assert [units_of(answer) for answer in (projected, counted)] == [1, 1]


def test_a_query_that_finds_nothing_costs_the_least_read(dynamodb, flights):
    """A7: half a unit eventually consistent, one strongly."""
    nothing = ask(flights, a="nobody") | TOTAL
    assert units_of(dynamodb.query(**nothing)) == 0.5
    assert units_of(dynamodb.query(**nothing, ConsistentRead=True)) == 1


def test_the_guides_fifteen_hundred_small_items_cost_24(dynamodb):
    """A4: 1,500 items of 64 bytes are 96,000 bytes, 23.4 blocks: 24 units strongly, 12 eventually consistent."""
    load(dynamodb, define(dynamodb, "small"), [flight("N1", f"{n:04}", 64) for n in range(1_500)])
    strong = dynamodb.query(**ask("small"), ConsistentRead=True, Select="COUNT", **TOTAL)
    assert (strong["Count"], units_of(strong)) == (1_500, 24)
    assert units_of(dynamodb.scan(TableName="small", Select="COUNT", **TOTAL)) == 12
    dynamodb.delete_table(TableName="small")


@pytest.mark.parametrize("operation", ["query", "scan"])
def test_pages_end_with_the_item_that_reaches_1_mb(dynamodb, big, operation):
    """A6: of 150 items of 10,240 bytes the 103rd takes the sum to 1,054,720; 258 and 118 blocks are 129 and 59 units."""
    request = ask(big) if operation == "query" else {"TableName": big}
    answers = pages(getattr(dynamodb, operation), **request, **TOTAL)
    assert [answer["ScannedCount"] for answer in answers] == [103, 47]
    assert [units_of(answer) for answer in answers] == [129, 59]
    assert items_of(answers) == BIG


def test_pages_of_a_filtered_scan_are_cut_by_what_is_evaluated(dynamodb, big):
    """A5, A6: a filter that 3 items pass leaves pages of 103 and 47 evaluated, and 188 units."""
    wanted = {"ExpressionAttributeNames": {"#at": "at"}, "ExpressionAttributeValues": {":x": {"S": "147"}}}
    answers = pages(dynamodb.scan, TableName=big, FilterExpression="#at >= :x", **wanted, **TOTAL)
    assert [(answer["Count"], answer["ScannedCount"]) for answer in answers] == [(0, 103), (3, 47)]
    assert sum(map(units_of, answers)) == 188
    assert items_of(answers) == BIG[147:]


def test_boto3s_paginator_walks_all_pages(dynamodb, big):
    """Its own paging finds the same 150 items."""
    answers = list(dynamodb.get_paginator("query").paginate(**ask(big)))
    assert (len(answers), items_of(answers)) == (2, BIG)


def by_key(items):
    return sorted(items, key=lambda item: (item["aircraft"]["S"], item["at"]["S"]))


@pytest.mark.parametrize("limit", [1, 5, 1_000])
def test_a_scan_in_pages_gives_everything_once(dynamodb, flights, limit):
    """37 items whatever the Limit."""
    assert by_key(items_of(pages(dynamodb.scan, TableName=flights, Limit=limit))) == FLIGHTS + OTHERS


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_segments_divide_a_scan(dynamodb, flights, segments):
    """A17: the segments together give every item once, in pages or not."""
    found = [
        item
        for segment in range(segments)
        for item in items_of(pages(dynamodb.scan, TableName=flights, Segment=segment, TotalSegments=segments, Limit=4))
    ]
    assert by_key(found) == FLIGHTS + OTHERS


BOSTON = {
    "IndexName": "by_dest",
    "KeyConditionExpression": "dest = :d",
    "ExpressionAttributeValues": {":d": {"S": "BOS"}},
}


def test_an_index_answers_from_its_entries_alone(dynamodb, flights):
    """A8: 17 entries with 3 keys of 10 + 4 + 7 = 21 bytes are one block: 0.5 units, all of them the index's own."""
    answer = dynamodb.query(TableName=flights, **BOSTON, **INDEXES)
    expected = [item for item in FLIGHTS + OTHERS if item["dest"]["S"] == "BOS"]
    keys = [{name: item[name] for name in ("aircraft", "at", "dest")} for item in expected]
    assert by_key(answer["Items"]) == by_key(keys)
    assert [item["at"]["S"] for item in answer["Items"]] == sorted(item["at"]["S"] for item in expected)
    assert answer["ConsumedCapacity"] == {
        "TableName": flights,
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0},
        "GlobalSecondaryIndexes": {"by_dest": {"CapacityUnits": 0.5}},
    }


@pytest.mark.parametrize("forward", [True, False])
def test_an_index_pages_by_its_own_keys_and_the_tables(dynamodb, flights, forward):
    """Entries that share an index key are told apart by the table's key: nothing missed, nothing repeated."""
    whole = dynamodb.query(TableName=flights, **BOSTON, ScanIndexForward=forward)["Items"]
    answers = pages(dynamodb.query, TableName=flights, **BOSTON, ScanIndexForward=forward, Limit=1)
    assert items_of(answers) == whole
    assert set(answers[0]["LastEvaluatedKey"]) == {"aircraft", "at", "dest"}
    assert by_key(items_of(pages(dynamodb.scan, TableName=flights, IndexName="by_dest", Limit=4))) == by_key(
        {name: item[name] for name in ("aircraft", "at", "dest")} for item in FLIGHTS + OTHERS
    )


REFUSED = {
    "a strongly consistent read of an index": ("query", BOSTON | {"ConsistentRead": True}),
    "an index that is not there": ("scan", {"IndexName": "by_carrier"}),
    "all attributes of an index of keys": ("query", BOSTON | {"Select": "ALL_ATTRIBUTES"}),
    "projected attributes of the table": ("scan", {"Select": "ALL_PROJECTED_ATTRIBUTES"}),
    "a projection and a count": ("scan", {"Select": "COUNT", "ProjectionExpression": "dest"}),
    "no key condition": ("query", {}),
    "a legacy condition": (
        "query",
        {"KeyConditions": {"aircraft": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "N1"}]}}},
    ),
    "a key of an attribute too few": ("scan", {"ExclusiveStartKey": {"aircraft": {"S": "N1"}}}),
    "a segment beyond the last": ("scan", {"Segment": 4, "TotalSegments": 4}),
    "a segment of an unknown number": ("scan", {"Segment": 0}),
    "a filter on a key": (
        "query",
        {
            "KeyConditionExpression": "aircraft = :a",
            "FilterExpression": "aircraft = :a",
            "ExpressionAttributeValues": {":a": {"S": "N1"}},
        },
    ),
    "a partition key that is only bounded": (
        "query",
        {"KeyConditionExpression": "aircraft > :a", "ExpressionAttributeValues": {":a": {"S": "N1"}}},
    ),
    "a key of another type": (
        "query",
        {"KeyConditionExpression": "aircraft = :a", "ExpressionAttributeValues": {":a": {"N": "1"}}},
    ),
    "a value that serves nothing": (
        "query",
        {
            "KeyConditionExpression": "aircraft = :a",
            "ExpressionAttributeValues": {":a": {"S": "N1"}, ":b": {"S": "unused"}},
        },
    ),
    "a start in another partition": (
        "query",
        {
            "KeyConditionExpression": "aircraft = :a",
            "ExpressionAttributeValues": {":a": {"S": "N1"}},
            "ExclusiveStartKey": {"aircraft": {"S": "N2"}, "at": {"S": "01"}},
        },
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_read_is_refused_by_name(dynamodb, flights, what):
    """Each is a ValidationException, as the service says it."""
    operation, request = REFUSED[what]
    with pytest.raises(dynamodb.exceptions.ClientError) as refused:
        getattr(dynamodb, operation)(TableName=flights, **request)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["Error"]["Message"]
