"""Quotas: of a table, of an account, of changes in a day; and what is told of them."""

import pytest
from table_requests import BEGAN_S, Twin, index, units

from harness.local.dynamodb.tables.account import Account
from harness.local.dynamodb.tables.limits import Limits
from harness.local.dynamodb.tables.parameters import TableParameters

LIMIT = "LimitExceededException: "
MORE = "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
HOUR_S = 3_600


def updated(twin, now_s, read, write):
    twin.call("update", now_s, **units(read, write))


def of_index(read, write):
    return {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "glo"} | units(read, write)}]}


def test_a_table_has_40_000_units_of_each_kind_at_most():
    """B11: made or altered; an index counts by itself."""
    twin = Twin()
    too_many = (
        f"{LIMIT}The requested ReadCapacityUnits, 40001, is above the per table maximum for the account in us-east-1. "
        f"Per table maximum: 40000. {MORE}"
    )
    assert twin.refused("create", **units(40_001, 1)) == too_many
    assert twin.refused("create", **units(1, 1), GlobalSecondaryIndexes=[index("glo", "b", **units(1, 40_001))]) == (
        f"{LIMIT}The requested WriteCapacityUnits for index glo, 40001, is above the per index maximum for the account "
        f"in us-east-1. Per table maximum: 40000. {MORE}"
    )
    twin.create(**units(40_000, 1), GlobalSecondaryIndexes=[index("glo", "b", **units(40_000, 1))])
    assert twin.refused("update", **units(40_001, 1)) == too_many


def test_an_account_may_have_a_limit_over_all_its_tables():
    """Of 80,000: a table of 40,000 with an index of 30,000 leaves 10,000; what goes down makes room for what goes up."""
    twin = Twin(account_units=80_000)
    twin.create(**units(40_000, 1), GlobalSecondaryIndexes=[index("glo", "b", **units(30_000, 1))])
    assert twin.refused("create", TableName="other", **units(10_001, 1)) == (
        f"{LIMIT}This request would have caused the ReadCapacityUnits limit to be exceeded for the account in us-east-1. "
        f"Current ReadCapacityUnits reserved by the account: 70000. Limit: 80000. Requested: 10001. {MORE}"
    )
    twin.create(TableName="other", **units(10_000, 1))
    assert "reserved by the account: 80000" in twin.refused("update", **of_index(30_001, 1))
    twin.call("update", **units(39_999, 1), **of_index(30_001, 1))
    twin.call("delete", TableName="other")
    twin.call("update", **of_index(40_000, 1))


def test_an_account_without_a_limit_of_its_own_takes_whatever_tables_have():
    """The twin's default, since a laptop's tests may have many large tables."""
    twin = Twin()
    for name in ("one", "two", "three"):
        twin.create(TableName=name, **units(40_000, 40_000))


def test_an_account_has_so_many_tables():
    """Of two, the third is refused; one that is deleted makes room."""
    twin = Twin(tables=2)
    twin.create(TableName="one")
    twin.create(TableName="two")
    assert twin.refused("create") == f"{LIMIT}Subscriber limit exceeded: There is a limit of 2 tables per subscriber"
    twin.call("delete", TableName="one")
    twin.create()


def test_capacity_goes_down_four_times_a_day_and_then_once_an_hour():
    """B6: both kinds in one call count once, one down and one up as well; what goes up is free.

    The clock begins at 8:00:00 in the morning. The fourth decrease is at 8:00:40, so the next one is at 9:00:40.
    """
    twin = Twin()
    twin.create(**units(10, 10))
    for now_s, read, write in ((10, 9, 9), (20, 8, 12), (25, 8, 20), (30, 7, 7), (40, 6, 7)):
        updated(twin, now_s, read, write)
    assert twin.described(41)["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 4,
        "ReadCapacityUnits": 6,
        "WriteCapacityUnits": 7,
        "LastIncreaseDateTime": BEGAN_S + 25,
        "LastDecreaseDateTime": BEGAN_S + 40,
    }
    assert twin.refused("update", 50, **units(5, 5)) == (
        f"{LIMIT}Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After "
        "the first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 "
        "seconds. Number of decreases today: 4. Last decrease at Friday, January 15, 2027 8:00:40 AM UTC. "
        "Next decrease can be made at Friday, January 15, 2027 9:00:40 AM UTC"
    )
    updated(twin, 60, 60, 60)
    updated(twin, 40 + HOUR_S, 59, 59)
    assert twin.described(41 + HOUR_S)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 5
    # 16 hours after 8:00 it is midnight.
    assert "limited within a given UTC day" in twin.refused("update", 41 + HOUR_S, **units(58, 58))
    updated(twin, 16 * HOUR_S, 58, 58)
    assert twin.described(16 * HOUR_S)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 1


