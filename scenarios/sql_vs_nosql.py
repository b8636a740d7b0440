"""Which database for which use?

The same questions of PostgreSQL, MySQL and DynamoDB, with the same flights in each, normalised and denormalised, with a cache in
front and without: what an answer takes, what it costs the server, what it needed, and how that grows. The questions are in
``harness.stores_compared.patterns``, the stores in ``harness.stores_compared.arms``.
"""

from functools import cached_property, partial
from typing import ClassVar

from harness import dataset
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.plan import Trial
from harness.recorder import Kind
from harness.scenario import Scenario, Stream, TrialLoad
from harness.services import Needs
from harness.stores_compared.arms import stores_of
from harness.stores_compared.cost import Meter, ServerProcesses
from harness.stores_compared.patterns import PATTERNS
from harness.stores_compared.plan import trials_of
from harness.stores_compared.questions import Questions, tables_of
from harness.stores_compared.settings import CACHED, SqlVsNosqlSettings
from harness.stores_compared.trial import Asking, part_of, pattern_of

DEADLINE_S = 600.0  # of a trial: one answer may be the whole year's flights written anew


class SqlVsNosql(Scenario[SqlVsNosqlSettings]):
    """Asks every store in every way that it has; one process alone, which undoes what it wrote."""

    name = "sql_vs_nosql"
    Settings = SqlVsNosqlSettings
    columns: ClassVar[dict[str, Kind]] = {
        "pattern": "text",
        "question": "int",
        "round_trips": "int",
        "served_from": "text",
    }

    @classmethod
    def needs(cls, settings: SqlVsNosqlSettings) -> Needs:
        """The stores of the arms, and a cache where one of them has it."""
        plainly = [arm.removesuffix(CACHED) for arm in settings.arms]
        return Needs(
            dynamodb="dynamodb" in plainly, dynamodb_partition_limits=False,
            cache=any(arm.endswith(CACHED) for arm in settings.arms), engines=settings.engines,
        )  # fmt: skip

    def set_up(self) -> None:
        """Every table of every arm."""
        data = dataset.load(self.context.config.months)
        self.questions = Questions(data, self.settings, partial(self.context.rng, self.name))
        self.tables = tables_of(data, self.settings, self.questions)
        self.stores = stores_of(self.context, self.settings)
        if not self.stores:
            raise CannotMeasure("; ".join(self.context.services.unavailable.values()) or "no store is there")
        self.context.events.add("tables", sizes=self.tables.sizes, first=self.questions.asked_keys)
        for store in self.stores.values():
            store.set_up(self.tables)
        self._say_what_they_are()

    def plan(self) -> list[Trial]:
        """See ``harness.stores_compared.plan``."""
        return trials_of(self.settings, self.stores, f"{self.context.config.seed}/{self.name}")

    def prepare(self, trial: Trial) -> None:
        """What the arm begins with."""
        self.stores[trial.arm].prepare(pattern_of(trial), int(trial.params["flights"]))

    def begin(self, trial: Trial) -> TrialLoad:
        """A closed loop of whole answers, one at a time."""
        store, choice = self.stores[trial.arm], self.questions.of(part_of(trial), pattern_of(trial))
        first = (trial.arm, trial.labels["part"], trial.labels["pattern"], trial.step)
        meters = {name: Meter(self._processes[name]) for name in store.servers if name in self._processes}
        self.asking = Asking(
            trial, store, choice, choice.numbers(self.context.rng(self.name, "order", trial.pair)), meters, self.context.events,
            expected=lambda asked: self.tables.expected(asked.pattern, asked.parameters, asked.flights),
            kept=self.settings.questions, checked=first not in self._checked, trial_s=self.settings.trial_s,
            least_answers=self.settings.least_answers, clock_ns=self.context.clock_ns,
        )  # fmt: skip
        self._checked.add(first)
        return TrialLoad(
            client=store.client, streams=(Stream(tickets=self.asking.tickets(), slots=1),), deadline_s=DEADLINE_S
        )

    def end(self, trial: Trial) -> None:
        """The data as it was."""
        if not PATTERNS[pattern_of(trial)].reads:
            for question in self.asking.questions():
                self.stores[trial.arm].undo(question)

    def tear_down(self) -> None:
        """Close our own connections."""
        for store in getattr(self, "stores", {}).values():
            store.close()

    def _say_what_they_are(self) -> None:
        """Schemas, what each pattern needs of each arm, and what one can't."""
        events = self.context.events
        for arm, store in self.stores.items():
            schema = store.schema()
            events.add("schema", arm=arm, ddl=schema.ddl, indexes=schema.indexes)
            for pattern in self.settings.patterns:
                if (reason := store.cannot(pattern)) is not None:
                    events.add("cannot", arm=arm, pattern=pattern, reason=reason)
                    continue
                needed = store.needed(pattern)
                events.add(
                    "needed",
                    arm=arm,
                    pattern=pattern,
                    words=needed.words,
                    consistency=needed.consistency,
                    requests=needed.requests,
                )

    @cached_property
    def _processes(self) -> dict[str, ServerProcesses]:
        """Those of servers on this machine, by what they are called."""
        places = (
            {}
            if self.context.on_aws
            else {name: at for store in self.stores.values() for name, at in store.servers.items()}
        )
        found = {name: ServerProcesses.listening(*at) for name, at in places.items()}
        return {name: processes for name, processes in found.items() if processes is not None}

    @cached_property
    def _checked(self) -> set[tuple[str, ...]]:
        return set()


SCENARIO = SqlVsNosql
SqlVsNosqlUser = locust_user(SqlVsNosql)
