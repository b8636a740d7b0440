"""Tables: made, described, altered, deleted; and the admission and meters of each."""

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from harness.dynamodb.admission import Admission, Kind, exception_name
from harness.local.dynamodb.errors import (
    named_table_not_found,
    serialization,
    table_in_use,
    table_not_found,
    throttled,
    validation,
)
from harness.local.dynamodb.storage import Index, KeySchema, Partitions

_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}\Z")
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
        self.schema = _key_schema(request.get("KeySchema"), self.types)
        self.items = Partitions()
        self.on_demand = request.get("BillingMode", "PROVISIONED") == "PAY_PER_REQUEST"
        self.capacity = _capacity(request, on_demand=self.on_demand, what="table")
        self.decreases = 0
        self.meter = Metered(self._admission("Table", self.capacity, now_s), self.arn)
        self.indexes: dict[str, Index] = {}
        self.index_meters: dict[str, Metered] = {}
        self.index_capacity: dict[str, tuple[int, int]] = {}
        definitions = request.get("GlobalSecondaryIndexes") or []
        if len(definitions) > MAX_INDEXES:
            raise validation(
                "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20"
            )
        for definition in definitions:
            self._add_index(definition, now_s)
        used = {*self.schema.names, *(name for index in self.indexes.values() for name in index.schema.names)}
        if used != set(self.types):
            raise validation(
                "One or more parameter values were invalid: Some AttributeDefinitions are not used. "
                f"AttributeDefinitions: [{', '.join(sorted(self.types))}], keys used: [{', '.join(sorted(used))}]"
            )

    def _add_index(self, definition: Mapping[str, Any], now_s: float) -> None:
        name = _name(definition.get("IndexName"), "indexName")
        if name in self.indexes:
            raise validation(f"One or more parameter values were invalid: Duplicate index name: {name}")
        projection = definition.get("Projection") or {}
        kind = projection.get("ProjectionType")
        if kind not in ("ALL", "KEYS_ONLY", "INCLUDE"):
            raise validation("One or more parameter values were invalid: Unknown ProjectionType: " + str(kind))
        included = tuple(projection.get("NonKeyAttributes") or ())
        if (kind == "INCLUDE") != bool(included):
            raise validation(
                "One or more parameter values were invalid: ProjectionType is "
                f"{kind}, {'but NonKeyAttributes is specified' if included else 'but NonKeyAttributes is not specified'}"
            )
        schema = _key_schema(definition.get("KeySchema"), self.types)
        self.indexes[name] = Index(name, schema, kind, included, Partitions())
        self.index_capacity[name] = _capacity(definition, on_demand=self.on_demand, what=f"index: {name}")
        admission = self._admission("Index", self.index_capacity[name], now_s)
        self.index_meters[name] = Metered(admission, f"{self.arn}/index/{name}")

    def _admission(self, resource: Any, capacity: tuple[int, int], now_s: float) -> Admission:
        if self.on_demand:
            return Admission.on_demand(now_s=now_s, resource=resource)
        return Admission.provisioned(*capacity, now_s=now_s, resource=resource)

    def update(self, request: Mapping[str, Any], now_s: float) -> None:
        """UpdateTable: mode, capacity of the table and of its indexes."""
        changes = request.get("GlobalSecondaryIndexUpdates") or []
        mode = request.get("BillingMode")
        if not (mode or changes or request.get("ProvisionedThroughput")):
            raise validation(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates "
                "or SSESpecification or ReplicaUpdates is required"
            )
        if any(set(change) != {"Update"} for change in changes):
            raise validation("This twin can't add or remove an index of an existing table yet; make the table anew")
        switched = mode is not None and (mode == "PAY_PER_REQUEST") != self.on_demand
        if mode is not None:
            self.on_demand = mode == "PAY_PER_REQUEST"
        if switched or request.get("ProvisionedThroughput"):
            capacity = _capacity(request, on_demand=self.on_demand, what="table")
            self.decreases += capacity < self.capacity
            self._set(self.meter, capacity, now_s, switched)
            self.capacity = capacity
        for change in changes:
            name = change["Update"].get("IndexName")
            if name not in self.indexes:
                raise validation(f"Index: {name} does not exist")
            self.index_capacity[name] = _capacity(change["Update"], on_demand=self.on_demand, what=f"index: {name}")
            self._set(self.index_meters[name], self.index_capacity[name], now_s, switched)
        for name in self.indexes if switched and not changes else ():
            self._set(
                self.index_meters[name], self.index_capacity[name] if self.on_demand else self.capacity, now_s, True
            )

    def _set(self, meter: Metered, capacity: tuple[int, int], now_s: float, switched: bool) -> None:
        if switched and self.on_demand:
            meter.admission.set_mode("on_demand", now_s)
        elif switched:
            meter.admission.set_mode("provisioned", now_s, read=capacity[0], write=capacity[1])
        else:
            meter.admission.set_capacity(*capacity, now_s)

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
            raise table_not_found(name)
        return table

    def create(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """CreateTable; the table is active at once, as the answer to the next DescribeTable says."""
        name = _table_name(request)
        if request.get("LocalSecondaryIndexes"):
            raise validation("This twin has no local secondary indexes yet")
        table = Table(name, self._region, request, now_s)
        if name in self.by_name:
            raise table_in_use(name)
        self.by_name[name] = table
        return {"TableDescription": table.describe("CREATING")}

    def describe(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """DescribeTable."""
        return {"Table": self._named(request).describe()}

    def update(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """UpdateTable."""
        table = self._named(request)
        table.update(request, now_s)
        return {"TableDescription": table.describe("UPDATING")}

    def delete(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """DeleteTable."""
        table = self._named(request)
        del self.by_name[table.name]
        return {"TableDescription": table.describe("DELETING")}

    def list(self, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """ListTables, in pages of up to 100."""
        limit = request.get("Limit", 100)
        if not isinstance(limit, int) or not 1 <= limit <= 100:
            raise validation(
                f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
                "Member must have value between 1 and 100"
            )
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
    name = request.get("TableName")
    if isinstance(name, str) and name.startswith("arn:"):
        name = name.rpartition("/")[2]
    return _name(name, "tableName")


def _name(name: Any, member: str) -> str:
    if name is None:
        raise validation(
            f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        )
    if not isinstance(name, str):
        raise serialization(f"{type(name).__name__} can not be converted to an String")
    if not 3 <= len(name) <= 255:
        raise validation(
            f"{member[0].upper()}{member[1:]} must be at least 3 characters long and at most 255 characters long"
        )
    if not _NAME.match(name):
        raise validation(
            f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )
    return name


def _attribute_types(request: Mapping[str, Any]) -> dict[str, str]:
    definitions = request.get("AttributeDefinitions")
    if not isinstance(definitions, list) or not definitions:
        raise validation("One or more parameter values were invalid: Some AttributeDefinitions are missing")
    types = {}
    for definition in definitions:
        name, kind = definition.get("AttributeName"), definition.get("AttributeType")
        if not isinstance(name, str) or kind not in ("S", "N", "B"):
            raise validation(
                f"1 validation error detected: Value '{kind}' at 'attributeDefinitions.1.member.attributeType' failed to "
                "satisfy constraint: Member must satisfy enum value set: [B, N, S]"
            )
        types[name] = kind
    return types


def _key_schema(elements: Any, types: dict[str, str]) -> KeySchema:
    if not isinstance(elements, list) or not 1 <= len(elements) <= 2:
        raise validation(
            "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2 and greater than or equal to 1"
        )
    roles = [element.get("KeyType") for element in elements]
    if roles not in (["HASH"], ["HASH", "RANGE"]):
        raise validation(
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type, or the second not a RANGE"
        )
    names = [str(element.get("AttributeName")) for element in elements]
    for name in names:
        if name not in types:
            raise validation(
                "One or more parameter values were invalid: Some index key attributes are not defined in "
                f"AttributeDefinitions. Keys: [{name}], AttributeDefinitions: [{', '.join(types)}]"
            )
    return KeySchema(names[0], names[1] if len(names) == 2 else None, {name: types[name] for name in names})


def _capacity(request: Mapping[str, Any], *, on_demand: bool, what: str) -> tuple[int, int]:
    throughput = request.get("ProvisionedThroughput")
    if on_demand:
        if throughput:
            raise validation(
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                "specified when BillingMode is PAY_PER_REQUEST"
            )
        return 0, 0
    if not isinstance(throughput, dict):
        raise validation(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified "
            f"when BillingMode is PROVISIONED ({what})"
        )
    units = []
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        value = throughput.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise validation(
                f"1 validation error detected: Value '{value}' at 'provisionedThroughput.{name[0].lower()}{name[1:]}' "
                "failed to satisfy constraint: Member must have value greater than or equal to 1"
            )
        units.append(value)
    return units[0], units[1]


def _describe_keys(schema: KeySchema) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": role} for name, role in zip(schema.names, ("HASH", "RANGE"), strict=False)
    ]


def _throughput(capacity: tuple[int, int], decreases: int) -> dict[str, int]:
    return {"ReadCapacityUnits": capacity[0], "WriteCapacityUnits": capacity[1], "NumberOfDecreasesToday": decreases}
