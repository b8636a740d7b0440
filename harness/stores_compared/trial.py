"""One trial: one arm asked one pattern, again and again, and what that cost its servers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from harness.plan import Trial
from harness.recorder import Observation
from harness.rundir import Events
from harness.scenario import Slot, Ticket
from harness.stores_compared.cost import Meter
from harness.stores_compared.patterns import MOST_ROWS_KEPT, PATTERNS, Name, Row, digest
from harness.stores_compared.questions import Choice
from harness.stores_compared.settings import Part, SqlVsNosqlSettings
from harness.stores_compared.store import Asked, Question, Store, Trouble
from harness.stores_compared.tables import Tables

REWRITES: tuple[Name, ...] = ("add_attribute", "bulk_load")  # asked again, they would find their own work


class Asking:
    """The tickets of a trial; ``first``: it is the first of its arm, pattern and step, whose answers are kept.

    ``pause`` is called where nobody is being answered, and returns what it took, ns: the trial lasts so much longer.
    """

    def __init__(
        self, trial: Trial, store: Store, choice: Choice, *, numbers: Iterator[int], tables: Tables, meters: Mapping[str, Meter],
        events: Events, settings: SqlVsNosqlSettings, first: bool, clock_ns: Callable[[], int], pause: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        self._trial, self._store, self._choice, self._numbers, self._first = trial, store, choice, numbers, first
        self._pause = pause
        self._tables, self._meters, self._events, self._settings, self._clock_ns = (
            tables,
            meters,
            events,
            settings,
            clock_ns,
        )
        self._pattern = pattern_of(trial)
        self._rewrites, self._flights = self._pattern in REWRITES, int(trial.params["flights"])
        self.changed = False  # something that nobody has undone
        self.noted = False  # all answers that are kept are events

    def tickets(self) -> Iterator[Ticket]:
        """Warm-up, then answers for as long as the trial lasts; behind the last one, what they cost is noted."""
        for number in self._warm_up():
            self._pause()
            yield from self._tickets(number, warm_up=True)
        self.noted = self._first
        for meter in self._meters.values():
            meter.start()
        least = self._settings.least_rewrites if self._rewrites else self._settings.least_answers
        turn = len(self._choice.parameters) if self._choice.in_order else 1
        end_ns, answers = self._clock_ns() + int(self._settings.trial_s * 1e9), 0
        while answers < least or self._clock_ns() < end_ns or answers % turn:
            yield from self._tickets(next(self._numbers), warm_up=False)
            answers += 1
            end_ns += self._pause()
        for server, meter in self._meters.items():
            used = meter.stop()
            self._events.add(
                "server_cost", trial=self._trial.trial, arm=self._trial.arm, server=server, cpu_s=used.cpu_s, resolution_s=used.resolution_s,
                read_bytes=used.read_bytes, write_bytes=used.write_bytes, answers=answers,
            )  # fmt: skip

    @property
    def _all(self) -> range:
        return range(len(self._choice.parameters))

    def _warm_up(self) -> range:
        """All that is kept, the first time; else one answer, with the one that undoes it, and none that takes as long as a trial."""
        if self._choice.in_order:
            return self._all if self._first else range(2)
        if self._first:
            return self._all[: self._settings.questions]
        return range(0 if self._rewrites else 1)

    def _tickets(self, number: int, *, warm_up: bool) -> Iterator[Ticket]:
        """One ticket; what comes behind it is done once it is over."""
        question = self._question(number)
        yield Ticket(op=self._pattern, act=lambda slot: self._ask(slot, question, warm_up=warm_up), warm_up=warm_up)
        if self._rewrites:
            with ExitStack() as aside:
                for meter in () if warm_up else self._meters.values():
                    aside.enter_context(meter.aside())
                self._store.undo(question)
            self.changed = False
        elif self._choice.in_order:
            self.changed = self._failed or number + 1 < len(self._all)

    def _ask(self, slot: Slot, question: Question, *, warm_up: bool) -> Observation:
        about: dict[str, object] = {"pattern": self._pattern, "question": question.number}
        self.changed = not PATTERNS[self._pattern].reads
        try:
            asked = self._store.ask(slot, question)
            if warm_up and self._first:
                self._note(question, asked, self._read_back(slot, question))
        except Trouble as trouble:
            self._failed = True
            return Observation(outcome=trouble.outcome, error_code=trouble.code, reason=trouble.reason, extra=about)
        return observed(asked, self._tables.expected(self._pattern, question.parameters, self._flights), about)

    _failed = False  # an answer of this trial didn't come, and what it changed isn't known

    def _read_back(self, slot: Slot, question: Question) -> Asked | None:
        """The flight that was written, as it is then."""
        if not self._choice.in_order:
            return None
        key = {"flight_key": question.parameters["flight_key"]}
        return self._store.ask(slot, Question(pattern="flight_by_key", number=0, parameters=key, flights=self._flights))

    def _note(self, question: Question, asked: Asked, then: Asked | None) -> None:
        """The answer, for the report to hold against its own."""
        rows: Sequence[Row] | None = [list(row) for row in asked.rows] if len(asked.rows) <= MOST_ROWS_KEPT else None
        self._events.add(
            "answer", trial=self._trial.trial, arm=self._trial.arm, part=part_of(self._trial), pattern=self._pattern,
            flights=self._flights, question=question.number, parameters=dict(question.parameters), n=len(asked.rows),
            sha256=digest(asked.rows), rows=rows, read_back=[list(row) for row in then.rows] if then else None,
        )  # fmt: skip

    def _question(self, number: int) -> Question:
        return _question(self._trial, self._choice, number)


def undo_all(store: Store, trial: Trial, choice: Choice) -> None:
    """After a trial that left something changed: the data as it was before, in whichever process."""
    questions = (_question(trial, choice, number) for number in range(len(choice.parameters)))
    for question in {str(one.parameters.get("flight_key")): one for one in questions}.values():
        store.undo(question)


def _question(trial: Trial, choice: Choice, number: int) -> Question:
    return Question(
        pattern=pattern_of(trial),
        number=number,
        parameters=choice.parameters[number],
        flights=int(trial.params["flights"]),
    )


def observed(asked: Asked, expected: int, about: Mapping[str, object]) -> Observation:
    """An answer as a sample has it: wrong where it isn't as long as it must be."""
    wrong = len(asked.rows) != expected
    return Observation(
        outcome="error" if wrong else "ok", error_code="WrongAnswer" if wrong else None,
        reason=f"{len(asked.rows)} rows, not {expected}" if wrong else None,
        read_units=asked.read_units, write_units=asked.write_units, index_units=asked.index_units, bytes=asked.bytes,
        hit=asked.hit, items_returned=len(asked.rows), items_scanned=asked.items_scanned, pages=asked.pages,
        extra={**about, "round_trips": asked.round_trips, "served_from": asked.served_from},
    )  # fmt: skip


def part_of(trial: Trial) -> Part:
    """The part that a trial belongs to."""
    part: Part = trial.labels["part"]  # type: ignore[assignment]
    return part


def pattern_of(trial: Trial) -> Name:
    """What it asks."""
    return PATTERNS[trial.labels["pattern"]].name
