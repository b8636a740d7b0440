"""Time to live: items whose moment is past are deleted, for no capacity, some time after."""

from dataclasses import dataclass
from typing import Any

import orjson

from harness.local.dynamodb.data.storage import Entry
from harness.local.dynamodb.data.writing import remove_silently
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.tables.account import Account
from harness.local.dynamodb.tables.alterations import check_state
from harness.local.dynamodb.tables.table import Table
from harness.local.dynamodb.tables.tables import Tables

SWEEP_ITEMS = 1_000
"""Items that one call looks at: some tenths of a millisecond where none has expired."""
REMOVAL_ITEMS = 20
"""As how many of those looked at one that is deleted counts."""
REST_S = 1.0
"""Service seconds from the end of one look at a whole table to the next."""
TOO_OLD_S = 5 * 365.25 * 86_400
"""An item that should have gone five years ago stays: its attribute is taken for something else."""


@dataclass(slots=True)
class _Pass:
    """How far one look at a whole table has come, or until when none is taken."""

    last: Entry | None = None
    rests_until_s: float = 0.0


class Ttl:
    """DescribeTimeToLive, UpdateTimeToLive, and the sweep that deletes."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._passes: dict[str, _Pass] = {}

    def describe(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """DescribeTimeToLive."""
        attribute = self._tables.named(request, now_s).ttl_attribute
        told = {"TimeToLiveStatus": "DISABLED"}
        if attribute is not None:
            told = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
        return {"TimeToLiveDescription": told}

    def update(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """UpdateTimeToLive; what is asked is checked before whether it is too early for a change."""
        table, asked = self._tables.named(request, now_s), request["TimeToLiveSpecification"]
        check_state(table)
        present, attribute = table.ttl_attribute, asked["AttributeName"]
        if present is not None and present != attribute:
            raise validation(f"TimeToLive is active on a different AttributeName: current AttributeName is {present}")
        if asked["Enabled"] == (present is not None):
            raise validation(f"TimeToLive is already {'enabled' if present else 'disabled'}")
        changed_s = table.ttl_changed_s
        if changed_s is not None and now_s < changed_s + self._tables.account.tables.ttl_change_s:
            raise validation("Time to live has been modified multiple times within a fixed interval")
        table.ttl_attribute, table.ttl_changed_s = attribute if asked["Enabled"] else None, now_s
        return {"TimeToLiveSpecification": {"Enabled": asked["Enabled"], "AttributeName": attribute}}

    def sweep(self, now_s: float) -> bool:
        """Look at some more items and delete the expired ones; True while a table isn't looked through yet.

        A call takes a few milliseconds at most, however many items there are or have expired.
        """
        tables = {table.id: table for table in self._tables.by_name.values() if table.ttl_attribute and table.serving}
        self._passes = {one: self._passes.get(one) or _Pass() for one in tables}
        left = SWEEP_ITEMS
        for one, table in tables.items():
            place = self._passes[one]
            if place.rests_until_s <= now_s:
                left -= self._sweep(table, place, left, now_s)
                if left <= 0:
                    return True
        return False

    def _sweep(self, table: Table, place: _Pass, items: int, now_s: float) -> int:
        """One table's part of a sweep; returns what it cost."""
        after = None if place.last is None else (place.last.partition, place.last.order)
        expired = _Expiry(table.ttl_attribute or "", self._tables.account, now_s)
        cost = 0
        for stored in table.items.following(after, items):
            if cost >= items:
                return cost
            place.last = stored
            cost += 1
            if expired.of(stored):
                remove_silently(table, stored)
                cost += REMOVAL_ITEMS
        if cost < items:
            place.last, place.rests_until_s = None, now_s + REST_S
        return cost


class _Expiry:
    """Whether items have expired, at one moment."""

    def __init__(self, attribute: str, account: Account, now_s: float) -> None:
        epoch_s = account.epoch_s(now_s)
        self._attribute = attribute
        self._after_s, self._before_s = epoch_s - TOO_OLD_S, epoch_s - account.tables.ttl_delay_s
        # What stands before such a number in an item's JSON, at whatever depth: in texts, quotes are escaped.
        self._sign = orjson.dumps(attribute) + b':{"N":"'

    def of(self, stored: Entry) -> bool:
        """The attribute is a number, and its moment is past. Only an item that looks like it is parsed."""
        raw, sign = stored.raw, self._sign
        at = raw.find(sign)
        while at >= 0:
            begin = at + len(sign)
            end = raw.index(b'"', begin)
            if self._past(raw[begin:end]):
                own = stored.parsed().get(self._attribute, {}).get("N")
                return own is not None and self._past(own)
            at = raw.find(sign, end)
        return False

    def _past(self, seconds: bytes | str) -> bool:
        return self._after_s <= float(seconds) < self._before_s
