"""What writes and reads of single items consume (A1–A3, A10–A12, A14–A16), through the twin, each figure by hand."""

import base64
from typing import Any

import pytest
from metered_tables import (
    INDEXES,
    KB,
    KEYS_ONLY,
    PLENTY,
    TOTAL,
    Raw,
    arms,
    counted,
    item,
    key,
    make,
    put,
    schema,
    total,
)
from twin_in_process import ask, done, refused, unhurried

from harness.local.dynamodb.service import Service

WITH_D = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["d"]}


@pytest.fixture
def twin() -> Service:
    return unhurried()


@pytest.mark.parametrize(
    ("size", "write", "eventual", "strong"),
    [
        (5, 1, 0.5, 1),  # p and s of one byte each, and an x that holds nothing
        (KB, 1, 0.5, 1),
        (KB + 1, 2, 0.5, 1),
        (4 * KB, 4, 0.5, 1),
        (4 * KB + 1, 5, 1, 2),  # 4,097 = 4 × 1,024 + 1 = 1 × 4,096 + 1
        (400 * KB, 400, 50, 100),
    ],
)
def test_a1_a2_one_item_costs_each_kb_written_and_each_4_kb_read(
    twin: Service, size: int, write: float, eventual: float, strong: float
) -> None:
    """On both sides of each boundary."""
    table = make(twin)
    assert total(put(twin, table, item("a", "1", size))) == write
    get: Raw = {"TableName": table, "Key": key("a", "1"), **TOTAL}
    assert total(done(twin, "GetItem", **get)) == eventual
    assert total(done(twin, "GetItem", **get, ConsistentRead=True)) == strong


def test_a1_reading_nothing_costs_as_the_smallest_item(twin: Service) -> None:
    """Half a unit eventually consistent, one strongly."""
    get: Raw = {"TableName": make(twin), "Key": key("nobody", "1"), **TOTAL}
    assert (total(done(twin, "GetItem", **get)), total(done(twin, "GetItem", **get, ConsistentRead=True))) == (0.5, 1)


def test_a3_a_batch_rounds_each_item_on_its_own(twin: Service) -> None:
    """1.5 KB and 6.5 KB: 2 + 7 = 9 to write where 8 KB at once were 8; 4 KB + 8 KB, so 3 or 1.5 to read where 8 KB were 2 or 1."""
    table = make(twin)
    puts = [{"PutRequest": {"Item": item("a", str(size), size)}} for size in (1_536, 6_656)]
    (written,) = done(twin, "BatchWriteItem", RequestItems={table: puts}, **TOTAL)["ConsumedCapacity"]
    assert written == {"TableName": table, "CapacityUnits": 9}
    asked = {"Keys": [key("a", "1536"), key("a", "6656")]}
    for consistent, units in ((False, 1.5), (True, 3)):
        part = {table: asked | {"ConsistentRead": consistent}}
        (read,) = done(twin, "BatchGetItem", RequestItems=part, **TOTAL)["ConsumedCapacity"]
        assert read["CapacityUnits"] == units


def test_a3_a_batch_of_keys_pays_for_what_is_not_there(twin: Service) -> None:
    """Three missing items are 3 × 0.5."""
    part = {make(twin): {"Keys": [key("a", str(n)) for n in range(3)]}}
    (read,) = done(twin, "BatchGetItem", RequestItems=part, **TOTAL)["ConsumedCapacity"]
    assert read["CapacityUnits"] == 1.5


def test_a10_a_put_and_a_deletion_cost_the_larger_of_before_and_after(twin: Service) -> None:
    """2,500 bytes new, 900 over them, 2,500 again, all deleted: 3 each; then nothing is there to delete: 1."""
    table, small, large = make(twin), item("a", "1", 900), item("a", "1", 2_500)
    assert [total(put(twin, table, one)) for one in (large, small, large)] == [3, 3, 3]
    gone: Raw = {"TableName": table, "Key": key("a", "1"), **TOTAL}
    assert [total(done(twin, "DeleteItem", **gone)) for _ in range(2)] == [3, 1]


def test_a10_an_update_costs_the_larger_of_before_and_after_however_little_it_changes(twin: Service) -> None:
    """A new item of 4 + 2 bytes 1; grown to 6 + 1 + 2,000 = 2,007 bytes 2; one letter changed 2; shrunk again 2; small 1."""
    request: Raw = {"TableName": make(twin), "Key": key("a", "1"), **TOTAL}
    names: Raw = {"ExpressionAttributeNames": {"#n": "n", "#x": "x"}}

    def update(text: str, **values: str) -> float:
        given = {f":{name}": {"S": value} for name, value in values.items()}
        used = {name: one for name, one in names["ExpressionAttributeNames"].items() if name in text}
        more = {"ExpressionAttributeValues": given} if given else {}
        answer = done(twin, "UpdateItem", **request, UpdateExpression=text, ExpressionAttributeNames=used, **more)
        return total(answer)

    assert update("SET #n = :v", v="1") == 1
    assert update("SET #x = :v", v="x" * 2_000) == 2
    assert update("SET #n = :v", v="2") == 2
    assert update("REMOVE #x") == 2
    assert update("SET #n = :v", v="3") == 1


