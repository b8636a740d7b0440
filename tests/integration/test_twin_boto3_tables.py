"""Unmodified boto3 makes, alters and deletes tables on the twin; and what the twin throttles and refuses."""

import contextlib
from http.client import HTTPConnection
from itertools import count
from urllib.parse import urlsplit

import orjson
import pytest
from twin_tables import KB, define, flight, key

NAMES = count()


@pytest.fixture
def named(dynamodb):
    """A table's name that is free, and whose table is gone afterwards."""
    name = f"table-{next(NAMES):02}"
    yield name
    with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName=name)


def described(dynamodb, name):
    return dynamodb.describe_table(TableName=name)["Table"]


def code_of(dynamodb, call, **request):
    """The error code of a call that must be refused."""
    with pytest.raises(dynamodb.exceptions.ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]["Code"]


def capacity_of(description):
    throughput = description["ProvisionedThroughput"]
    return throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]


def test_a_table_is_described_as_it_was_made(dynamodb, named):
    """Keys, types, capacity, index and projection; then the count and size of what is in it."""
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["carrier"]}
    define(dynamodb, named, projection=projection, ReadCapacityUnits=7, WriteCapacityUnits=3)
    dynamodb.put_item(TableName=named, Item=flight("N1", "01", 500, dest="BOS"))
    dynamodb.put_item(TableName=named, Item=flight("N1", "02", 300))
    table = described(dynamodb, named)
    assert (table["TableName"], table["TableStatus"]) == (named, "ACTIVE")
    assert table["TableArn"].endswith(f":table/{named}")
    assert [one["AttributeName"] for one in table["KeySchema"]] == ["aircraft", "at"]
    assert {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]} == {
        "aircraft": "S",
        "at": "S",
        "dest": "S",
    }
    assert (table["ItemCount"], table["TableSizeBytes"], capacity_of(table)) == (2, 800, (7, 3))
    (index,) = table["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["IndexStatus"], index["Projection"]) == ("by_dest", "ACTIVE", projection)
    # Only the flight to Boston: aircraft 10, at 4, dest 7.
    assert (index["ItemCount"], index["IndexSizeBytes"]) == (1, 21)


def test_waiters_see_tables_come_and_go(dynamodb, named):
    """table_exists and table_not_exists return, with boto3's own idea of when."""
    soon = {"TableName": named, "WaiterConfig": {"Delay": 1, "MaxAttempts": 3}}
    define(dynamodb, named)
    dynamodb.get_waiter("table_exists").wait(**soon)
    dynamodb.delete_table(TableName=named)
    dynamodb.get_waiter("table_not_exists").wait(**soon)
    assert code_of(dynamodb, dynamodb.describe_table, TableName=named) == "ResourceNotFoundException"


def test_tables_are_listed_in_pages(dynamodb):
    """Five tables in pages of two, in the order of their names."""
    names = [define(dynamodb, f"listed-{letter}") for letter in "ebcad"]
    listed, last = [], "listed-"
    while last:
        page = dynamodb.list_tables(Limit=2, ExclusiveStartTableName=last)
        assert len(page["TableNames"]) <= 2
        listed += page["TableNames"]
        last = page.get("LastEvaluatedTableName")
    assert [name for name in listed if name.startswith("listed-")] == sorted(names)
    for name in names:
        dynamodb.delete_table(TableName=name)
    assert not set(names) & set(dynamodb.list_tables()["TableNames"])


def test_capacity_is_altered_and_a_decrease_counted(dynamodb, named):
    """Up and down; lowering one of the two is a decrease, raising both is none."""
    define(dynamodb, named, ReadCapacityUnits=5, WriteCapacityUnits=5)
    for read, write, decreases in ((10, 10, 0), (20, 5, 1)):
        throughput = {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
        dynamodb.update_table(TableName=named, ProvisionedThroughput=throughput)
        table = described(dynamodb, named)
        assert capacity_of(table) == (read, write)
        assert table["ProvisionedThroughput"]["NumberOfDecreasesToday"] == decreases


def test_an_indexs_capacity_is_altered_on_its_own(dynamodb, named):
    """GlobalSecondaryIndexUpdates change the index and leave the table."""
    define(dynamodb, named, projection={"ProjectionType": "ALL"}, ReadCapacityUnits=5, WriteCapacityUnits=5)
    throughput = {"ReadCapacityUnits": 8, "WriteCapacityUnits": 9}
    update = {"Update": {"IndexName": "by_dest", "ProvisionedThroughput": throughput}}
    dynamodb.update_table(TableName=named, GlobalSecondaryIndexUpdates=[update])
    table = described(dynamodb, named)
    assert (capacity_of(table), capacity_of(table["GlobalSecondaryIndexes"][0])) == ((5, 5), (8, 9))


def test_the_billing_mode_is_switched_both_ways(dynamodb, named):
    """On demand nothing is provisioned; back, the table and every index must be given capacity."""
    define(dynamodb, named, projection={"ProjectionType": "ALL"})
    dynamodb.update_table(TableName=named, BillingMode="PAY_PER_REQUEST")
    table = described(dynamodb, named)
    assert (table["BillingModeSummary"]["BillingMode"], capacity_of(table)) == ("PAY_PER_REQUEST", (0, 0))
    back = {
        "TableName": named,
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 4, "WriteCapacityUnits": 4},
    }
    assert code_of(dynamodb, dynamodb.update_table, **back) == "ValidationException"
    assert described(dynamodb, named)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    throughput = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}
    update = {"Update": {"IndexName": "by_dest", "ProvisionedThroughput": throughput}}
    dynamodb.update_table(**back, GlobalSecondaryIndexUpdates=[update])
    table = described(dynamodb, named)
    # Once it was on demand, the service goes on telling when.
    assert (table["BillingModeSummary"]["BillingMode"], capacity_of(table)) == ("PROVISIONED", (4, 4))
    assert "LastUpdateToPayPerRequestDateTime" in table["BillingModeSummary"]
    assert capacity_of(table["GlobalSecondaryIndexes"][0]) == (2, 2)


