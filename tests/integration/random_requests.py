"""Seeded random requests to a few small tables: mostly right, some wrong in one place, keys colliding often.

A request is an operation's name and its payload. What a later one meets depends on the earlier ones, so a sequence is sent
whole and in order.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from random_values import Drawing, Value, Words

Request = tuple[str, dict[str, Any]]

CAPACITY = {"ReadCapacityUnits": 10_000, "WriteCapacityUnits": 10_000}
# Table → its keys; an index → the table's keys that it is asked by.
KEYS = {"simple": ("pk",), "ranged": ("pk", "sk")}
INDEXES = {"by_g": ("g", "n"), "by_g_keys": ("g",), "by_n": ("pk", "n")}
TYPES = {"pk": "S", "sk": "N", "g": "S", "n": "N"}


def tables() -> list[dict[str, Any]]:
    """What CreateTable takes for each table."""
    simple = {
        "TableName": "simple",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": _schema("pk"),
        "ProvisionedThroughput": CAPACITY,
    }
    ranged: dict[str, Any] = {
        "TableName": "ranged",
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in TYPES.items()],
        "KeySchema": _schema("pk", "sk"),
        "ProvisionedThroughput": CAPACITY,
        "GlobalSecondaryIndexes": [
            {"IndexName": "by_g", "KeySchema": _schema("g", "n"), "Projection": {"ProjectionType": "ALL"}},
            {"IndexName": "by_g_keys", "KeySchema": _schema("g"), "Projection": {"ProjectionType": "KEYS_ONLY"}},
        ],
    }
    for index in ranged["GlobalSecondaryIndexes"]:
        index["ProvisionedThroughput"] = CAPACITY
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["t"]}
    ranged["LocalSecondaryIndexes"] = [{"IndexName": "by_n", "KeySchema": _schema("pk", "n"), "Projection": projection}]
    return [simple, ranged]


def _schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": n, "KeyType": role} for n, role in zip(names, ("HASH", "RANGE"), strict=False)]


class Requests:
    """A sequence drawn from one seed."""

    def __init__(
        self,
        seed: int,
        *,
        operations: Sequence[str],
        indexes: Sequence[str],
        wrong_share: float,
        plain: bool,
        simple: bool = False,
    ) -> None:
        self._rng = random.Random(seed)
        self._draw = Drawing(self._rng, plain=plain, simple=simple)
        self._indexes, self._wrong_share = indexes, wrong_share
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            "PutItem": self._put,
            "UpdateItem": self._update,
            "DeleteItem": self._delete,
            "GetItem": self._get,
            "Query": self._query,
            "Scan": self._scan,
            "BatchWriteItem": self._batch_write,
            "BatchGetItem": self._batch_get,
            "TransactWriteItems": self._transact_write,
            "TransactGetItems": self._transact_get,
        }
        self._makers = {name: makers[name] for name in operations}

    def take(self, count: int) -> Iterator[Request]:
        """The next requests."""
        for _ in range(count):
            operation = self._rng.choice(list(self._makers))
            payload = self._makers[operation]()
            if self._rng.random() < self._wrong_share:
                payload = self._spoil(payload)
            yield operation, payload

    # Requests

    def _writes(self, table: str, payload: dict[str, Any], returns: tuple[str, ...]) -> dict[str, Any]:
        rng = self._rng
        payload = {"TableName": table, **payload, "ReturnConsumedCapacity": "INDEXES"}
        if rng.random() < 0.4:
            payload["ReturnValues"] = rng.choice(returns)
        if rng.random() < 0.35:
            self._draw.compose(payload, "ConditionExpression", self._draw.condition)
        return payload

    def _table(self) -> str:
        return self._rng.choice(("simple", "ranged", "ranged"))

    def _put(self) -> dict[str, Any]:
        table = self._table()
        return self._writes(table, {"Item": self._draw.item(table)}, ("NONE", "ALL_OLD"))

    def _update(self) -> dict[str, Any]:
        table = self._table()
        payload: dict[str, Any] = {"Key": self._draw.key(table)}
        if self._rng.random() < 0.95:
            self._draw.compose(payload, "UpdateExpression", self._draw.changes)
        return self._writes(table, payload, ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"))

    def _delete(self) -> dict[str, Any]:
        table = self._table()
        return self._writes(table, {"Key": self._draw.key(table)}, ("NONE", "ALL_OLD"))

    def _get(self) -> dict[str, Any]:
        table = self._table()
        payload = {"TableName": table, "Key": self._draw.key(table), "ReturnConsumedCapacity": "INDEXES"}
        if self._rng.random() < 0.5:
            payload["ConsistentRead"] = self._rng.random() < 0.5
        self._project(payload)
        return payload

    def _project(self, payload: dict[str, Any]) -> None:
        if self._rng.random() < 0.3:
            paths = self._draw.projected()
            self._draw.compose(payload, "ProjectionExpression", lambda words: ", ".join(words.name(p) for p in paths))

    def _reading(self, payload: dict[str, Any]) -> dict[str, Any]:
        rng = self._rng
        payload["ReturnConsumedCapacity"] = "INDEXES"
        if rng.random() < 0.4:
            payload["Limit"] = rng.randint(1, 5)
        if "IndexName" not in payload or payload["IndexName"] == "by_n" or rng.random() < 0.1:
            payload["ConsistentRead"] = rng.random() < 0.5
        if rng.random() < 0.35:
            self._draw.compose(payload, "FilterExpression", self._draw.condition)
        if rng.random() < 0.15:
            payload["Select"] = rng.choice(("COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"))
        else:
            self._project(payload)
        return payload

    def _query(self) -> dict[str, Any]:
        rng = self._rng
        table, keys = self._table(), ("pk",)
        payload: dict[str, Any] = {"TableName": table}
        if table == "ranged":
            index = rng.choice((None, None, *self._indexes))
            keys = KEYS["ranged"] if index is None else INDEXES[index]
            payload |= {} if index is None else {"IndexName": index}
        if rng.random() < 0.4:
            payload["ScanIndexForward"] = rng.random() < 0.5

        def condition(words: Words) -> str:
            partition = self._draw.partition() if keys[0] == "pk" else self._draw.attribute("g")
            text = f"{words.name((keys[0],))} = {words.value(partition)}"
            if len(keys) == 1 or rng.random() < 0.4:
                return text
            sort, one = words.name((keys[1],)), words.value(self._draw.number())
            if rng.random() < 0.3:
                return f"{text} AND {sort} BETWEEN {words.value({'N': '-1.5'})} AND {one}"
            return f"{text} AND {sort} {rng.choice(('=', '<', '<=', '>', '>='))} {one}"

        self._draw.compose(payload, "KeyConditionExpression", condition)
        return self._reading(payload)

    def _scan(self) -> dict[str, Any]:
        table = self._table()
        payload: dict[str, Any] = {"TableName": table}
        if table == "ranged" and self._rng.random() < 0.4:
            payload["IndexName"] = self._rng.choice(self._indexes)
        return self._reading(payload)

    def _distinct_keys(self, table: str, count: int) -> list[dict[str, Value]]:
        keys = [self._draw.key(table) for _ in range(count)]
        seen: dict[Any, dict[str, Value]] = {}
        for key in keys:
            seen[key["pk"]["S"], float(key.get("sk", {"N": "0"})["N"])] = key
        return list(seen.values())

    def _batch_write(self) -> dict[str, Any]:
        table = self._table()
        parts = []
        for key in self._distinct_keys(table, self._rng.randint(1, 4)):
            put = {"PutRequest": {"Item": {**self._draw.item(table), **key}}}
            parts.append(put if self._rng.random() < 0.7 else {"DeleteRequest": {"Key": key}})
        return {"RequestItems": {table: parts}, "ReturnConsumedCapacity": "INDEXES"}

    def _batch_get(self) -> dict[str, Any]:
        table = self._table()
        part: dict[str, Any] = {"Keys": self._distinct_keys(table, self._rng.randint(1, 4))}
        if self._rng.random() < 0.4:
            part["ConsistentRead"] = True
        self._project(part)
        return {"RequestItems": {table: part}, "ReturnConsumedCapacity": "INDEXES"}

    def _transact_write(self) -> dict[str, Any]:
        table = self._table()
        parts = []
        for key in self._distinct_keys(table, self._rng.randint(1, 3)):
            kind = self._rng.choice(("Put", "Delete", "ConditionCheck", "Update"))
            part: dict[str, Any] = {"TableName": table}
            part |= {"Item": {**self._draw.item(table), **key}} if kind == "Put" else {"Key": key}
            if kind == "Update":
                self._draw.compose(
                    part, "UpdateExpression", lambda words: f"SET {words.name(('t',))} = {words.value({'S': 'new'})}"
                )
            if kind == "ConditionCheck" or self._rng.random() < 0.3:
                self._draw.compose(
                    part, "ConditionExpression", lambda words: f"attribute_exists({words.name(('pk',))})"
                )
            parts.append({kind: part})
        return {"TransactItems": parts}

    def _transact_get(self) -> dict[str, Any]:
        table = self._table()
        keys = self._distinct_keys(table, self._rng.randint(1, 3))
        return {"TransactItems": [{"Get": {"TableName": table, "Key": key}} for key in keys]}

    # What is wrong in one place

    def _spoil(self, payload: dict[str, Any]) -> dict[str, Any]:
        rng, payload = self._rng, deepcopy(payload)
        members = [name for name in payload if name != "ReturnConsumedCapacity"]
        what = rng.choice(
            ("without", "unused name", "unused value", "no such table", "broken expression", "no such name")
        )
        expressions = [name for name in members if name.endswith("Expression")]
        if what == "without" and members:
            del payload[rng.choice(members)]
        elif what == "unused name":
            payload.setdefault("ExpressionAttributeNames", {})["#unused"] = "u"
        elif what == "unused value":
            payload.setdefault("ExpressionAttributeValues", {})[":unused"] = {"S": "u"}
        elif what == "no such table" and "TableName" in payload:
            payload["TableName"] = rng.choice(("missing", "ab", "a b c"))
        elif expressions and what == "broken expression":
            name = rng.choice(expressions)
            payload[name] = rng.choice(
                (payload[name] + " AND", "", "(" + payload[name], payload[name] + " #x y", "a = :", "foo(a)")
            )
        elif expressions and what == "no such name":
            name = rng.choice(expressions)
            payload[name] = payload[name].replace("#", "#z", 1).replace(":", ":z", 1)
        return payload
