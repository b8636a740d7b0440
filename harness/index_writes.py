"""What an index costs those who write: the same writes to tables that differ in one index."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from string import ascii_uppercase
from typing import Any

from harness.dynamodb.answers import Item
from harness.dynamodb.attempts import attempts
from harness.dynamodb.client import Client
from harness.dynamodb.metering import item_size
from harness.dynamodb.retries import Retries
from harness.flights import BY_DEST, BY_DEST_INCLUDE, BY_DEST_KEYS, FlightIndex, key
from harness.observing import of_attempt, retried
from harness.recorder import Observation
from harness.scenario import Slot

INDEXES: Mapping[str, FlightIndex | None] = {
    "no_index": None, "keys_only": BY_DEST_KEYS, "include": BY_DEST_INCLUDE, "all": BY_DEST,
}  # fmt: skip
QUESTIONS = ("new_flight", "changed_delay", "moved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write."""

    op: str
    payload: dict[str, Any]


def table_name(arm: str) -> str:
    """The table that has this arm's index."""
    return f"flights_{arm}"


def entry_bytes(arm: str, items: Sequence[Item]) -> float:
    """Mean size of what the arm's index keeps of an item; 0 without an index."""
    index = INDEXES[arm]
    return fmean(item_size(index.entry(item)) for item in items) if index else 0.0


def writes(
    arm: str, question: str, items: Sequence[Item], count: int, *, pair: int, rng: random.Random, prefix: str = ""
) -> Iterator[Write]:
    """So many writes to items drawn without repetition; with the same ``rng`` and ``pair`` the same in every arm.

    Another pair writes other values, so that no write finds its item as it would leave it. Tables' names begin with ``prefix``.
    Raises ValueError for more writes than items.
    """
    change = {"new_flight": _new_flight, "changed_delay": _changed_delay, "moved": _moved}[question]
    for item in rng.sample(items, count):
        op, members = change(item, pair)
        yield Write(
            op=op, payload={"TableName": prefix + table_name(arm), "ReturnConsumedCapacity": "INDEXES", **members}
        )


def act_of(write: Write, question: str, connect: Callable[[], Client]) -> Callable[[Slot], Observation]:
    """What does the write, once, and says what it consumed."""
    extra = {"question": question, "role": "report", "round_trips": 1}

    def act(slot: Slot) -> Observation:
        tries = attempts(slot.hold("dynamodb", connect), write.op, write.payload, Retries("none"))
        return retried(slot, tries, partial(of_attempt, extra=extra, wrote=True))

    return act


def _new_flight(item: Item, pair: int) -> tuple[str, dict[str, Any]]:
    """A flight of the same aircraft under a key that isn't there yet."""
    return "PutItem", {"Item": item | {"flight_key": {"S": f"{item['flight_key']['S']}~{pair}"}}}


def _changed_delay(item: Item, pair: int) -> tuple[str, dict[str, Any]]:
    """Another delay: to an index it matters only where that is projected (A12)."""
    return "UpdateItem", _set(item, "arr_delay", {"N": str(1000 + pair)})


def _moved(item: Item, pair: int) -> tuple[str, dict[str, Any]]:
    """Another destination, the index's key: the old entry goes and a new one comes (A12).

    A code of three letters that no flight has gone to, so that the entry always moves and keeps its size.
    """
    first, last = divmod(pair, len(ascii_uppercase))
    code = f"Z{ascii_uppercase[first % len(ascii_uppercase)]}{ascii_uppercase[last]}"
    return "UpdateItem", _set(item, "dest", {"S": code})


def _set(item: Item, attribute: str, value: dict[str, str]) -> dict[str, Any]:
    return {
        "Key": key(item), "UpdateExpression": f"SET {attribute} = :value", "ExpressionAttributeValues": {":value": value},
    }  # fmt: skip
