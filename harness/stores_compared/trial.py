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
from harness.stores_compared.settings import Part
from harness.stores_compared.store import Asked, Question, Store, Trouble

UNDONE_EACH = ("add_attribute", "bulk_load")  # asked again, they would find their own work


class Asking:
    """The tickets of a trial. ``expected`` tells how many rows an answer must have; ``checked``: all questions are asked once first."""

    def __init__(
        self, trial: Trial, store: Store, choice: Choice, numbers: Iterator[int], meters: Mapping[str, Meter], events: Events, *,
        expected: Callable[[Question], int], kept: int, checked: bool, trial_s: float, least_answers: int, clock_ns: Callable[[], int],
    ) -> None:  # fmt: skip
        self._trial, self._store, self._choice, self._numbers = trial, store, choice, numbers
        self._meters, self._events, self._expected = meters, events, expected
        self._pattern: Name = trial.labels["pattern"]  # type: ignore[assignment]
        self._flights = int(trial.params["flights"])
        self._warm_up = range(min(kept, len(choice.parameters)) if checked or choice.in_order else 1)
        if choice.in_order:  # what the one changes the next one changes back
            self._warm_up = range(len(choice.parameters))
        self._checked, self._trial_ns, self._least, self._clock_ns = (
            checked,
            int(trial_s * 1e9),
            least_answers,
            clock_ns,
        )

    def tickets(self) -> Iterator[Ticket]:
        """Warm-up, then answers for as long as the trial lasts; their cost is noted behind the last one."""
        for number in self._warm_up:
            yield self._ticket(number, warm_up=True)
        for meter in self._meters.values():
            meter.start()
        end_ns, answers = self._clock_ns() + self._trial_ns, 0
        cycle = len(self._choice.parameters) if self._choice.in_order else 1
        while answers < self._least or self._clock_ns() < end_ns or answers % cycle:
            yield self._ticket(next(self._numbers), warm_up=False)
            answers += 1
        for server, meter in self._meters.items():
            used = meter.stop()
            self._events.add(
                "server_cost", trial=self._trial.trial, arm=self._trial.arm, server=server, cpu_s=used.cpu_s, resolution_s=used.resolution_s,
                read_bytes=used.read_bytes, write_bytes=used.write_bytes, answers=answers,
            )  # fmt: skip

    def questions(self) -> Sequence[Question]:
        """All that may be asked."""
        return [self._question(number) for number in range(len(self._choice.parameters))]

    def _ticket(self, number: int, *, warm_up: bool) -> Ticket:
        question = self._question(number)
        if self._pattern in UNDONE_EACH:
            with ExitStack() as aside:
                for meter in self._meters.values() if not warm_up else ():
                    aside.enter_context(meter.aside())
                self._store.undo(question)
        return Ticket(op=self._pattern, act=lambda slot: self._ask(slot, question, warm_up=warm_up), warm_up=warm_up)

    def _ask(self, slot: Slot, question: Question, *, warm_up: bool) -> Observation:
        extra: dict[str, object] = {"pattern": self._pattern, "question": question.number}
        try:
            asked = self._store.ask(slot, question)
        except Trouble as trouble:
            return Observation(outcome=trouble.outcome, error_code=trouble.code, reason=trouble.reason, extra=extra)
        if warm_up and self._checked:
            self._note(question, asked)
        extra |= {"round_trips": asked.round_trips, "served_from": asked.served_from}
        expected = self._expected(question)
        wrong = len(asked.rows) != expected
        return Observation(
            outcome="error" if wrong else "ok", error_code="WrongAnswer" if wrong else None,
            reason=f"{len(asked.rows)} rows, not {expected}" if wrong else None,
            read_units=asked.read_units, write_units=asked.write_units, index_units=asked.index_units, bytes=asked.bytes,
            items_returned=len(asked.rows), items_scanned=asked.items_scanned, pages=asked.pages, extra=extra,
        )  # fmt: skip

    def _note(self, question: Question, asked: Asked) -> None:
        """The answer, for the report to hold against its own."""
        rows: Sequence[Row] | None = [list(row) for row in asked.rows] if len(asked.rows) <= MOST_ROWS_KEPT else None
        self._events.add(
            "answer", trial=self._trial.trial, arm=self._trial.arm, part=self._trial.labels["part"], pattern=self._pattern,
            flights=self._flights, question=question.number, parameters=dict(question.parameters), n=len(asked.rows),
            sha256=digest(asked.rows), rows=rows,
        )  # fmt: skip

    def _question(self, number: int) -> Question:
        return Question(
            pattern=self._pattern, number=number, parameters=self._choice.parameters[number], flights=self._flights
        )


def part_of(trial: Trial) -> Part:
    """The part that a trial belongs to."""
    part: Part = trial.labels["part"]  # type: ignore[assignment]
    return part


def pattern_of(trial: Trial) -> Name:
    """What it asks."""
    name: Name = trial.labels["pattern"]  # type: ignore[assignment]
    assert name in PATTERNS
    return name
