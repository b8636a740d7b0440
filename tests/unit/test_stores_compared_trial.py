"""One trial of sql_vs_nosql, ticket by ticket: what is kept, counted, undone, and what it cost."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from scripted_store import ScriptedStore

from harness import dataset
from harness.plan import Trial
from harness.recorder import Observation
from harness.scenario import Slot
from harness.stores_compared.cost import Used
from harness.stores_compared.patterns import digest
from harness.stores_compared.questions import Choice, Questions, tables_of
from harness.stores_compared.settings import SqlVsNosqlSettings
from harness.stores_compared.trial import Asking, undo_all

SETTINGS = SqlVsNosqlSettings(
    sizes=(1000,), attribute_items=500, bulk_items=200, questions=4, least_answers=6, trial_s=1.0
)


class Noted:
    """Events, as they come."""

    def __init__(self) -> None:
        self.added: list[dict[str, Any]] = []

    def add(self, kind: str, **fields: Any) -> int:
        self.added.append({"kind": kind, **fields})
        return 0

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.added if one["kind"] == kind]


class Counting:
    """A meter that says when it ran."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def start(self) -> None:
        self.did.append("start")

    @contextmanager
    def aside(self) -> Iterator[None]:
        self.did.append("aside")
        yield

    def stop(self) -> Used:
        self.did.append("stop")
        return Used(live_ns=3_000_000, read_bytes=5, write_bytes=7)


class Clock:
    """Each answer takes so long, s; the trial itself takes none."""

    def __init__(self, answer_s: float) -> None:
        self.now_ns, self.answer_ns = 0, round(answer_s * 1e9)

    def __call__(self) -> int:
        return self.now_ns


class One:
    """A trial of one pattern, walked as a slot walks it."""

    def __init__(
        self, pattern: str, store: ScriptedStore, *, first: bool = True, answer_s: float = 10.0, flights: int = 1000
    ) -> None:
        data = dataset.load((1,))
        self.questions = Questions(data, SETTINGS, lambda *names: random.Random(str(names)))
        self.choice: Choice = self.questions.of("patterns", cast("Any", pattern))
        self.events, self.meter, self.clock, self.store = Noted(), Counting(), Clock(answer_s), store
        labels = {"part": "patterns", "pattern": pattern}
        self.trial = trial = Trial(
            trial=7, pair=3, arm="scripted", step=str(flights), labels=labels, params={"flights": flights}
        )
        self.asking = Asking(
            trial, store, self.choice, numbers=self.choice.numbers(random.Random(1)), tables=tables_of(data, SETTINGS, self.questions),
            meters=cast("Any", {"server": self.meter}), events=cast("Any", self.events), settings=SETTINGS, first=first, clock_ns=self.clock,
        )  # fmt: skip

    def settle(self) -> None:
        """As its scenario does at the trial's end."""
        if self.asking.changed:
            undo_all(self.store, self.trial, self.choice)

    def walk(self, most: int = 10_000) -> list[tuple[bool, Observation]]:
        """Whether each ticket warms up, and what came of it."""
        seen, slot = [], Slot(0)
        for ticket in self.asking.tickets():
            seen.append((ticket.warm_up, ticket.act(slot)))
            self.clock.now_ns += self.clock.answer_ns
            if len(seen) == most:
                break
        return seen


def test_the_first_trial_keeps_the_answers_of_all_questions_and_later_ones_of_none() -> None:
    """Four questions to warm up, each an event with its digest; then as few answers as must be, since each takes longer than the trial."""
    one = One("count", ScriptedStore(rows=lambda _: ((1000,),)))
    assert [warm for warm, _ in one.walk()] == [True] + [False] * 6
    (answer,) = one.events.of("answer")
    assert answer["rows"] == [[1000]] and answer["n"] == 1 and answer["sha256"] == digest([[1000]])
    assert (answer["arm"], answer["pattern"], answer["flights"], answer["part"]) == (
        "scripted",
        "count",
        1000,
        "patterns",
    )
    keyed = One("flight_by_key", ScriptedStore())
    assert [warm for warm, _ in keyed.walk()] == [True] * 4 + [False] * 6
    assert [event["question"] for event in keyed.events.of("answer")] == [0, 1, 2, 3]
    assert [event["parameters"] for event in keyed.events.of("answer")] == [
        dict(one) for one in keyed.choice.parameters[:4]
    ]
    later = One("flight_by_key", ScriptedStore(), first=False)
    assert [warm for warm, _ in later.walk()] == [True] + [False] * 6
    assert not later.events.of("answer")


