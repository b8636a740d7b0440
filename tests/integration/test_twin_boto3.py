"""Unmodified boto3 writes to the twin and reads single items back; units as worked out by hand from docs/facts.md, part A."""

import pytest
from twin_tables import KB, define, flight, key, units_of

TOTAL = {"ReturnConsumedCapacity": "TOTAL"}
INDEXES = {"ReturnConsumedCapacity": "INDEXES"}
ALL_TYPES = {
    "aircraft": {"S": "N1 ✈"},
    "at": {"S": "01"},
    "n": {"N": "-12.5"},
    "b": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "none": {"NULL": True},
    "list": {"L": [{"S": "a"}, {"N": "1"}, {"L": []}]},
    "map": {"M": {"deep": {"M": {"er": {"BOOL": False}}}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2.5"]},
    "bs": {"BS": [b"a", b"b"]},
}


@pytest.fixture(scope="module")
def plain(dynamodb):
    yield define(dynamodb, "plain")
    dynamodb.delete_table(TableName="plain")


@pytest.fixture(scope="module")
def indexed(dynamodb):
    """A table whose index holds the keys, and one attribute of others: carrier."""
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["carrier"]}
    yield define(dynamodb, "indexed", projection=projection)
    dynamodb.delete_table(TableName="indexed")


def test_every_type_comes_back_as_it_was_put(dynamodb, plain):
    """All ten types, nested ones too, through boto3's own encoding and decoding."""
    dynamodb.put_item(TableName=plain, Item=ALL_TYPES)
    assert dynamodb.get_item(TableName=plain, Key=key(ALL_TYPES))["Item"] == ALL_TYPES


def test_numbers_come_back_in_the_services_form(dynamodb, plain):
    """No exponent, no needless zeros: 1.50E+3 is 1500, -0.0 is 0."""
    numbers = {"1.50E+3": "1500", "-0.0": "0", "007": "7", "1e-3": "0.001", "+5": "5"}
    item = flight("N2", "01") | {"list": {"L": [{"N": text} for text in numbers]}}
    dynamodb.put_item(TableName=plain, Item=item)
    found = dynamodb.get_item(TableName=plain, Key=key(item))["Item"]
    assert [value["N"] for value in found["list"]["L"]] == list(numbers.values())


@pytest.mark.parametrize(
    ("size_bytes", "write", "eventual", "strong"),
    [(KB, 1, 0.5, 1), (KB + 1, 2, 0.5, 1), (4 * KB, 4, 0.5, 1), (4 * KB + 1, 5, 1, 2), (400 * KB, 400, 50, 100)],
)
def test_an_item_costs_each_kb_written_and_each_4_kb_read(dynamodb, plain, size_bytes, write, eventual, strong):
    """A1 and A2, on either side of each boundary: 4,097 bytes take 5 write units, 1 or 2 read units."""
    item = flight("N3", str(size_bytes), size_bytes)
    assert units_of(dynamodb.put_item(TableName=plain, Item=item, **TOTAL)) == write
    assert units_of(dynamodb.get_item(TableName=plain, Key=key(item), **TOTAL)) == eventual
    assert units_of(dynamodb.get_item(TableName=plain, Key=key(item), ConsistentRead=True, **TOTAL)) == strong


def test_an_item_that_is_not_there_costs_as_the_smallest(dynamodb, plain):
    """A1, A10: half a unit or one to read nothing, one to delete nothing; and the answer holds no item."""
    nowhere = {"TableName": plain, "Key": key(flight("nobody", "01")), **TOTAL}
    answer = dynamodb.get_item(**nowhere)
    assert ("Item" in answer, units_of(answer)) == (False, 0.5)
    assert units_of(dynamodb.get_item(**nowhere, ConsistentRead=True)) == 1
    assert units_of(dynamodb.delete_item(**nowhere)) == 1


def test_a_projection_gives_less_and_saves_nothing(dynamodb, plain):
    """A5 for one item: 8 KB and a byte cost 1.5 units (three blocks) though two attributes come back."""
    item = flight("N4", "01", 8 * KB + 1, carrier="UA")
    dynamodb.put_item(TableName=plain, Item=item)
    answer = dynamodb.get_item(
        TableName=plain,
        Key=key(item),
        ProjectionExpression="#at, carrier, nothing",
        ExpressionAttributeNames={"#at": "at"},
        **TOTAL,
    )
    assert (answer["Item"], units_of(answer)) == ({"at": {"S": "01"}, "carrier": {"S": "UA"}}, 1.5)


def test_a_write_costs_the_larger_of_before_and_after(dynamodb, plain):
    """A10: 2,500 bytes new, 900 over 2,500, 2,500 over 900, and 2,500 deleted are 3 units each."""
    small, large = flight("N5", "01", 900), flight("N5", "01", 2_500)
    steps = [dynamodb.put_item(TableName=plain, Item=item, **TOTAL) for item in (large, small, large)]
    steps.append(dynamodb.delete_item(TableName=plain, Key=key(large), **TOTAL))
    assert [units_of(step) for step in steps] == [3, 3, 3, 3]


def test_a_write_returns_the_item_before(dynamodb, plain):
    """ReturnValues ALL_OLD: nothing for a new item, the old one for the next put and for the deletion."""
    first, second = flight("N6", "01", carrier="UA"), flight("N6", "01", carrier="B6")
    asked = {"TableName": plain, "ReturnValues": "ALL_OLD"}
    assert "Attributes" not in dynamodb.put_item(Item=first, **asked)
    assert dynamodb.put_item(Item=second, **asked)["Attributes"] == first
    assert dynamodb.delete_item(Key=key(first), **asked)["Attributes"] == second
    assert "Attributes" not in dynamodb.delete_item(Key=key(first), **asked)


def test_a_condition_decides_whether_a_write_happens(dynamodb, plain):
    """Put if absent twice: the second is refused, costs 3 units all the same (A11: 2,500 bytes there) and changes nothing."""
    first, second = flight("N7", "01", 2_500), flight("N7", "01", 900)
    absent = {"TableName": plain, "ConditionExpression": "attribute_not_exists(aircraft)"}
    dynamodb.put_item(Item=first, **absent)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.put_item(Item=second, **absent)
    assert refused.value.response["Error"]["Message"] == "The conditional request failed"
    assert "Item" not in refused.value.response
    assert dynamodb.get_item(TableName=plain, Key=key(first))["Item"] == first


def test_a_failed_condition_consumes_write_units(dynamodb, plain, counted):
    """A11: with 2,500 bytes there and 900 attempted, the twin counts 3 more units."""
    there, attempted = flight("N8", "01", 2_500), flight("N8", "01", 900)
    dynamodb.put_item(TableName=plain, Item=there)
    before = counted(plain)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName=plain,
            Item=attempted,
            ConditionExpression="attribute_not_exists(#pad)",
            ExpressionAttributeNames={"#pad": "pad"},  # a reserved word
        )
    assert counted(plain) - before == 3


