"""UpdateTable: what a request asks for, and whether the table allows it now. Nothing is changed here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.local.dynamodb.data.storage import Index
from harness.local.dynamodb.errors import in_use, index_not_found, invalid, limit_exceeded, not_built, validation
from harness.local.dynamodb.tables.account import Capacity
from harness.local.dynamodb.tables.definitions import attribute_types, check_projected, global_index
from harness.local.dynamodb.tables.parameters import MAX_INDEXES
from harness.local.dynamodb.tables.table import Table
from harness.local.dynamodb.tables.throughput import Throughput, capacity_in, check_bounds

_CHANGES = (
    "ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, "
    "ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
    "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass"
)
_MEMBERS = {
    "ProvisionedThroughput", "BillingMode", "StreamSpecification", "GlobalSecondaryIndexUpdates", "SSESpecification",
    "DeletionProtectionEnabled", "OnDemandThroughput", "WarmThroughput", "TableClass",
}  # fmt: skip
_ALONE = {
    "DeletionProtectionEnabled": "DeletionProtection",
    "SSESpecification": "Server-Side Encryption",
    "TableClass": "TableClass",
}
_ONE_INDEX = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIndex:
    """A global index that is to be made, with its empty self and what it may consume."""

    index: Index
    throughput: Throughput
    types: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """What a table is to become, checked. ``capacities`` are those that change, the table's under None."""

    on_demand: bool
    switches: bool
    capacities: dict[str | None, Capacity]
    maxima: dict[str | None, Mapping[str, int]]
    warm: dict[str | None, Mapping[str, int]]
    creation: NewIndex | None
    deletion: str | None


def check_request(request: Mapping[str, Any]) -> None:
    """What is wrong with a request whatever the table is."""
    asked = {member for member in _MEMBERS & request.keys() if request[member] != []}
    if not asked:
        raise validation(f"At least one of {_CHANGES} is required")
    actions = request.get("GlobalSecondaryIndexUpdates")
    if actions == []:
        raise invalid("List of GlobalSecondaryIndexUpdates is empty")
    capacity, billing = capacity_in(request), request.get("BillingMode")
    if billing == "PROVISIONED" and capacity is None:
        raise invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    if billing == "PAY_PER_REQUEST" and capacity is not None:
        raise invalid("ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST")
    check_bounds(capacity)
    _check_actions(actions or [])
    for member, what in _ALONE.items():
        if member in asked and len(asked) > 1:
            raise validation(f"{what} modification must be the only operation in the request")
    if any("Update" not in action for action in actions or ()):
        if capacity is not None and billing is None:
            raise validation("You cannot create or delete index while updating table IOPS")
        if "WarmThroughput" in request:
            raise validation("Create global secondary index cannot be specified when updating WarmThroughput")
    if request.get("StreamSpecification", {}).get("StreamEnabled"):
        raise not_built("streams")
    if "StreamSpecification" in request:
        raise validation("Table has no stream to disable")


