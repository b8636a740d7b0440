"""All tables of one twin: made, described, altered, deleted, each in its time and within the account's quotas."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from harness.local.dynamodb.errors import (
    in_use,
    limit_exceeded,
    named_table_not_found,
    table_in_use,
    table_not_found,
    validation,
)
from harness.local.dynamodb.members import table_name
from harness.local.dynamodb.tables.account import MORE, Account, Capacity
from harness.local.dynamodb.tables.agenda import Agenda
from harness.local.dynamodb.tables.alterations import Alteration, check_request, check_state, planned
from harness.local.dynamodb.tables.changes import Changes
from harness.local.dynamodb.tables.meters import Metered
from harness.local.dynamodb.tables.table import Table

__all__ = ["Metered", "Table", "Tables"]


class Tables:
    """All tables of one twin, also those that come and go. What lasts is done by `settle` and `work`."""

    def __init__(self, account: Account | None = None) -> None:
        self.account = account or Account.beginning(time.time())
        self.by_name: dict[str, Table] = {}
        self.agenda = Agenda()
        self._changes = Changes(self.agenda, self.account.tables)

    def find(self, request: Mapping[str, Any]) -> Table:
        """The table a data operation names, by name or ARN; one that comes or goes isn't there."""
        name = request["TableName"]
        table = self.by_name.get(name) or self.by_name.get(table_name(name))
        if table is None or not table.serving:
            raise table_not_found()
        return table

    def named(self, request: Mapping[str, Any], now_s: float) -> Table:
        """The table a control operation names, whatever state it is in."""
        self.settle(now_s)
        name = table_name(request["TableName"])
        if name not in self.by_name:
            raise named_table_not_found(name)
        return self.by_name[name]

    def create(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """CreateTable."""
        self.settle(now_s)
        name = request["TableName"]
        table = Table(name, request, self.account, now_s)
        existing = self.by_name.get(name)
        if existing is not None:
            raise in_use(f"Table is being created: {name}") if existing.status == "CREATING" else table_in_use(name)
        most = self.account.tables.tables
        if len(self.by_name) >= most:
            raise limit_exceeded(f"Subscriber limit exceeded: There is a limit of {most} tables per subscriber")
        self._check_account(_all_of(table))
        self.by_name[name] = table
        description = table.describe(now_s)
        if "WarmThroughput" not in request:
            del description["WarmThroughput"]
        self.agenda.at(now_s + self.account.tables.create_s, table.begin)
        self.settle(now_s)
        return {"TableDescription": description}

    def describe(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """DescribeTable."""
        return {"Table": self.named(request, now_s).describe(now_s)}

    def update(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """UpdateTable: all is checked before anything changes; the answer tells the capacities of before."""
        check_request(request)
        table = self.named(request, now_s)
        alteration = planned(table, request, now_s)
        self._check_account(*_asked(table, alteration))
        table.set(request)
        self._changes.apply(table, alteration, now_s)
        description = table.describe(now_s)
        if request.get("BillingMode") == "PAY_PER_REQUEST":
            description["TableStatus"] = "UPDATING"  # also where it already was: so the service answers
        self.work(now_s)
        return {"TableDescription": description}

    def delete(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """DeleteTable."""
        table = self.named(request, now_s)
        check_state(table)
        if table.protected:
            raise validation(
                "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection "
                "first."
            )
        if any(state.status != "ACTIVE" for state in table.states.values()):
            raise in_use("Cannot delete table while indexes are being created, updated, or deleted.")
        if table.updating:
            raise in_use(f"Table: {table.name} is in the process of being updated.")
        table.status, table.serving = "DELETING", False
        description = table.describe(now_s)
        self.agenda.at(now_s + self.account.tables.delete_s, lambda _at_s: self._forget(table))
        self.work(now_s)
        return {"TableDescription": description}

    def list(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """ListTables, in pages of up to 100."""
        self.settle(now_s)
        limit, start = request.get("Limit", 100), request.get("ExclusiveStartTableName", "")
        names = sorted(name for name in self.by_name if name > start)
        page: dict[str, Any] = {"TableNames": names[:limit]}
        if len(names) > limit:
            page["LastEvaluatedTableName"] = names[limit - 1]
        return page

    def settle(self, now_s: float) -> None:
        """Do what is due; nearly free when nothing is."""
        self.agenda.run(now_s)

    def work(self, now_s: float) -> bool:
        """Do what is due, and some milliseconds of filling indexes and freeing memory; True while there is more of it."""
        self.settle(now_s)
        return self._changes.work(now_s)

    def _forget(self, table: Table) -> None:
        del self.by_name[table.name]
        for partitions in [table.items, *(index.entries for index in table.indexes.values())]:
            self._changes.let_go(partitions)

    def _check_account(self, asked: Iterable[Capacity], instead_of: Iterable[Capacity] = ()) -> None:
        """What is provisioned over all tables keeps the account's quota, where there is one."""
        most = self.account.tables.account_units
        if most is None:
            return
        reserved = [capacity for table in self.by_name.values() for capacity in _all_of(table)]
        asked, instead_of = list(asked), list(instead_of)
        for at, name in enumerate(("ReadCapacityUnits", "WriteCapacityUnits")):
            current, more = sum(one[at] for one in reserved), sum(one[at] for one in asked)
            less = sum(one[at] for one in instead_of)
            if more > less and current - less + more > most:
                raise limit_exceeded(
                    f"This request would have caused the {name} limit to be exceeded for the account in "
                    f"{self.account.region}. Current {name} reserved by the account: {current}. Limit: {most}. "
                    f"Requested: {more}. {MORE}"
                )


def _all_of(table: Table) -> list[Capacity]:
    return [table.capacity, *table.index_capacity.values()]


def _asked(table: Table, alteration: Alteration) -> tuple[list[Capacity], list[Capacity]]:
    """The capacities an alteration asks for, and those in whose place they come."""
    before: dict[str | None, Capacity] = {None: table.capacity}
    before.update(table.index_capacity)
    asked = list(alteration.capacities.values())
    if alteration.creation:
        asked.append(alteration.creation.throughput.capacity)
    return asked, [before[name] for name in alteration.capacities]