def test_a_long_answer_is_kept_by_its_digest_alone() -> None:
    """20 rows are kept, 21 aren't."""
    for rows, kept in ((20, True), (21, False)):
        one = One("ad_hoc", ScriptedStore(rows=lambda _, rows=rows: tuple((f"key{at}", 1, 2) for at in range(rows))))
        one.walk()
        assert all((event["rows"] is not None) is kept and event["n"] == rows for event in one.events.of("answer"))


def test_a_trial_goes_on_until_its_time_is_over() -> None:
    """Answers of 0.125 s in a trial of 1 s: the clock is looked at before each, so eight of them."""
    assert sum(not warm for warm, _ in One("count", ScriptedStore(), answer_s=0.125).walk()) == 8


def test_an_answer_of_another_length_is_wrong() -> None:
    """The count of flights is one row; two are an error that says so, and no figure counts it."""
    _, seen = One("count", ScriptedStore(rows=lambda _: ((1,), (2,)))).walk()[-1]
    assert (seen.outcome, seen.error_code, seen.reason) == ("error", "WrongAnswer", "2 rows, not 1")
    _, right = One("count", ScriptedStore()).walk()[-1]
    assert (right.outcome, right.items_returned, right.extra["round_trips"], right.extra["served_from"]) == (
        "ok",
        1,
        2,
        "database",
    )
    assert (right.extra["pattern"], right.extra["question"]) == ("count", 0)


def test_an_answer_that_doesnt_come_has_the_stores_outcome() -> None:
    store = ScriptedStore()
    store.refuses = 1
    _, seen = One("count", store).walk()[0]
    assert (seen.outcome, seen.error_code) == ("timeout", "TooLate")


def test_what_writes_a_table_anew_is_undone_after_each_answer_aside() -> None:
    """One to warm up, one measured (least_rewrites), each undone at once; the measured one's undoing isn't in the cost."""
    store = ScriptedStore()
    one = One("bulk_load", store, flights=200)
    assert [warm for warm, _ in one.walk()] == [True, False]
    assert [did for did, *_ in store.did] == ["ask", "undo", "ask", "undo"]
    assert one.meter.did == ["start", "aside", "stop"]
    one.settle()
    assert [did for did, *_ in store.did] == ["ask", "undo", "ask", "undo"]
    assert [warm for warm, _ in One("bulk_load", ScriptedStore(), first=False, flights=200).walk()] == [False]


def test_writes_that_undo_each_other_come_in_whole_turns() -> None:
    """Two flights there and back, and one refused: five questions, asked twice over since six answers are the least."""
    store = ScriptedStore()
    one = One("update_if", store)
    seen = one.walk()
    assert sum(not warm for warm, _ in seen) == 10
    one.settle()
    assert "undo" not in [did for did, *_ in store.did]
    assert [number for did, pattern, number in store.did if did == "ask" and pattern == "update_if"] == [
        0,
        1,
        2,
        3,
        4,
    ] * 3
    (_, first), *_ = [(event["question"], event) for event in one.events.of("answer")]
    assert first["read_back"] == [[1]]
    later = One("move_flight", ScriptedStore(), first=False)
    assert [warm for warm, _ in later.walk()][:3] == [True, True, False]


def test_a_trial_that_was_cut_short_is_made_good_flight_by_flight() -> None:
    """Three of five updates were asked: each of the two flights is brought back, once."""
    store = ScriptedStore()
    one = One("update_if", store)
    one.walk(most=5 + 3)
    one.settle()
    undone = [number for did, _, number in store.did if did == "undo"]
    assert len(undone) == 2
    keys = {one.choice.parameters[number]["flight_key"] for number in undone}
    assert keys == {parameters["flight_key"] for parameters in one.choice.parameters[:4]}


def test_a_write_that_failed_is_made_good_even_in_a_whole_trial() -> None:
    """Nobody knows whether it was done: the next question may have undone nothing, or too much."""
    store = ScriptedStore()
    store.refuses = 1
    one = One("move_flight", store, first=False)
    one.walk()
    one.settle()
    assert [did for did, *_ in store.did].count("undo") == 2


def test_a_trials_cost_is_noted_for_each_server_with_the_answers_it_was_for() -> None:
    """From the first measured answer to the last; the warm-up isn't in it."""
    one = One("count", ScriptedStore())
    one.walk()
    assert one.meter.did == ["start", "stop"]
    (cost,) = one.events.of("server_cost")
    assert {key: cost[key] for key in ("trial", "arm", "server", "answers", "read_bytes", "write_bytes")} == {
        "trial": 7, "arm": "scripted", "server": "server", "answers": 6, "read_bytes": 5, "write_bytes": 7,
    }  # fmt: skip
    assert cost["cpu_s"] == pytest.approx(0.003) and cost["resolution_s"] == 0