def test_an_index_has_decreases_of_its_own():
    """With the table's four used up, a decrease of both is refused whole, one of the index alone is done."""
    twin = Twin()
    twin.create(**units(10, 10), GlobalSecondaryIndexes=[index("glo", "b", **units(10, 10))])
    for now_s in (1, 2, 3, 4):
        updated(twin, now_s, 10 - now_s, 10)
    assert "decreases are limited" in twin.refused("update", 5, **units(5, 5), **of_index(5, 5))
    (glo,) = twin.described(5)["GlobalSecondaryIndexes"]
    assert glo["ProvisionedThroughput"]["ReadCapacityUnits"] == 10
    twin.call("update", 5, **of_index(5, 5))
    (glo,) = twin.described(5)["GlobalSecondaryIndexes"]
    assert glo["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 1


def test_a_table_is_switched_to_on_demand_four_times_in_24_hours():
    """B7: the fifth waits until the first is a day old; back is free."""
    twin = Twin()
    twin.create(**units(1, 1))
    back = {"BillingMode": "PROVISIONED"} | units(1, 1)
    for now_s in (0, 100, 200, 300):
        twin.call("update", now_s, BillingMode="PAY_PER_REQUEST")
        twin.call("update", now_s + 50, **back)
    assert twin.refused("update", 400, BillingMode="PAY_PER_REQUEST") == (
        f"{LIMIT}Subscriber limit exceeded: Update to PayPerRequest mode are limited to 4 times in 1 day(s). "
        "Last update at Friday, January 15, 2027 8:05:00 AM UTC. "
        "Next update can be made at Saturday, January 16, 2027 8:00:00 AM UTC"
    )
    twin.call("update", 24 * HOUR_S, BillingMode="PAY_PER_REQUEST")


@pytest.mark.parametrize(
    ("member", "asked", "message"),
    [
        (
            "OnDemandThroughput",
            {"MaxReadRequestUnits": 0},
            "One or more parameter values were invalid: Requested MaxReadRequestUnits for OnDemandThroughput for table "
            "is outside of valid range",
        ),
        (
            "OnDemandThroughput",
            {"MaxWriteRequestUnits": 40_001},
            f"{LIMIT}Subscriber limit exceeded: Requested MaxWriteRequestUnits for OnDemandThroughput for table exceeds "
            "TableMaxWriteCapacityUnits of the account in region us-east-1",
        ),
        (
            "WarmThroughput",
            {"ReadUnitsPerSecond": 40_001},
            f"{LIMIT}Subscriber limit exceeded: Requested ReadUnitsPerSecond for WarmThroughput for table exceeds "
            "TableMaxReadCapacityUnits of the account in region us-east-1",
        ),
    ],
)
def test_what_a_table_on_demand_asks_for_keeps_the_tables_quota_too(member, asked, message):
    """Made or altered, in the same words."""
    twin = Twin()
    assert twin.refused("create", **{member: asked}) == message
    twin.create()
    assert twin.refused("update", **{member: asked}) == message


def test_the_quotas_are_told():
    """The service's own for an account without a limit; the twin's where it has one."""
    told = Limits(Account.beginning(BEGAN_S), str).describe({}, 0)
    assert told == {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }
    smaller = Limits(Account.beginning(BEGAN_S, TableParameters(account_units=500, table_units=100)), str)
    assert set(smaller.describe({}, 0).values()) == {500, 100}


def test_clients_are_told_to_come_to_the_twin():
    """A client that asks where to go must not be sent to the service itself."""
    limits = Limits(Account.beginning(BEGAN_S), lambda: "127.0.0.1:8000")
    (endpoint,) = limits.describe_endpoints({}, 0)["Endpoints"]
    assert endpoint == {"Address": "127.0.0.1:8000", "CachePeriodInMinutes": 1_440}
