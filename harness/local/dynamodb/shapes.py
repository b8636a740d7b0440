"""What each operation's request may hold, checked before anything is done with it.

A shape is a function: it returns what it was given, checked and without nulls (which stand for *absent*), or raises the
service's error. Attribute values are left alone here; `values` checks them. Members that nobody names are ignored, as the
service does; those that would change the answer and aren't built are refused.
"""

from collections.abc import Callable
from typing import Any

from harness.local.dynamodb.errors import mistyped, not_built, serialization, violated

Shape = Callable[[Any], Any]


def anything(raw: Any) -> Any:
    """Whatever it is: somebody else checks it."""
    return raw


def text(raw: Any) -> str:
    """A string."""
    if not isinstance(raw, str):
        raise mistyped(raw, "String")
    return raw


def flag(raw: Any) -> bool:
    """True or false."""
    if not isinstance(raw, bool):
        raise mistyped(raw, "Boolean")
    return raw


def whole(member: str, least: int, most: int | None = None) -> Shape:
    """A whole number between two limits, both included."""

    def check(raw: Any) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise mistyped(raw, "Integer")
        if raw < least:
            raise violated(raw, member, f"Member must have value greater than or equal to {least}")
        if most is not None and raw > most:
            raise violated(raw, member, f"Member must have value less than or equal to {most}")
        return raw

    return check


def one_of(member: str, *known: str) -> Shape:
    """One of some words."""

    def check(raw: Any) -> str:
        if text(raw) not in known:
            raise violated(raw, member, f"Member must satisfy enum value set: [{', '.join(known)}]")
        return str(raw)

    return check


def listed(of: Shape) -> Shape:
    """A list of something."""

    def check(raw: Any) -> list[Any]:
        if not isinstance(raw, list):
            raise mistyped(raw, "List")
        return [of(one) for one in raw]

    return check


def mapped(of: Shape) -> Shape:
    """Something by names of the client's choice."""

    def check(raw: Any) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise mistyped(raw, "Map")
        return {name: of(one) for name, one in raw.items()}

    return check


def structure(*required: str, **members: Shape) -> Shape:
    """Named members, some of which must be there."""

    def check(raw: Any) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise serialization("Unexpected value type in payload")
        checked = {
            name: members[name](content) if name in members else content
            for name, content in raw.items()
            if content is not None
        }
        for name in required:
            if name not in checked:
                raise violated(None, name[0].lower() + name[1:], "Member must not be null")
        return checked

    return check


def unbuilt(member: str) -> Shape:
    """A member that the twin must not ignore, and can't heed; false or empty it says nothing."""

    def check(raw: Any) -> None:
        if raw:
            raise not_built(f"the parameter {member}")

    return check


def _unbuilt(*members: str) -> dict[str, Shape]:
    return {member: unbuilt(member) for member in members}