def _check_actions(actions: list[dict[str, Any]]) -> None:
    """Each entry holds one action, each index occurs once, and what is created has its attributes defined."""
    seen = set()
    for action in actions:
        if not action:
            raise invalid(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if len(action) > 1:
            raise invalid("Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object")
        (content,) = action.values()
        name = content["IndexName"]
        if name in seen:
            raise invalid(f"Only one global secondary index update per index is allowed simultaneously. Index: {name}")
        seen.add(name)
        check_bounds(capacity_in(content), name)


def planned(table: Table, request: Mapping[str, Any], now_s: float) -> Alteration:
    """The request as a change of this table. Raises the service's errors for what it doesn't allow now."""
    check_state(table)
    actions = request.get("GlobalSecondaryIndexUpdates") or []
    updates = {action["Update"]["IndexName"]: action["Update"] for action in actions if "Update" in action}
    creations = [action["Create"] for action in actions if "Create" in action]
    deletions = [action["Delete"]["IndexName"] for action in actions if "Delete" in action]
    _check_indexes(table, updates, creations, deletions)
    billing = request.get("BillingMode")
    on_demand = table.on_demand if billing is None else billing == "PAY_PER_REQUEST"
    switches = on_demand != table.on_demand
    if switches or "ProvisionedThroughput" in request:
        _check_iops(table)
    if "OnDemandThroughput" in request:
        _check_no_index_change(table)
    alteration = Alteration(
        on_demand=on_demand,
        switches=switches,
        capacities=_capacities(table, request, updates, on_demand=on_demand, switches=switches),
        maxima={name: asked["OnDemandThroughput"] for name, asked in _each(request, updates, "OnDemandThroughput")},
        warm={name: asked["WarmThroughput"] for name, asked in _each(request, updates, "WarmThroughput")},
        creation=_created(table, creations[0], request, now_s, on_demand=on_demand) if creations else None,
        deletion=deletions[0] if deletions else None,
    )
    _check_throughput(table, alteration, now_s)
    return alteration


def check_state(table: Table) -> None:
    """Nothing of a table that comes or goes can be changed."""
    if table.status != "ACTIVE":
        raise in_use(f"Table is being {'created' if table.status == 'CREATING' else 'deleted'}: {table.name}")


def _check_indexes(table: Table, updates: Mapping[str, Any], creations: list[dict[str, Any]], gone: list[str]) -> None:
    """Each named index is there, or isn't, and is in a state for it; only one comes or goes at a time."""
    if len(creations) + len(gone) > 1:
        raise limit_exceeded(_ONE_INDEX)
    for name in updates:
        _check_index(table, name, "Index is being created but is not backfilling yet.")
    for name in gone:
        _check_index(
            table,
            name,
            "Index creation is in resource allocation phase. Retry deletion during backfilling phase or when the index "
            "is active.",
        )
    for creation in creations:
        name = creation["IndexName"]
        if name in table.states and table.states[name].status == "DELETING":
            raise in_use(f"Index is being deleted. Table: {table.name} Index: {name}")
        if name in table.definitions or name in table.indexes:
            raise validation("Attempting to create an index which already exists")
    if creations or gone:
        _check_one_at_a_time(table, gone)
    if creations and len(table.definitions) >= MAX_INDEXES:
        raise limit_exceeded(
            f"Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of {MAX_INDEXES}"
        )


def _check_index(table: Table, name: str, not_yet: str) -> None:
    """A global index is there and not just changing; ``not_yet`` is said of one that isn't backfilling."""
    state, place = table.states.get(name), f"Table: {table.name} Index: {name}"
    if state is None:
        raise index_not_found(name, table.name)
    if state.status == "DELETING":
        raise in_use(f"Index is being deleted. {place}")
    if state.status == "CREATING" and not state.backfilling:
        raise in_use(f"{not_yet} {place}")
    if state.status == "UPDATING":
        raise in_use(f"Index is being updated. {place}")


def _check_one_at_a_time(table: Table, gone: list[str]) -> None:
    """No other index comes or goes, and the table's own capacity isn't just changing."""
    if any(state.status in ("CREATING", "DELETING") for name, state in table.states.items() if name not in gone):
        raise limit_exceeded(_ONE_INDEX)
    if "iops" in table.updating:
        raise in_use(f"Can't create or delete indexes while table IOPS are being updated. Table: {table.name}")


def _check_iops(table: Table) -> None:
    """The table's capacity or mode can be changed: neither it nor an index is just being made anew."""
    for status, done in (("CREATING", "created"), ("DELETING", "deleted")):
        names = [n for n, s in table.states.items() if s.status == status and not s.backfilling]
        if names:
            raise in_use(
                f"Can't change table IOPS when an index is being {done}. "
                f"Table: {table.name} Indexes: [{', '.join(names)}]"
            )
    if "iops" in table.updating:
        raise in_use(f"Table IOPS are currently being updated. Table: {table.name}")


def _check_no_index_change(table: Table) -> None:
    for status, doing in (("CREATING", "creation"), ("DELETING", "deletion")):
        names = [n for n, s in table.states.items() if s.status == status and not s.backfilling]
        if names:
            raise in_use(
                f"OnDemandThroughput cannot be updated while index {doing} is in progress for indexes: "
                f"[{', '.join(names)}]"
            )


def _each(request: Mapping[str, Any], updates: Mapping[str, Any], member: str) -> list[tuple[str | None, Any]]:
    """The table's request under None, and the indexes', of those that have a member which says anything."""
    named: list[tuple[str | None, Any]] = [(None, request), *updates.items()]
    return [(name, asked) for name, asked in named if asked.get(member)]


def _capacities(
    table: Table, request: Mapping[str, Any], updates: Mapping[str, Any], *, on_demand: bool, switches: bool
) -> dict[str | None, Capacity]:
    """What is asked to be provisioned; in a switch, for the table and every index."""
    asked = dict(_each(request, updates, "ProvisionedThroughput"))
    if on_demand:
        for name in asked:
            if name is None:
                raise invalid(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                    "PAY_PER_REQUEST"
                )
            raise invalid(
                f"The only Updates for index: {name} when TableThroughputMode is PAY_PER_REQUEST can be to "
                "OnDemandThroughput, WarmThroughput"
            )
        return {}
    missing = [name for name in table.definitions if switches and name not in asked]
    if missing:
        raise invalid(f"ProvisionedThroughput must be specified for index: {','.join(missing)}")
    for name, update in updates.items():
        if len(update) == 1:
            raise invalid(f"ProvisionedThroughput is not specified for index: {name}")
    return {name: capacity for name, one in asked.items() if (capacity := capacity_in(one)) is not None}


def _created(
    table: Table, definition: Mapping[str, Any], request: Mapping[str, Any], now_s: float, *, on_demand: bool
) -> NewIndex:
    """The new index; attributes that the table knows keep their types, whatever the request says of them."""
    name, capacity = definition["IndexName"], capacity_in(definition)
    if not request.get("AttributeDefinitions"):
        raise invalid(f"AttributeDefinitions is not specified for index: {name}")
    if on_demand and capacity is not None:
        raise invalid(
            f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode is "
            "PAY_PER_REQUEST"
        )
    if not on_demand and capacity is None:
        raise invalid(f"Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}")
    index = global_index(definition, attribute_types(request["AttributeDefinitions"]) | table.types)
    check_projected([*table.indexes.values(), index])
    throughput = table.throughput_of(name, capacity, now_s)
    throughput.begin(definition, now_s)
    return NewIndex(index=index, throughput=throughput, types=dict(sorted((table.types | index.schema.types).items())))


def _check_throughput(table: Table, alteration: Alteration, now_s: float) -> None:
    """Capacities change something and keep the quotas, so do maxima and warm throughput."""
    of: dict[str | None, Throughput] = {None: table.throughput}
    of.update(table.throughputs)
    if alteration.switches and alteration.on_demand:
        _check_switch(table, now_s)
    for name, capacity in alteration.capacities.items():
        if alteration.switches:
            of[name].check_quota(capacity)
        else:
            of[name].check_change(capacity, now_s)
    for name, maxima in alteration.maxima.items():
        of[name].check_maxima(maxima, on_demand=alteration.on_demand, new=False)
    for name, warm in alteration.warm.items():
        of[name].check_warm(warm, now_s, new=False)


def _check_switch(table: Table, now_s: float) -> None:
    """A table may be switched to on-demand only so often (B7)."""
    switches, account = table.meter.admission.switches, table.account
    next_s = switches.next_s(now_s)
    if next_s > now_s:
        raise limit_exceeded(
            "Subscriber limit exceeded: Update to PayPerRequest mode are limited to "
            f"{account.admission.switches_a_day} times in 1 day(s). Last update at "
            f"{account.told(switches.last_s or 0)}. Next update can be made at {account.told(next_s)}"
        )
