"""Provisioned or on-demand?

The same open-loop demand, for reads and for writes at once, rises to a multiple of what is provisioned and stays there:
on a provisioned table, whose burst bucket (300 s of unused capacity) drains until it throttles, and on an on-demand
one. One attempt a request, unless ``retries`` says otherwise: a throttled request is a result, not something a client
hides by trying again; where it does try, every attempt is a row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, tee
from math import ceil
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, PositiveInt

from harness import dataset
from harness.arrivals import work_ramp
from harness.config import Settings
from harness.dynamodb import metering
from harness.dynamodb.answers import bulk_load, consumed_units
from harness.dynamodb.attempts import DynamoAttempt, attempts
from harness.dynamodb.client import Client, DynamoClient
from harness.dynamodb.clients import ClientName, client_factory
from harness.dynamodb.retries import Mode, Retries
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.flights import flight_items, table_definition
from harness.local.services import Needs
from harness.plan import Cell, Trial, interleave
from harness.recorder import Kind, Observation
from harness.scenario import FloorProbe, Scenario, Slot, Stream, Ticket, TrialLoad

STEP = "ramp"
AIRCRAFT = 6  # whose flights are in the table; few, so that loading them takes little of the burst
FLIGHTS_EACH = (10, 14)

Load = Literal["read", "write"]


class CapacityModesSettings(Settings):
    """Section ``scenarios.capacity_modes`` of config.yaml."""

    read_capacity_units: PositiveInt = 4
    write_capacity_units: PositiveInt = 4
    peak_multiple: PositiveFloat = 2.0
    ramp_service_s: float = Field(default=300, ge=0)
    hold_service_s: float = Field(default=400, ge=0)
    speed: float = Field(default=70, gt=0, le=10_000)
    pairs: PositiveInt = 3
    client: ClientName = "lean"
    retries: Mode = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request and what it would consume."""

    op: str
    load: Load
    payload: dict[str, Any]
    units: float


