"""Tables: made, described, altered, deleted; and the admission and meters of each."""

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from harness.dynamodb.admission import Admission, Kind, Resource, exception_name
from harness.local.dynamodb.errors import (
    named_table_not_found,
    table_in_use,
    table_not_found,
    throttled,
    validation,
    violated,
)
from harness.local.dynamodb.storage import Index, KeySchema, Partitions

_NAME = re.compile(r"[a-zA-Z0-9_.-]+\Z")
_INVALID = "One or more parameter values were invalid: "
Capacity = tuple[int, int]
_ACCOUNT = "000000000000"
MAX_INDEXES = 20


class Metered:
    """A table or an index as admission sees it: buckets, and what it has consumed since it was made."""

    def __init__(self, admission: Admission, arn: str) -> None:
        self.admission, self.arn = admission, arn
        self.consumed: dict[Kind, float] = {"read": 0.0, "write": 0.0}
        self.throttles: dict[Kind, int] = {"read": 0, "write": 0}

    def check(self, kind: Kind, now_s: float, place: int | None = None) -> None:
        """Raise the service's throttling error if a request of this kind is refused now."""
        reason = self.admission.check(kind, now_s, place)
        if reason is not None:
            self.throttles[kind] += 1
            raise throttled(exception_name(reason, self.admission.mode), reason, self.arn)

    def account(self, kind: Kind, units: float, now_s: float, place: int | None = None) -> None:
        """Take what a request consumed."""
        self.consumed[kind] += units
        self.admission.account(kind, units, now_s, place)


