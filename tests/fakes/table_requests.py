"""Requests about tables, short to write: one table `abc` keyed by a and b, and what tests alter of it."""

from typing import Any

import pytest

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.tables import shapes as table_shapes
from harness.local.dynamodb.tables.account import Account
from harness.local.dynamodb.tables.parameters import TableParameters
from harness.local.dynamodb.tables.tables import Tables
from harness.local.dynamodb.tables.ttl import Ttl

INVALID = "One or more parameter values were invalid: "
BEGAN_S = 1_800_000_000  # Friday, 15 January 2027, 8:00 in the morning, UTC


def attributes(*names: str) -> list[dict[str, str]]:
    """AttributeDefinitions of texts."""
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def keys(*names: str) -> list[dict[str, str]]:
    """A KeySchema: a partition key and perhaps a sort key."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def units(read: int, write: int) -> dict[str, dict[str, int]]:
    """ProvisionedThroughput."""
    return {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}


def index(name: str, *of: str, kind: str = "ALL", **members: Any) -> dict[str, Any]:
    """An index's definition."""
    return {"IndexName": name, "KeySchema": keys(*of), "Projection": {"ProjectionType": kind}} | members


class Twin:
    """Tables as a client meets them: requests go through their shapes; refusals are told as text."""

    def __init__(self, account: Account | None = None, **parameters: Any) -> None:
        self.tables = Tables(account or Account.beginning(BEGAN_S, TableParameters(**parameters)))
        ttl = Ttl(self.tables)
        self._handlers: dict[str, Any] = {
            "create": (table_shapes.CREATE_TABLE, self.tables.create),
            "describe": (table_shapes.ONE_TABLE, self.tables.describe),
            "update": (table_shapes.UPDATE_TABLE, self.tables.update),
            "delete": (table_shapes.ONE_TABLE, self.tables.delete),
            "list": (table_shapes.LIST_TABLES, self.tables.list),
            "live": (table_shapes.UPDATE_TIME_TO_LIVE, ttl.update),
        }

    def call(self, operation: str, now_s: float = 0.0, **request: Any) -> Any:
        """The answer to a request; the table is `abc` unless another is named."""
        shape, handler = self._handlers[operation]
        return handler(shape(({} if operation == "list" else {"TableName": "abc"}) | request), now_s)

    def create(self, now_s: float = 0.0, **request: Any) -> Any:
        """Make `abc`, with the keys a and b and on demand unless the request says otherwise."""
        provisioned = {} if "ProvisionedThroughput" in request else {"BillingMode": "PAY_PER_REQUEST"}
        base = {"AttributeDefinitions": attributes("a", "b"), "KeySchema": keys("a", "b")}
        return self.call("create", now_s, **base | provisioned | request)["TableDescription"]

    def described(self, now_s: float = 0.0) -> Any:
        """The description of `abc`."""
        return self.call("describe", now_s)["Table"]

    def status(self, now_s: float) -> Any:
        """The status of `abc`, and of its indexes by name."""
        table = self.described(now_s)
        return table["TableStatus"], {i["IndexName"]: i["IndexStatus"] for i in table.get("GlobalSecondaryIndexes", [])}

    def refused(self, operation: str, now_s: float = 0.0, **request: Any) -> str:
        """The message of the refusal of a request, after the name of the exception but for a ValidationException."""
        with pytest.raises(ServiceError) as refusal:
            self.create(now_s, **request) if operation == "create" else self.call(operation, now_s, **request)
        name = refusal.value.kind.rpartition("#")[2]
        return str(refusal.value) if name == "ValidationException" else f"{name}: {refusal.value}"