def test_a11_a_condition_that_fails_costs_as_if_it_had_held(twin: Service) -> None:
    """900 bytes over 2,500: 3; 2,500 over 900: 3; 900 grown by 1 + 2,000: 3; deleting 900: 1, nothing: 1; no units told."""
    table = make(twin)
    put(twin, table, item("a", "1", 2_500))
    put(twin, table, item("a", "2", 900))
    fails: Raw = {"TableName": table, "ConditionExpression": "attribute_exists(nothing)", **INDEXES}
    grown: Raw = {"UpdateExpression": "SET y = :y", "ExpressionAttributeValues": {":y": {"S": "y" * 2_000}}}
    steps: list[tuple[str, Raw, float]] = [
        ("PutItem", {"Item": item("a", "1", 900)}, 3),
        ("PutItem", {"Item": item("a", "2", 2_500)}, 3),
        ("UpdateItem", {"Key": key("a", "2")} | grown, 3),
        ("DeleteItem", {"Key": key("a", "2")}, 1),
        ("DeleteItem", {"Key": key("a", "3")}, 1),
    ]
    for operation, what, units in steps:
        before = counted(twin, table)
        status, answer = ask(twin, operation, **fails, **what)
        assert (status, answer["__type"].rpartition("#")[2]) == (400, "ConditionalCheckFailedException")
        assert "ConsumedCapacity" not in answer
        assert counted(twin, table) - before == units


# The item before each write, the item after, then what the index takes. An entry is p, s and the index's key, 2 bytes
# each, and d: 6 + 1 + 1,400 = 1,407 bytes are 2 units, 2,407 are 3; the table's own item is as large or larger.
ENTRIES: list[tuple[str, Raw, float, float]] = [
    ("no key of the index, no entry", {"d": 1_400}, 2, 0),
    ("an entry appears", {"d": 1_400, "k": "1"}, 2, 2),
    ("nothing changes", {"d": 1_400, "k": "1"}, 2, 0),
    ("what isn't projected changes", {"d": 1_400, "k": "1", "o": "1"}, 2, 0),
    ("what is projected grows", {"d": 2_400, "k": "1", "o": "1"}, 3, 3),
    ("what is projected shrinks", {"d": 1_400, "k": "1", "o": "1"}, 3, 3),
    ("the key changes: 2 to go, 2 to come", {"d": 1_400, "k": "2", "o": "1"}, 2, 4),
    ("the key and the size change: 2 to go, 3 to come", {"d": 2_400, "k": "1", "o": "1"}, 3, 5),
    ("the entry goes", {"d": 2_400, "o": "1"}, 3, 3),
    ("no entry before or after", {"d": 1_400}, 3, 0),
]


@pytest.mark.parametrize("kind", ["global", "local"])
def test_a12_an_index_takes_what_its_entry_needs(twin: Service, kind: str) -> None:
    """The same units for both kinds; a global index counts them for itself, a local one on its table."""
    table = make(twin, by_g=WITH_D if kind == "global" else None, by_l=WITH_D if kind == "local" else None)
    of_table = of_index = 0.0
    for what, members, table_units, index_units in ENTRIES:
        texts = {"d": "d" * members["d"], "o": members.get("o"), "g" if kind == "global" else "l": members.get("k")}
        new = item("a", "1", **{name: text for name, text in texts.items() if text is not None})
        parts = arms(put(twin, table, new)["ConsumedCapacity"])
        assert parts == ((table_units, 0, index_units) if kind == "global" else (table_units, index_units, 0)), what
        of_table, of_index = of_table + table_units, of_index + index_units
    if kind == "global":
        assert (counted(twin, table), counted(twin, table, "index/by_g")) == (of_table, of_index)
    else:
        assert counted(twin, table) == of_table + of_index


def test_a12_a_deletion_pays_for_its_entries_in_both_kinds_of_index(twin: Service) -> None:
    """3,000 bytes are 3; the local index holds all of them, 3; the global one keys of 2 + 2 + 2 bytes, 1."""
    table = make(twin, by_g=KEYS_ONLY, by_l={"ProjectionType": "ALL"})
    put(twin, table, item("a", "1", 3_000, g="1", l="1"))
    answer = done(twin, "DeleteItem", TableName=table, Key=key("a", "1"), **INDEXES)
    assert arms(answer["ConsumedCapacity"]) == (3, 3, 1)


