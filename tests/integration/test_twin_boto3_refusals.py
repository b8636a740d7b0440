"""What the twin refuses of items, writes, operations and bodies, told to unmodified boto3 and on the wire."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson
import pytest
from twin_tables import KB, code_of, define, described, flight

WRONG_ITEMS = {
    "without its sort key": {"aircraft": {"S": "N1"}},
    "with a key of another type": {"aircraft": {"N": "1"}, "at": {"S": "01"}},
    "with an empty key": {"aircraft": {"S": ""}, "at": {"S": "01"}},
    "with too long a partition key": flight("x" * 2_049, "01"),
    "with too long a sort key": flight("N1", "x" * 1_025),
    "a byte too large": flight("N1", "01", 400 * KB + 1),
    "with an index key of another type": flight("N1", "01") | {"dest": {"N": "1"}},
    "with an empty index key": flight("N1", "01", dest=""),
    "with an empty set": flight("N1", "01") | {"set": {"SS": []}},
    "with a set that repeats itself": flight("N1", "01") | {"set": {"NS": ["1", "1.0"]}},
    "with a number that is none": flight("N1", "01") | {"n": {"N": "twelve"}},
    "with a number of 39 digits": flight("N1", "01") | {"n": {"N": "1" * 39}},
}


@pytest.fixture(scope="module")
def guarded(dynamodb):
    yield define(dynamodb, "guarded", projection={"ProjectionType": "ALL"})
    dynamodb.delete_table(TableName="guarded")


@pytest.mark.parametrize("what", WRONG_ITEMS)
def test_an_item_that_can_not_be_is_refused(dynamodb, guarded, what):
    """A ValidationException, and the table stays empty."""
    assert code_of(dynamodb, dynamodb.put_item, TableName=guarded, Item=WRONG_ITEMS[what]) == "ValidationException"
    assert described(dynamodb, guarded)["ItemCount"] == 0


WRONG_WRITES = {
    "a legacy expectation": {"Expected": {"pad": {"Exists": False}}},
    "an update's return values": {"ReturnValues": "ALL_NEW"},
    "an empty condition": {"ConditionExpression": ""},
    "a condition that is none": {"ConditionExpression": "pad ="},
    "an unknown function": {"ConditionExpression": "starts_with(pad, pad)"},
    "a value that isn't given": {"ConditionExpression": "pad = :v"},
    "a name that isn't given": {"ConditionExpression": "attribute_exists(#p)"},
    "a value that serves nothing": {"ExpressionAttributeValues": {":v": {"S": "x"}}},
}


@pytest.mark.parametrize("what", WRONG_WRITES)
def test_a_wrong_write_is_refused(dynamodb, guarded, what):
    """A ValidationException: what the twin can't heed it never ignores."""
    request = {"TableName": guarded, "Item": flight("N1", "01")} | WRONG_WRITES[what]
    assert code_of(dynamodb, dynamodb.put_item, **request) == "ValidationException"
    assert described(dynamodb, guarded)["ItemCount"] == 0


@pytest.mark.parametrize("operation", ["list_backups", "list_global_tables", "execute_statement"])
def test_an_operation_that_is_not_built_is_unknown(dynamodb, guarded, operation):
    """UnknownOperationException, as from a service that never heard of it."""
    requests = {"execute_statement": {"Statement": f'SELECT * FROM "{guarded}"'}}
    call = getattr(dynamodb, operation)
    assert code_of(dynamodb, call, **requests.get(operation, {})) == "UnknownOperationException"


RAW = {
    "no JSON": (b"{", "SerializationException"),
    "nothing": (b"", "SerializationException"),
    "a list": (b"[]", "SerializationException"),
    "a number for a name": (b'{"TableName": 7}', "SerializationException"),
    "a text for a flag": (b'{"TableName": "guarded", "ConsistentRead": "yes"}', "SerializationException"),
    "a text for a limit": (b'{"TableName": "guarded", "Limit": "7"}', "SerializationException"),
    "a list for an expression": (b'{"TableName": "guarded", "FilterExpression": ["a"]}', "SerializationException"),
    "a list for names": (b'{"TableName": "guarded", "ExpressionAttributeNames": ["#a"]}', "SerializationException"),
    "no name": (b'{"TableName": null}', "ValidationException"),
    "a limit of nothing": (b'{"TableName": "guarded", "Limit": 0}', "ValidationException"),
    "names that are empty": (b'{"TableName": "guarded", "ExpressionAttributeNames": {}}', "ValidationException"),
}


@pytest.mark.parametrize("what", RAW)
def test_a_body_that_no_sdk_would_send_is_refused(guarded, twin_url, what):
    """Status 400 with the service's name for it, and the connection goes on."""
    body, expected = RAW[what]
    connection = HTTPConnection(urlsplit(twin_url).netloc, timeout=10)
    for sent, status in ((body, 400), (b'{"TableName": "guarded"}', 200)):
        connection.request("POST", "/", sent, {"X-Amz-Target": "DynamoDB_20120810.Scan"})
        answer = connection.getresponse()
        said = orjson.loads(answer.read())
        assert answer.status == status
        if status == 400:
            assert said["__type"].endswith(f"#{expected}")
    connection.close()


@pytest.mark.parametrize("target", ["DynamoDB_20120810.Nonsense", "DynamoDBStreams_20120810.Scan", ""])
def test_a_target_that_names_nothing_is_an_unknown_operation(twin_url, target):
    """An unknown name, another service's, or none."""
    connection = HTTPConnection(urlsplit(twin_url).netloc, timeout=10)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": target})
    answer = connection.getresponse()
    assert (answer.status, orjson.loads(answer.read())["__type"].rpartition("#")[2]) == (
        400,
        "UnknownOperationException",
    )
    connection.close()
