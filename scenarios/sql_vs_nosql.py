"""Which database for which use?

The same questions of PostgreSQL, MySQL and DynamoDB, with the same flights in each, normalised and denormalised, with a cache in
front and without: what an answer takes, what it costs the server, what it needs, and how that grows with the data. The questions
are in ``harness.stores_compared.patterns``, the stores in ``harness.stores_compared.arms``.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any, ClassVar

from harness import dataset
from harness.cockpit.feeds import DATABASE
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.plan import Trial
from harness.recorder import Kind, Observation
from harness.scenario import FloorProbe, Scenario, Slot, Stream, TrialLoad
from harness.services import Needs
from harness.stores_compared.arms import stores_of
from harness.stores_compared.cost import Meter, ServerProcesses
from harness.stores_compared.looks import Looks
from harness.stores_compared.patterns import PATTERNS
from harness.stores_compared.plan import arms_of, sizes_of, trials_of
from harness.stores_compared.questions import Questions, tables_of
from harness.stores_compared.settings import CACHED, SqlVsNosqlSettings
from harness.stores_compared.store import Question, Store
from harness.stores_compared.trial import Asking, observed, part_of, pattern_of, undo_all

DEADLINE_S = 600.0  # of a trial: one answer may be that a year's flights are written


class SqlVsNosql(Scenario[SqlVsNosqlSettings]):
    """Asks every store in every way it has; of several processes one does a trial, since it is one question at a time."""

    name = "sql_vs_nosql"
    Settings = SqlVsNosqlSettings
    distributable = True
    columns: ClassVar[dict[str, Kind]] = {
        "pattern": "text", "question": "int", "round_trips": "int", "served_from": "text",
    }  # fmt: skip

    @staticmethod
    def counted(op: str, seen: Observation) -> str | None:  # noqa: ARG004 - whatever was asked
        """What came from the database behind a cache."""
        return DATABASE if seen.hit is False else None

    @classmethod
    def needs(cls, settings: SqlVsNosqlSettings) -> Needs:
        """The stores of the arms, and a cache where one of them has it.

        Of the twin's limits not those of single partitions: no client over a network meets them, and one on this machine would.
        """
        return Needs(
            dynamodb="dynamodb" in settings.plain_arms, dynamodb_partition_limits=False,
            cache=any(arm.endswith(CACHED) for arm in settings.arms), engines=settings.engines,
        )  # fmt: skip

    def set_up(self) -> None:
        """Every table of every store, side by side."""
        self._know()
        if not self.stores.arms:
            raise CannotMeasure("; ".join(self.context.services.unavailable.values()) or "no store is there")
        self.context.events.add("tables", sizes=self.tables.sizes, first=self.questions.first_keys)
        plain = self.stores.plain
        with ThreadPoolExecutor(max_workers=len(plain)) as pool:
            list(pool.map(lambda store: store.set_up(self.tables), plain.values()))
        for name, store in self.stores.arms.items():
            if name not in plain:
                store.set_up(self.tables)
            self._say_what_it_is(store)

    def attach(self) -> None:
        """The questions, and the stores that were set up."""
        self._know()
        for store in {**self.stores.plain, **self.stores.arms}.values():
            store.attach(self.tables)

    def plan(self) -> list[Trial]:
        """See ``harness.stores_compared.plan``."""
        return trials_of(self.settings, self.stores.arms, f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """Of every arm, the first question of each pattern that part patterns asks."""
        if "patterns" not in self.settings.parts:
            return []
        probes = []
        for pattern in self.settings.patterns:
            (flights,) = sizes_of(self.settings, "patterns", pattern)
            parameters = self.questions.of("patterns", pattern).parameters[0]
            question = Question(pattern=pattern, number=0, parameters=parameters, flights=flights)
            for arm in arms_of(self.settings, self.stores.arms, "patterns", pattern):
                store = self.stores.arms[arm]
                probes.append(store.floor(question, self._act(store, question)))
        return [probe for probe in probes if probe is not None]

    def undivided(self, trial: Trial) -> str:  # noqa: ARG002 - whichever it is
        """A trial has one question under way, whoever asks it."""
        return "ask one question at a time"

    def prepare(self, trial: Trial) -> None:
        """What the arm begins with."""
        self.stores.arms[trial.arm].prepare(pattern_of(trial), int(trial.params["flights"]))

    def hand_out(self, trial: Trial) -> dict[str, Any]:
        """Whether its answers are kept: those of the first trial of its arm, pattern and step that gave all of them."""
        return {"first": _this(trial) not in self._asked}

    def begin(self, trial: Trial) -> TrialLoad:
        """A closed loop of whole answers, one at a time; arms of a pair are asked for the same in the same order."""
        store, choice = self.stores.arms[trial.arm], self.questions.of(part_of(trial), pattern_of(trial))
        store.begin()
        self.asking = Asking(
            trial, store, choice, numbers=choice.numbers(self.context.rng(self.name, "order", trial.pair)), tables=self.tables,
            meters={name: Meter(self._processes[name]) for name in store.servers if name in self._processes},
            events=self.context.events, settings=self.settings, first=bool(self.handed["first"]), clock_ns=self.context.clock_ns,
            pause=self.looks.pause,
        )  # fmt: skip
        return TrialLoad(
            client=store.client, streams=(Stream(tickets=self.asking.tickets(), slots=1),), deadline_s=DEADLINE_S
        )

    def load_ended(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one that was begun
        """Whether something is left as it was written, and whether all answers that are kept were given."""
        return {"changed": self.asking.changed, "noted": self.asking.noted}

    def collect(self, trial: Trial, told: Sequence[Mapping[str, Any]]) -> None:
        """Of one that was lost nobody knows what it left."""
        self._changed = not told or bool(told[0]["changed"])
        if told and told[0]["noted"]:
            self._asked.add(_this(trial))

    def end(self, trial: Trial) -> None:
        """The data as it was."""
        if self._changed and not PATTERNS[pattern_of(trial)].reads:
            undo_all(self.stores.arms[trial.arm], trial, self.questions.of(part_of(trial), pattern_of(trial)))

    def load_live(self) -> Mapping[str, Mapping[str, float]]:
        """What the servers take, as of the last pause between two answers."""
        return self.looks.ask() if hasattr(self, "asking") else {}

    def tear_down(self) -> None:
        """Close our own connections."""
        if hasattr(self, "stores"):
            self.stores.close()

    def _know(self) -> None:
        """What is asked of whom: the same in every process."""
        data = dataset.load(self.context.config.months)
        self.questions = Questions(data, self.settings, partial(self.context.rng, self.name))
        self.tables = tables_of(data, self.settings, self.questions)
        self.stores = stores_of(self.context, self.settings)

    def _say_what_it_is(self, store: Store) -> None:
        """Its schema, what each pattern needs of it, and what it can't."""
        events, schema = self.context.events, store.schema()
        events.add("schema", arm=store.name, ddl=schema.ddl, indexes=schema.indexes)
        for pattern in self.settings.patterns:
            if (reason := store.cannot(pattern)) is not None:
                events.add("cannot", arm=store.name, pattern=pattern, reason=reason)
                continue
            needed = store.needed(pattern)
            events.add(
                "needed", arm=store.name, pattern=pattern, words=needed.words, consistency=needed.consistency,
                requests=needed.requests,
            )  # fmt: skip

    def _act(self, store: Store, question: Question) -> Callable[[Slot], Observation]:
        expected = self.tables.expected(question.pattern, question.parameters, question.flights)
        return lambda slot: observed(store.ask(slot, question), expected, {})

    @cached_property
    def _processes(self) -> dict[str, ServerProcesses]:
        """Those of servers on this machine, by what they are called."""
        if self.context.on_aws:
            return {}
        places = {name: place for store in self.stores.arms.values() for name, place in store.servers.items()}
        found = {name: ServerProcesses.listening(*place) for name, place in places.items()}
        return {name: processes for name, processes in found.items() if processes is not None}

    @cached_property
    def _asked(self) -> set[tuple[str, ...]]:
        """Arms, patterns and steps whose answers are kept."""
        return set()

    @cached_property
    def looks(self) -> Looks:
        """What is shown of the servers on this machine."""
        return Looks(self._processes, self.context.clock_ns)


def _this(trial: Trial) -> tuple[str, ...]:
    return (trial.arm, *trial.labels.values(), trial.step)


SCENARIO = SqlVsNosql
SqlVsNosqlUser = locust_user(SqlVsNosql)
