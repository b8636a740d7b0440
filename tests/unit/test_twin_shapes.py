"""What requests may hold: the service's words for every fault, and that a sound request comes through as it is."""

import pytest

from harness.local.dynamodb import shapes
from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.tables import shapes as table_shapes

ENUM = "Member must satisfy enum value set: "
NULL = "Member must not be null"
KEYS = [{"AttributeName": "k", "KeyType": "HASH"}]


def refused(shape, request):
    with pytest.raises(ServiceError) as refusal:
        shape(request)
    return refusal.value


def faults(shape, request):
    """The faults that a refusal tells, each as its value, place and constraint; their number is told as well."""
    counted, told = str(refused(shape, request)).split(" detected: ", 1)
    parts = told.split("; ")
    assert counted == f"{len(parts)} validation error{'s' if len(parts) > 1 else ''}"
    words = [part.removeprefix("Value ").split(" failed to satisfy constraint: ") for part in parts]
    return [(*place.split(" at "), constraint) for place, constraint in words]


def test_a_sound_request_comes_through_without_nulls_and_what_nobody_knows():
    """A null is no member; unknown members are ignored, at whatever depth."""
    request = {"TableName": "abc", "Key": {"k": {"S": "1"}}}
    assert shapes.GET_ITEM(request | {"ConsistentRead": None, "Nonsense": 7}) == request
    actions = [{"Delete": {"IndexName": "glo"}}]
    strange = [{"Delete": {"IndexName": "glo", "S": 1}, "S": False}]
    altered = table_shapes.UPDATE_TABLE({"TableName": "abc", "GlobalSecondaryIndexUpdates": strange})
    assert altered["GlobalSecondaryIndexUpdates"] == actions


def test_all_faults_of_a_request_are_told_at_once_in_the_models_order():
    """Three wrong words and no item, whatever the order they were sent in."""
    request = {
        "ReturnValues": "SOME",
        "ReturnItemCollectionMetrics": "ALL",
        "TableName": "abc",
        "ReturnConsumedCapacity": "MUCH",
    }
    assert faults(shapes.PUT_ITEM, request) == [
        ("'MUCH'", "'returnConsumedCapacity'", ENUM + "[INDEXES, TOTAL, NONE]"),
        ("null", "'item'", NULL),
        ("'SOME'", "'returnValues'", ENUM + "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"),
        ("'ALL'", "'returnItemCollectionMetrics'", ENUM + "[SIZE, NONE]"),
    ]