def test_a14_an_answer_tells_as_much_as_was_asked(twin: Service) -> None:
    """A write of 2 units with an entry of 1: nothing, the sum, or the parts."""
    table = make(twin, by_g=KEYS_ONLY)
    told = []
    for number, how in enumerate(("NONE", "TOTAL", "INDEXES")):
        new = item("a", str(number), 2 * KB, g="1")
        answer = done(twin, "PutItem", TableName=table, Item=new, ReturnConsumedCapacity=how)
        told.append(answer.get("ConsumedCapacity"))
    assert told[0] is None
    assert told[1] == {"TableName": table, "CapacityUnits": 3}
    assert arms(told[2]) == (2, 0, 1)


def test_a15_a_tables_bytes_are_its_items_names_and_values(twin: Service) -> None:
    """Every type once, added up by hand: 2 + 2 + 13 + 8 + 2 + 2 + 12 + 13 + 5 = 59 bytes."""
    table = make(twin)
    everything = item("a", "1") | {
        "é": {"N": "12345678901234567.5"},  # 2 + 1 + 9 pairs before the point + 1 behind it
        "b": {"B": base64.b64encode(b"1234567").decode()},  # 1 + 7
        "t": {"BOOL": True},  # 1 + 1, and the next
        "o": {"NULL": True},
        "l": {"L": [{"S": "ab"}, {"N": "-120"}]},  # 1 + 3 + (1 + 2) + (1 + 1 + 01 20 + sign) = 1 + 3 + 3 + 5
        "m": {"M": {"k": {"M": {}}, "q": {"S": "é"}}},  # 1 + 3 + (1 + 1 + 3) + (1 + 1 + 2)
        "n": {"NS": ["1", "100"]},  # 1 + (1 + 01) + (1 + 01, the pair 00 dropped)
    }
    put(twin, table, everything)
    described = done(twin, "DescribeTable", TableName=table)["Table"]
    assert (described["TableSizeBytes"], described["ItemCount"]) == (59, 1)


def test_a15_an_item_has_at_most_400_kb(twin: Service) -> None:
    """409,600 bytes by A15 are taken, one more is refused, by a put, in a batch and by an update that grows an item."""
    table = make(twin)
    assert total(put(twin, table, item("a", "1", 400 * KB))) == 400
    over = item("a", "1", 400 * KB + 1)
    message = "Item size has exceeded the maximum allowed size"
    assert ask(twin, "PutItem", TableName=table, Item=over)[1]["message"] == message
    assert (
        refused(twin, "BatchWriteItem", RequestItems={table: [{"PutRequest": {"Item": over}}]}) == "ValidationException"
    )
    grown: Raw = {"UpdateExpression": "SET y = :y", "ExpressionAttributeValues": {":y": {"S": ""}}}
    assert refused(twin, "UpdateItem", TableName=table, Key=key("a", "1"), **grown) == "ValidationException"


@pytest.mark.parametrize(
    ("partition", "sort", "taken"),
    [
        ("p" * 2_048, "s" * 1_024, True),
        ("é" * 1_024, "é" * 512, True),  # two bytes each
        ("p" * 2_049, "s", False),
        ("é" * 1_024 + "p", "s", False),
        ("p", "s" * 1_025, False),
        ("p", "é" * 512 + "s", False),
    ],
)
def test_a16_keys_have_at_most_2048_and_1024_bytes(twin: Service, partition: str, sort: str, taken: bool) -> None:
    """Counted in UTF-8, when they are written and when they are asked for."""
    table = make(twin)
    answers = [
        ask(twin, "PutItem", TableName=table, Item=key(partition, sort)),
        ask(twin, "GetItem", TableName=table, Key=key(partition, sort)),
    ]
    for status, answer in answers:
        assert status == 200 if taken else answer["__type"].endswith("#ValidationException")


@pytest.mark.parametrize(("kind", "most"), [("Global", 20), ("Local", 5)])
def test_a16_a_table_has_at_most_20_global_and_5_local_indexes(twin: Service, kind: str, most: int) -> None:
    """As many are taken, one more refuses the table."""

    def definition(count: int) -> dict[str, Any]:
        names = [f"k{number}" for number in range(count)]
        own = {"ProvisionedThroughput": PLENTY} if kind == "Global" else {}
        indexes = [
            {
                "IndexName": f"by_{name}",
                "KeySchema": schema(name) if kind == "Global" else schema("p", name),
                "Projection": KEYS_ONLY,
                **own,
            }
            for name in names
        ]
        return {
            "TableName": f"of_{count}",
            "KeySchema": schema("p", "s"),
            "ProvisionedThroughput": PLENTY,
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s", *names)],
            f"{kind}SecondaryIndexes": indexes,
        }

    described = done(twin, "CreateTable", **definition(most))["TableDescription"]
    assert len(described[f"{kind}SecondaryIndexes"]) == most
    assert refused(twin, "CreateTable", **definition(most + 1)) == "ValidationException"
