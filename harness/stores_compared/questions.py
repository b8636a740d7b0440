"""Which questions are asked: drawn by the data's own skew, the same in every arm and every process."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from typing import cast

from harness.dataset import Dataset
from harness.errors import UsageError
from harness.stores_compared.patterns import PATTERNS, Name, Value, words_of
from harness.stores_compared.settings import Part, SqlVsNosqlSettings
from harness.stores_compared.tables import Tables

RngOf = Callable[..., random.Random]
Parameters = Mapping[str, Value]

DISTANCES, DELAYS = (1_000, 1_400, 1_800, 2_200), (30, 60, 90, 120)  # of ad_hoc: miles, minutes
LEAST_LETTERS = 3  # of a word that is looked for: MySQL's full text index has no shorter ones
STOP_WORDS = frozenset({"and", "the", "for", "com", "www", "from", "how", "that", "this", "was", "what", "when", "where", "who", "will", "with", "are"})  # fmt: skip
# An asked-for flight's delay that no flight has: the condition of an update that changes nothing.
NO_DELAY = 9_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What may be asked of one pattern: parameters, and how often the data has each.

    ``in_order``: they are asked in this order, all of them again and again: the one undoes what the other did.
    """

    parameters: tuple[Parameters, ...]
    weights: tuple[int, ...]
    in_order: bool = False

    def numbers(self, rng: random.Random) -> Iterator[int]:
        """Which one comes next, without end."""
        if self.in_order:
            yield from cycle(range(len(self.parameters)))
        while True:
            yield from rng.choices(range(len(self.parameters)), self.weights, k=256)