def test_a_refused_write_can_show_the_item_there_is(dynamodb, plain):
    """ReturnValuesOnConditionCheckFailure ALL_OLD puts the item into the error; DeleteItem takes conditions too."""
    item = flight("N9", "01", carrier="UA")
    dynamodb.put_item(TableName=plain, Item=item)
    deletion = {
        "TableName": plain,
        "Key": key(item),
        "ConditionExpression": "carrier = :c",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.delete_item(**deletion, ExpressionAttributeValues={":c": {"S": "B6"}})
    assert refused.value.response["Item"] == item
    dynamodb.delete_item(**deletion, ExpressionAttributeValues={":c": {"S": "UA"}})
    assert "Item" not in dynamodb.get_item(TableName=plain, Key=key(item))


def test_an_index_takes_what_its_entry_needs(dynamodb, indexed):
    """A12, step by step, with small entries of one unit each; the table's own part is one unit every time."""
    base = flight("N1", "01")
    steps = [
        (base, None),  # no dest, no entry
        (base | {"dest": {"S": "IAH"}}, 1),  # an entry appears
        (base | {"dest": {"S": "IAH"}, "note": {"S": "x"}}, None),  # what changed isn't projected
        ({"note": {"S": "x"}, "dest": {"S": "IAH"}} | base, None),  # the same in another order
        (base | {"dest": {"S": "IAH"}, "carrier": {"S": "UA"}}, 1),  # updated in place
        (base | {"dest": {"S": "BOS"}, "carrier": {"S": "UA"}}, 2),  # the index key changes: one goes, one comes
        (base, 1),  # the entry vanishes
    ]
    for item, units in steps:
        told = dynamodb.put_item(TableName=indexed, Item=item, **INDEXES)["ConsumedCapacity"]
        of_index = told.get("GlobalSecondaryIndexes", {}).get("by_dest", {}).get("CapacityUnits")
        assert (told["Table"]["CapacityUnits"], of_index) == (1, units)
        assert told["CapacityUnits"] == 1 + (units or 0)


def test_an_index_is_charged_for_its_entry_not_the_item(dynamodb, indexed):
    """A12: an item of 10 KB whose entry is small takes 10 units of the table and 1 of the index, put and deleted."""
    item = flight("N2", "01", 10 * KB, dest="IAH")
    for answer in (
        dynamodb.put_item(TableName=indexed, Item=item, **INDEXES),
        dynamodb.delete_item(TableName=indexed, Key=key(item), **INDEXES),
    ):
        told = answer["ConsumedCapacity"]
        assert (told["CapacityUnits"], told["Table"]["CapacityUnits"]) == (11, 10)
        assert told["GlobalSecondaryIndexes"] == {"by_dest": {"CapacityUnits": 1}}


def test_a_batch_rounds_each_write_on_its_own(dynamodb, plain):
    """A3: 1.5 KB and 6.5 KB put are 2 + 7 = 9 units (summed first, 8); a deletion of the one and a put: 2 + 1 = 3."""
    one, other = flight("A1", "01", 3 * KB // 2), flight("A1", "02", 13 * KB // 2)
    puts = [{"PutRequest": {"Item": item}} for item in (one, other)]
    answer = dynamodb.batch_write_item(RequestItems={plain: puts}, **TOTAL)
    assert answer["UnprocessedItems"] == {}
    assert answer["ConsumedCapacity"] == [{"TableName": plain, "CapacityUnits": 9}]
    mixed = [{"DeleteRequest": {"Key": key(one)}}, {"PutRequest": {"Item": flight("A1", "03")}}]
    answer = dynamodb.batch_write_item(RequestItems={plain: mixed}, **TOTAL)
    assert answer["ConsumedCapacity"] == [{"TableName": plain, "CapacityUnits": 3}]
    assert "Item" not in dynamodb.get_item(TableName=plain, Key=key(one))


def test_a_batch_rounds_each_read_on_its_own(dynamodb, plain):
    """A3: 1.5 KB and 6.5 KB read strongly are 1 + 2 = 3 units, eventually 1.5; one that isn't there adds half a unit."""
    items = [flight("A2", "01", 3 * KB // 2), flight("A2", "02", 13 * KB // 2)]
    dynamodb.batch_write_item(RequestItems={plain: [{"PutRequest": {"Item": item}} for item in items]})
    keys = [key(item) for item in items]
    strong = dynamodb.batch_get_item(RequestItems={plain: {"Keys": keys, "ConsistentRead": True}}, **TOTAL)
    assert sorted(strong["Responses"][plain], key=lambda item: item["at"]["S"]) == items
    assert (strong["UnprocessedKeys"], strong["ConsumedCapacity"][0]["CapacityUnits"]) == ({}, 3)
    keys.append(key(flight("A2", "03")))
    eventual = dynamodb.batch_get_item(
        RequestItems={plain: {"Keys": keys, "ProjectionExpression": "aircraft"}}, **TOTAL
    )
    assert eventual["Responses"][plain] == [{"aircraft": {"S": "A2"}}] * 2
    assert eventual["ConsumedCapacity"][0]["CapacityUnits"] == 2


def test_a_batch_of_large_items_stops_at_16_mb(dynamodb, plain):
    """40 items of 400 KB fill 16 MB to 97.7 %; a 41st doesn't fit any more and comes back unprocessed, unpaid."""
    items = [flight("A3", f"{n:02}", 400 * KB) for n in range(41)]
    for begin in range(0, 41, 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[begin : begin + 25]]
        dynamodb.batch_write_item(RequestItems={plain: puts})
    answer = dynamodb.batch_get_item(RequestItems={plain: {"Keys": [key(item) for item in items]}}, **TOTAL)
    assert len(answer["Responses"][plain]) == 40
    assert answer["UnprocessedKeys"][plain]["Keys"] == [key(items[40])]
    assert answer["ConsumedCapacity"][0]["CapacityUnits"] == 40 * 50


def test_a_batch_with_one_wrong_write_does_nothing(dynamodb, plain):
    """An oversize item, a repeated key or a 26th write refuse the whole batch before its first write."""
    good = {"PutRequest": {"Item": flight("A4", "01")}}
    oversize = {"PutRequest": {"Item": flight("A4", "02", 400 * KB + 1)}}
    many = [{"PutRequest": {"Item": flight("A4", f"{n:02}")}} for n in range(26)]
    for batch in ([good, oversize], [good, good], many):
        with pytest.raises(dynamodb.exceptions.ClientError) as refused:
            dynamodb.batch_write_item(RequestItems={plain: batch})
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "Item" not in dynamodb.get_item(TableName=plain, Key=key(flight("A4", "01")))


def test_what_answers_say_is_what_the_twin_counted(dynamodb, indexed, counted):
    """Writes of many sizes: the units of the answers add up to the twin's own, for the table and for its index."""
    before = counted(indexed), counted(indexed, "index/by_dest")
    items = [flight("A5", str(size), size, dest="BOS") for size in range(100, 5_000, 777)]
    told = [dynamodb.put_item(TableName=indexed, Item=item, **INDEXES)["ConsumedCapacity"] for item in items]
    of_table = sum(one["Table"]["CapacityUnits"] for one in told)
    of_index = sum(one["GlobalSecondaryIndexes"]["by_dest"]["CapacityUnits"] for one in told)
    assert of_table > of_index > 0
    assert (counted(indexed) - before[0], counted(indexed, "index/by_dest") - before[1]) == (of_table, of_index)
