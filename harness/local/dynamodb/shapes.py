"""What each operation's request may hold, checked before anything is done with it.

A shape is a function: it returns what it was given, checked and without nulls (which stand for *absent*), or raises the
service's error. Attribute values are left alone here; `values` checks them. Members that nobody names are ignored, as the
service does; those that would change the answer and aren't built are refused.
"""

from collections.abc import Callable
from typing import Any

from harness.local.dynamodb.errors import NotBuiltError, ServiceError, required, validation
from harness.local.dynamodb.members import (
    BrokenError,
    Flag,
    Listed,
    Mapped,
    Member,
    Structure,
    TableName,
    Text,
    Unbuilt,
    Whole,
    refusal,
)

Shape = Callable[[Any], Any]
ANYTHING = Member()
_ANY_TABLE = TableName()


def shape(*needed: str, **members: Member) -> Shape:
    """The shape of a request with these members, of which some must be there."""
    return _shape(Structure(*needed, **members), _ANY_TABLE, named=False)


def control(*needed: str, **members: Member) -> Shape:
    """The shape of a request about a table itself, whose name the service asks for before all else."""
    table = members.pop("TableName", _ANY_TABLE)
    return _shape(Structure("TableName", *needed, TableName=table, **members), table, named=True)


def _shape(structure: Structure, table: Member, *, named: bool) -> Shape:
    quick = structure.check

    def checked(raw: Any) -> Any:
        try:
            return quick(raw)
        except NotBuiltError as error:
            raise _mixed(raw) or error from None
        except BrokenError:
            name = raw.get("TableName")
            if name is None and named:
                raise required("TableName") from None
            of_name = list(table.faults(name, "tableName")) if isinstance(name, str) else []
            raise refusal(iter(of_name) if of_name else structure.faults(raw, "")) from None

    return checked


def _mixed(raw: dict[str, Any]) -> ServiceError | None:
    """What the service says to parameters of both times, from before expressions and since."""
    old, new = ([name for name in names if raw.get(name) is not None] for names in (_BEFORE, _SINCE))
    if not old or not new:
        return None
    return validation(
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
        f"{{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
    )


_BEFORE = (
    "AttributesToGet", "AttributeUpdates", "ConditionalOperator", "Expected", "KeyConditions", "QueryFilter", "ScanFilter",
)  # fmt: skip
_SINCE = (
    "UpdateExpression", "ConditionExpression", "KeyConditionExpression", "FilterExpression", "ProjectionExpression",
)  # fmt: skip


def _unbuilt(*members: str) -> dict[str, Member]:
    return {member: Unbuilt(member) for member in members}


_TABLE: dict[str, Member] = {"TableName": _ANY_TABLE}
_CONSUMED: dict[str, Member] = {"ReturnConsumedCapacity": Text("INDEXES", "TOTAL", "NONE")}
_COLLECTIONS: dict[str, Member] = {"ReturnItemCollectionMetrics": Text("SIZE", "NONE")}
_NAMES: dict[str, Member] = {"ExpressionAttributeNames": Mapped(Text())}
_EXPRESSIONS: dict[str, Member] = {**_NAMES, "ExpressionAttributeValues": Mapped(ANYTHING)}
_CONDITIONAL: dict[str, Member] = {
    **_EXPRESSIONS,
    "ConditionExpression": Text(),
    "ReturnValuesOnConditionCheckFailure": Text("ALL_OLD", "NONE"),
}
_WRITE: dict[str, Member] = {
    **_unbuilt("Expected", "ConditionalOperator"),
    "ReturnValues": Text("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
    **_COLLECTIONS,
    **_CONDITIONAL,
}
_GET: dict[str, Member] = {
    **_unbuilt("AttributesToGet"),
    "ConsistentRead": Flag(),
    "ProjectionExpression": Text(),
    **_NAMES,
}
_READ: dict[str, Member] = {
    "Select": Text("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
    "IndexName": Text(name=True),
    **_CONSUMED,
    **_TABLE,
    **_unbuilt("AttributesToGet", "ConditionalOperator"),
    "ExclusiveStartKey": ANYTHING,
    "ConsistentRead": Flag(),
    "FilterExpression": Text(),
    "ProjectionExpression": Text(),
    **_EXPRESSIONS,
}

PUT_ITEM = shape("TableName", "Item", **_CONSUMED, **_TABLE, Item=ANYTHING, **_WRITE)
DELETE_ITEM = shape("TableName", "Key", **_CONSUMED, **_TABLE, Key=ANYTHING, **_WRITE)
UPDATE_ITEM = shape(
    "TableName",
    "Key",
    **_CONSUMED,
    **_TABLE,
    Key=ANYTHING,
    **_WRITE,
    UpdateExpression=Text(),
    **_unbuilt("AttributeUpdates"),
)
GET_ITEM = shape("TableName", "Key", **_CONSUMED, **_TABLE, Key=ANYTHING, **_GET)
TRANSACT_GET_ITEMS = shape(
    "TransactItems",
    **_CONSUMED,
    TransactItems=Listed(
        Structure(
            "Get", Get=Structure("TableName", "Key", **_TABLE, Key=ANYTHING, ProjectionExpression=Text(), **_NAMES)
        ),
        least=1,
        most=100,
    ),
)
TRANSACT_WRITE_ITEMS = shape(
    "TransactItems",
    **_CONSUMED,
    **_COLLECTIONS,
    ClientRequestToken=Text(least=1, most=36),
    TransactItems=Listed(
        Structure(
            ConditionCheck=Structure("TableName", "Key", "ConditionExpression", **_TABLE, Key=ANYTHING, **_CONDITIONAL),
            Put=Structure("TableName", "Item", **_TABLE, Item=ANYTHING, **_CONDITIONAL),
            Delete=Structure("TableName", "Key", **_TABLE, Key=ANYTHING, **_CONDITIONAL),
            Update=Structure(
                "TableName", "Key", "UpdateExpression", **_TABLE, Key=ANYTHING, UpdateExpression=Text(), **_CONDITIONAL
            ),
        ),
        least=1,
        most=100,
    ),
)
BATCH_WRITE_ITEM = shape(
    "RequestItems",
    **_CONSUMED,
    **_COLLECTIONS,
    RequestItems=Mapped(
        Listed(Structure(PutRequest=Structure("Item"), DeleteRequest=Structure("Key"))),
    ),
)
BATCH_GET_ITEM = shape(
    "RequestItems",
    **_CONSUMED,
    RequestItems=Mapped(Structure("Keys", Keys=Listed(ANYTHING), **_GET)),
)
QUERY = shape(
    "TableName",
    **_READ,
    Limit=Whole(1, told_as="Limit"),
    KeyConditionExpression=Text(),
    ScanIndexForward=Flag(),
    **_unbuilt("KeyConditions", "QueryFilter"),
)
SCAN = shape(
    "TableName",
    **_READ,
    Limit=Whole(1),
    Segment=Whole(0, 999_999),
    TotalSegments=Whole(1, 1_000_000),
    **_unbuilt("ScanFilter"),
)
