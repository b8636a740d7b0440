"""The requests of one answer, and what they came to."""

from collections.abc import Callable
from typing import Any

from harness.dynamodb.answers import Answer, Item, Keep, consumed_units, query_all, scan_all
from harness.dynamodb.client import WRITES, Client, ConnectionTrouble, Response, outcome, trouble_outcome
from harness.stores_compared.patterns import Row
from harness.stores_compared.store import Asked, Trouble

CONDITION_FAILED = "ConditionalCheckFailedException"
NAN = float("nan")


class Exchange:
    """Asks one client, one request after the other, and sums units, trips and bytes. What breaks or is refused raises Trouble."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._units: dict[str, list[float]] = {"read": [], "write": [], "index": []}
        self._trips = self._bytes = self._pages = self._scanned = 0

    def query(self, payload: dict[str, Any], keep: Keep | None = None) -> Answer:
        """A Query to its last page."""
        return self._read(query_all, "Query", payload, keep)

    def scan(self, payload: dict[str, Any], keep: Keep | None = None) -> Answer:
        """A Scan to its last page."""
        return self._read(scan_all, "Scan", payload, keep)

    def call(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One request that must be granted: its answer's body."""
        response = self.send(operation, payload)
        if response.status != 200:
            raise Trouble(outcome(response), str(response.error_code), response.throttling_reason)
        return response.body

    def send(self, operation: str, payload: dict[str, Any]) -> Response:
        """One request; a refusal too is an answer, of which nobody says what it consumed (A11)."""
        request = {"ReturnConsumedCapacity": "INDEXES"} | payload
        try:
            response = self._client.call(operation, request)
        except ConnectionTrouble as trouble:
            raise Trouble(trouble_outcome(trouble, operation), type(trouble).__name__) from trouble
        self._trips += 1
        self._bytes += response.bytes_count
        if response.status == 200:
            self._consumed("write" if operation in WRITES else "read", response.body)
        return response

    def wrote(self, units: float) -> None:
        """Write units that no answer tells of."""
        self._units["write"].append(units)

    def asked(self, *rows: Row) -> Asked:
        """The answer: its rows, and all that they took."""
        units = {kind: sum(each) if each else NAN for kind, each in self._units.items()}
        paged = self._pages > 0
        return Asked(
            rows=rows, round_trips=self._trips, bytes=self._bytes, read_units=units["read"], write_units=units["write"],
            index_units=units["index"], items_scanned=self._scanned if paged else -1, pages=self._pages if paged else -1,
        )  # fmt: skip

    def _read(self, ask: Callable[..., Answer], operation: str, payload: dict[str, Any], keep: Keep | None) -> Answer:
        try:
            answer = ask(self._client, payload, keep=keep)
        except ConnectionTrouble as trouble:
            raise Trouble(trouble_outcome(trouble, operation), type(trouble).__name__) from trouble
        if answer.outcome != "ok":
            raise Trouble(answer.outcome, str(answer.error_code), answer.reason)
        self._trips += answer.pages
        self._pages += answer.pages
        self._scanned += answer.items_scanned
        self._bytes += answer.bytes_count
        self._units["read"].append(answer.read_units)
        if answer.index_units is not None:
            self._units["index"].append(answer.index_units)
        return answer

    def _consumed(self, kind: str, body: dict[str, Any]) -> None:
        """What an answer says of each table it touched."""
        told = body["ConsumedCapacity"]
        for one in told if isinstance(told, list) else [told]:
            units, of_indexes = consumed_units({"ConsumedCapacity": one})
            self._units[kind].append(units or 0.0)
            if of_indexes is not None:
                self._units["index"].append(of_indexes)


def text(item: Item, name: str) -> str | None:
    """A text attribute, None where the item lacks it."""
    value = item.get(name)
    return None if value is None else str(value["S"])


def whole(item: Item, name: str) -> int | None:
    """An attribute that is a whole number; likewise."""
    value = item.get(name)
    return None if value is None else int(value["N"])


def tenths(item: Item, name: str) -> int | None:
    """Ten times a number, as the nearest whole one; likewise."""
    value = item.get(name)
    return None if value is None else round(float(value["N"]) * 10)
