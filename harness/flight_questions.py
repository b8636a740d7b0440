"""What is asked of the flights, in which ways, and the right answers, taken from the data itself.

Every process that makes load chooses the same: the run's seed and the settings decide.
"""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from harness.dataset import Dataset
from harness.dynamodb.accesses import Access, BatchGet, GetItem, Query, QueryThenBatchGet, Question, Row, Scan, row_of
from harness.dynamodb.answers import Answer, Item
from harness.errors import UsageError
from harness.flights import BY_DEST, BY_DEST_INCLUDE, BY_DEST_KEYS, KEY, LOCAL_INCLUDE, LOCAL_KEYS

ATTRIBUTES = ("flight_key", "tailnum", "dep_delay", "arr_delay")
RngOf = Callable[..., random.Random]

_DEST, _ROUTE = ("dest",), ("tailnum", "dest")
_ACCESSES: Mapping[str, Access] = {
    "query": Query(), "query_strong": Query(strong=True), "query_filter": Query(),
    "get_item": GetItem(), "get_item_strong": GetItem(strong=True),
    "batch_get": BatchGet(), "batch_get_strong": BatchGet(strong=True),
    "scan": Scan(), "scan_strong": Scan(strong=True),
    "scan_projection": Scan(projected=True), "scan_count": Scan(counted=True),
    "gsi_all": Query(key=_DEST, index=BY_DEST.name),
    "gsi_include": Query(key=_DEST, index=BY_DEST_INCLUDE.name),
    "gsi_keys_only": QueryThenBatchGet(key=_DEST, index=BY_DEST_KEYS.name, primary=KEY),
    "lsi_include": Query(key=_ROUTE, index=LOCAL_INCLUDE.name, fetched=True),
    "lsi_include_strong": Query(key=_ROUTE, index=LOCAL_INCLUDE.name, fetched=True, strong=True),
    "lsi_fetch": Query(key=_ROUTE, index=LOCAL_KEYS.name, fetched=True),
    "lsi_fetch_strong": Query(key=_ROUTE, index=LOCAL_KEYS.name, fetched=True, strong=True),
}  # fmt: skip
_PARALLEL = "parallel_scan_"
ARMS: Mapping[str, tuple[str, ...]] = {
    "aircraft": ("query", "query_strong", "get_item", "get_item_strong", "batch_get", "batch_get_strong",
                 "scan", "scan_strong", "scan_projection", "scan_count"),
    "airport": ("gsi_all", "gsi_include", "gsi_keys_only", "scan"),
    "route": ("lsi_include", "lsi_include_strong", "lsi_fetch", "lsi_fetch_strong", "query_filter", "scan"),
}  # fmt: skip
"""Every way to the answer of a question; those of ``aircraft`` also include the parallel Scans."""


def parallel_scan(segments: int) -> str:
    """The arm that scans in so many segments."""
    return f"{_PARALLEL}{segments}"


def access_of(arm: str) -> Access:
    """The access path of an arm."""
    return Scan(segments=int(arm.removeprefix(_PARALLEL))) if arm.startswith(_PARALLEL) else _ACCESSES[arm]


