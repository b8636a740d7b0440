"""Which questions are asked: drawn by the data's own skew, the same of every arm."""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from typing import TypeVar

from harness.dataset import Dataset
from harness.errors import UsageError
from harness.stores_compared.patterns import Name, Value, words_of
from harness.stores_compared.settings import Part, SqlVsNosqlSettings
from harness.stores_compared.tables import Tables

RngOf = Callable[..., random.Random]
Parameters = Mapping[str, Value]
Key = TypeVar("Key", bound=Hashable)

DISTANCES_MILES, DELAYS_MIN = (1_000, 1_400, 1_800, 2_200), (30, 60, 90, 120)  # what ad_hoc may ask for at least
LEAST_LETTERS = 3  # of a word that is searched for: MySQL's full-text index has no shorter ones …
# … and none of these, InnoDB's own stop words of three letters and more.
STOP_WORDS = frozenset({"about", "are", "com", "for", "from", "how", "that", "the", "this", "und", "was", "what", "when", "where", "who", "will", "with", "www"})  # fmt: skip
NO_DELAY = 9_999  # minutes; no flight has it: the condition of an update that changes nothing
DRAWN_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What may be asked of one pattern: parameters, and how often the data has each.

    ``in_order``: they are asked in this order and all of them again and again, for the second undoes the first and so on.
    """

    parameters: tuple[Parameters, ...]
    weights: tuple[int, ...]
    in_order: bool = False

    def numbers(self, rng: random.Random) -> Iterator[int]:
        """Which one comes next, without end."""
        everyone = range(len(self.parameters))
        if self.in_order:
            yield from cycle(everyone)
        while True:
            yield from rng.choices(everyone, self.weights, k=DRAWN_AT_ONCE)


class Questions:
    """Part ``patterns`` asks the largest table for any of ``keys`` keys; part ``growth`` asks each table for the same few.

    These, all flights of some aircraft and to some airports on a day, are in every table: they come first in the ``order`` of flights
    (by their place in the data), the others behind them as the data has them.
    """

    def __init__(self, data: Dataset, settings: SqlVsNosqlSettings, rng_of: RngOf) -> None:
        self._settings, self._rng_of = settings, rng_of
        self._airports: list[str] = data.airports["name"].to_pylist()
        columns = ("flight_key", "tailnum", "dest", "arr_delay", "month")
        self._keys, self._tails, dests, self._delays, self._months = (
            data.flights[name].to_pylist() for name in columns
        )
        self._days = [(dest, key[:10]) for dest, key in zip(dests, self._keys, strict=True)]
        self._aircraft = self._few("tailnum", self._tails)
        self._airport = self._few("dest", self._days)
        self._first = sorted({*self._aircraft, *self._airport})
        first = set(self._first)
        self.order = [*self._first, *(at for at in range(len(self._keys)) if at not in first)]
        self._draws: Mapping[Name, Callable[[Part, random.Random], Choice]] = {
            "flight_by_key": self._flights, "flight_with_all": self._flights, "aircraft_flights": self._of_aircraft,
            "airport_day": self._of_airports, "carrier_month_delays": self._of_months, "ad_hoc": self._limits,
            "full_text": self._words, "update_if": self._updates, "move_flight": self._moves, "bulk_load": self._bulk,
        }  # fmt: skip
        self._choices: dict[tuple[Part, Name], Choice] = {}

    @property
    def first_keys(self) -> list[str]:
        """The flights that are in every table, by key."""
        return [self._keys[at] for at in self._first]

    def of(self, part: Part, pattern: Name) -> Choice:
        """What may be asked in a part; one question where a pattern has no parameters."""
        if (part, pattern) not in self._choices:
            draw = self._draws.get(pattern)
            made = draw(part, self._rng_of("asked", part, pattern)) if draw else _alike([{}])
            self._choices[part, pattern] = made
        return self._choices[part, pattern]

    def _count(self, part: Part) -> int:
        return self._settings.keys if part == "patterns" else self._settings.questions

    def _places(self, part: Part, few: Sequence[int]) -> Sequence[int]:
        """Of the flights that a part may ask for: the largest table's, or those few."""
        return self.order[: self._settings.largest] if part == "patterns" else few

    def _flights(self, part: Part, rng: random.Random) -> Choice:
        places = self._places(part, self._first)
        chosen = rng.sample(places, min(self._count(part), len(places)))
        return _alike([{"flight_key": self._keys[at]} for at in chosen])

    def _of_aircraft(self, part: Part, rng: random.Random) -> Choice:
        tails = [self._tails[at] for at in self._places(part, self._aircraft) if self._tails[at] is not None]
        drawn = _drawn(tails, self._count(part), rng)
        return Choice(parameters=tuple({"tailnum": tail} for tail in drawn), weights=tuple(drawn.values()))

    def _of_airports(self, part: Part, rng: random.Random) -> Choice:
        drawn = _drawn([self._days[at] for at in self._places(part, self._airport)], self._count(part), rng)
        return Choice(
            parameters=tuple({"dest": dest, "day": day} for dest, day in drawn), weights=tuple(drawn.values())
        )

    def _of_months(self, part: Part, rng: random.Random) -> Choice:
        drawn = _drawn([self._months[at] for at in self._places(part, self._first)], self._count(part), rng)
        return Choice(parameters=tuple({"month": month} for month in drawn), weights=tuple(drawn.values()))

    def _limits(self, part: Part, rng: random.Random) -> Choice:
        limits = list(product(DISTANCES_MILES, DELAYS_MIN))
        chosen = rng.sample(limits, min(self._count(part), len(limits)))
        return _alike([{"least_distance": miles, "least_arr_delay": minutes} for miles, minutes in chosen])

    def _words(self, part: Part, rng: random.Random) -> Choice:
        """One or two words of the names of airports, as often as names have them."""
        found: dict[str, None] = {}
        for name in rng.sample(self._airports, len(self._airports)):
            words = [
                word for word in dict.fromkeys(words_of(name)) if len(word) >= LEAST_LETTERS and word not in STOP_WORDS
            ]
            if words and len(found) < self._count(part):
                found[" ".join(rng.sample(words, min(len(words), 1 + len(found) % 2)))] = None
        return _alike([{"words": words} for words in found])

    def _updates(self, part: Part, rng: random.Random) -> Choice:  # noqa: ARG002 - the same in every part
        """A flight's delay changed, and back; and one that isn't as expected."""
        late = [at for at in self._first if self._delays[at] is not None]
        asked: list[Parameters] = []
        for at in rng.sample(late, self._pairs(late)):
            key, delay = self._keys[at], self._delays[at]
            asked.append({"flight_key": key, "expected": delay, "new": delay + 1})
            asked.append({"flight_key": key, "expected": delay + 1, "new": delay})
        refused = {"flight_key": asked[0]["flight_key"], "expected": NO_DELAY, "new": 0}
        return _alike([*asked, refused], in_order=True)

    def _moves(self, part: Part, rng: random.Random) -> Choice:  # noqa: ARG002 - likewise
        """A flight moved to another aircraft that is in every table, and back."""
        tails = sorted({self._tails[at] for at in self._aircraft})
        asked: list[Parameters] = []
        for at in rng.sample(self._aircraft, self._pairs(self._aircraft)):
            key, tail = self._keys[at], self._tails[at]
            other = rng.choice([one for one in tails if one != tail])
            asked.append({"flight_key": key, "tailnum": tail, "to_tailnum": other})
            asked.append({"flight_key": key, "tailnum": other, "to_tailnum": tail})
        return _alike(asked, in_order=True)

    def _bulk(self, part: Part, rng: random.Random) -> Choice:  # noqa: ARG002 - always the same flights
        return _alike([{"flights": self._settings.bulk_items}])

    def _pairs(self, places: Sequence[int]) -> int:
        """How many flights are written, there and back."""
        return min(len(places), max(1, self._settings.questions // 2))

    def _few(self, what: str, values: Sequence[Hashable]) -> list[int]:
        """The places of all flights of some values, drawn by how many flights they have: a quarter of the smallest table at most."""
        settings = self._settings
        room = min(settings.sizes) // (4 * settings.questions)
        counts = Counter(value for value in values if value is not None)
        fitting = [value for value in values if value is not None and counts[value] <= room]
        drawn = _drawn(fitting, settings.questions, self._rng_of("asked", "few", what))
        if len(drawn) < settings.questions:
            raise UsageError(
                f"sql_vs_nosql.questions: {settings.questions} of {what} asked for, only {len(drawn)} have {room} flights or fewer, so that "
                f"all fit into a quarter of {min(settings.sizes)}, the smallest of sizes; raise that or ask for fewer"
            )
        return [at for at, value in enumerate(values) if value in drawn]


def tables_of(data: Dataset, settings: SqlVsNosqlSettings, questions: Questions) -> Tables:
    """The tables of every size; UsageError where the months hold fewer flights."""
    asked_for = {
        "sizes": settings.largest,
        "attribute_items": settings.attribute_items,
        "bulk_items": settings.bulk_items,
    }
    for key, flights in asked_for.items():
        if flights > data.flights.num_rows:
            raise UsageError(
                f"sql_vs_nosql.{key}: {flights} flights asked for, months hold {data.flights.num_rows}; lower it or name more months"
            )
    return Tables(
        data, questions.order, sizes=settings.sizes, attribute_items=settings.attribute_items, bulk_items=settings.bulk_items
    )  # fmt: skip


def _drawn(values: Sequence[Key], count: int, rng: random.Random) -> dict[Key, int]:
    """So many different values, drawn by how often each is there, and that number."""
    counts = Counter(values)
    found: dict[Key, int] = {}
    for value in rng.sample(values, len(values)):
        if len(found) == count:
            break
        found[value] = counts[value]
    return found


def _alike(parameters: Sequence[Parameters], *, in_order: bool = False) -> Choice:
    return Choice(parameters=tuple(parameters), weights=(1,) * len(parameters), in_order=in_order)
