"""UpdateTable: what it may ask for, when, and what becomes of the table and its indexes over time."""

import pytest
from table_requests import BEGAN_S, INVALID, Twin, attributes, index, units

from harness.local.dynamodb.data.items import Items
from harness.local.dynamodb.data.reading import Reading
from harness.local.dynamodb.errors import ServiceError

IN_USE = "ResourceInUseException: Attempt to change a resource which is still in use: "
ONE_INDEX = (
    "LimitExceededException: Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
    "per table"
)
NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, "
    "SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
    "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
)


def actions(*, update=None, create=None, delete=None, **members):
    """GlobalSecondaryIndexUpdates with one action each of those given."""
    wanted = (
        ([{"Update": update}] if update else [])
        + ([{"Create": create}] if create else [])
        + ([{"Delete": {"IndexName": delete}}] if delete else [])
    )
    return {"GlobalSecondaryIndexUpdates": wanted} | members


def adding(name="new", *of, **members):
    """The addition of an index keyed by c, or by other attributes."""
    names = of or ("c",)
    return actions(create=index(name, *names, **members)) | {"AttributeDefinitions": attributes(*names)}


def put(twin, now_s=0.0, **texts):
    item = {name: {"S": text} for name, text in texts.items()}
    Items(twin.tables).put({"TableName": "abc", "Item": {"a": {"S": "1"}, "b": {"S": "1"}} | item}, now_s)


@pytest.fixture
def twin():
    """A provisioned table of 5 and 5 with an index `glo` of 5 and 5, all of whose changes are done at once."""
    made = Twin()
    made.create(**units(5, 5), GlobalSecondaryIndexes=[index("glo", "b", **units(5, 5))])
    return made


