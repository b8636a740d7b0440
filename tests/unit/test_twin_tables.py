"""Tables made and described: keys, indexes and their rules, in the service's order and words; and their coming and going."""

import pytest
from table_requests import BEGAN_S, INVALID, Twin, attributes, index, keys, units

from harness.local.dynamodb.data.storage import Entry
from harness.local.dynamodb.errors import ServiceError

NO_DEFINITION = "Invalid KeySchema: Some index key attribute have no definition"
LOCAL = index("loc", "a", "c")
THREE = {"AttributeDefinitions": attributes("a", "b", "c")}
REFUSED = {
    "no capacity": (
        {"BillingMode": "PROVISIONED"},
        f"{INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    ),
    "capacity on demand": (
        units(1, 1) | {"BillingMode": "PAY_PER_REQUEST"},
        f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    ),
    "a capacity beyond counting": (
        units(1_000_000_000_001, 1),
        "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
    ),
    "an attribute defined twice": (
        {"AttributeDefinitions": attributes("a", "b", "a")},
        "Attribute Name is duplicated: a",
    ),
    "fewer attributes than keys": ({"AttributeDefinitions": attributes("a")}, NO_DEFINITION),
    "a key that isn't defined": (
        {"AttributeDefinitions": attributes("b"), "KeySchema": keys("a")},
        f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. "
        "Keys: [a], AttributeDefinitions: [b]",
    ),
    "one attribute for both keys": (
        {"KeySchema": keys("a", "a")},
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    ),
    "the sort key first": (
        {"KeySchema": keys("a", "b")[::-1]},
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
    ),
    "two partition keys": (
        {"KeySchema": keys("a") + keys("b")},
        "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
    ),
    "an attribute that no key uses": (
        THREE,
        f"{INVALID}Number of attributes in KeySchema does not exactly match number of attributes defined in "
        "AttributeDefinitions",
    ),
    "an attribute that no key or index uses": (
        {"AttributeDefinitions": attributes("a", "b", "c", "d"), "GlobalSecondaryIndexes": [index("glo", "c")]},
        f"{INVALID}Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c, d], keys used: [a, b, c]",
    ),
    "no local indexes in a list of them": (
        {"LocalSecondaryIndexes": []},
        f"{INVALID}List of LocalSecondaryIndexes is empty",
    ),
    "no global indexes in a list of them": (
        {"GlobalSecondaryIndexes": []},
        f"{INVALID}List of GlobalSecondaryIndexes is empty",
    ),
    "a local index of a table without a sort key": (
        {"KeySchema": keys("a"), "LocalSecondaryIndexes": [index("loc", "a", "b")]},
        f"{INVALID}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
    ),
    "a local index without a sort key": (
        {"LocalSecondaryIndexes": [index("loc", "a")]},
        f"{INVALID}Index KeySchema does not have a range key for index: loc",
    ),
    "a local index of another partition key": (
        {"LocalSecondaryIndexes": [index("loc", "b", "a")]},
        f"{INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for index: loc. "
        "index hash key: b, table hash key: a",
    ),
    "six local indexes": (
        {"LocalSecondaryIndexes": [index(f"loc{n}", "a", "b") for n in range(6)]},
        f"{INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of 5",
    ),
    "21 global indexes": (
        {"GlobalSecondaryIndexes": [index(f"glo{n:02}", "b") for n in range(21)]},
        f"{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of 20",
    ),
    "one name for a local and a global index": (
        THREE | {"LocalSecondaryIndexes": [LOCAL], "GlobalSecondaryIndexes": [index("loc", "c")]},
        f"{INVALID}Duplicate index name: loc",
    ),
    "an index key that isn't defined": (
        {"GlobalSecondaryIndexes": [index("glo", "z")]},
        f"{INVALID}Some index key attributes are not defined in AttributeDefinitions. "
        "Keys: [z], AttributeDefinitions: [a, b]",
    ),
    "one attribute for both keys of a global index": (
        {"GlobalSecondaryIndexes": [index("glo", "b", "b")]},
        f"{INVALID}The KeySchema contains multiple key attributes with the same name",
    ),
    "an index without a projection's type": (
        {"GlobalSecondaryIndexes": [index("glo", "b", Projection={})]},
        f"{INVALID}Unknown ProjectionType: null",
    ),
    "what to include not said": (
        {"GlobalSecondaryIndexes": [index("glo", "b", kind="INCLUDE")]},
        f"{INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
    ),
    "what to include said for nothing": (
        {
            "GlobalSecondaryIndexes": [
                index("glo", "b", Projection={"ProjectionType": "ALL", "NonKeyAttributes": ["x"]})
            ]
        },
        f"{INVALID}ProjectionType is ALL, but NonKeyAttributes is specified",
    ),
    "one attribute included twice": (
        {
            "GlobalSecondaryIndexes": [
                index("glo", "b", Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y", "x"]})
            ]
        },
        f"{INVALID}Duplicate element in NonKeyAttributes: x",
    ),
    "capacity of an index on demand": (
        {"GlobalSecondaryIndexes": [index("glo", "b", **units(1, 1))]},
        f"{INVALID}ProvisionedThroughput should not be specified for index: glo when BillingMode is PAY_PER_REQUEST",
    ),
    "no capacity of an index": (
        units(1, 1) | {"GlobalSecondaryIndexes": [index("glo", "b")]},
        f"{INVALID}ProvisionedThroughput is not specified for index: glo",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_table_that_can_not_be_is_refused_in_the_services_words(what):
    """And there is none afterwards."""
    request, message = REFUSED[what]
    twin = Twin()
    assert twin.refused("create", **request) == message
    assert twin.call("list") == {"TableNames": []}


def test_a_hundred_attributes_may_be_projected_over_all_indexes():
    """Five indexes that name 20 each are 100; one of them more is too many. One named twice counts twice."""
    include = {"ProjectionType": "INCLUDE", "NonKeyAttributes": [f"x{n}" for n in range(20)]}
    five = [index(f"glo{n}", "b", Projection=include) for n in range(5)]
    Twin().create(GlobalSecondaryIndexes=five)
    one = index("more", "b", Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x0"]})
    assert "limit of 100" in Twin().refused("create", GlobalSecondaryIndexes=[*five, one])


def test_keys_of_several_attributes_are_not_built_and_said_so():
    """The service knows them for global indexes; a twin that took the first two would be wrong in silence."""
    several = index("glo") | {"KeySchema": [*keys("b", "a"), {"AttributeName": "c", "KeyType": "RANGE"}]}
    assert "doesn't have" in Twin().refused("create", **THREE, GlobalSecondaryIndexes=[several])


def test_both_kinds_of_indexes_are_described_each_in_its_place():
    """A local index has no capacity and no status; attributes and what is included are sorted by name."""
    included = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["y", "x"]}
    twin = Twin()
    twin.create(
        AttributeDefinitions=attributes("c", "b", "a"),
        LocalSecondaryIndexes=[LOCAL],
        GlobalSecondaryIndexes=[index("zzz", "c", Projection=included), index("aaa", "b", kind="KEYS_ONLY")],
    )
    table = twin.described()
    assert [one["AttributeName"] for one in table["AttributeDefinitions"]] == ["a", "b", "c"]
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/abc"
    assert table["LocalSecondaryIndexes"] == [
        {
            "IndexName": "loc",
            "IndexArn": f"{arn}/index/loc",
            "KeySchema": keys("a", "c"),
            "Projection": {"ProjectionType": "ALL"},
            "ItemCount": 0,
            "IndexSizeBytes": 0,
        }
    ]
    first, second = table["GlobalSecondaryIndexes"]
    assert (first["IndexName"], second["IndexName"]) == ("zzz", "aaa")
    assert first["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y"]}
    assert first["IndexStatus"] == "ACTIVE"
    assert "Backfilling" not in first
    assert set(twin.tables.by_name["abc"].indexes) == {"loc", "zzz", "aaa"}
    assert set(twin.tables.by_name["abc"].index_meters) == {"zzz", "aaa"}


def test_what_a_table_on_demand_is_described_with():
    """Nothing provisioned, ready for 12,000 reads and 4,000 writes a second, on demand since it was made."""
    twin = Twin()
    answered = twin.create(now_s=5.0)
    assert (answered["TableStatus"], "WarmThroughput" in answered) == ("CREATING", False)
    assert answered["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    table = twin.described(6.0)
    assert table["CreationDateTime"] == BEGAN_S + 5
    assert table["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == BEGAN_S + 5
    assert table["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0,
        "WriteCapacityUnits": 0,
    }
    assert table["WarmThroughput"] == {
        "ReadUnitsPerSecond": 12_000,
        "WriteUnitsPerSecond": 4_000,
        "Status": "ACTIVE",
    }
    assert "OnDemandThroughput" not in table


def test_a_provisioned_table_tells_no_billing_mode_and_is_as_warm_as_it_is_large():
    """The service leaves BillingModeSummary out until a table has been on demand."""
    twin = Twin()
    twin.create(**units(7, 3))
    table = twin.described()
    assert "BillingModeSummary" not in table
    warm = table["WarmThroughput"]
    assert (warm["ReadUnitsPerSecond"], warm["WriteUnitsPerSecond"]) == (7, 3)


def test_class_and_encryption_are_described_as_they_were_asked_for():
    """They change nothing of what the twin does; tags are taken and forgotten; streams are refused by name."""
    twin = Twin()
    twin.create(
        TableClass="STANDARD_INFREQUENT_ACCESS",
        SSESpecification={"Enabled": True, "KMSMasterKeyId": "alias/mine"},
        Tags=[{"Key": "k", "Value": "v"}],
        StreamSpecification={"StreamEnabled": False},
    )
    table = twin.described()
    assert table["TableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    assert table["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "alias/mine"}
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert "streams" in Twin().refused("create", StreamSpecification=stream)


def test_a_table_is_found_by_its_arn_and_made_once():
    """Any account's and region's ARN with the name will do; a name differs from another by case."""
    twin = Twin()
    arn = twin.create()["TableArn"]
    assert twin.call("describe", TableName=arn)["Table"]["TableName"] == "abc"
    assert twin.tables.find({"TableName": arn}).name == "abc"
    assert twin.refused("create") == "ResourceInUseException: Table already exists: abc"
    twin.create(TableName="ABC")
    assert twin.call("list") == {"TableNames": ["ABC", "abc"]}


def test_a_list_begins_after_a_name_that_needs_no_table():
    """Pages of two; the last one names no next."""
    twin = Twin()
    for name in ("bbb", "aaa", "ddd"):
        twin.create(TableName=name)
    assert twin.call("list", Limit=2) == {"TableNames": ["aaa", "bbb"], "LastEvaluatedTableName": "bbb"}
    assert twin.call("list", Limit=2, ExclusiveStartTableName="ccc") == {"TableNames": ["ddd"]}


def test_a_table_that_comes_can_not_be_used_or_changed():
    """With 10 s to be made: CREATING until then, not there for data, in use for whoever alters it."""
    twin = Twin(create_s=10)
    twin.create(GlobalSecondaryIndexes=[index("glo", "b")])
    assert twin.status(9.9) == ("CREATING", {"glo": "CREATING"})
    with pytest.raises(ServiceError, match="Requested resource not found"):
        twin.tables.find({"TableName": "abc"})
    being = "ResourceInUseException: Attempt to change a resource which is still in use: Table is being created: abc"
    assert twin.refused("update", 9.9, DeletionProtectionEnabled=True) == being
    assert twin.refused("delete", 9.9) == being
    assert twin.refused("create", 9.9) == being
    assert twin.refused("live", 9.9, TimeToLiveSpecification={"Enabled": True, "AttributeName": "t"}) == being
    assert twin.status(10.0) == ("ACTIVE", {"glo": "ACTIVE"})
    assert twin.tables.find({"TableName": "abc"}).name == "abc"


def test_a_table_that_goes_is_listed_until_it_is_gone():
    """With 5 s to be deleted; a new one of that name can be made the moment it is gone."""
    twin = Twin(delete_s=5)
    first = twin.create()["TableId"]
    assert twin.call("delete", 0)["TableDescription"]["TableStatus"] == "DELETING"
    being = "ResourceInUseException: Attempt to change a resource which is still in use: Table is being deleted: abc"
    assert twin.refused("delete", 4.9) == being
    assert twin.refused("update", 4.9, DeletionProtectionEnabled=True) == being
    assert twin.refused("create", 4.9) == "ResourceInUseException: Table already exists: abc"
    assert twin.call("list", 4.9) == {"TableNames": ["abc"]}
    gone = "ResourceNotFoundException: Requested resource not found: Table: abc not found"
    assert twin.refused("describe", 5.0) == gone
    assert twin.create(5.0)["TableId"] != first


@pytest.mark.parametrize("partitions", [1, 45_000])
def test_what_a_deleted_table_held_is_freed_a_part_at_a_time(partitions):
    """45,000 entries at 20,000 a call, in one partition or in as many: one call with DeleteTable itself, two more."""
    twin = Twin()
    twin.create()
    items = twin.tables.by_name["abc"].items
    for n in range(45_000):
        items.put(Entry(f"{n % partitions}".encode(), (f"{n:05}".encode(),), b"{}", 10))
    twin.call("delete")
    assert len(items.following(None, 45_000)) == 25_000
    assert twin.tables.work(0)
    assert len(items.following(None, 45_000)) == 5_000
    assert not twin.tables.work(0)
    assert items.following(None, 1) == []


def test_a_protected_table_is_not_deleted():
    """Until its protection is taken away; to ask twice for it is no fault."""
    twin = Twin()
    twin.create(DeletionProtectionEnabled=True)
    twin.call("update", DeletionProtectionEnabled=True)
    assert twin.refused("delete") == (
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
    )
    twin.call("update", DeletionProtectionEnabled=False)
    twin.call("delete")
    assert twin.call("list") == {"TableNames": []}