class Table:
    """One table with its indexes."""

    def __init__(self, name: str, region: str, request: Mapping[str, Any], now_s: float) -> None:
        self.name, self.id, self.created_s = name, str(uuid.uuid4()), time.time()
        self.arn = f"arn:aws:dynamodb:{region}:{_ACCOUNT}:table/{name}"
        self.types = _attribute_types(request)
        self.schema = _key_schema(request["KeySchema"], self.types)
        self.items = Partitions()
        self.on_demand = request.get("BillingMode", "PROVISIONED") == "PAY_PER_REQUEST"
        self.capacity = _capacity(request, on_demand=self.on_demand, what="table")
        self.decreases = 0
        self.meter = Metered(self._admission("Table", self.capacity, now_s), self.arn)
        self.indexes: dict[str, Index] = {}
        self.index_meters: dict[str, Metered] = {}
        self.index_capacity: dict[str, Capacity] = {}
        definitions = request.get("GlobalSecondaryIndexes") or []
        if len(definitions) > MAX_INDEXES:
            raise validation(f"{_INVALID}GlobalSecondaryIndex count exceeds the per-table limit of {MAX_INDEXES}")
        for definition in definitions:
            self._add_index(definition, now_s)
        used = {*self.schema.names, *(name for index in self.indexes.values() for name in index.schema.names)}
        if used != set(self.types):
            raise validation(
                f"{_INVALID}Some AttributeDefinitions are not used. "
                f"AttributeDefinitions: [{', '.join(sorted(self.types))}], keys used: [{', '.join(sorted(used))}]"
            )

    def _add_index(self, definition: Mapping[str, Any], now_s: float) -> None:
        name = _name(definition["IndexName"], "indexName")
        if name in self.indexes:
            raise validation(f"{_INVALID}Duplicate index name: {name}")
        kind = definition["Projection"].get("ProjectionType")
        included = tuple(definition["Projection"].get("NonKeyAttributes", ()))
        if kind is None:
            raise validation(f"{_INVALID}Unknown ProjectionType: null")
        if (kind == "INCLUDE") != bool(included):
            raise validation(
                f"{_INVALID}ProjectionType is {kind}, but NonKeyAttributes is {'' if included else 'not '}specified"
            )
        schema = _key_schema(definition["KeySchema"], self.types)
        self.indexes[name] = Index(name, schema, kind, included, Partitions())
        self.index_capacity[name] = _capacity(definition, on_demand=self.on_demand, what=f"index: {name}")
        admission = self._admission("Index", self.index_capacity[name], now_s)
        self.index_meters[name] = Metered(admission, f"{self.arn}/index/{name}")

    def _admission(self, resource: Resource, capacity: Capacity, now_s: float) -> Admission:
        if self.on_demand:
            return Admission.on_demand(now_s=now_s, resource=resource)
        return Admission.provisioned(*capacity, now_s=now_s, resource=resource)

    def update(self, request: Mapping[str, Any], now_s: float) -> None:
        """UpdateTable: mode, capacity of the table and of its indexes; all is checked before anything changes."""
        changes = {change["Update"]["IndexName"]: change["Update"] for change in _index_updates(request)}
        if not changes and not request.keys() & {"BillingMode", "ProvisionedThroughput"}:
            raise validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates "
                "or SSESpecification or ReplicaUpdates is required"
            )
        for name in changes:
            if name not in self.indexes:
                raise validation(f"{_INVALID}Index: {name} does not exist")
        on_demand = request.get("BillingMode", "PAY_PER_REQUEST" if self.on_demand else "PROVISIONED") != "PROVISIONED"
        switched = on_demand != self.on_demand
        capacity = self.capacity
        if switched or "ProvisionedThroughput" in request:
            capacity = _capacity(request, on_demand=on_demand, what="table")
        missing = [] if on_demand or not switched else sorted(self.indexes.keys() - changes.keys())
        if missing:
            raise validation(f"{_INVALID}ProvisionedThroughput must be specified for index: {','.join(missing)}")
        of_indexes = {
            name: _capacity(changes.get(name, {}), on_demand=on_demand, what=f"index: {name}")
            for name in (self.indexes if switched else changes)
        }
        self.on_demand = on_demand
        self.decreases += not switched and any(new < old for new, old in zip(capacity, self.capacity, strict=True))
        self.capacity = capacity
        self.index_capacity |= of_indexes
        if switched or "ProvisionedThroughput" in request:
            self._set(self.meter, capacity, now_s)
        for name, units in of_indexes.items():
            self._set(self.index_meters[name], units, now_s)

    def _set(self, meter: Metered, capacity: Capacity, now_s: float) -> None:
        if self.on_demand:
            meter.admission.set_mode("on_demand", now_s)
        else:
            meter.admission.set_mode("provisioned", now_s, read=capacity[0], write=capacity[1])

    def describe(self, status: str = "ACTIVE") -> dict[str, Any]:
        """TableDescription."""
        description: dict[str, Any] = {
            "TableName": self.name, "TableStatus": status, "TableArn": self.arn, "TableId": self.id,
            "CreationDateTime": self.created_s, "ItemCount": self.items.count, "TableSizeBytes": self.items.size_bytes,
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in self.types.items()],
            "KeySchema": _describe_keys(self.schema),
            "ProvisionedThroughput": _throughput(self.capacity, self.decreases),
            "DeletionProtectionEnabled": False,
        }  # fmt: skip
        if self.on_demand:
            description["BillingModeSummary"] = {"BillingMode": "PAY_PER_REQUEST"}
        if self.indexes:
            description["GlobalSecondaryIndexes"] = [self._describe_index(index) for index in self.indexes.values()]
        return description

    def _describe_index(self, index: Index) -> dict[str, Any]:
        projection: dict[str, Any] = {"ProjectionType": index.projection}
        if index.included:
            projection["NonKeyAttributes"] = list(index.included)
        return {
            "IndexName": index.name, "IndexStatus": "ACTIVE", "IndexArn": self.index_meters[index.name].arn,
            "KeySchema": _describe_keys(index.schema), "Projection": projection,
            "ItemCount": index.entries.count, "IndexSizeBytes": index.entries.size_bytes,
            "ProvisionedThroughput": _throughput(self.index_capacity[index.name], 0),
        }  # fmt: skip


