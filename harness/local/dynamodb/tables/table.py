"""One table: its keys, its indexes, what it may consume, the state it is in, and how the service describes all that."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.local.dynamodb.data.storage import Index, KeySchema, Partitions
from harness.local.dynamodb.errors import invalid, not_built
from harness.local.dynamodb.tables.account import Account, Capacity
from harness.local.dynamodb.tables.definitions import attribute_types, indexes_of, table_keys
from harness.local.dynamodb.tables.meters import Metered
from harness.local.dynamodb.tables.throughput import Throughput, capacity_in, check_bounds


@dataclass(slots=True)
class IndexState:
    """Where a global secondary index is in its life; ``backfilling`` only for one that was added to its table."""

    status: str = "ACTIVE"
    backfilling: bool | None = None


class Table:
    """One table with its indexes.

    ``indexes`` are all that writes keep, local and global; ``throughputs`` and ``states`` are those of all global
    ones, also of one that isn't kept yet or any more. A local index draws on its table's capacity.
    """

    def __init__(self, name: str, request: Mapping[str, Any], account: Account, now_s: float) -> None:
        self.account, self.name, self.id, self.created_s = account, name, str(uuid.uuid4()), now_s
        self.arn = account.arn(name)
        self.status = "CREATING"
        self.updating: set[str] = set()
        """What of it is being changed: its "iops", an "index"."""
        self.serving = False
        """Whether data operations find it."""
        self.on_demand = request.get("BillingMode", "PROVISIONED") == "PAY_PER_REQUEST"
        capacity = None if self.on_demand else _provisioned(request)
        if self.on_demand and "ProvisionedThroughput" in request:
            raise invalid(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        self.types = attribute_types(request["AttributeDefinitions"])
        self.schema: KeySchema = table_keys(request, self.types)
        self.indexes: dict[str, Index] = indexes_of(request, self.schema, self.types)
        self.items = Partitions()
        self.throughput = Throughput(account, self.arn, None, capacity, now_s)
        self.throughput.begin(request, now_s)
        self.throughputs: dict[str, Throughput] = {}
        self.index_meters: dict[str, Metered] = {}
        self.states: dict[str, IndexState] = {}
        self.definitions: dict[str, Index] = {}
        self.backfilling: set[str] = set()
        """The indexes that are written to and can't be read yet."""
        for definition in request.get("GlobalSecondaryIndexes") or ():
            index = definition["IndexName"]
            throughput = self.throughput_of(index, _index_capacity(definition, on_demand=self.on_demand), now_s)
            throughput.begin(definition, now_s)
            self.list_index(self.indexes[index], throughput, IndexState("CREATING"))
        self.last_on_demand_s: float | None = None
        """When the latest switch to on-demand was done; the table's beginning if it began so."""
        self.protected = False
        self.settings: dict[str, Any] = {}
        self.ttl_attribute: str | None = None
        self.ttl_changed_s: float | None = None
        self.set(request)

    def begin(self, now_s: float) -> None:
        """It is made: from now on it serves."""
        self.status, self.serving = "ACTIVE", True
        self.last_on_demand_s = now_s if self.on_demand else None
        for state in self.states.values():
            state.status = "ACTIVE"

    @property
    def meter(self) -> Metered:
        """What the table itself consumes, its local indexes included."""
        return self.throughput.meter

    def resize(self, now_s: float) -> None:
        """Tell admission how much is stored: what holds more than 10 GB is split (B4)."""
        self.meter.admission.resize(self.items.size_bytes, now_s)
        for name, meter in self.index_meters.items():
            meter.admission.resize(self.definitions[name].entries.size_bytes, now_s)

    @property
    def capacity(self) -> Capacity:
        """What is provisioned for the table."""
        return self.throughput.capacity

    @property
    def index_capacity(self) -> dict[str, Capacity]:
        """What is provisioned for each global index."""
        return {name: throughput.capacity for name, throughput in self.throughputs.items()}

    def throughput_of(self, index: str, capacity: Capacity | None, now_s: float) -> Throughput:
        """The throughput of a new global index, which isn't listed by this."""
        return Throughput(self.account, f"{self.arn}/index/{index}", index, capacity, now_s)

    def list_index(self, index: Index, throughput: Throughput, state: IndexState) -> None:
        """From now on the global index is described, whether or not it is kept."""
        self.definitions[index.name], self.throughputs[index.name] = index, throughput
        self.states[index.name] = state
        self.index_meters = {name: one.meter for name, one in self.throughputs.items()}

    def unlist_index(self, name: str) -> None:
        """The global index is gone, and with it the attributes that nobody else's keys need."""
        del self.definitions[name], self.throughputs[name], self.states[name]
        self.index_meters = {other: one.meter for other, one in self.throughputs.items()}
        kept = {*self.schema.names}
        kept |= {key for index in [*self.indexes.values(), *self.definitions.values()] for key in index.schema.names}
        self.types = {attribute: kind for attribute, kind in self.types.items() if attribute in kept}

    def set(self, request: Mapping[str, Any]) -> None:
        """The settings that change nothing of what the table does but are described."""
        if request.get("StreamSpecification", {}).get("StreamEnabled"):
            raise not_built("streams")
        self.protected = request.get("DeletionProtectionEnabled", self.protected)
        if "TableClass" in request:
            self.settings["TableClassSummary"] = {"TableClass": request["TableClass"]}
        encryption = request.get("SSESpecification", {})
        if encryption.get("Enabled"):
            key = encryption.get("KMSMasterKeyId", "alias/aws/dynamodb")
            self.settings["SSEDescription"] = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
        elif encryption:
            self.settings.pop("SSEDescription", None)

    def describe(self, now_s: float) -> dict[str, Any]:
        """TableDescription."""
        description: dict[str, Any] = {
            "TableName": self.name, "TableArn": self.arn, "TableId": self.id,
            "TableStatus": "UPDATING" if self.status == "ACTIVE" and self.updating else self.status,
            "CreationDateTime": self.account.epoch_s(self.created_s),
            "ItemCount": self.items.count, "TableSizeBytes": self.items.size_bytes,
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in self.types.items()],
            "KeySchema": _describe_keys(self.schema),
            "DeletionProtectionEnabled": self.protected,
            **self.throughput.describe(now_s), **self.settings,
        }  # fmt: skip
        summary: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST" if self.on_demand else "PROVISIONED"}
        if self.last_on_demand_s is not None:
            summary["LastUpdateToPayPerRequestDateTime"] = self.account.epoch_s(self.last_on_demand_s)
        if self.on_demand or self.last_on_demand_s is not None:
            description["BillingModeSummary"] = summary
        local = [index for index in self.indexes.values() if index.local]
        if local:
            description["LocalSecondaryIndexes"] = [self._describe_index(index) for index in local]
        if self.definitions and self.status != "DELETING":
            description["GlobalSecondaryIndexes"] = [
                self._describe_index(index) | self._describe_state(name, now_s)
                for name, index in self.definitions.items()
            ]
        return description

    def _describe_index(self, index: Index) -> dict[str, Any]:
        projection: dict[str, Any] = {"ProjectionType": index.projection}
        if index.included:
            projection["NonKeyAttributes"] = list(index.included)
        return {
            "IndexName": index.name, "IndexArn": f"{self.arn}/index/{index.name}",
            "KeySchema": _describe_keys(index.schema), "Projection": projection,
            "ItemCount": index.entries.count, "IndexSizeBytes": index.entries.size_bytes,
        }  # fmt: skip

    def _describe_state(self, name: str, now_s: float) -> dict[str, Any]:
        state = self.states[name]
        told: dict[str, Any] = {"IndexStatus": state.status, **self.throughputs[name].describe(now_s)}
        if state.backfilling is not None:
            told["Backfilling"] = state.backfilling
        return told


def _provisioned(request: Mapping[str, Any]) -> Capacity:
    capacity = capacity_in(request)
    if capacity is None:
        raise invalid("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
    check_bounds(capacity)
    return capacity


def _index_capacity(definition: Mapping[str, Any], *, on_demand: bool) -> Capacity | None:
    name, capacity = definition["IndexName"], capacity_in(definition)
    if on_demand and capacity is not None:
        raise invalid(
            f"ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )
    if not on_demand and capacity is None:
        raise invalid(f"ProvisionedThroughput is not specified for index: {name}")
    check_bounds(capacity, name)
    return capacity


def _describe_keys(schema: KeySchema) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": role} for name, role in zip(schema.names, ("HASH", "RANGE"), strict=False)
    ]