class CapacityModes(Scenario[CapacityModesSettings]):
    """Puts one rising demand on a provisioned and on an on-demand table."""

    name = "capacity_modes"
    Settings = CapacityModesSettings
    columns: ClassVar[dict[str, Kind]] = {"kind": "text", "demand_units": "float"}
    distributable, shared = True, ("flights",)
    default_slots = 16
    min_slots = 2

    @classmethod
    def needs(cls, settings: CapacityModesSettings) -> Needs:
        """The twin, its clock sped up: B2's 300 s don't fit a quick run."""
        return Needs(dynamodb=True, dynamodb_speed=settings.speed)

    def set_up(self) -> None:
        """Choose the few aircraft that the requests are about."""
        by_aircraft: dict[str, list[dict[str, Any]]] = {}
        for item in flight_items(dataset.load(self.context.config.months)):
            by_aircraft.setdefault(item["tailnum"]["S"], []).append(item)
        least, most = FLIGHTS_EACH
        fitting = sorted(key for key, flights in by_aircraft.items() if least <= len(flights) <= most)
        chosen = self.context.rng(self.name, "aircraft").sample(fitting, AIRCRAFT)
        self.flights = {key: by_aircraft[key] for key in chosen}

    def plan(self) -> list[Trial]:
        """Pairs of a provisioned and an on-demand trial."""
        settings = self.settings
        params: dict[str, float | int | str] = {
            "speed": settings.speed,
            "read_capacity_units": settings.read_capacity_units,
            "write_capacity_units": settings.write_capacity_units,
            "ramp_service_s": settings.ramp_service_s,
            "hold_service_s": settings.hold_service_s,
            "peak_multiple": settings.peak_multiple,
        }
        cell = Cell(arms=("provisioned", "on_demand"), step=f"{STEP}_{settings.peak_multiple:g}x", params=params)
        return interleave([cell], rounds=settings.pairs, seed=f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """Each of the three requests, one at a time, as an open loop does; of a table of their own."""
        table, flights = "capacity_floor", next(iter(self.flights.values()))
        with self._lean() as client:
            client.call("DeleteTable", {"TableName": table})
            client.call("CreateTable", table_definition(table, by_dest=False))
        bulk_load(self._lean, table, flights, concurrency=1)
        at = urlsplit(self.context.services.dynamodb_url)
        trial = Trial(trial=-1, pair=-1, arm="floor", step=STEP, labels={}, params={})
        return [
            FloorProbe(
                client=self.settings.client, op=job.op, role="dynamodb", server=(at.hostname or "", at.port or 80),
                key="dynamodb", act=self._do(trial, job, Retries("none")), slots=1,
                connect=lambda host, port: client_factory(self.settings.client, f"http://{host}:{port}")(),
            )
            for job in (get(table, flights[0]), query(table, flights), put(table, flights[0]))
        ]  # fmt: skip

    def prepare(self, trial: Trial) -> None:
        """A table of its own for each trial, loaded, its burst bucket full again."""
        settings, table = self.settings, table_name(trial)
        items = [item for flights in self.flights.values() for item in flights]
        provisioned = (
            {f"{load}_capacity_units": units for load, units in self._capacity().items()}
            if trial.arm == "provisioned"
            else {}
        )
        definition = table_definition(table, by_dest=False, **provisioned)
        with self._lean() as client:
            created = client.call("CreateTable", definition)
            if created.status != 200:
                raise CannotMeasure(f"CreateTable {table}: {created.error_code}: {created.body.get('message')}")
        bulk_load(self._lean, table, items, concurrency=1)
        # Loading took a unit an item from the burst bucket; wait until it is full again, and as long once more.
        self.context.sleep_s(2 * len(items) / settings.write_capacity_units / settings.speed)

    def begin(self, trial: Trial) -> TrialLoad:
        """Reads and writes in open loops of their own, each up to its multiple of what is provisioned."""
        settings = self.settings
        self._throttled: set[Load] = set()
        duration_s = (settings.ramp_service_s + settings.hold_service_s) / settings.speed
        self._measured().close()  # boto3's pool takes its time to make: before the trial, not in it
        # One policy for all slots, as for the threads that share an application's client; on the service's clock.
        policy = Retries(
            settings.retries,
            clock_s=lambda: self.context.clock_ns() / 1e9 * settings.speed,
            rng=self.context.rng(self.name, "retries", trial.trial),
        )
        streams = tuple(
            Stream(tickets=self._tickets(self._jobs(trial, load), trial, units, policy))
            for load, units in self._capacity().items()
        )
        return TrialLoad(client=settings.client, streams=streams, deadline_s=duration_s * 2 + 30)

    def end(self, trial: Trial) -> None:
        """Delete the trial's table."""
        with self._lean() as client:
            client.call("DeleteTable", {"TableName": table_name(trial)})

    def _capacity(self) -> dict[Load, int]:
        return {"read": self.settings.read_capacity_units, "write": self.settings.write_capacity_units}

    def _tickets(self, jobs: Iterator[Job], trial: Trial, capacity_units: int, policy: Retries) -> Iterator[Ticket]:
        settings = self.settings
        jobs, costs = tee(jobs)
        due = work_ramp(
            (job.units for job in costs),
            peak_per_s=settings.peak_multiple * capacity_units * settings.speed,
            ramp_s=settings.ramp_service_s / settings.speed,
            hold_s=settings.hold_service_s / settings.speed,
        )
        for (due_ns, _), job in zip(due, jobs, strict=False):
            yield Ticket(op=job.op, act=self._do(trial, job, policy), due_ns=due_ns)

    def _jobs(self, trial: Trial, load: Load) -> Iterator[Job]:
        """Endless requests of one kind; the same for both arms of a pair."""
        rng, table = self.context.rng(self.name, "jobs", load, trial.pair), table_name(trial)
        aircraft = sorted(self.flights)
        for number in count():
            flights = self.flights[rng.choice(aircraft)]
            item = rng.choice(flights)
            if load == "write":
                yield put(table, item)
            else:
                yield get(table, item) if number % 2 else query(table, flights)

    def _do(self, trial: Trial, job: Job, policy: Retries) -> Callable[[Slot], Observation]:
        speed, clock_ns = self.settings.speed, self.context.clock_ns

        def sleep_s(service_s: float) -> None:
            self.context.sleep_s(service_s / speed)

        def act(slot: Slot) -> Observation:
            client: Client = slot.hold("dynamodb", self._measured)
            for attempt in attempts(client, job.op, job.payload, policy, clock_ns=clock_ns, sleep_s=sleep_s):
                seen = observe(job, attempt)
                self._note_throttle(trial, job.load, attempt.outcome == "throttled")
                if not attempt.final:
                    slot.attempt(seen, start_ns=attempt.start_ns, end_ns=attempt.end_ns)
            slot.attempt_begins(attempt.start_ns)
            return seen

        return act

    def _note_throttle(self, trial: Trial, load: Load, throttled: bool) -> None:
        if throttled and load not in self._throttled:
            self._throttled.add(load)
            self.context.events.add("throttle_began", trial=trial.trial, load=load)

    def _lean(self) -> DynamoClient:
        """For what isn't measured, whatever the setting."""
        return DynamoClient(self.context.services.dynamodb_url)

    @cached_property
    def _measured(self) -> Callable[[], Client]:
        return client_factory(self.settings.client, self.context.services.dynamodb_url)


def observe(job: Job, attempt: DynamoAttempt) -> Observation:
    """One attempt as a sample."""
    extra = {"kind": job.load, "demand_units": job.units}
    response = attempt.response
    if response is None or attempt.outcome != "ok":
        return Observation(outcome=attempt.outcome, error_code=attempt.error_code, reason=attempt.reason, extra=extra)
    units = consumed_units(response.body)[0]
    consumed = float("nan") if units is None else units
    if job.load == "write":
        return Observation(write_units=consumed, bytes=response.bytes_count, extra=extra)
    return Observation(read_units=consumed, bytes=response.bytes_count, extra=extra)


def table_name(trial: Trial) -> str:
    """Each trial has a table of its own, so that no bucket remembers the trial before."""
    return f"capacity_{trial.trial}_{trial.arm}"


def get(table: str, item: dict[str, Any]) -> Job:
    """A strongly consistent GetItem: one unit for each 4 KB begun (A1)."""
    key = {name: item[name] for name in ("tailnum", "flight_key")}
    payload = {"TableName": table, "Key": key, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
    return Job(op="GetItem", load="read", payload=payload, units=ceil(metering.item_size(item) / 4096))


def query(table: str, flights: list[dict[str, Any]]) -> Job:
    """A strongly consistent Query of one aircraft: its flights summed, then rounded up to 4 KB once (A4)."""
    payload = {
        "TableName": table,
        "KeyConditionExpression": "tailnum = :aircraft",
        "ExpressionAttributeValues": {":aircraft": flights[0]["tailnum"]},
        "ConsistentRead": True,
        "ReturnConsumedCapacity": "TOTAL",
    }
    return Job(op="Query", load="read", payload=payload, units=ceil(sum(map(metering.item_size, flights)) / 4096))


def put(table: str, item: dict[str, Any]) -> Job:
    """A PutItem over the same item: one unit for each 1 KB begun (A2, A10)."""
    payload = {"TableName": table, "Item": item, "ReturnConsumedCapacity": "TOTAL"}
    return Job(op="PutItem", load="write", payload=payload, units=ceil(metering.item_size(item) / 1024))


SCENARIO = CapacityModes
CapacityModesUser = locust_user(CapacityModes)
