"""Requests on which emulators are known to differ from the service: what the twin answers, what they do, worked out by hand.

Each is a case of a difference that docs/emulators.md lists by the same name. Sizes: ``pk`` and ``a`` are three bytes, ``sk`` and a
small number four; an item of the probes' table is far below 1 KB unless it says otherwise.
"""

from dataclasses import dataclass, field
from typing import Any

CAPACITY = {"ReadCapacityUnits": 1_000, "WriteCapacityUnits": 1_000}
TABLE = {
    "TableName": "probes",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "g", "AttributeType": "S"},
        {"AttributeName": "n", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "ProvisionedThroughput": CAPACITY,
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ProvisionedThroughput": CAPACITY,
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by_n",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
SIZE_3000 = {"S": "x" * 3000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request, what is in the table before it, and what of the answers must be so: each a path of members to a value."""

    name: str
    operation: str
    payload: dict[str, Any]
    items: tuple[dict[str, Any], ...] = ()
    ours: dict[str, Any]
    theirs: dict[str, Any] = field(default_factory=dict)


def _scan(**members: Any) -> dict[str, Any]:
    return {"TableName": "probes", "ReturnConsumedCapacity": "TOTAL", **members}


def _filtered(expression: str, *items: dict[str, Any], **values: Any) -> dict[str, Any]:
    placeholders = {f":{name}": value for name, value in values.items()}
    return {
        "operation": "Scan",
        "payload": _scan(
            FilterExpression=expression, **({"ExpressionAttributeValues": placeholders} if values else {})
        ),
        "items": items,
    }


_UNITS, _ERROR, _COUNT = "ConsumedCapacity.CapacityUnits", "error", "Count"
_REFUSED = {_ERROR: "ValidationException"}

DYNALITE_PROBES = (
    Probe(
        name="index writes",  # one for the table, one for the entry (A12)
        operation="PutItem",
        payload={"TableName": "probes", "Item": {**KEY, "g": {"S": "g"}}, "ReturnConsumedCapacity": "TOTAL"},
        ours={_UNITS: 2}, theirs={_UNITS: 1},
    ),
    Probe(name="consistent scan", operation="Scan", payload=_scan(ConsistentRead=True), items=(KEY,), ours={_UNITS: 1}, theirs={_UNITS: 0.5}),
    Probe(name="empty reads", operation="Scan", payload=_scan(), ours={_UNITS: 0.5}, theirs={_UNITS: 0}),
    Probe(
        name="fetched items",  # an entry of few bytes: 0.5; two items fetched, each 0.5 (A9); theirs 0.5 + 0.5 for the sum
        operation="Query",
        payload=_scan(
            IndexName="by_n", Select="ALL_ATTRIBUTES", KeyConditionExpression="pk = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
        ),
        items=({**KEY, "n": {"N": "1"}}, {**KEY, "sk": {"N": "2"}, "n": {"N": "2"}}),
        ours={_UNITS: 1.5}, theirs={_UNITS: 1},
    ),
    Probe(
        name="size of text",  # 600 × two bytes of UTF-8: 2 units; theirs counts 600
        operation="PutItem",
        payload={"TableName": "probes", "Item": {**KEY, "t": {"S": "é" * 600}}, "ReturnConsumedCapacity": "TOTAL"},
        ours={_UNITS: 2}, theirs={_UNITS: 1},
    ),
    Probe(name="all projected attributes of a table", operation="Scan", payload=_scan(Select="ALL_PROJECTED_ATTRIBUTES"), ours=_REFUSED, theirs={_COUNT: 0}),
    Probe(name="count with a projection", operation="Scan", payload=_scan(Select="COUNT", ProjectionExpression="pk"), ours=_REFUSED, theirs={_COUNT: 0}),
    Probe(name="order of what has none", **_filtered("t < :s", s={"SS": ["a"]}), ours=_REFUSED, theirs={_COUNT: 0}),
    Probe(
        name="what an index lacks",
        operation="Scan",
        payload=_scan(IndexName="by_g", ProjectionExpression="t"),
        ours={**_REFUSED, "message": "One or more parameter values were invalid: Global secondary index by_g does not project [t]"},
        theirs={_COUNT: 0},
    ),
    Probe(name="wording of a syntax error", **_filtered("pk = sk sk"), ours={**_REFUSED, "message": 'Invalid FilterExpression: Syntax error; token: "sk", near: "sk sk"'}, theirs=_REFUSED),
    Probe(name="double negation", **_filtered("NOT NOT attribute_exists(pk)", KEY), ours={_COUNT: 1}, theirs=_REFUSED),
    Probe(name="equal documents", **_filtered("m = :m", {**KEY, "m": {"M": {"a": {"S": "b"}}}}, m={"M": {"a": {"S": "b"}}}), ours={_COUNT: 1}, theirs={_COUNT: 0}),
    Probe(name="empty and false values", **_filtered("t IN (:e)", {**KEY, "t": {"S": ""}}, e={"S": ""}), ours={_COUNT: 1}, theirs={_COUNT: 0}),
    Probe(name="empty and false values", **_filtered("attribute_type(f, :b)", {**KEY, "f": {"BOOL": False}}, b={"S": "BOOL"}), ours={_COUNT: 1}, theirs={_COUNT: 0}),
    Probe(
        name="updates that only take away",
        operation="UpdateItem",
        payload={"TableName": "probes", "Key": KEY, "UpdateExpression": "REMOVE t", "ReturnValues": "ALL_NEW"},
        ours={"Attributes": None}, theirs={"Attributes": KEY},
    ),
    Probe(
        name="nothing updated",
        operation="UpdateItem",
        payload={"TableName": "probes", "Key": KEY, "ReturnValues": "UPDATED_NEW"},
        ours={"Attributes": None}, theirs={"Attributes": {}},
    ),
    Probe(
        name="two faults of an update",
        operation="UpdateItem",
        payload={
            "TableName": "probes", "Key": KEY, "UpdateExpression": "SET m.x = :v, t = t + :v",
            "ExpressionAttributeValues": {":v": {"N": "1"}},
        },
        items=(KEY,),
        ours={**_REFUSED, "message": "The document path provided in the update expression is invalid for update"},
        theirs={**_REFUSED, "message": "The provided expression refers to an attribute that does not exist in the item"},
    ),
    Probe(
        name="transactions and time to live",
        operation="TransactGetItems",
        payload={"TransactItems": [{"Get": {"TableName": "probes", "Key": KEY}}]},
        ours={"Responses": [{}]}, theirs={_ERROR: "UnknownOperationException"},
    ),
)  # fmt: skip

MOTO_PROBES = (
    Probe(
        name="units",  # 3,000 bytes and a few: three units; moto counts every write as one
        operation="PutItem",
        payload={"TableName": "probes", "Item": {**KEY, "t": SIZE_3000}, "ReturnConsumedCapacity": "TOTAL"},
        ours={_UNITS: 3}, theirs={_UNITS: 1},
    ),
    Probe(name="failures inside", **_filtered("t BETWEEN :a AND :b", {**KEY, "t": {"SS": ["a"]}}, a={"N": "0"}, b={"N": "9"}), ours={_COUNT: 0}, theirs={_ERROR: "it failed inside"}),
    Probe(name="what an index lacks", operation="Scan", payload=_scan(IndexName="by_g", ProjectionExpression="t"), ours=_REFUSED, theirs={_COUNT: 0}),
    Probe(
        name="filters on keys",
        operation="Query",
        payload=_scan(
            KeyConditionExpression="pk = :a", FilterExpression="sk > :n",
            ExpressionAttributeValues={":a": {"S": "a"}, ":n": {"N": "0"}},
        ),
        ours={**_REFUSED, "message": "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
        theirs={_COUNT: 0},
    ),
    Probe(
        name="bounds the wrong way round",
        operation="Query",
        payload=_scan(
            KeyConditionExpression="pk = :a AND sk BETWEEN :x AND :y",
            ExpressionAttributeValues={":a": {"S": "a"}, ":x": {"N": "2"}, ":y": {"N": "1"}},
        ),
        ours=_REFUSED, theirs={_COUNT: 0},
    ),
    Probe(name="types in a condition", **_filtered("n IN (:b)", {**KEY, "n": {"N": "1"}}, b={"BOOL": True}), ours={_COUNT: 0}, theirs={_COUNT: 1}),
    Probe(name="size of what isn't there", **_filtered("NOT size(t) > :n", KEY, n={"N": "1"}), ours={_COUNT: 1}, theirs=_REFUSED),
    Probe(
        name="list elements in a projection",
        operation="Scan",
        payload=_scan(ProjectionExpression="#l[0]", ExpressionAttributeNames={"#l": "l"}),
        ours={_COUNT: 0}, theirs=_REFUSED,
    ),
    Probe(name="double negation", **_filtered("NOT NOT attribute_exists(pk)", KEY), ours={_COUNT: 1}, theirs=_REFUSED),
    Probe(
        name="fetched items",
        operation="Query",
        payload=_scan(
            IndexName="by_n", Select="ALL_ATTRIBUTES", KeyConditionExpression="pk = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
        ),
        items=({**KEY, "n": {"N": "1"}, "t": {"S": "fetched"}},),
        ours={"Items.0.t": {"S": "fetched"}}, theirs={"Items.0.t": None},
    ),
    Probe(
        name="what was updated",
        operation="UpdateItem",
        payload={
            "TableName": "probes", "Key": KEY, "UpdateExpression": "SET t = :t", "ReturnValues": "UPDATED_NEW",
            "ExpressionAttributeValues": {":t": {"S": "new"}},
        },
        ours={"Attributes": {"t": {"S": "new"}}}, theirs={"Attributes": {**KEY, "t": {"S": "new"}}},
    ),
    Probe(
        name="the last page",  # the page ends at Limit: more may follow, and only the next page can tell
        operation="Scan",
        payload=_scan(Limit=1), items=(KEY,), ours={"LastEvaluatedKey": KEY}, theirs={"LastEvaluatedKey": None},
    ),
    Probe(name="batches", operation="BatchWriteItem", payload={"RequestItems": {"probes": [{"PutRequest": {"Item": KEY}}]}}, ours={"ItemCollectionMetrics": None}, theirs={"ItemCollectionMetrics": {}}),
)  # fmt: skip


def part(answer: dict[str, Any], path: str) -> Any:
    """The member at a path like ``ConsumedCapacity.CapacityUnits`` or ``Items.0.t``; None where there is none."""
    found: Any = answer
    for step in path.split("."):
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found