WRONG = {
    "nothing": ({}, NOTHING),
    "only attributes": ({"AttributeDefinitions": attributes("a")}, NOTHING),
    "only an empty list": ({"GlobalSecondaryIndexUpdates": []}, NOTHING),
    "an empty list beside something": (
        {"GlobalSecondaryIndexUpdates": [], "DeletionProtectionEnabled": True},
        f"{INVALID}List of GlobalSecondaryIndexUpdates is empty",
    ),
    "provisioned without capacity": (
        {"BillingMode": "PROVISIONED"},
        f"{INVALID}ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
    ),
    "on demand with capacity": (
        {"BillingMode": "PAY_PER_REQUEST"} | units(1, 1),
        f"{INVALID}ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST",
    ),
    "the capacity it has": (
        units(5, 5),
        "The provisioned throughput for the table will not change. The requested value equals the current value. "
        "Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. "
        "Current WriteCapacityUnits provisioned for the table: 5. Requested WriteCapacityUnits: 5. "
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
    ),
    "the capacity an index has": (
        actions(update={"IndexName": "glo"} | units(5, 5)),
        "The provisioned throughput for the index glo will not change. The requested value equals the current value. "
        "Current ReadCapacityUnits provisioned for index glo: 5. Requested ReadCapacityUnits: 5. "
        "Current WriteCapacityUnits provisioned for index glo: 5. Requested WriteCapacityUnits: 5. "
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
    ),
    "protection beside something": (
        {"DeletionProtectionEnabled": True} | units(6, 6),
        "DeletionProtection modification must be the only operation in the request",
    ),
    "an action that is none": (
        {"GlobalSecondaryIndexUpdates": [{}]},
        f"{INVALID}One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
        "GlobalSecondaryIndexUpdate.Delete must not be null",
    ),
    "two actions in one": (
        {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "glo"}, "Update": {"IndexName": "glo"}}]},
        f"{INVALID}Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
    ),
    "two actions on one index": (
        actions(update={"IndexName": "glo"} | units(6, 6), delete="glo"),
        f"{INVALID}Only one global secondary index update per index is allowed simultaneously. Index: glo",
    ),
    "two indexes that come": (
        adding("new1", **units(1, 1)) | {
            "GlobalSecondaryIndexUpdates": [{"Create": index(f"new{n}", "c", **units(1, 1))} for n in (1, 2)]
        },
        ONE_INDEX,
    ),
    "one that comes and one that goes": (actions(create=index("new", "c"), delete="glo",
        AttributeDefinitions=attributes("c")), ONE_INDEX),
    "an index that isn't there": (
        actions(update={"IndexName": "nowhere"} | units(6, 6)),
        "ResourceNotFoundException: Requested resource not found: Index nowhere for table abc",
    ),
    "an index that isn't there to delete": (
        actions(delete="nowhere"),
        "ResourceNotFoundException: Requested resource not found: Index nowhere for table abc",
    ),
    "an index that is there already": (
        adding("glo", **units(1, 1)),
        "Attempting to create an index which already exists",
    ),
    "a new index whose attributes aren't told": (
        actions(create=index("new", "c", **units(1, 1))),
        f"{INVALID}AttributeDefinitions is not specified for index: new",
    ),
    "a new index without capacity": (
        adding(),
        f"{INVALID}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: new",
    ),
    "a new index beside the table's capacity": (
        adding(**units(1, 1)) | units(6, 6),
        "You cannot create or delete index while updating table IOPS",
    ),
    "maxima of a provisioned table": (
        {"OnDemandThroughput": {"MaxReadRequestUnits": 10}},
        f"{INVALID}MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is "
        "PROVISIONED",
    ),
    "less warm than it is": (
        {"WarmThroughput": {"ReadUnitsPerSecond": 4}},
        f"{INVALID}Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, "
        "decreasing WarmThroughput is not supported",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_an_alteration_that_can_not_be_is_refused_and_changes_nothing(twin, what):
    """In the service's words; the description is the same before and after."""
    before = twin.described()
    request, message = WRONG[what]
    assert twin.refused("update", **request) == message
    assert twin.described() == before


def test_a_request_is_wrong_before_its_table_is_missing():
    """The table that isn't there is told only of a request that has sense."""
    assert Twin().refused("update") == NOTHING
    missing = "ResourceNotFoundException: Requested resource not found: Table: abc not found"
    assert Twin().refused("update", **units(1, 1)) == missing


def test_capacity_changes_when_the_update_is_done():
    """With 2 s to update: the answer and the table tell the old capacity till then; the moment of the change is told."""
    twin = Twin(update_s=2)
    twin.create(**units(5, 5))
    answered = twin.call("update", 10.0, **units(7, 5))["TableDescription"]
    assert (answered["TableStatus"], answered["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("UPDATING", 5)
    assert answered["ProvisionedThroughput"]["LastIncreaseDateTime"] == BEGAN_S + 10
    busy = f"{IN_USE}Table IOPS are currently being updated. Table: abc"
    assert twin.refused("update", 11.9, **units(8, 8)) == busy
    assert twin.refused("update", 11.9, BillingMode="PAY_PER_REQUEST") == busy
    assert twin.refused("delete", 11.9) == f"{IN_USE}Table: abc is in the process of being updated."
    assert twin.tables.by_name["abc"].meter.admission.level("read", 11.9) == 5 * 300
    after = twin.described(12.0)
    assert (after["TableStatus"], after["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("ACTIVE", 7)
    assert "LastDecreaseDateTime" not in after["ProvisionedThroughput"]


def test_several_indexes_are_updated_at_once_and_their_table_stays_active():
    """Both are UPDATING for as long as that takes; the table's own capacity doesn't wait for them."""
    twin = Twin(index_update_s=3)
    indexes = [index(name, "b", **units(1, 1)) for name in ("one", "two")]
    twin.create(**units(5, 5), GlobalSecondaryIndexes=indexes)
    wanted = [{"Update": {"IndexName": name} | units(2, 2)} for name in ("one", "two")]
    twin.call("update", 0, GlobalSecondaryIndexUpdates=wanted)
    assert twin.status(2.9) == ("ACTIVE", {"one": "UPDATING", "two": "UPDATING"})
    assert twin.refused("update", 2.9, GlobalSecondaryIndexUpdates=wanted[:1]) == (
        f"{IN_USE}Index is being updated. Table: abc Index: one"
    )
    busy = f"{IN_USE}Cannot delete table while indexes are being created, updated, or deleted."
    assert twin.refused("delete", 2.9) == busy
    twin.call("update", 2.9, **units(6, 6))
    assert twin.status(3.0) == ("ACTIVE", {"one": "ACTIVE", "two": "ACTIVE"})
    assert [
        one["ProvisionedThroughput"]["ReadCapacityUnits"] for one in twin.described(3)["GlobalSecondaryIndexes"]
    ] == [
        2,
        2,
    ]


def test_an_index_is_added_and_filled_with_what_is_there(twin):
    """Three items: with the key, without it, and with a key of another type; only the first gets an entry."""
    put(twin, b="1", c="x")
    put(twin, b="2")
    Items(twin.tables).put({"TableName": "abc", "Item": {"a": {"S": "1"}, "b": {"S": "3"}, "c": {"N": "3"}}}, 0)
    answered = twin.call("update", **adding(**units(2, 3)))["TableDescription"]
    (_, new) = answered["GlobalSecondaryIndexes"]
    assert (answered["TableStatus"], new["IndexStatus"], new["Backfilling"]) == ("UPDATING", "CREATING", False)
    table = twin.described()
    (_, new) = table["GlobalSecondaryIndexes"]
    assert (table["TableStatus"], new["IndexStatus"], "Backfilling" in new) == ("ACTIVE", "ACTIVE", False)
    # a, b and c with a value of one byte each.
    assert (new["ItemCount"], new["IndexSizeBytes"]) == (1, 6)
    assert new["ProvisionedThroughput"]["WriteCapacityUnits"] == 3
    assert [one["AttributeName"] for one in table["AttributeDefinitions"]] == ["a", "b", "c"]


def test_writes_keep_an_index_that_is_being_filled():
    """Allocated for 10 s, filled for 20: what is written meanwhile is in it once, what is deleted isn't."""
    twin = Twin(index_allocation_s=10, index_backfill_s=20)
    twin.create()
    for name in ("1", "2", "3"):
        put(twin, b=name, c="x")
    twin.call("update", 0, **adding())
    assert twin.status(9) == ("UPDATING", {"new": "CREATING"})
    table = twin.tables.by_name["abc"]
    assert table.backfilling == set()
    twin.tables.settle(10)
    assert (twin.status(10), table.backfilling) == (("ACTIVE", {"new": "CREATING"}), {"new"})
    asked = {"KeyConditionExpression": "c = :c", "ExpressionAttributeValues": {":c": {"S": "x"}}}
    with pytest.raises(ServiceError, match="Cannot read from backfilling global secondary index: new"):
        list(Reading(twin.tables).query({"TableName": "abc", "IndexName": "new"} | asked, 10))
    put(twin, 11, b="1", c="y")  # moves before it is filled
    Items(twin.tables).delete({"TableName": "abc", "Key": {"a": {"S": "1"}, "b": {"S": "2"}}}, 11)
    put(twin, 11, b="4", c="x")
    assert twin.tables.work(12)  # filled by now, but not active before its time
    assert twin.described(29.9)["GlobalSecondaryIndexes"][0]["Backfilling"] is True
    assert not twin.tables.work(30)
    assert (twin.status(30), table.backfilling) == (("ACTIVE", {"new": "ACTIVE"}), set())
    entries = table.indexes["new"].entries
    held = sorted((entry.parsed()["c"]["S"], entry.parsed()["b"]["S"]) for entry in entries.following(None, 10))
    assert held == [("x", "3"), ("x", "4"), ("y", "1")]


def test_what_a_table_allows_while_an_index_comes():
    """Before it is filled nearly nothing; while it is filled, the table's capacity and the end of the index."""
    twin = Twin(index_allocation_s=10, index_backfill_s=20, index_delete_s=5)
    twin.create(**units(5, 5))
    twin.call("update", 0, **adding(**units(1, 1)))
    place = "Table: abc Index: new"
    bigger = actions(update={"IndexName": "new"} | units(2, 2))
    assert twin.refused("update", 5, **units(6, 6)) == (
        f"{IN_USE}Can't change table IOPS when an index is being created. Table: abc Indexes: [new]"
    )
    assert twin.refused("update", 5, **bigger) == (
        f"{IN_USE}Index is being created but is not backfilling yet. {place}"
    )
    assert twin.refused("update", 5, **actions(delete="new")) == (
        f"{IN_USE}Index creation is in resource allocation phase. Retry deletion during backfilling phase or when the "
        f"index is active. {place}"
    )
    assert twin.refused("update", 5, **adding("newer", **units(1, 1))) == ONE_INDEX
    assert twin.refused("update", 15, **adding("newer", **units(1, 1))) == ONE_INDEX
    twin.call("update", 15, **units(6, 6))
    busy = f"{IN_USE}Cannot delete table while indexes are being created, updated, or deleted."
    assert twin.refused("delete", 15) == busy
    twin.call("update", 15, **actions(delete="new"))
    assert twin.status(15) == ("UPDATING", {"new": "DELETING"})
    assert twin.refused("update", 16, **units(7, 7)) == (
        f"{IN_USE}Can't change table IOPS when an index is being deleted. Table: abc Indexes: [new]"
    )
    assert twin.refused("update", 16, **actions(delete="new")) == f"{IN_USE}Index is being deleted. {place}"
    assert twin.refused("update", 16, **adding(**units(1, 1))) == f"{IN_USE}Index is being deleted. {place}"
    assert twin.status(20) == ("ACTIVE", {})
    assert not twin.tables.work(40)


def test_an_index_that_goes_takes_its_attributes_along(twin):
    """Protection doesn't keep it; b is the table's own key and stays; a local index can't be deleted."""
    twin.call("update", **adding(**units(1, 1)))
    twin.call("update", DeletionProtectionEnabled=True)
    twin.call("update", **actions(delete="new"))
    twin.call("update", **actions(delete="glo"))
    table = twin.described()
    assert "GlobalSecondaryIndexes" not in table
    assert [one["AttributeName"] for one in table["AttributeDefinitions"]] == ["a", "b"]
    local = Twin()
    local.create(AttributeDefinitions=attributes("a", "b", "c"), LocalSecondaryIndexes=[index("loc", "a", "c")])
    assert local.refused("update", **actions(delete="loc")) == (
        "ResourceNotFoundException: Requested resource not found: Index loc for table abc"
    )


def test_a_21st_index_is_one_too_many():
    """CreateTable calls it invalid, UpdateTable a limit."""
    twin = Twin()
    twin.create(GlobalSecondaryIndexes=[index(f"glo{n:02}", "b") for n in range(20)])
    assert twin.refused("update", **adding("more", "b")) == (
        "LimitExceededException: Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit "
        "of 20"
    )


def test_a_large_table_fills_its_index_a_part_at_a_time():
    """1,200 items at 500 a call: one part with UpdateTable itself, two more, and none is left out."""
    twin = Twin()
    twin.create()
    for n in range(1_200):
        put(twin, a=f"{n:04}", b="1", c="x")
    twin.call("update", **adding())
    assert twin.described()["GlobalSecondaryIndexes"][0]["ItemCount"] == 500
    assert twin.tables.work(0)
    assert not twin.tables.work(0)
    assert twin.described()["GlobalSecondaryIndexes"][0]["ItemCount"] == 1_200


def test_filling_may_wait_for_the_indexs_capacity():
    """One write unit stores 300: the 301st entry of one unit waits for the next second."""
    twin = Twin(backfill_takes_capacity=True)
    twin.create(**units(1, 1_000))
    for n in range(310):
        put(twin, b=f"{n:04}", c="x")
    twin.call("update", **adding(**units(1, 1)))
    assert twin.described()["GlobalSecondaryIndexes"][0]["ItemCount"] == 300
    twin.tables.work(5.0)
    assert twin.described(5.0)["GlobalSecondaryIndexes"][0]["ItemCount"] == 305


def test_both_modes_and_back():
    """To on-demand at once with a maximum; back with capacity for the table and every index, and the maximum is gone."""
    twin = Twin(switch_s=60)
    twin.create(**units(5, 5), GlobalSecondaryIndexes=[index("glo", "b", **units(5, 5))])
    most = {"OnDemandThroughput": {"MaxReadRequestUnits": 10}}
    answered = twin.call("update", 0, BillingMode="PAY_PER_REQUEST", **most)["TableDescription"]
    assert answered["TableStatus"] == "UPDATING"
    assert answered["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert answered["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    assert twin.described(60)["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == BEGAN_S + 60
    assert twin.described(60)["OnDemandThroughput"] == {"MaxReadRequestUnits": 10}
    back = {"BillingMode": "PROVISIONED"} | units(3, 3)
    assert twin.refused("update", 61, **back) == f"{INVALID}ProvisionedThroughput must be specified for index: glo"
    twin.call("update", 61, **back, **actions(update={"IndexName": "glo"} | units(2, 2)))
    table = twin.described(121)
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert "OnDemandThroughput" not in table
    assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 2


def test_on_demand_nothing_can_be_provisioned():
    """Neither for the table nor for an index; to be asked for the mode it has is no fault."""
    twin = Twin()
    twin.create(GlobalSecondaryIndexes=[index("glo", "b")])
    twin.call("update", BillingMode="PAY_PER_REQUEST")
    assert twin.refused("update", **units(1, 1)) == (
        f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
    )
    assert twin.refused("update", **actions(update={"IndexName": "glo"} | units(1, 1))) == (
        f"{INVALID}The only Updates for index: glo when TableThroughputMode is PAY_PER_REQUEST can be to "
        "OnDemandThroughput, WarmThroughput"
    )
    assert twin.refused("update", **adding(**units(1, 1))) == (
        f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new when BillingMode is "
        "PAY_PER_REQUEST"
    )


def test_maxima_are_set_each_on_its_own_and_taken_away():
    """-1 takes one away; without any there is no such member; an index has its own; each throttles at once."""
    twin = Twin()
    twin.create(GlobalSecondaryIndexes=[index("glo", "b", OnDemandThroughput={"MaxWriteRequestUnits": 7})])
    for asked, left in (
        (
            {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20},
            {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20},
        ),
        ({"MaxReadRequestUnits": 30}, {"MaxReadRequestUnits": 30, "MaxWriteRequestUnits": 20}),
        ({"MaxWriteRequestUnits": -1}, {"MaxReadRequestUnits": 30}),
        ({"MaxReadRequestUnits": -1}, None),
    ):
        twin.call("update", OnDemandThroughput=asked)
        assert twin.described().get("OnDemandThroughput") == left
    (glo,) = twin.described()["GlobalSecondaryIndexes"]
    assert glo["OnDemandThroughput"] == {"MaxWriteRequestUnits": 7}
    assert twin.tables.by_name["abc"].index_meters["glo"].admission.level("write", 0) == 7


def test_maxima_and_warmth_that_say_nothing_change_nothing(twin):
    """Empty structures leave a provisioned table as it is; the service fails with status 500 on them."""
    before = twin.described()
    twin.call("update", OnDemandThroughput={}, WarmThroughput={})
    twin.call("update", **units(6, 6))
    assert twin.described()["WarmThroughput"]["ReadUnitsPerSecond"] == 6
    assert before["TableStatus"] == twin.described()["TableStatus"]


def test_warm_throughput_goes_up_only_and_is_told():
    """A new table's 12,000 and 4,000 a second raised, one kind alone; provisioning less doesn't cool."""
    twin = Twin()
    twin.create(WarmThroughput={"ReadUnitsPerSecond": 13_000})
    twin.call("update", WarmThroughput={"WriteUnitsPerSecond": 5_000})
    warm = twin.described()["WarmThroughput"]
    assert (warm["ReadUnitsPerSecond"], warm["WriteUnitsPerSecond"]) == (13_000, 5_000)
    twin.call("update", BillingMode="PROVISIONED", **units(1, 1))
    assert twin.described()["WarmThroughput"] == warm
    low = Twin().refused("create", WarmThroughput={"ReadUnitsPerSecond": 1})
    assert low.startswith(
        f"{INVALID}Requested ReadUnitsPerSecond for WarmThroughput for table is lower than initial throughput for "
        "OnDemand"
    )