def throttled(dynamodb, call, attempts=6, **request):
    """The exception of the first refused call; attempts that are sure to be enough."""
    with pytest.raises(dynamodb.exceptions.ClientError) as refused:
        for _ in range(attempts):
            call(**request)
    return refused.value.response


def test_a_tiny_table_throttles_reads_and_says_why(dynamodb, named, counted):
    """B2, B9, B11: one read unit stores 300; 400 KB read strongly take 100 each, so the fifth at the latest is refused."""
    define(dynamodb, named, ReadCapacityUnits=1)
    large = flight("N1", "01", 400 * KB)
    dynamodb.put_item(TableName=named, Item=large)
    refused = throttled(dynamodb, dynamodb.get_item, TableName=named, Key=key(large), ConsistentRead=True)
    assert refused["Error"]["Code"] == "ProvisionedThroughputExceededException"
    (why,) = refused["ThrottlingReasons"]
    assert why["reason"] == "TableReadProvisionedThroughputExceeded"
    assert why["resource"] == described(dynamodb, named)["TableArn"]
    assert counted(named, kind="read", what="throttled_requests") == 1


def test_a_batch_brings_back_what_was_throttled(dynamodb, named):
    """A3: of three puts of 350 KB one write unit's store of 300 admits one; once nothing is admitted, it is an error."""
    define(dynamodb, named, WriteCapacityUnits=1)
    puts = [{"PutRequest": {"Item": flight("N1", f"{n:02}", 350 * KB)}} for n in range(3)]
    first = dynamodb.batch_write_item(RequestItems={named: puts})
    assert first["UnprocessedItems"] == {named: puts[1:]}
    assert code_of(dynamodb, dynamodb.batch_write_item, RequestItems=first["UnprocessedItems"]) == (
        "ProvisionedThroughputExceededException"
    )
    assert described(dynamodb, named)["ItemCount"] == 1


def test_an_index_without_capacity_throttles_its_tables_writes(dynamodb, named):
    """B8: the index's one unit is spent, so the table's write is refused in the index's name, and nothing is written."""
    define(dynamodb, named, projection={"ProjectionType": "ALL"})
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    update = {"Update": {"IndexName": "by_dest", "ProvisionedThroughput": throughput}}
    dynamodb.update_table(TableName=named, GlobalSecondaryIndexUpdates=[update])
    dynamodb.put_item(TableName=named, Item=flight("N1", "01", 400 * KB, dest="BOS"))
    refused = throttled(dynamodb, dynamodb.put_item, TableName=named, Item=flight("N1", "02", dest="BOS"))
    (why,) = refused["ThrottlingReasons"]
    assert why["reason"] == "IndexWriteProvisionedThroughputExceeded"
    assert why["resource"].endswith(f"{named}/index/by_dest")
    dynamodb.put_item(TableName=named, Item=flight("N1", "03"))  # no entry, no matter
    assert described(dynamodb, named)["ItemCount"] == 2


ONE_KEY = {
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
LOCAL_INDEX = {"IndexName": "local", "KeySchema": ONE_KEY["KeySchema"], "Projection": {"ProjectionType": "ALL"}}
UNMAKEABLE = {
    "a name too short": {"TableName": "ab"},
    "a name with a space": {"TableName": "a table"},
    "an unknown billing mode": {"BillingMode": "FREE"},
    "no capacity": {"BillingMode": "PROVISIONED"},
    "capacity on demand": {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
    "a key nobody defined": {"KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}]},
    "a definition nobody uses": {
        "AttributeDefinitions": [*ONE_KEY["AttributeDefinitions"], {"AttributeName": "o", "AttributeType": "N"}]
    },
    "a key of a type that has no order": {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "BOOL"}]},
    "a local index of a table without a sort key": {"LocalSecondaryIndexes": [LOCAL_INDEX]},
}


@pytest.mark.parametrize("what", UNMAKEABLE)
def test_a_table_that_can_not_be_is_refused(dynamodb, named, what):
    """A ValidationException, and no table."""
    request = {"TableName": named} | ONE_KEY | UNMAKEABLE[what]
    assert code_of(dynamodb, dynamodb.create_table, **request) == "ValidationException"
    assert named not in dynamodb.list_tables()["TableNames"]


def test_a_table_is_made_once(dynamodb, named):
    """The second CreateTable is a ResourceInUseException; the first table stays."""
    request = {"TableName": named} | ONE_KEY
    dynamodb.create_table(**request)
    assert code_of(dynamodb, dynamodb.create_table, **request) == "ResourceInUseException"
    assert described(dynamodb, named)["TableStatus"] == "ACTIVE"


@pytest.mark.parametrize(
    "operation", ["describe_table", "delete_table", "scan", "get_item", "put_item", "update_table"]
)
def test_a_table_that_is_not_there_is_named_as_the_service_does(dynamodb, operation):
    """ResourceNotFoundException from every kind of operation."""
    members = {
        "get_item": {"Key": {"k": {"S": "1"}}},
        "put_item": {"Item": {"k": {"S": "1"}}},
        "update_table": {"BillingMode": "PAY_PER_REQUEST"},
    }
    call = getattr(dynamodb, operation)
    assert code_of(dynamodb, call, TableName="nowhere", **members.get(operation, {})) == "ResourceNotFoundException"


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