class Tables:
    """All tables of one twin."""

    def __init__(self, region: str = "us-east-1") -> None:
        self.by_name: dict[str, Table] = {}
        self._region = region

    def find(self, request: Mapping[str, Any]) -> Table:
        """The table a data operation names."""
        name = _table_name(request)
        table = self.by_name.get(name)
        if table is None:
            raise table_not_found()
        return table

    def create(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """CreateTable; the table is active at once, as the answer to the next DescribeTable says."""
        name = _table_name(request)
        table = Table(name, self._region, request, now_s)
        if name in self.by_name:
            raise table_in_use(name)
        self.by_name[name] = table
        return {"TableDescription": table.describe("CREATING")}

    def describe(self, request: Mapping[str, Any], _now_s: float) -> dict[str, Any]:
        """DescribeTable."""
        return {"Table": self._named(request).describe()}

    def update(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """UpdateTable."""
        table = self._named(request)
        table.update(request, now_s)
        return {"TableDescription": table.describe("UPDATING")}

    def delete(self, request: Mapping[str, Any], _now_s: float) -> dict[str, Any]:
        """DeleteTable."""
        table = self._named(request)
        del self.by_name[table.name]
        return {"TableDescription": table.describe("DELETING")}

    def list(self, request: Mapping[str, Any], _now_s: float) -> dict[str, Any]:
        """ListTables, in pages of up to 100."""
        limit = request.get("Limit", 100)
        start = request.get("ExclusiveStartTableName", "")
        names = sorted(name for name in self.by_name if name > start)
        page: dict[str, Any] = {"TableNames": names[:limit]}
        if len(names) > limit:
            page["LastEvaluatedTableName"] = names[limit - 1]
        return page

    def _named(self, request: Mapping[str, Any]) -> Table:
        name = _table_name(request)
        if name not in self.by_name:
            raise named_table_not_found(name)
        return self.by_name[name]


def _table_name(request: Mapping[str, Any]) -> str:
    name: str = request["TableName"]
    return _name(name.rpartition("/")[2] if name.startswith("arn:") else name, "tableName")


def _name(name: str, member: str) -> str:
    if not 3 <= len(name) <= 255:
        raise validation(
            f"{member[0].upper()}{member[1:]} must be at least 3 characters long and at most 255 characters long"
        )
    if not _NAME.match(name):
        raise violated(name, member, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
    return name


def _attribute_types(request: Mapping[str, Any]) -> dict[str, str]:
    definitions = request["AttributeDefinitions"]
    types = {definition["AttributeName"]: definition["AttributeType"] for definition in definitions}
    if len(types) != len(definitions):
        raise validation(f"{_INVALID}Duplicate AttributeName in AttributeDefinitions")
    return types


def _key_schema(elements: list[dict[str, str]], types: dict[str, str]) -> KeySchema:
    roles = [element["KeyType"] for element in elements]
    if roles not in (["HASH"], ["HASH", "RANGE"]):
        raise validation("Invalid KeySchema: expected one HASH key and, after it, at most one RANGE key")
    names = [element["AttributeName"] for element in elements]
    if len(set(names)) != len(names):
        raise validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    for name in names:
        if name not in types:
            raise validation(
                f"{_INVALID}Some index key attributes are not defined in AttributeDefinitions. "
                f"Keys: [{name}], AttributeDefinitions: [{', '.join(types)}]"
            )
    return KeySchema(names[0], names[1] if len(names) == 2 else None, {name: types[name] for name in names})


def _capacity(request: Mapping[str, Any], *, on_demand: bool, what: str) -> Capacity:
    throughput = request.get("ProvisionedThroughput")
    if on_demand:
        if throughput:
            raise validation(
                f"{_INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                f"PAY_PER_REQUEST ({what})"
            )
        return 0, 0
    if throughput is None:
        raise validation(
            f"{_INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
            f"PROVISIONED ({what})"
        )
    return throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]


def _index_updates(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    updates: list[dict[str, Any]] = request.get("GlobalSecondaryIndexUpdates", [])
    if any("Update" not in update for update in updates):
        raise validation(f"{_INVALID}GlobalSecondaryIndexUpdates must hold an Update each")
    return updates


def _describe_keys(schema: KeySchema) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": role} for name, role in zip(schema.names, ("HASH", "RANGE"), strict=False)
    ]


def _throughput(capacity: Capacity, decreases: int) -> dict[str, int]:
    return {"ReadCapacityUnits": capacity[0], "WriteCapacityUnits": capacity[1], "NumberOfDecreasesToday": decreases}