_NAMED: dict[str, Shape] = {"TableName": text}
_THROUGHPUT = structure(
    "ReadCapacityUnits",
    "WriteCapacityUnits",
    ReadCapacityUnits=whole("provisionedThroughput.readCapacityUnits", 1),
    WriteCapacityUnits=whole("provisionedThroughput.writeCapacityUnits", 1),
)
_KEYS = listed(
    structure("AttributeName", "KeyType", AttributeName=text, KeyType=one_of("keySchema.keyType", "HASH", "RANGE"))
)
_ATTRIBUTES = listed(
    structure(
        "AttributeName",
        "AttributeType",
        AttributeName=text,
        AttributeType=one_of("attributeDefinitions.attributeType", "B", "N", "S"),
    )
)
_PROJECTION = structure(
    ProjectionType=one_of("projection.projectionType", "ALL", "INCLUDE", "KEYS_ONLY"), NonKeyAttributes=listed(text)
)
_BILLING: dict[str, Shape] = {
    "BillingMode": one_of("billingMode", "PROVISIONED", "PAY_PER_REQUEST"),
    "ProvisionedThroughput": _THROUGHPUT,
    **_unbuilt("DeletionProtectionEnabled", "OnDemandThroughput", "StreamSpecification", "WarmThroughput"),
}
_CONSUMED: dict[str, Shape] = {
    "ReturnConsumedCapacity": one_of("returnConsumedCapacity", "INDEXES", "TOTAL", "NONE"),
}
_COLLECTIONS: dict[str, Shape] = {
    "ReturnItemCollectionMetrics": one_of("returnItemCollectionMetrics", "SIZE", "NONE"),
}
_NAMES: dict[str, Shape] = {"ExpressionAttributeNames": mapped(text)}
_EXPRESSIONS: dict[str, Shape] = {**_NAMES, "ExpressionAttributeValues": mapped(anything)}
_CONDITIONAL: dict[str, Shape] = {
    **_NAMED,
    **_EXPRESSIONS,
    "ConditionExpression": text,
    "ReturnValuesOnConditionCheckFailure": one_of("returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE"),
}
_WRITE: dict[str, Shape] = {
    **_CONDITIONAL,
    **_CONSUMED,
    **_COLLECTIONS,
    "ReturnValues": one_of("returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
    **_unbuilt("Expected", "ConditionalOperator"),
}
_GET: dict[str, Shape] = {
    "ConsistentRead": flag,
    "ProjectionExpression": text,
    "ExpressionAttributeNames": mapped(text),
    **_unbuilt("AttributesToGet"),
}
_READ: dict[str, Shape] = {
    **_NAMED,
    **_CONSUMED,
    **_EXPRESSIONS,
    "IndexName": text,
    "ConsistentRead": flag,
    "FilterExpression": text,
    "ProjectionExpression": text,
    "Limit": whole("limit", 1),
    "Select": one_of("select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
    **_unbuilt("AttributesToGet", "ConditionalOperator"),
}

CREATE_TABLE = structure(
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    **_NAMED,
    **_BILLING,
    AttributeDefinitions=_ATTRIBUTES,
    KeySchema=_KEYS,
    GlobalSecondaryIndexes=listed(
        structure(
            "IndexName",
            "KeySchema",
            "Projection",
            IndexName=text,
            KeySchema=_KEYS,
            Projection=_PROJECTION,
            ProvisionedThroughput=_THROUGHPUT,
        )
    ),
    **_unbuilt("LocalSecondaryIndexes"),
)
UPDATE_TABLE = structure(
    "TableName",
    **_NAMED,
    **_BILLING,
    AttributeDefinitions=_ATTRIBUTES,
    GlobalSecondaryIndexUpdates=listed(
        structure(
            Update=structure("IndexName", "ProvisionedThroughput", IndexName=text, ProvisionedThroughput=_THROUGHPUT),
            Create=unbuilt("GlobalSecondaryIndexUpdates.Create"),
            Delete=unbuilt("GlobalSecondaryIndexUpdates.Delete"),
        )
    ),
    **_unbuilt("ReplicaUpdates"),
)
ONE_TABLE = structure("TableName", **_NAMED)
LIST_TABLES = structure(ExclusiveStartTableName=text, Limit=whole("limit", 1, 100))
PUT_ITEM = structure("TableName", "Item", **_WRITE)
DELETE_ITEM = structure("TableName", "Key", **_WRITE)
UPDATE_ITEM = structure("TableName", "Key", **_WRITE, UpdateExpression=text, **_unbuilt("AttributeUpdates"))
GET_ITEM = structure("TableName", "Key", **_NAMED, **_CONSUMED, **_GET)
TRANSACT_GET_ITEMS = structure(
    "TransactItems",
    **_CONSUMED,
    TransactItems=listed(
        structure("Get", Get=structure("TableName", "Key", **_NAMED, ProjectionExpression=text, **_NAMES))
    ),
)
TRANSACT_WRITE_ITEMS = structure(
    "TransactItems",
    **_CONSUMED,
    **_COLLECTIONS,
    ClientRequestToken=text,
    TransactItems=listed(
        structure(
            ConditionCheck=structure("TableName", "Key", "ConditionExpression", **_CONDITIONAL),
            Put=structure("TableName", "Item", **_CONDITIONAL),
            Delete=structure("TableName", "Key", **_CONDITIONAL),
            Update=structure("TableName", "Key", "UpdateExpression", **_CONDITIONAL, UpdateExpression=text),
        )
    ),
)
BATCH_WRITE_ITEM = structure(
    "RequestItems",
    **_CONSUMED,
    **_COLLECTIONS,
    RequestItems=mapped(listed(structure(PutRequest=structure("Item"), DeleteRequest=structure("Key")))),
)
BATCH_GET_ITEM = structure(
    "RequestItems", **_CONSUMED, RequestItems=mapped(structure("Keys", Keys=listed(anything), **_GET))
)
QUERY = structure(
    "TableName",
    **_READ,
    KeyConditionExpression=text,
    ScanIndexForward=flag,
    **_unbuilt("KeyConditions", "QueryFilter"),
)
SCAN = structure(
    "TableName",
    **_READ,
    Segment=whole("segment", 0, 999_999),
    TotalSegments=whole("totalSegments", 1, 1_000_000),
    **_unbuilt("ScanFilter"),
)