NAMES = {
    "": ["Member must have length greater than or equal to 1"],
    "ab": ["Member must have length greater than or equal to 3"],
    "x!": [
        "Member must have length greater than or equal to 3",
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    ],
    "a" * 256: ["Member must have length less than or equal to 255"],
    "bad table": ["Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"],
    "abc\n": ["Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_tables_name_is_looked_at_before_all_else(name):
    """Its faults alone are told, though the item lacks as well and a word is wrong."""
    told = faults(shapes.PUT_ITEM, {"TableName": name, "ReturnValues": "SOME"})
    assert told == [(f"'{name}'", "'tableName'", constraint) for constraint in NAMES[name]]


def test_no_name_at_all_is_one_fault_of_a_data_operation_and_the_only_one_of_a_table_operation():
    """GetItem tells it with its others; DescribeTable and CreateTable ask for it by another sentence."""
    assert faults(shapes.GET_ITEM, {}) == [("null", "'tableName'", NULL), ("null", "'key'", NULL)]
    sentence = "The parameter 'TableName' is required but was not present in the request"
    assert str(refused(table_shapes.ONE_TABLE, {})) == sentence
    assert str(refused(table_shapes.CREATE_TABLE, {"TableName": None, "KeySchema": []})) == sentence


def test_an_arn_names_a_table_that_is_there_but_none_that_is_made():
    """Where a table must exist its ARN serves as well."""
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/flights"
    assert table_shapes.ONE_TABLE({"TableName": arn}) == {"TableName": arn}
    assert shapes.GET_ITEM({"TableName": arn, "Key": {}})["TableName"] == arn
    (fault,) = faults(table_shapes.CREATE_TABLE, {"TableName": arn, "AttributeDefinitions": [], "KeySchema": KEYS})
    assert fault[1:] == ("'tableName'", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")


def test_places_in_lists_count_from_one_and_structures_are_shown_by_their_name():
    """Three key elements, each with a fault of its own, and one of the list."""
    request = {
        "TableName": "abc",
        "AttributeDefinitions": [],
        "KeySchema": [{"KeyType": "HASH"}, {"AttributeName": "a"}, {"AttributeName": "a", "KeyType": "Woop"}],
    }
    shown = (
        "'[KeySchemaElement(keyType=HASH), KeySchemaElement(attributeName=a), "
        "KeySchemaElement(attributeName=a, keyType=Woop)]'"
    )
    assert faults(table_shapes.CREATE_TABLE, request) == [
        (shown, "'keySchema'", "Member must have length less than or equal to 2"),
        ("null", "'keySchema.1.member.attributeName'", NULL),
        ("null", "'keySchema.2.member.keyType'", NULL),
        ("'Woop'", "'keySchema.3.member.keyType'", ENUM + "[HASH, RANGE]"),
    ]


def test_ten_faults_are_told_and_no_more():
    """Nine empty indexes lack three members each: three of the first three, one of the fourth."""
    request = {
        "TableName": "abc", "AttributeDefinitions": [], "KeySchema": KEYS, "GlobalSecondaryIndexes": [{}] * 9,
    }  # fmt: skip
    told = faults(table_shapes.CREATE_TABLE, request)
    assert len(told) == 10
    assert {place.split(".")[1] for _, place, _ in told} == {"1", "2", "3", "4"}


def test_capacities_are_told_writes_first():
    """As the service does: two zeros are two faults."""
    zero = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    at_least = "Member must have value greater than or equal to 1"
    assert faults(table_shapes.UPDATE_TABLE, {"TableName": "abc", "ProvisionedThroughput": zero}) == [
        ("'0'", "'provisionedThroughput.writeCapacityUnits'", at_least),
        ("'0'", "'provisionedThroughput.readCapacityUnits'", at_least),
    ]


WRONG_TYPES = {
    "a number for a text": ({"TableName": 7}, "NUMBER_VALUE cannot be converted to String"),
    "a fraction for a text": ({"TableName": 7.5}, "DECIMAL_VALUE cannot be converted to String"),
    "a truth for a text": ({"TableName": True}, "TRUE_VALUE cannot be converted to String"),
    "a text for a number": ({"Limit": "7"}, "STRING_VALUE cannot be converted to Integer"),
    "a truth for a number": ({"Limit": False}, "FALSE_VALUE cannot be converted to Integer"),
    "a number for a truth": ({"ConsistentRead": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
    "a text for a truth": ({"ConsistentRead": "yes"}, "Unexpected token received from parser"),
    "a map for a text": ({"FilterExpression": {}}, "Start of structure or map found where not expected"),
    "a list for a text": ({"FilterExpression": []}, "Start of list found where not expected"),
    "a text for a map": ({"ExpressionAttributeNames": "#a"}, "Unexpected field type"),
}


@pytest.mark.parametrize("what", WRONG_TYPES)
def test_a_wrong_type_is_found_before_any_fault_of_a_value(what):
    """A SerializationException, though a word is wrong as well and comes first."""
    request, message = WRONG_TYPES[what]
    error = refused(shapes.SCAN, {"Select": "NOTHING"} | request)
    assert (error.kind.rpartition("#")[2], str(error)) == ("SerializationException", message)


def test_a_list_of_wrong_types_is_not_counted_first():
    """Three keys are one too many, but they are no keys at all."""
    request = {"TableName": "abc", "AttributeDefinitions": [], "KeySchema": [None] * 3}
    assert str(refused(table_shapes.CREATE_TABLE, request)) == "Unexpected value type in payload"


def test_a_fraction_is_cut_off_where_a_whole_number_is_wanted():
    """7.9 is 7; what has no whole part is of a wrong type."""
    assert shapes.SCAN({"TableName": "abc", "Limit": 7.9})["Limit"] == 7
    assert refused(shapes.SCAN, {"TableName": "abc", "Limit": float("inf")}).kind.endswith("SerializationException")


def test_a_parameter_that_is_not_built_is_refused_by_name():
    """Unless it says nothing."""
    request = {"TableName": "abc", "Key": {}}
    assert "AttributesToGet" in str(refused(shapes.GET_ITEM, request | {"AttributesToGet": ["a"]}))
    shapes.GET_ITEM(request | {"AttributesToGet": []})


def test_a_transaction_has_from_one_to_a_hundred_parts_and_a_token_of_36_characters():
    """The limits of the model, told as such."""
    put = {"Put": {"TableName": "abc", "Item": {}}}
    assert faults(shapes.TRANSACT_WRITE_ITEMS, {"TransactItems": [], "ClientRequestToken": "x" * 37}) == [
        (f"'{'x' * 37}'", "'clientRequestToken'", "Member must have length less than or equal to 36"),
        ("'[]'", "'transactItems'", "Member must have length greater than or equal to 1"),
    ]
    shapes.TRANSACT_WRITE_ITEMS({"TransactItems": [put] * 100, "ClientRequestToken": "x" * 36})
    refused(shapes.TRANSACT_WRITE_ITEMS, {"TransactItems": [put] * 101})
    (fault,) = faults(shapes.TRANSACT_WRITE_ITEMS, {"TransactItems": [put, {"Delete": {"TableName": "abc"}}]})
    assert fault == ("null", "'transactItems.2.member.delete.key'", NULL)
