"""Ways to one answer: each *access path* takes a client and a question and brings the whole answer.

They differ in what they consume, not in what they find. None of them knows the harness: an application can lift out
the one it needs, with ``harness.dynamodb.answers`` and any client that has ``call``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, Self

from harness.dynamodb.answers import (
    Answer,
    Item,
    Keep,
    batch_get_all,
    get_each,
    query_all,
    scan_all,
    scan_in_parallel,
    together,
)
from harness.dynamodb.client import Client, Response

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which items of a table, and which of their attributes.

    ``where`` maps an attribute to the texts it may have; several are all there are from the first to the last, in
    order. ``keys`` are the primary keys of the answer's items, for who knows them: Get needs them, others don't look.
    """

    table: str
    where: Mapping[str, Sequence[str]]
    attributes: tuple[str, ...]
    keys: Sequence[Item] = field(default=(), repr=False)


class Connections:
    """As many connections as an access path wants at once; as a client, it is the first of them."""

    __slots__ = ("each",)

    def __init__(self, make: Callable[[], Client], count: int = 1) -> None:
        self.each = tuple(make() for _ in range(count))

    def call(self, operation: str, payload: dict[str, Any] | bytes) -> Response:
        """One attempt over the first; see :class:`harness.dynamodb.client.Client`."""
        return self.each[0].call(operation, payload)

    def close(self) -> None:
        """Close them all; each opens again when it is next used."""
        for client in self.each:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Access(Protocol):
    """One access path; ``op`` is the operation that it asks, the first where it asks two."""

    op: ClassVar[str]

    def __call__(self, clients: Connections, question: Question, *, keep: Keep | None = None) -> Answer:
        """The whole answer, and of each item what is to be kept. Raises ConnectionTrouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetItem:
    """One GetItem for each key that is known: every item is rounded up on its own (A1)."""

    op: ClassVar[str] = "GetItem"
    strong: bool = False

    def __call__(self, clients: Connections, question: Question, *, keep: Keep | None = None) -> Answer:
        """See :class:`Access`."""
        return get_each(clients, question.table, question.keys, strong=self.strong, keep=keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchGet:
    """A hundred known keys a request: fewer trips, not a unit less, since each item is still rounded alone (A3)."""

    op: ClassVar[str] = "BatchGetItem"
    strong: bool = False

    def __call__(self, clients: Connections, question: Question, *, keep: Keep | None = None) -> Answer:
        """See :class:`Access`."""
        return batch_get_all(clients, question.table, question.keys, strong=self.strong, keep=keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A Query for each value of the partition key: what it finds is summed, then rounded up once a page (A4).

    ``key`` names the attributes of the table's key, or of ``index``'s, that the question gives; what else it asks is
    left to a filter, which saves nothing (A5). ``fetched`` asks for all the attributes that are wanted, also where the
    index doesn't have them: a local one then fetches each item from the table (A9).
    """

    op: ClassVar[str] = "Query"
    key: tuple[str, ...] = ("tailnum",)
    index: str | None = None
    strong: bool = False
    fetched: bool = False

    def __call__(self, clients: Connections, question: Question, *, keep: Keep | None = None) -> Answer:
        """See :class:`Access`."""
        return together(query_all(clients, one, keep=keep) for one in self._requests(question))

    def _requests(self, question: Question) -> Iterable[dict[str, Any]]:
        payload: dict[str, Any] = {"TableName": question.table, "ConsistentRead": self.strong}
        if self.index:
            payload["IndexName"] = self.index
        if self.fetched:
            payload |= _projection(question.attributes)
        for value in question.where[self.key[0]]:
            where = dict(question.where) | {self.key[0]: (value,)}
            rest = {name: where.pop(name) for name in question.where if name not in self.key}
            yield _asking(payload, KeyConditionExpression=where, FilterExpression=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryThenBatchGet:
    """Keys from an index that has nothing else, then the items themselves by BatchGetItem: pays for both."""

    op: ClassVar[str] = "Query"
    key: tuple[str, ...]
    index: str
    primary: tuple[str, ...]

    def __call__(self, clients: Connections, question: Question, *, keep: Keep | None = None) -> Answer:
        """See :class:`Access`."""
        found = Query(key=self.key, index=self.index)(clients, question, keep=self._key)
        if found.outcome != "ok" or not found.items:
            return replace(found, items=())
        items = batch_get_all(clients, question.table, found.items, keep=keep)
        return together((replace(found, items=(), items_returned=0), items))  # nothing is found twice

    def _key(self, entry: Item) -> Item:
        return {name: entry[name] for name in self.primary}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The whole table, a filter keeping what is asked for: every item is paid for, found or not (A5).

    ``projected``: only the attributes that are wanted come back. ``counted``: only how many items there are.
    ``segments`` above 1 are scanned all at once (A17), each over a connection of its own.
    """

    op: ClassVar[str] = "Scan"
    strong: bool = False
    projected: bool = False
    counted: bool = False
    segments: int = 1

    def __call__(self, clients: Connections, question: Question, *, keep: Keep | None = None) -> Answer:
        """See :class:`Access`."""
        payload: dict[str, Any] = {"TableName": question.table, "ConsistentRead": self.strong}
        if self.projected:
            payload |= _projection(question.attributes)
        if self.counted:
            payload["Select"] = "COUNT"
        payload = _asking(payload, FilterExpression=question.where)
        if self.segments == 1:
            return scan_all(clients, payload, keep=keep)
        return scan_in_parallel(clients.each[: self.segments], payload, keep=keep)


@dataclass(slots=True, kw_only=True)
class Pace:
    """A budget of units a second for pages asked one after the other: each waits until those before it are paid for."""

    units_per_s: float
    due_s: float = 0.0
    """When the next page may be asked for, in seconds of the caller's clock."""

    def spent(self, units: float, now_s: float) -> None:
        """A page that was asked for at its time has consumed so much; time that wasn't used isn't saved up."""
        self.due_s = max(self.due_s, now_s) + units / self.units_per_s


def row_of(item: Item, attributes: Sequence[str]) -> Row:
    """The texts of these attributes, None for what the item lacks; numbers as they are written."""
    return tuple(next(iter(item[name].values())) if name in item else None for name in attributes)


def _asking(payload: dict[str, Any], **conditions: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The payload with each expression that has something to say, and the names and values that it uses."""
    names = dict(payload.get("ExpressionAttributeNames", {}))
    values: dict[str, Any] = {}
    made = dict(payload)
    for member, where in conditions.items():
        tests = []
        for name, texts in where.items():
            names[f"#{name}"] = name
            if len(texts) == 1:
                tests.append(f"#{name} = :{name}")
                values[f":{name}"] = {"S": texts[0]}
            else:
                tests.append(f"#{name} BETWEEN :{name}_first AND :{name}_last")
                values |= {f":{name}_first": {"S": texts[0]}, f":{name}_last": {"S": texts[-1]}}
        if tests:
            made[member] = " AND ".join(tests)
    return made | {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
    }
