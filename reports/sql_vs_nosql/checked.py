"""The stores' answers held against pandas': event by event, by digest; what was written is followed from question to question."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.stores_compared.patterns import PATTERNS, Row, Value, digest
from reports.load import Run
from reports.sql_vs_nosql.arms import NAME
from reports.sql_vs_nosql.in_pandas import PACKAGE, Answers, Csv, folder

Event = Mapping[str, Any]
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How many answers of an arm to a pattern were held against pandas, how many of them are others, and how the first of these differs."""

    answers: int
    wrong: int
    first: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """By arm and pattern; ``why_not`` says why nothing could be checked."""

    held: Mapping[_Key, Held] = field(default_factory=dict)
    why_not: str | None = None

    @property
    def answers(self) -> int:
        """How many were held against pandas."""
        return sum(one.answers for one in self.held.values())

    @property
    def wrong(self) -> int:
        """How many are others than pandas'."""
        return sum(one.wrong for one in self.held.values())

    def why_wrong(self, arm: str, pattern: str) -> str | None:
        """What stands against every figure of an arm and pattern; None where its answers are right, or weren't checked."""
        one = self.held.get((arm, pattern))
        if one is None or not one.wrong:
            return None
        return f"cannot: gave other rows than pandas on the raw CSV to {one.wrong:,} of {one.answers:,} questions ({one.first})"


def checked(run: Run) -> Checked:
    """All ``answer`` events of the run."""
    events, tables = run.events_of(NAME, "answer"), run.events_of(NAME, "tables")
    place = folder()
    if place is None:
        return Checked(why_not=f"the package {PACKAGE} isn't installed here")
    if not events or not tables:
        return Checked(why_not="the run has no answers of its warm-up")
    csv = Csv(place, run.manifest["config"].get("months"), tables[-1]["first"])
    found: dict[_Key, list[str | None]] = defaultdict(list)
    asked: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
    for event in events:
        asked[event["arm"], event["pattern"], event.get("part"), event["flights"]].append(event)
    right = _Right(csv)
    for (arm, pattern, *_), of_one in asked.items():
        last = max(event["trial"] for event in of_one)  # those before it broke off, and it asked all of them again
        if pattern in PATTERNS:
            found[arm, pattern] += right.differences([event for event in of_one if event["trial"] == last])
    held = {key: _held(differences) for key, differences in found.items()}
    return Checked(held={key: one for key, one in held.items() if one.answers})


def _held(differences: Sequence[str | None]) -> Held:
    wrong = [one for one in differences if one is not None]
    return Held(answers=len(differences), wrong=len(wrong), first=wrong[0] if wrong else None)


class _Right:
    """Pandas' answers; each question is worked out once, however many arms were asked."""

    def __init__(self, csv: Csv) -> None:
        self._csv = csv
        self._tables: dict[int, Answers] = {}
        self._known: dict[tuple[str, int, str], tuple[list[Row], str]] = {}

    def differences(self, events: Sequence[Event]) -> Iterator[str | None]:
        """For each answer of one arm to one pattern of one table: how it differs, None where it doesn't.

        Writes are checked as far as every question before them is there: each stands on what the ones before it left.
        """
        pattern, written = events[0]["pattern"], _Written(self._of(events[0]["flights"]))
        for place, event in enumerate(sorted(events, key=lambda one: int(one["question"]))):
            if pattern not in ("update_if", "move_flight"):
                rows, of_rows = self._answer(event)
                yield _difference(event, rows, of_rows)
            elif event["question"] == place:
                rows, then = written.after(pattern, event["parameters"])
                yield _difference(event, rows, digest(rows)) or _read_back(event, then)
            else:
                return

    def _of(self, flights: int) -> Answers:
        if flights not in self._tables:
            self._tables[flights] = Answers(self._csv, flights)
        return self._tables[flights]

    def _answer(self, event: Event) -> tuple[list[Row], str]:
        pattern, flights, parameters = event["pattern"], event["flights"], event["parameters"]
        key = (pattern, flights, json.dumps(parameters, sort_keys=True))
        if key not in self._known:
            rows = self._of(flights).to(pattern, parameters)
            assert rows is not None, "writes are followed one by one"
            self._known[key] = rows, digest(rows)
        return self._known[key]


class _Written:
    """The flights that were written, as they must be by then."""

    def __init__(self, table: Answers) -> None:
        self._table = table
        self._flights: dict[str, dict[str, Value]] = {}

    def after(self, pattern: str, asked: Mapping[str, Any]) -> tuple[list[Row], list[Row]]:
        """The answer to a question that writes, and the row as it is then."""
        key = asked["flight_key"]
        flight = self._flights.setdefault(key, self._table.flight(key))
        column, expected, new = (
            ("arr_delay", asked["expected"], asked["new"])
            if pattern == "update_if"
            else ("tailnum", asked["tailnum"], asked["to_tailnum"])
        )
        done = flight[column] == expected
        if done:
            flight[column] = new
        return [(int(done),)], [tuple(flight.values())]


def _difference(event: Event, rows: Sequence[Row], of_rows: str) -> str | None:
    if event["sha256"] == of_rows:
        return None
    asked = ", ".join(f"{name} {value}" for name, value in event["parameters"].items())
    about = f"to {asked}: " if asked else ""
    if event["n"] != len(rows):
        return f"{about}{event['n']:,} rows, pandas {len(rows):,}"
    kept = event.get("rows") or []
    pairs = ((tuple(own), tuple(right)) for own, right in zip(kept, rows, strict=False))
    other = next(((own, right) for own, right in pairs if own != right), None)
    return f"{about}{list(other[0])}, pandas {list(other[1])}" if other else f"{about}as many rows, and others"


def _read_back(event: Event, then: Sequence[Row]) -> str | None:
    back = event.get("read_back")
    if back is None or [tuple(row) for row in back] == list(then):
        return None
    return f"read back as {back}, pandas {[list(row) for row in then]}"