def reads_it_all(arm: str) -> bool:
    """Whether the arm evaluates the whole table."""
    return isinstance(access_of(arm), Scan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question and the rows of its answer."""

    question: Question
    answer: frozenset[Row]

    def row(self, item: Item) -> Row:
        """What is asked of an item: to be kept of each, where the answer is to be looked at item by item."""
        return row_of(item, self.question.attributes)

    def wrong(self, answer: Answer, *, item_by_item: bool) -> str | None:
        """What is wrong with an answer, if anything is: how many items, and, where their rows were kept, which."""
        if answer.items_returned != len(self.answer):
            return f"{answer.items_returned} items, not {len(self.answer)}"
        if item_by_item and set(answer.items) != self.answer:
            return "other items than were asked for"
        return None


class Flights:
    """The flights as rows of the data: aircraft, destination and answer of each, by their place."""

    def __init__(self, dataset: Dataset) -> None:
        flights = dataset.flights
        self.aircraft: list[str] = flights["aircraft_key"].to_pylist()
        self.dest: list[str] = flights["dest"].to_pylist()
        self._keys: list[str] = flights["flight_key"].to_pylist()
        delays = [[None if d is None else str(d) for d in flights[name].to_pylist()] for name in ATTRIBUTES[2:]]
        self.rows: list[Row] = list(zip(self._keys, self.aircraft, *delays, strict=True))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def of_aircraft(self) -> dict[str, list[int]]:
        """The places of each aircraft's flights."""
        return _places(self.aircraft)

    @cached_property
    def to_airport(self) -> dict[str, list[int]]:
        """The places of the flights to each airport."""
        return _places(self.dest)

    def asked(self, places: Sequence[int], where: Mapping[str, Sequence[str]], *, with_keys: bool = False) -> Asked:
        """The question of ``where``, whose answer is the flights at these places; of no table yet."""
        keys = [{"tailnum": {"S": self.aircraft[at]}, "flight_key": {"S": self._keys[at]}} for at in places]
        return Asked(
            question=Question(table="", where=where, attributes=ATTRIBUTES, keys=tuple(keys) if with_keys else ()),
            answer=frozenset(self.rows[at] for at in places),
        )


class SmallAnswers:
    """Questions whose answers stay the same while a table grows; ``order`` is the flights' places, theirs first.

    The first ``n`` of ``order`` are a table of ``n`` flights, for every ``n`` from ``least_items`` on: aircraft and
    airports are drawn by the data's own skew among those with so few flights that all of them fit. Each aircraft's
    flights come before each airport's. Raises UsageError where there are too few such.
    """

    def __init__(self, flights: Flights, *, aircraft: int, airports: int, least_items: int, rng_of: RngOf) -> None:
        of_aircraft, to_airport = flights.of_aircraft, flights.to_airport
        tails = _drawn(of_aircraft, aircraft, least_items, "tailnum", rng_of("asked", "tailnum"))
        dests = _drawn(to_airport, airports, least_items, "dest", rng_of("asked", "dest"))
        self.aircraft = [
            flights.asked(of_aircraft[tail], {"tailnum": (tail,)}, with_keys=True) for tail in sorted(tails)
        ]
        self.airport = [flights.asked(to_airport[dest], {"dest": (dest,)}) for dest in sorted(dests)]
        rng = rng_of("asked", "route")
        self.route = [_route(flights, tail, rng) for tail in sorted(tails)]
        first = dict.fromkeys(at for tail in tails for at in of_aircraft[tail])
        first |= dict.fromkeys(at for dest in dests for at in to_airport[dest])
        rest = [at for at in range(len(flights)) if at not in first]
        rng_of("tables").shuffle(rest)
        self.order = [*first, *rest]


def range_of_aircraft(
    flights: Flights, places: Sequence[int], share: float, rng: random.Random, *, most_keys: int
) -> Asked:
    """All flights of the aircraft from one tail number to another: as near as can be to ``share`` of ``places``.

    Of the ranges that are equally near one is drawn. Keys are known where there are at most ``most_keys``.
    """
    counts = Counter(flights.aircraft[at] for at in places)
    tails = sorted(counts)
    ends = [0, *accumulate(counts[tail] for tail in tails)]
    target = max(1, round(share * len(places)))
    nearest: list[tuple[int, int]] = []
    least = len(places) + 1
    for first in range(len(tails)):
        after = bisect_left(ends, ends[first] + target, first + 1, len(tails))
        for end in {max(first + 1, after - 1), after}:
            off = abs(ends[end] - ends[first] - target)
            if off < least:
                least, nearest = off, []
            if off == least:
                nearest.append((first, end))
    first, end = rng.choice(nearest)
    chosen = frozenset(tails[first:end])
    found = [at for at in places if flights.aircraft[at] in chosen]
    return flights.asked(found, {"tailnum": tails[first:end]}, with_keys=len(found) <= most_keys)


def _places(values: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for at, value in enumerate(values):
        places.setdefault(value, []).append(at)
    return places


def _drawn(
    places: Mapping[str, Sequence[int]], count: int, least_items: int, attribute: str, rng: random.Random
) -> list[str]:
    """Keys drawn by how many flights they have, a quarter of the smallest table at most for all together."""
    most = least_items // (4 * count)
    fitting = sorted(key for key, flights in places.items() if len(flights) <= most)
    if len(fitting) < count:
        raise UsageError(
            f"query_vs_scan: {count} values of {attribute} asked for, only {len(fitting)} have {most} flights or fewer, so that all fit "
            f"into a quarter of {least_items}, the smallest of table_items and item_size_items; raise these or ask for fewer"
        )
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn[rng.choices(fitting, [len(places[key]) for key in fitting])[0]] = None
    return list(drawn)


def _route(flights: Flights, tail: str, rng: random.Random) -> Asked:
    """One aircraft to one airport, one that has at most half of its flights where there is such: a filter throws most away."""
    places = flights.of_aircraft[tail]
    counts = Counter(flights.dest[at] for at in places)
    rare = sorted(dest for dest, count in counts.items() if 2 * count <= len(places)) or sorted(counts)
    dest = rng.choices(rare, [counts[one] for one in rare])[0]
    return flights.asked([at for at in places if flights.dest[at] == dest], {"tailnum": (tail,), "dest": (dest,)})
