"""Unmodified boto3 makes, alters and deletes tables on the twin; and what the twin throttles."""

import contextlib
from itertools import count

import pytest
from twin_tables import KB, code_of, define, described, flight, key

NAMES = count()


@pytest.fixture
def named(dynamodb):
    """A table's name that is free, and whose table is gone afterwards."""
    name = f"table-{next(NAMES):02}"
    yield name
    with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName=name)


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


def test_an_index_is_added_to_a_table_that_has_items_and_taken_away(dynamodb, named):
    """Two of three flights have a destination; the new index answers for both, then it and its attribute are gone."""
    define(dynamodb, named)
    for at, texts in (("01", {"dest": "BOS"}), ("02", {}), ("03", {"dest": "BOS"})):
        dynamodb.put_item(TableName=named, Item=flight("N1", at, **texts))
    by_dest = {
        "IndexName": "by_dest",
        "KeySchema": [{"AttributeName": "dest", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    }
    dynamodb.update_table(
        TableName=named,
        AttributeDefinitions=[{"AttributeName": "dest", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": by_dest}],
    )
    (index,) = described(dynamodb, named)["GlobalSecondaryIndexes"]
    assert (index["IndexStatus"], index["ItemCount"]) == ("ACTIVE", 2)
    found = dynamodb.query(
        TableName=named,
        IndexName="by_dest",
        KeyConditionExpression="dest = :d",
        ExpressionAttributeValues={":d": {"S": "BOS"}},
    )
    assert [item["at"]["S"] for item in found["Items"]] == ["01", "03"]
    dynamodb.update_table(TableName=named, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_dest"}}])
    table = described(dynamodb, named)
    assert "GlobalSecondaryIndexes" not in table
    assert [one["AttributeName"] for one in table["AttributeDefinitions"]] == ["aircraft", "at"]


def test_a_local_index_is_made_with_its_table_and_described(dynamodb, named):
    """Under LocalSecondaryIndexes, without capacity or status; a query of it goes by its own sort key."""
    dynamodb.create_table(
        TableName=named,
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("aircraft", "at", "dest")],
        KeySchema=[{"AttributeName": "aircraft", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
        LocalSecondaryIndexes=[
            {
                "IndexName": "local",
                "KeySchema": [
                    {"AttributeName": "aircraft", "KeyType": "HASH"},
                    {"AttributeName": "dest", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for at, dest in (("01", "SEA"), ("02", "BOS")):
        dynamodb.put_item(TableName=named, Item=flight("N1", at, dest=dest))
    (index,) = described(dynamodb, named)["LocalSecondaryIndexes"]
    assert set(index) == {"IndexName", "IndexArn", "KeySchema", "Projection", "ItemCount", "IndexSizeBytes"}
    assert (index["IndexName"], index["ItemCount"]) == ("local", 2)
    found = dynamodb.query(
        TableName=named,
        IndexName="local",
        KeyConditionExpression="aircraft = :a",
        ExpressionAttributeValues={":a": {"S": "N1"}},
    )
    assert [item["dest"]["S"] for item in found["Items"]] == ["BOS", "SEA"]


def test_time_to_live_is_enabled_and_described(dynamodb, named):
    """As boto3 reads it; a second change at once is refused."""
    define(dynamodb, named)
    wanted = {"Enabled": True, "AttributeName": "until"}
    answer = dynamodb.update_time_to_live(TableName=named, TimeToLiveSpecification=wanted)
    assert answer["TimeToLiveSpecification"] == wanted
    told = dynamodb.describe_time_to_live(TableName=named)["TimeToLiveDescription"]
    assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    off = {"Enabled": False, "AttributeName": "until"}
    call = dynamodb.update_time_to_live
    assert code_of(dynamodb, call, TableName=named, TimeToLiveSpecification=off) == "ValidationException"


def test_a_protected_table_outlives_a_delete(dynamodb, named):
    """Until its protection is taken away."""
    define(dynamodb, named)
    dynamodb.update_table(TableName=named, DeletionProtectionEnabled=True)
    assert code_of(dynamodb, dynamodb.delete_table, TableName=named) == "ValidationException"
    assert described(dynamodb, named)["DeletionProtectionEnabled"] is True
    dynamodb.update_table(TableName=named, DeletionProtectionEnabled=False)


def test_the_account_and_the_endpoint_are_told(dynamodb):
    """Quotas as the service's; an address that isn't the service's."""
    limits = dynamodb.describe_limits()
    assert (limits["AccountMaxReadCapacityUnits"], limits["TableMaxWriteCapacityUnits"]) == (80_000, 40_000)
    (endpoint,) = dynamodb.describe_endpoints()["Endpoints"]
    assert "amazonaws" not in endpoint["Address"]


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
