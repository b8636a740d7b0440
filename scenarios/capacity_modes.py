"""Provisioned or on-demand, and how?

Open-loop demand for reads and for writes at once, in streams of their own, on a table of each arm: a ramp, flat
demand at multiples of capacity, a spike, a day of flights, a hot partition and a hot key, three ways for a client to try
again, and an index that holds back its table. One attempt a request, unless the retry policy says otherwise: a
throttled request is a result, not something a client hides by trying again; where it does try, every attempt is a row.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from itertools import tee
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from gevent.lock import Semaphore

from harness import dataset
from harness.arrivals import Drawn
from harness.demand_shapes import due_ns
from harness.dynamodb import capacity_jobs as jobs
from harness.dynamodb.answers import bulk_load
from harness.dynamodb.attempts import DynamoAttempt, attempts
from harness.dynamodb.boto_client import BotoClient, botocore_client
from harness.dynamodb.capacity_arms import Request, arm_of, supposed
from harness.dynamodb.capacity_jobs import Item, Job, Load
from harness.dynamodb.capacity_managed import for_tables, on_real_tables
from harness.dynamodb.capacity_plan import CapacityModesSettings, cells, demand_of, trials_of
from harness.dynamodb.client import Client, DynamoClient
from harness.dynamodb.parameters import KINDS, MINUTE_S
from harness.dynamodb.retries import Retries
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.flights import flight_items, table_definition
from harness.local.capacity_watch import CapacityWatch, consumed_units
from harness.local.twin_control import TwinControl, TwinGauge
from harness.observing import retried
from harness.plan import Trial
from harness.recorder import Kind, Observation
from harness.scenario import FloorProbe, Narrowed, Scenario, Slot, Stream, Ticket, TrialLoad
from harness.services import Needs, Services

if TYPE_CHECKING:
    from harness.aws.managed_tables import ManagedTables

AIRCRAFT = 6  # whose flights are in the table; few, so that loading them takes little of the burst
FLIGHTS_EACH = (10, 14)
LOADING_SPEED = 20_000  # of the twin's clock while a table is loaded: its store is full again in milliseconds
LOOK_EVERY_S = 10.0  # service seconds between two looks at what is provisioned …
LEAST_LOOK_S = 0.02  # … but of the wall at least so long


class CapacityModes(Scenario[CapacityModesSettings]):
    """Puts the same demand on tables that differ in how their capacity is set."""

    name = "capacity_modes"
    Settings = CapacityModesSettings
    columns: ClassVar[dict[str, Kind]] = {"kind": "text", "demand_units": "float"}
    distributable, shared = True, ("flights", "by_dest", "weights", "day")
    # As many as wait with `adaptive` at most: 2 × 2 reads and writes a second, each for 10 s, and room.
    default_slots = 128

    @classmethod
    def needs(cls, settings: CapacityModesSettings) -> Needs:
        """A twin of its own: each trial sets its clock and what its tables suppose."""
        return Needs(dynamodb=True, dynamodb_own=True, dynamodb_speed=settings.speed)

    @classmethod
    def on_aws(cls, settings: CapacityModesSettings, services: Services) -> Narrowed:
        """Demand on the two tables that are there, at the service's own clock; multiples are of what is provisioned."""
        from harness.aws.capacity_tables import capacity_tables
        from harness.aws.services import AwsServices

        assert isinstance(services, AwsServices)
        tables = capacity_tables(services)
        narrowed, left_out = for_tables(settings, tables.units, tables.scaling)
        return Narrowed(settings=narrowed, left_out=left_out)

    def set_up(self) -> None:
        """Choose the few aircraft that requests are about, a flight to each destination, and the busiest day."""
        data = dataset.load(self.context.config.months)
        self.flights = self._flights_of_few(data)
        self.by_dest, self.weights = _destinations(data)
        hours = data.flights_per_hour()
        self.day = max((hours[at : at + 24] for at in range(0, len(hours), 24)), key=sum)

    def plan(self) -> list[Trial]:
        """See ``harness.dynamodb.capacity_plan``."""
        trials = trials_of(self.settings, seed=f"{self.context.config.seed}/{self.name}")
        if self._managed is None:
            return trials
        return on_real_tables(trials, self.settings, scaled=self._managed.scaled)

    def floor_probes(self) -> list[FloorProbe]:
        """Each of the four requests, one at a time, as an open loop does; of a table of their own, so none on AWS."""
        if self._managed is not None:
            return []
        table, flights = "capacity_floor", next(iter(self.flights.values()))
        with self._lean() as client:
            client.call("DeleteTable", {"TableName": table})
            client.call("CreateTable", table_definition(table, by_dest=False))
        bulk_load(self._lean, table, flights, concurrency=1)
        asked = [
            jobs.get(table, flights[0]), jobs.query(table, flights), jobs.put(table, flights[0]),
            jobs.change(table, flights[0], "1"),
        ]  # fmt: skip
        floor = Trial(trial=-1, pair=-1, arm="floor", step="floor", labels={}, params={"speed": self.settings.speed})
        return [
            FloorProbe(
                client=self.settings.client, op=job.op, role="dynamodb", server=self.context.services.dynamodb.address,
                key="dynamodb", act=self._do(floor, job, Retries("none"), Semaphore()), slots=1,
                connect=lambda host, port: self.context.services.dynamodb.factory(self.settings.client, f"http://{host}:{port}")(),
            )
            for job in asked
        ]  # fmt: skip

    def prepare(self, trial: Trial) -> None:
        """A table of its own for each trial, loaded, its store full again; then the clock as fast as the trial wants.

        On AWS the table that is there, loaded once and left alone for a while.
        """
        if self._managed is not None:
            self._managed.prepare(trial, [item for flights in self.flights.values() for item in flights])
            return
        table, arm, hot = table_name(trial), arm_of(trial.arm, trial.params), trial.labels["part"] == "hot"
        items = self.by_dest if hot else [item for flights in self.flights.values() for item in flights]
        self._twin.suppose(supposed(trial.params))
        self._twin.set_speed(LOADING_SPEED)
        definition = arm.definition(table, "dest" if hot else "tailnum")
        with self._lean() as client:
            created = client.call("CreateTable", definition)
            if created.status != 200:
                raise CannotMeasure(f"CreateTable {table}: {created.error_code}: {created.body.get('message')}")
        bulk_load(self._lean, table, items, concurrency=1, sleep=lambda _: self.context.sleep_s(0.001))
        # Loading took a unit an item from a store, of the index too; wait until it is full, and as long once more.
        slowest = min((units.write for units in (arm.provisioned, arm.index) if units), default=len(items))
        self.context.sleep_s(2 * len(items) / slowest / LOADING_SPEED)
        self._twin.set_speed(float(trial.params["speed"]))
        if arm.scaling:
            self._scale(*arm.scaling.begin(table))
            self._wait_for_its_moment(trial)
        state = self._twin.state()
        self._gauge.begin(state)
        self._loaded_units = consumed_units(state, table)

    def begin(self, trial: Trial) -> TrialLoad:
        """Reads and writes in open loops of their own."""
        self._throttled: set[Load] = set()
        self._measured().close()  # boto3's pool takes its time to make: before the trial, not in it
        speed = float(trial.params["speed"])
        # One policy for all slots, as for the threads that share an application's client; on the service's clock.
        policy = Retries(
            trial.labels["policy"],  # type: ignore[arg-type] # the plan's own words
            clock_s=lambda: self.context.clock_ns() / 1e9 * speed,
            rng=self.context.rng(self.name, "retries", trial.trial),
        )
        turn = Semaphore()
        streams = tuple(Stream(tickets=self._tickets(trial, load, policy, turn)) for load in KINDS)
        lasts_s = float(trial.params["service_s"]) / speed
        return TrialLoad(client=self.settings.client, streams=streams, deadline_s=lasts_s * 2 + 30)

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """Watch what is provisioned, where anything is."""
        self._begun_ns = begin_ns
        self._watch: CapacityWatch | None = None
        if arm_of(trial.arm, trial.params).provisioned:
            every_s = max(LEAST_LOOK_S, LOOK_EVERY_S / float(trial.params["speed"]))
            self._watch = CapacityWatch(self._lean(), self._table(trial), self.context.events, trial.trial, every_s)
            self._watch.start(begin_ns)

    def end(self, trial: Trial) -> None:
        """Write down what the service counted, and take table and scaling away; on AWS CloudWatch is asked later."""
        table, arm = self._table(trial), arm_of(trial.arm, trial.params)
        if self._watch:
            self._watch.stop()
        if self._managed is not None:
            self._managed.end(trial, self._begun_ns)
            return
        counted = consumed_units(self._twin.state(), table)
        read, write = (counted[kind] - self._loaded_units[kind] for kind in KINDS)
        self.context.events.add("consumed", trial=trial.trial, read_units=read, write_units=write)
        if arm.scaling:
            self._scale(*arm.scaling.end(table))
        with self._lean() as client:
            client.call("DeleteTable", {"TableName": table})

    def afterwards(self) -> None:
        """What CloudWatch counted, on AWS."""
        if self._managed is not None:
            self._managed.counts.settle()

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """What the trial's table takes, is given and has saved, a second of the service's clock; on AWS the samples say what it takes."""
        return {} if self._managed is not None else {"capacity": self._gauge.look()}

    def _table(self, trial: Trial) -> str:
        return table_name(trial) if self._managed is None else self._managed.tables.of(trial.arm)

    def _tickets(self, trial: Trial, load: Load, policy: Retries, turn: Semaphore) -> Iterator[Ticket]:
        asked, costs = tee(self._jobs(trial, load))
        demand = demand_of(trial, load, self.day)
        due = due_ns(demand, (job.units for job in costs), speed=float(trial.params["speed"]))

        def ticket(drawn: tuple[int, Job]) -> Ticket:
            at_ns, job = drawn
            return Ticket(op=job.op, act=self._do(trial, job, policy, turn), due_ns=at_ns)

        return Drawn(zip(due, asked, strict=False), ticket)

    def _jobs(self, trial: Trial, load: Load) -> Iterator[Job]:
        """Endless requests of one kind; the same for all arms of a pair."""
        rng, table = self.context.rng(self.name, "jobs", load, trial.pair), self._table(trial)
        match trial.labels["demand"]:
            case "hot_partition":
                return jobs.skewed(table, self.by_dest, self.weights, load, rng)
            case "hot_key":
                return jobs.skewed(table, self.by_dest[:1], [1], load, rng)
        if load == "read":
            return jobs.reads(table, self.flights, rng)
        if trial.labels["part"] == "back_pressure":
            return jobs.touching_writes(table, self.flights, rng)
        return jobs.writes(table, self.flights, rng)

    def _do(
        self, trial: Trial, job: Job, policy: Retries, turn: AbstractContextManager[object]
    ) -> Callable[[Slot], Observation]:
        speed, clock_ns, wall_s = float(trial.params["speed"]), self.context.clock_ns, self.context.sleep_s
        patience_ns = int(self.settings.patience_service_s / speed * 1e9)

        def act(slot: Slot) -> Observation:
            client: Client = slot.hold("dynamodb", self._measured)
            tries = attempts(
                client, job.op, job.payload, policy, clock_ns=clock_ns,
                sleep_s=lambda service_s: wall_s(service_s / speed), turn=turn, patience_ns=patience_ns,
            )  # fmt: skip

            def observe(attempt: DynamoAttempt) -> Observation:
                self._note_throttle(trial, job.load, attempt.outcome == "throttled")
                return jobs.observe(job, attempt)

            return retried(slot, tries, observe)

        return act

    def _note_throttle(self, trial: Trial, load: Load, throttled: bool) -> None:
        if throttled and load not in self._throttled:
            self._throttled.add(load)
            self.context.events.add("throttle_began", trial=trial.trial, load=load)

    def _wait_for_its_moment(self, trial: Trial) -> None:
        """Auto scaling looks once a clock minute, and a spike comes at any second of it: at another one in each round."""
        rounds, speed = self.settings.pairs, float(trial.params["speed"])
        a_round = trial.pair // len(list(cells(self.settings)))
        wanted_s = (a_round + 0.5) / rounds * MINUTE_S - float(trial.params.get("before_service_s", 0.0))
        self.context.sleep_s((wanted_s - self._twin.state()["now_s"]) % MINUTE_S / speed)

    def _flights_of_few(self, data: dataset.Dataset) -> dict[str, list[Item]]:
        least, most = FLIGHTS_EACH
        counted = pc.value_counts(data.flights["aircraft_key"]).to_pylist()
        fitting = sorted(one["values"] for one in counted if least <= one["counts"] <= most)
        chosen = self.context.rng(self.name, "aircraft").sample(fitting, AIRCRAFT)
        theirs = data.flights.filter(pc.is_in(data.flights["aircraft_key"], pa.array(chosen)))
        flights: dict[str, list[Item]] = {key: [] for key in chosen}
        for item in flight_items(replace(data, flights=theirs)):
            flights[item["tailnum"]["S"]].append(item)
        return flights

    def _scale(self, *requests: Request) -> None:
        for operation, payload in requests:
            answer = self._scaling.call(operation, payload)
            if answer.status != 200:
                raise CannotMeasure(f"{operation}: {answer.error_code}: {answer.body.get('message')}")

    def _lean(self) -> DynamoClient:
        """For what isn't measured, whatever the setting."""
        return self.context.services.dynamodb.lean()

    @cached_property
    def _measured(self) -> Callable[[], Client]:
        return self.context.services.dynamodb.factory(self.settings.client)

    @cached_property
    def _scaling(self) -> Client:
        """Application Auto Scaling, which the twin has at its own address."""
        return BotoClient(botocore_client(self.context.services.dynamodb.url, service="application-autoscaling"))

    @cached_property
    def _managed(self) -> "ManagedTables | None":
        """The tables on AWS; None on the twin, where each trial has its own."""
        if not self.context.on_aws:
            return None
        from harness.aws.managed_tables import ManagedTables

        return ManagedTables(self.context, rest_s=self.settings.rest_s)

    @cached_property
    def _gauge(self) -> TwinGauge:
        return TwinGauge(self.context.services.dynamodb.url)

    @cached_property
    def _twin(self) -> TwinControl:
        return TwinControl(self.context.services.dynamodb.url)


def _destinations(data: dataset.Dataset) -> tuple[list[Item], list[int]]:
    """The first flight to each destination, the busiest destination first, and how many flights each has."""
    groups = data.flights.group_by("dest").aggregate([("flight_key", "min"), ("flight_key", "count")])
    groups = groups.sort_by([("flight_key_count", "descending"), ("dest", "ascending")])
    firsts = data.flights.filter(pc.is_in(data.flights["flight_key"], groups["flight_key_min"].combine_chunks()))
    items: dict[str, Any] = {item["dest"]["S"]: item for item in flight_items(replace(data, flights=firsts))}
    return [items[dest] for dest in groups["dest"].to_pylist()], groups["flight_key_count"].to_pylist()


def table_name(trial: Trial) -> str:
    """Each trial has a table of its own, so that no bucket remembers the trial before."""
    return f"capacity_{trial.trial}_{trial.arm}"


SCENARIO = CapacityModes
CapacityModesUser = locust_user(CapacityModes)
