"""Should this access be a Query or a Scan?

The same questions asked of the flights in every way that DynamoDB has, one axis at a time from a base cell: all ways
at once (part ``arms``), a growing table, a growing share of it, larger items; then what an index costs those who write,
and what somebody's Scan costs everyone else. Questions, answers and arms are in ``harness.flight_questions``, the ways
themselves in ``harness.dynamodb.accesses``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property, partial
from itertools import cycle, islice, repeat
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar

import orjson

from harness import dataset, flight_questions, flights, index_writes, noisy_neighbour
from harness.arrivals import Drawn
from harness.dynamodb.accesses import Connections
from harness.dynamodb.answers import Item, bulk_load
from harness.dynamodb.client import ConnectionTrouble, DynamoClient, trouble_outcome
from harness.dynamodb.metering import item_size
from harness.dynamodb.query_settings import PLENTY_UNITS, Part, QueryVsScanSettings
from harness.errors import CannotMeasure, UsageError
from harness.execute import locust_user
from harness.local.twin_control import TwinControl, TwinGauge
from harness.observing import of_answer
from harness.plan import Cell, Trial, interleave
from harness.recorder import Kind, Observation
from harness.scenario import FloorProbe, Narrowed, Scenario, Slot, Stream, Ticket, TrialLoad
from harness.services import Needs, Services

if TYPE_CHECKING:
    from harness.aws.cloudwatch import TableCounts

DEADLINE_S = 600.0  # of a trial: one answer through boto3 may be the whole year's flights
FEW = ("item_size_items", "index_write_items", "neighbour_items")
NO_CLOCK = "it lasts minutes of the service's own clock, which only the twin's can be sped up, and tables of its own with little capacity"
GROWING = {"aircraft": ("query", "scan"), "airport": ("gsi_all", "scan")}
ALL_INDEXES = (
    flights.BY_DEST, flights.BY_DEST_INCLUDE, flights.BY_DEST_KEYS, flights.LOCAL_INCLUDE, flights.LOCAL_KEYS,
)  # fmt: skip


class QueryVsScan(Scenario[QueryVsScanSettings]):
    """Asks the same questions in every way there is.

    Several processes share all of its load, and each chooses questions and answers from the data for itself; only the
    policy of retries in part ``neighbour`` is each process's own, as it would be each client's.
    """

    name = "query_vs_scan"
    Settings = QueryVsScanSettings
    columns: ClassVar[dict[str, Kind]] = {"question": "text", "role": "text", "round_trips": "int"}
    distributable = True
    default_slots = 32  # a GetItem of part ``neighbour`` holds its slot while it waits to be tried again

    @classmethod
    def needs(cls, settings: QueryVsScanSettings) -> Needs:
        """The twin, its own where part ``neighbour`` speeds its clock up.

        Without the limits of single partitions, which no client over a network meets and one on this machine would.
        """
        return Needs(dynamodb=True, dynamodb_partition_limits=False, dynamodb_own="neighbour" in settings.parts)

    @classmethod
    def on_aws(cls, settings: QueryVsScanSettings, services: Services) -> Narrowed:  # noqa: ARG003 - all that is asked for is there
        """All parts but ``neighbour``."""
        parts = tuple(part for part in settings.parts if part != "neighbour")
        left_out = {"neighbour": NO_CLOCK} if parts != settings.parts else {}
        if not parts:
            raise CannotMeasure(f"{cls.name}: part neighbour isn't measured on aws: {NO_CLOCK}")
        return Narrowed(settings=settings.model_copy(update={"parts": parts}), left_out=left_out)

    def set_up(self) -> None:
        """The tables of the chosen parts; those of a size hold the asked-for flights first."""
        self.attach()
        settings, self._gauge = self.settings, TwinGauge(self.context.services.dynamodb.url)
        data = dataset.load(self.context.config.months)
        for items, indexes in self._tables.items():
            self._make(table_name(items), flights.serialised_items(data, places=self.small.order[:items]), indexes)
        if self._has("item_bytes"):
            for size in settings.item_sizes:
                self._make(sized_name(size), self._sized(size), ())
        if self._has("index_writes"):
            for arm, index in index_writes.INDEXES.items():
                written = self._items(settings.index_write_items)
                self._make(index_writes.table_name(arm), written, (index,) if index else ())
        if self._has("neighbour"):
            beside, capacity = self._items(settings.neighbour_items), settings.neighbour_capacity_units
            self._make(noisy_neighbour.TABLE, beside, (flights.BY_DEST,), read_capacity_units=capacity)

    def attach(self) -> None:
        """Choose what is asked, and know the answers."""
        settings = self.settings
        data = dataset.load(self.context.config.months)
        asked_for = {"table_items": settings.largest} | {key: getattr(settings, key) for key in FEW}
        for key, items in asked_for.items():
            if items > data.flights.num_rows:
                raise UsageError(
                    f"{self.name}.{key}: {items} flights asked for, months hold {data.flights.num_rows}; "
                    "lower it or name more months"
                )
        self._flights = flight_questions.Flights(data)
        rng_of = partial(self.context.rng, self.name)
        self.small = small = flight_questions.SmallAnswers(
            self._flights, aircraft=settings.aircraft, airports=settings.airports,
            least_items=min(*settings.table_items, settings.item_size_items), rng_of=rng_of,
        )  # fmt: skip
        self._asked = {"aircraft": small.aircraft, "airport": small.airport, "route": small.route}
        largest = small.order[: settings.largest]
        self._ranges = {
            f"{Decimal(repr(share)).normalize():f}": flight_questions.range_of_aircraft(
                self._flights, largest, share, rng_of("asked", "range", share), most_keys=settings.most_keys
            )
            for share in (settings.answer_shares if self._has("answer_share") else ())
        }

    def plan(self) -> list[Trial]:
        """Every cell of every part once a round; the arms of a cell side by side."""
        cells_of: dict[Part, Callable[[], Iterator[Cell]]] = {
            "arms": self._arms, "table_items": self._growing_table, "answer_share": self._growing_share,
            "item_bytes": self._larger_items, "index_writes": self._written_indexes, "neighbour": self._noisy_neighbour,
        }  # fmt: skip
        cells = [cell for part in self.settings.parts for cell in cells_of[part]()]
        trials = interleave(cells, rounds=self.settings.pairs, seed=f"{self.context.config.seed}/{self.name}")
        written = self._items(self.settings.index_write_items)
        of_arm: dict[str, dict[str, float | int | str]] = {
            arm: {"index_entry_bytes": index_writes.entry_bytes(arm, written)} for arm in index_writes.INDEXES
        }
        return [
            replace(trial, params=trial.params | of_arm[trial.arm]) if trial.labels["part"] == "index_writes" else trial
            for trial in trials
        ]

    def prepare(self, trial: Trial) -> None:
        """For part ``neighbour`` alone: the clock sped up, and nothing saved that would be used up first."""
        if trial.labels["part"] == "neighbour":
            TwinControl(self.context.services.dynamodb.url).set_speed(self.settings.neighbour_speed)
            with self._lean() as client:
                noisy_neighbour.empty_stores(client, self._neighbourhood.keys[0], self.context.sleep_s)

    def begin(self, trial: Trial) -> TrialLoad:
        """A closed loop of whole answers or of writes; in part ``neighbour`` open loops side by side."""
        self._measured().close()  # boto3's pool takes its time to make: before the trial, not in it
        match trial.labels["part"]:
            case "neighbour":
                hood, pair = self._neighbourhood, trial.pair
                streams = noisy_neighbour.Neighbours(hood, self.context, self._measured, pair=pair).streams(trial.arm)
            case "index_writes":
                streams = (Stream(tickets=self._writes(trial), slots=self.settings.in_flight),)
            case _:
                streams = (Stream(tickets=self._answers(trial), slots=self.settings.in_flight),)
        return TrialLoad(client=self.settings.client, streams=streams, deadline_s=DEADLINE_S)

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - whichever it is
        """When the load of this trial began."""
        self._begun_ns = begin_ns

    def end(self, trial: Trial) -> None:
        """The clock at the wall's speed again; on AWS, whose table was read or written."""
        if self._counts is not None:
            self._note_table(self._counts, trial)
        if trial.labels["part"] == "neighbour":
            TwinControl(self.context.services.dynamodb.url).set_speed(1.0)

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """What the busiest table takes, is given and has saved, by the twin; on AWS the samples say what was taken."""
        return {"capacity": self._gauge.look()} if self._counts is None else {}

    def afterwards(self) -> None:
        """What CloudWatch counted, on AWS."""
        if self._counts is not None:
            self._counts.settle()

    def floor_probes(self) -> list[FloorProbe]:
        """One whole answer of each arm at the base cell and while the table grows; those that learn fast come first.

        None where the service is AWS's: what a responder hasn't heard before it would pass on without encryption.
        """
        if self.context.services.dynamodb.chain:
            return []
        trials = {
            (trial.arm, trial.labels["question"], trial.step): trial
            for trial in self.plan() if trial.labels["part"] in ("arms", "table_items")
        }  # fmt: skip
        return [
            FloorProbe(
                client=self.settings.client, op=flight_questions.access_of(arm).op, role="dynamodb",
                server=self.context.services.dynamodb.address, key="dynamodb",
                connect=lambda host, port: self._connections(f"http://{host}:{port}")(),
                act=self._ask(trial, self._of(trial)[0]), labels={"arm": arm, "question": question, "step": step},
                slots=min(self.settings.in_flight, self.context.slots),
            )
            for (arm, question, step), trial in sorted(trials.items(), key=lambda one: (flight_questions.reads_it_all(one[0][0]), int(one[0][2])))
        ]  # fmt: skip

    def _arms(self) -> Iterator[Cell]:
        largest = self.settings.largest
        parallel = tuple(map(flight_questions.parallel_scan, self.settings.segments))
        for question, arms in flight_questions.ARMS.items():
            every = arms + (parallel if question == "aircraft" else ())
            yield _cell("arms", question, every, str(largest), table_items=largest)

    def _growing_table(self) -> Iterator[Cell]:
        for size in self.settings.table_items:
            for question, arms in GROWING.items():
                yield _cell("table_items", question, arms, str(size), table_items=size)

    def _growing_share(self) -> Iterator[Cell]:
        largest = self.settings.largest
        for step, asked in self._ranges.items():
            gets = ("batch_get", "get_item") if asked.question.keys else ()
            items, aircraft = len(asked.answer), len(asked.question.where["tailnum"])
            yield _cell(
                "answer_share", "range", ("query", *gets, "scan"), step, table_items=largest, answer_items=items,
                answer_share=items / largest, aircraft=aircraft,
            )  # fmt: skip

    def _larger_items(self) -> Iterator[Cell]:
        for size in self.settings.item_sizes:
            arms, items = ("query", "batch_get", "scan"), self._sized(size)
            mean = fmean(map(item_size, items))
            yield _cell("item_bytes", "aircraft", arms, str(size), table_items=len(items), mean_item_bytes=mean)

    def _written_indexes(self) -> Iterator[Cell]:
        items = self._items(self.settings.index_write_items)
        params: dict[str, float] = {"table_items": len(items), "item_bytes": fmean(map(item_size, items))}
        for question in index_writes.QUESTIONS:
            yield _cell("index_writes", question, tuple(index_writes.INDEXES), flights.BY_DEST.name, **params)

    def _noisy_neighbour(self) -> Iterator[Cell]:
        settings, hood = self.settings, self._neighbourhood
        yield _cell(
            "neighbour", "neighbour", noisy_neighbour.ARMS, "scan_beside", table_items=settings.neighbour_items,
            read_capacity_units=hood.capacity_units, speed=hood.speed, service_s=hood.service_s,
            neighbours_per_s=hood.neighbours_per_s, paced_units_per_s=hood.paced_units_per_s,
        )  # fmt: skip

    def _answers(self, trial: Trial) -> Iterator[Ticket]:
        """Whole answers, as many as there is time for; arms of a pair ask for the same in the same order.

        Each of the keys comes as often as every other where answers are short, so that means over trials are of the same.
        """
        settings, clock_ns = self.settings, self.context.clock_ns
        choices, op = self._of(trial), flight_questions.access_of(trial.arm).op
        order = self.context.rng(self.name, "keys", trial.pair).sample(choices, len(choices))
        long = trial.labels["part"] == "answer_share" or flight_questions.reads_it_all(trial.arm)
        least = settings.least_scans if long else settings.least_answers
        if trial.labels["part"] == "answer_share":
            least = 1

        def draws() -> Iterator[tuple[flight_questions.Asked, bool]]:
            yield from zip(islice(cycle(order), settings.warm_up_answers), repeat(True))
            end_ns = clock_ns() + int(settings.trial_s * 1e9)
            for answers, asked in enumerate(cycle(order)):
                if answers >= least and clock_ns() >= end_ns and (long or answers % len(order) == 0):
                    return
                yield asked, False

        def ticket(drawn: tuple[flight_questions.Asked, bool]) -> Ticket:
            asked, warm_up = drawn
            return Ticket(op=op, act=self._ask(trial, asked, look_closely=warm_up), warm_up=warm_up)

        return Drawn(draws(), ticket)

    def _writes(self, trial: Trial) -> Iterator[Ticket]:
        """The same writes in every arm of a pair, the first ones to warm up."""
        question, warm_up = trial.labels["question"], self.settings.warm_up_answers
        asked = index_writes.writes(
            trial.arm, question, self._items(self.settings.index_write_items), warm_up + self.settings.index_writes,
            pair=trial.turn, rng=self.context.rng(self.name, "writes", trial.pair), prefix=self._prefix,
        )  # fmt: skip

        def ticket(drawn: tuple[int, index_writes.Write]) -> Ticket:
            number, write = drawn
            act = index_writes.act_of(write, question, self._measured)
            return Ticket(op=write.op, act=act, warm_up=number < warm_up)

        return Drawn(enumerate(asked), ticket)

    def _of(self, trial: Trial) -> Sequence[flight_questions.Asked]:
        """What a trial may ask, of its table."""
        question, step = trial.labels["question"], trial.step
        choices = [self._ranges[step]] if question == "range" else self._asked[question]
        of_size = trial.labels["part"] == "item_bytes"
        table = sized_name(step) if of_size else table_name(int(trial.params["table_items"]))
        return [replace(one, question=replace(one.question, table=self._prefix + table)) for one in choices]

    def _ask(
        self, trial: Trial, asked: flight_questions.Asked, *, look_closely: bool = False
    ) -> Callable[[Slot], Observation]:
        """One whole answer; looked at item by item where there is time for it, else counted."""
        access, about = flight_questions.access_of(trial.arm), {"question": trial.labels["question"], "role": "report"}
        item_by_item = look_closely and trial.arm != "scan_count"

        def act(slot: Slot) -> Observation:
            clients: Connections = slot.hold("dynamodb", self._measured)
            try:
                answer = access(clients, asked.question, keep=asked.row if item_by_item else None)
            except ConnectionTrouble as trouble:
                outcome = trouble_outcome(trouble, access.op)
                return Observation(outcome=outcome, error_code=type(trouble).__name__, extra=about)
            extra = about | {"round_trips": answer.pages}
            return of_answer(answer, extra, wrong=asked.wrong(answer, item_by_item=item_by_item))

        return act

    def _has(self, part: Part) -> bool:
        return part in self.settings.parts

    @property
    def _tables(self) -> dict[int, tuple[flights.FlightIndex, ...]]:
        """The tables that differ in nothing but their size, and the indexes that each must have."""
        largest = self.settings.largest
        tables: dict[int, tuple[flights.FlightIndex, ...]] = {largest: ()} if self._has("answer_share") else {}
        if self._has("table_items"):
            tables |= dict.fromkeys(self.settings.table_items, (flights.BY_DEST,))
        return tables | ({largest: ALL_INDEXES} if self._has("arms") else {})

    def _items(self, count: int) -> list[Item]:
        return self._few[:count]

    @cached_property
    def _few(self) -> list[Item]:
        """As many items as the tables of the smaller parts have at most."""
        most = max(getattr(self.settings, key) for key in FEW)
        data = dataset.load(self.context.config.months)
        return list(map(orjson.loads, flights.serialised_items(data, places=self.small.order[:most])))

    def _sized(self, size: flights.ItemSize) -> list[Item]:
        return [flights.resized(item, size) for item in self._items(self.settings.item_size_items)]

    @cached_property
    def _neighbourhood(self) -> noisy_neighbour.Neighbourhood:
        settings = self.settings
        return noisy_neighbour.Neighbourhood(
            items=self._items(settings.neighbour_items), capacity_units=settings.neighbour_capacity_units,
            speed=settings.neighbour_speed, service_s=settings.neighbour_service_s, reports=settings.neighbour_reports,
        )  # fmt: skip

    def _make(
        self, table: str, items: Sequence[Item | bytes], indexes: tuple[flights.FlightIndex, ...],
        read_capacity_units: int = PLENTY_UNITS,
    ) -> None:  # fmt: skip
        # Plenty costs nothing on the twin; where units are paid for by the hour, tables are on demand.
        capacity = (None, None) if self.context.on_aws else (read_capacity_units, PLENTY_UNITS)
        table = self._prefix + table
        definition = flights.table_definition(
            table, read_capacity_units=capacity[0], write_capacity_units=capacity[1], by_dest=False, indexes=indexes
        )
        self.context.services.make_table(definition)
        bulk_load(self._lean, table, items)

    @cached_property
    def _counts(self) -> "TableCounts | None":
        if not self.context.on_aws:
            return None
        from harness.aws.services import table_counts

        return table_counts(self.context)

    def _note_table(self, counts: "TableCounts", trial: Trial) -> None:
        """Which table it was, and the global indexes that the table has."""
        if trial.labels["part"] == "index_writes":
            index = index_writes.INDEXES[trial.arm]
            name = self._prefix + index_writes.table_name(trial.arm)
            indexes: tuple[flights.FlightIndex, ...] = (index,) if index else ()
        else:
            name = self._of(trial)[0].question.table
            sized = trial.labels["part"] == "item_bytes"
            indexes = () if sized else self._tables[int(trial.params["table_items"])]
        of_table = [index.name for index in indexes if not index.local]
        counts.note(name, trial.trial, self._begun_ns, indexes=of_table)

    @property
    def _prefix(self) -> str:
        return self.context.services.table_prefix

    def _lean(self) -> DynamoClient:
        """For what isn't measured, whatever the setting."""
        return self.context.services.dynamodb.lean()

    @cached_property
    def _measured(self) -> Callable[[], Connections]:
        return self._connections()

    def _connections(self, url: str | None = None) -> Callable[[], Connections]:
        """What makes a slot's connections: as many as the widest parallel Scan takes, opened when they are used."""
        make = self.context.services.dynamodb.factory(self.settings.client, url)
        return lambda: Connections(make, max((1, *self.settings.segments)))


def table_name(items: int) -> str:
    """The table of that many flights, as they are."""
    return f"flights_{items}"


def sized_name(size: flights.ItemSize | str) -> str:
    """The table of flights brought to that size."""
    return f"sized_{size}"


def _cell(part: str, question: str, arms: tuple[str, ...], step: str, **params: float) -> Cell:
    return Cell(arms=arms, step=step, labels={"part": part, "question": question}, params=dict(params))


SCENARIO = QueryVsScan
QueryVsScanUser = locust_user(QueryVsScan)
