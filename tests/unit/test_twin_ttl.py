"""Time to live: what may be asked, and what the sweep deletes at which moment of the service's clock."""

import pytest

from harness.dynamodb.parameters import AdmissionParameters
from harness.local.dynamodb.data.items import Items
from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.tables.account import Account
from harness.local.dynamodb.tables.parameters import TableParameters
from harness.local.dynamodb.tables.tables import Tables
from harness.local.dynamodb.tables.ttl import SWEEP_ITEMS, Ttl

BEGAN_S = 1_800_000_000  # the epoch's second at which the service's clock is at 0
YEAR_S = 365.25 * 86_400
KEYS = {
    "AttributeDefinitions": [
        {"AttributeName": "k", "AttributeType": "S"},
        {"AttributeName": "g", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}


class Twin:
    """Tables with one called `kept`, and their time to live."""

    def __init__(self, **parameters):
        self.tables = Tables(
            Account.beginning(
                BEGAN_S, TableParameters(**parameters), admission=AdmissionParameters(partition_limits=False)
            )
        )
        self.ttl, self.items = Ttl(self.tables), Items(self.tables)
        self.tables.create({"TableName": "kept"} | KEYS, 0)
        self.table = self.tables.by_name["kept"]

    def ask(self, enabled, attribute="until", now_s=0.0):
        specification = {"Enabled": enabled, "AttributeName": attribute}
        return self.ttl.update({"TableName": "kept", "TimeToLiveSpecification": specification}, now_s)

    def described(self):
        return self.ttl.describe({"TableName": "kept"}, 0)["TimeToLiveDescription"]

    def put(self, key, **attributes):
        self.items.put({"TableName": "kept", "Item": {"k": {"S": key}, "g": {"S": "all"}} | attributes}, 0)

    def keys(self):
        return sorted(stored.parsed()["k"]["S"] for stored in self.table.items.following(None, 1_000_000))

    def refused(self, *asked, **named):
        with pytest.raises(ServiceError) as refusal:
            self.ask(*asked, **named)
        return str(refusal.value)


def test_it_is_off_until_it_is_enabled_and_then_told():
    """Fresh: DISABLED and no attribute; enabled: its name; the answer echoes what was asked."""
    twin = Twin()
    assert twin.described() == {"TimeToLiveStatus": "DISABLED"}
    assert twin.ask(True) == {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "until"}}
    assert twin.described() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}


def test_what_is_so_already_is_refused_before_it_is_too_early():
    """The service's three messages of content, each without a wait."""
    twin = Twin()
    assert twin.refused(False) == "TimeToLive is already disabled"
    twin.ask(True)
    assert twin.refused(True) == "TimeToLive is already enabled"
    different = "TimeToLive is active on a different AttributeName: current AttributeName is until"
    assert twin.refused(True, "other") == different
    assert twin.refused(False, "other") == different


def test_a_second_change_waits_an_hour():
    """3,599 s after the first it is refused, at 3,600 s it is done, and the wait begins anew."""
    twin = Twin()
    twin.ask(True)
    early = "Time to live has been modified multiple times within a fixed interval"
    assert twin.refused(False, now_s=3_599) == early
    twin.ask(False, now_s=3_600)
    assert twin.described() == {"TimeToLiveStatus": "DISABLED"}
    assert twin.refused(True, now_s=7_199) == early


def test_an_item_goes_once_its_moment_is_past():
    """At the very second it is still there; a moment later it is gone, from the index too, and nothing was consumed."""
    twin = Twin()
    twin.ask(True)
    twin.put("soon", until={"N": str(BEGAN_S + 100)})
    twin.put("later", until={"N": str(BEGAN_S + 200)})
    consumed = dict(twin.table.meter.consumed)
    twin.ttl.sweep(100.0)
    assert twin.keys() == ["later", "soon"]
    twin.ttl.sweep(101.5)
    assert twin.keys() == ["later"]
    assert twin.table.indexes["by_g"].entries.count == 1
    assert twin.table.meter.consumed == consumed


@pytest.mark.parametrize(
    "value",
    [
        {"S": str(BEGAN_S - 100)},
        {"L": [{"N": str(BEGAN_S - 100)}]},
        {"M": {"until": {"N": str(BEGAN_S - 100)}}},
        {"N": str(BEGAN_S - int(5 * YEAR_S) - 1)},
        {"N": "-5"},
    ],
)
def test_what_is_no_moment_of_the_last_five_years_is_kept(value):
    """Text, a list, a map that has a number of that name, a moment too long ago."""
    twin = Twin()
    twin.ask(True)
    twin.put("kept", until=value)
    twin.ttl.sweep(10.0)
    assert twin.keys() == ["kept"]


def test_an_items_own_moment_counts_whatever_else_has_that_name():
    """A map with a past moment of the same name before it, and a text that looks like one, change nothing."""
    twin = Twin()
    twin.ask(True)
    past, future = {"N": str(BEGAN_S - 100)}, {"N": str(BEGAN_S + 100)}
    twin.put("kept", map={"M": {"until": past}}, text={"S": '"until":{"N":"1800000000"'}, until=future)
    twin.put("gone", map={"M": {"until": future}}, text={"S": '"until":{"N":"x"'}, until=past)
    twin.ttl.sweep(10.0)
    assert twin.keys() == ["kept"]


def test_nothing_goes_without_time_to_live():
    """Neither before it is enabled nor after it was disabled."""
    twin = Twin(ttl_change_s=0)
    twin.put("past", until={"N": str(BEGAN_S - 100)})
    twin.ttl.sweep(10.0)
    twin.ask(True)
    twin.ask(False)
    twin.ttl.sweep(20.0)
    assert twin.keys() == ["past"]


def test_the_service_may_take_its_time():
    """With a delay of two days an item is there two days after, and not a second later."""
    twin = Twin(ttl_delay_s=172_800)
    twin.ask(True)
    twin.put("past", until={"N": str(BEGAN_S)})
    twin.ttl.sweep(172_800)
    assert twin.keys() == ["past"]
    twin.ttl.sweep(172_801.5)
    assert twin.keys() == []


def test_one_sweep_does_a_bounded_part_and_the_next_goes_on():
    """3,000 items, a third of them expired: no call looks at more than 1,000, and in the end the right ones are gone."""
    twin = Twin()
    twin.ask(True)
    for n in range(3 * SWEEP_ITEMS):
        twin.put(f"{n:04}", until={"N": str(BEGAN_S + (-1 if n % 3 == 0 else 1_000))})
    calls, before = 0, twin.table.items.count
    while twin.ttl.sweep(1.0):
        calls += 1
        # One that is deleted counts as 20 that are looked at, and the last one may run over.
        assert before - twin.table.items.count <= SWEEP_ITEMS // 20 + 1
        before = twin.table.items.count
    assert twin.keys() == [f"{n:04}" for n in range(3 * SWEEP_ITEMS) if n % 3]
    assert twin.table.indexes["by_g"].entries.count == 2 * SWEEP_ITEMS
    # 3,000 looked at and 1,000 deleted cost 23,000: 22 calls of 1,000 or a little more, at least.
    assert calls >= 20


def test_a_table_looked_through_rests_for_a_second():
    """What expires meanwhile goes with the next look."""
    twin = Twin()
    twin.ask(True)
    assert not twin.ttl.sweep(10.0)
    twin.put("past", until={"N": str(BEGAN_S)})
    assert not twin.ttl.sweep(10.5)
    assert twin.keys() == ["past"]
    assert not twin.ttl.sweep(11.0)
    assert twin.keys() == []