class Questions:
    """Part ``patterns`` asks the largest table for any of ``keys`` keys; part ``growth`` asks each table for the same few.

    These, whole aircraft and whole days of an airport, are in every table: they come first in the ``order`` of flights (by
    place), all others behind them as the data has them.
    """

    def __init__(self, data: Dataset, settings: SqlVsNosqlSettings, rng_of: RngOf) -> None:
        flights = data.flights
        columns = ("flight_key", "tailnum", "dest", "arr_delay", "month")
        self._keys, self._tails, self._dests, self._delays, self._months = (
            flights[name].to_pylist() for name in columns
        )
        self._data, self._settings, self._rng_of = data, settings, rng_of
        self._days = [key[:10] for key in self._keys]
        everywhere = range(len(self._keys))
        room = min(settings.sizes) // (4 * settings.questions)
        aircraft = self._few("tailnum", self._tails, everywhere, room)
        to_airport = self._few("dest", list(zip(self._dests, self._days, strict=True)), everywhere, room)
        self.asked = sorted({*aircraft, *to_airport})
        first = set(self.asked)
        self.order = [*self.asked, *(at for at in everywhere if at not in first)]
        self._small = {"aircraft": aircraft, "airport": to_airport}
        self._choices: dict[tuple[Part, Name], Choice] = {}

    @property
    def asked_keys(self) -> list[str]:
        """The flights that are in every table, by key."""
        return [self._keys[at] for at in self.asked]

    def of(self, part: Part, pattern: Name) -> Choice:
        """What may be asked in a part."""
        if (part, pattern) not in self._choices:
            self._choices[part, pattern] = self._draw(part, pattern)
        return self._choices[part, pattern]

    def _draw(self, part: Part, pattern: Name) -> Choice:
        rng = self._rng_of("asked", part, pattern)
        count = self._settings.keys if part == "patterns" else self._settings.questions
        largest = self.order[: self._settings.largest]
        match pattern:
            case "flight_by_key" | "flight_with_all":
                places = largest if part == "patterns" else self.asked
                return _each([{"flight_key": self._keys[at]} for at in rng.sample(places, min(count, len(places)))])
            case "aircraft_flights":
                places = largest if part == "patterns" else self._small["aircraft"]
                tails = _drawn([self._tails[at] for at in places if self._tails[at] is not None], count, rng)
                return Choice(parameters=tuple({"tailnum": tail} for tail in tails), weights=tuple(tails.values()))
            case "airport_day":
                places = largest if part == "patterns" else self._small["airport"]
                days = _drawn([(self._dests[at], self._days[at]) for at in places], count, rng)
                parameters = tuple({"dest": dest, "day": day} for dest, day in days)
                return Choice(parameters=parameters, weights=tuple(days.values()))
            case "carrier_month_delays":
                places = largest if part == "patterns" else self.asked
                months = _drawn([self._months[at] for at in places], count, rng)
                return Choice(parameters=tuple({"month": month} for month in months), weights=tuple(months.values()))
            case "ad_hoc":
                limits = list(product(DISTANCES, DELAYS))
                chosen = rng.sample(limits, min(count, len(limits)))
                return _each([{"least_distance": miles, "least_arr_delay": late} for miles, late in chosen])
            case "full_text":
                return _each([{"words": words} for words in self._words(rng, count)])
            case "update_if":
                return _in_order(self._updates(rng))
            case "move_flight":
                return _in_order(self._moves(rng))
            case "bulk_load":
                return _each([{"flights": self._settings.bulk_items}])
        assert not PATTERNS[pattern].parameters, f"{pattern} asks for something that nobody draws"
        return _each([{}])

    def _few(self, what: str, values: Sequence[object], places: Sequence[int], room: int) -> list[int]:
        """The places of all flights of some values that have at most ``room`` each, drawn by how many they have."""
        of_value: dict[object, list[int]] = {}
        for at in places:
            if values[at] is not None:
                of_value.setdefault(values[at], []).append(at)
        fitting = [at for found in of_value.values() if len(found) <= room for at in found]
        drawn = _drawn([values[at] for at in fitting], self._settings.questions, self._rng_of("asked", "few", what))
        if len(drawn) < self._settings.questions:
            raise UsageError(
                f"sql_vs_nosql.questions: {self._settings.questions} of {what} asked for, only {len(drawn)} have {room} flights or fewer, so that "
                f"all fit into a quarter of {min(self._settings.sizes)}, the smallest of sizes; raise that or ask for fewer"
            )
        return [at for value in drawn for at in of_value[value]]

    def _words(self, rng: random.Random, count: int) -> list[str]:
        """One or two words of the names of airports, as often as names have them."""
        names: list[str] = self._data.airports["name"].to_pylist()
        found: dict[str, None] = {}
        for name in rng.sample(names, len(names)):
            words = [
                word for word in dict.fromkeys(words_of(name)) if len(word) >= LEAST_LETTERS and word not in STOP_WORDS
            ]
            if words and len(found) < count:
                found[" ".join(rng.sample(words, min(len(words), 1 + len(found) % 2)))] = None
        return list(found)

    def _updates(self, rng: random.Random) -> list[Parameters]:
        """A flight's delay changed, and back; and one that isn't as expected."""
        late = [at for at in self.asked if self._delays[at] is not None]
        asked: list[Parameters] = []
        for at in rng.sample(late, max(1, self._settings.questions // 2)):
            delay = self._delays[at]
            for expected, new in ((delay, delay + 1), (delay + 1, delay)):
                asked.append({"flight_key": self._keys[at], "expected": expected, "new": new})
        return [*asked, {"flight_key": asked[0]["flight_key"], "expected": NO_DELAY, "new": 0}]

    def _moves(self, rng: random.Random) -> list[Parameters]:
        """A flight moved to another aircraft that is in every table, and back."""
        places = self._small["aircraft"]
        tails = sorted({cast("str", self._tails[at]) for at in places})
        asked: list[Parameters] = []
        for at in rng.sample(places, min(len(places), max(1, self._settings.questions // 2))):
            tail = self._tails[at]
            others = [one for one in tails if one != tail] or [tail]
            other = rng.choice(others)
            for one, to in ((tail, other), (other, tail)):
                asked.append({"flight_key": self._keys[at], "tailnum": one, "to_tailnum": to})
        return asked


def tables_of(data: Dataset, settings: SqlVsNosqlSettings, questions: Questions) -> Tables:
    """The tables of every size; UsageError where the months hold fewer flights."""
    for size in (*settings.sizes, settings.bulk_items):
        if size > data.flights.num_rows:
            key = "sizes" if size in settings.sizes else "bulk_items"
            raise UsageError(
                f"sql_vs_nosql.{key}: {size} flights asked for, months hold {data.flights.num_rows}; lower it or name more months"
            )
    return Tables(data, settings.sizes, questions.order, settings.bulk_items)


def _drawn(values: Sequence[object], count: int, rng: random.Random) -> dict[object, int]:
    """Different values drawn by how often they are there, with that number."""
    counts: dict[object, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    found: dict[object, int] = {}
    for value in rng.sample(values, len(values)):
        if len(found) == count:
            break
        found[value] = counts[value]
    return found


def _each(parameters: Sequence[Parameters]) -> Choice:
    return Choice(parameters=tuple(parameters), weights=(1,) * len(parameters))


def _in_order(parameters: Sequence[Parameters]) -> Choice:
    return Choice(parameters=tuple(parameters), weights=(1,) * len(parameters), in_order=True)
