"""One provisioned table, everyone's GetItems, and beside them somebody who reads it all for a report.

Times are the service's: the twin's clock runs ``speed`` times as fast as the wall's, demand and pauses with it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from harness.arrivals import Drawn, replay
from harness.dynamodb.accesses import Connections, Pace
from harness.dynamodb.answers import Item, consumed_units
from harness.dynamodb.attempts import DynamoAttempt, attempts
from harness.dynamodb.client import Client, outcome
from harness.dynamodb.metering import item_size
from harness.dynamodb.retries import Retries
from harness.errors import CannotMeasure
from harness.flights import BY_DEST, key
from harness.observing import of_attempt, retried
from harness.recorder import Observation
from harness.scenario import Context, Slot, Stream, Ticket

TABLE = "neighbours"
ARMS = ("alone", "scan", "paced_scan", "parallel_scan_off_peak", "gsi_query")
# Demand of everyone else, as a share of what is provisioned, in the first and in the second half.
BUSY_SHARE, QUIET_SHARE = 0.65, 0.35
PACED_SHARE = 0.25  # of what is provisioned: what a paced Scan allows itself
SEGMENTS = 2
PACED_UNITS = 4.0  # of a paced page, about
PATIENCE = 4.0  # service times after which a report is given up
MOST_READS = 10_000
COUNT = {"TableName": TABLE, "Select": "COUNT", "ReturnConsumedCapacity": "INDEXES"}
_POLL_S = 0.002


class Neighbourhood:
    """The table's ``items``, what it is provisioned with, and how long and how fast a trial is.

    ``reports`` is how often the job reads the whole table.
    """

    def __init__(
        self, items: Sequence[Item], *, capacity_units: int, speed: float, service_s: float, reports: int
    ) -> None:
        self.capacity_units, self.speed, self.service_s, self.reports = capacity_units, speed, service_s, reports
        self.keys = [key(item) for item in items]
        self.airports = sorted({item["dest"]["S"] for item in items})
        half_units = capacity_units * service_s / 2
        self.counts = round(BUSY_SHARE * half_units), round(QUIET_SHARE * half_units)
        """GetItems of everyone else in the busy and in the quiet half; each consumes one unit (A1)."""
        self.neighbours_per_s = sum(self.counts) / service_s
        self.paced_units_per_s = PACED_SHARE * capacity_units
        self.paced_items = max(1, int(PACED_UNITS * 8_192 / fmean(map(item_size, items))))
        """Limit of a paced page: PACED_UNITS of eventually consistent reading, 8 KB each (A4)."""


class Neighbours:
    """The load of one trial of pair ``pair``; ``connect`` makes a slot's connection."""

    def __init__(self, hood: Neighbourhood, context: Context, connect: Callable[[], Connections], *, pair: int) -> None:
        self.hood = hood
        self._context, self._connect, self._pair = context, connect, pair

    def streams(self, arm: str) -> tuple[Stream, ...]:
        """Everyone else in an open loop, and the job of ``arm`` in streams of its own."""
        return (Stream(tickets=self._neighbours()), *self._jobs(arm))

    def now_s(self) -> float:
        """The service's clock, from an instant of its own."""
        return self._context.clock_ns() / 1e9 * self.hood.speed

    def act(
        self, op: str, payload: dict[str, Any], policy: Retries, observe: Callable[[DynamoAttempt], Observation]
    ) -> Callable[[Slot], Observation]:
        """One request, tried again as ``policy`` says."""
        clock_ns, speed = self._context.clock_ns, self.hood.speed

        def sleep_s(service_s: float) -> None:
            self._context.sleep_s(service_s / speed)

        def act(slot: Slot) -> Observation:
            client: Client = slot.hold("dynamodb", self._connect)
            return retried(slot, attempts(client, op, payload, policy, clock_ns=clock_ns, sleep_s=sleep_s), observe)

        return act

    def _neighbours(self) -> Iterator[Ticket]:
        """The same keys at the same moments in all arms of a pair; evenly spaced within each half."""
        hood, rng = self.hood, self._context.rng("neighbours", self._pair)
        policy = self._policy("neighbours")
        due = replay(hood.counts, bin_ns=int(hood.service_s / 2 * 1e9), speed=hood.speed)

        def ticket(drawn: tuple[int, dict[str, Any]]) -> Ticket:
            due_ns, wanted = drawn
            payload = {
                "TableName": TABLE, "Key": wanted, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL",
            }  # fmt: skip
            act = self.act("GetItem", payload, policy, partial(_observe, role="neighbour"))
            return Ticket(op="GetItem", act=act, due_ns=due_ns)

        return Drawn(((due_ns, rng.choice(hood.keys)) for due_ns in due), ticket)

    def _jobs(self, arm: str) -> tuple[Stream, ...]:
        """The job counts what it reads: that consumes as much as the items would (A5), and keeps this process free."""
        hood = self.hood
        match arm:
            case "alone":
                jobs = []
            case "scan":
                jobs = [_Job(self, [COUNT] * hood.reports, policy=self._policy("job"))]
            case "paced_scan":
                pace = Pace(units_per_s=hood.paced_units_per_s)
                pages = [COUNT | {"Limit": hood.paced_items}] * hood.reports
                jobs = [_Job(self, pages, policy=self._policy("job"), pace=pace)]
            case "parallel_scan_off_peak":
                jobs = [
                    _Job(self, [COUNT | {"Segment": n, "TotalSegments": SEGMENTS}] * hood.reports,
                         policy=self._policy("job", n), begin_s=hood.service_s / 2)
                    for n in range(SEGMENTS)
                ]  # fmt: skip
            case "gsi_query":
                pages = [COUNT | _to_airport(airport) for airport in hood.airports] * hood.reports
                jobs = [_Job(self, pages, policy=self._policy("job"), op="Query")]
            case _:
                raise ValueError(f"expected one of {', '.join(ARMS)}, found {arm!r}")
        return tuple(Stream(tickets=one.tickets(), slots=1) for one in jobs)

    def _policy(self, *whose: object) -> Retries:
        """botocore's standard retries on the service's clock; one for all of an application's requests."""
        rng = self._context.rng("neighbours", "retries", self._pair, *whose)
        return Retries("standard", clock_s=self.now_s, rng=rng)


class _Job:
    """Pages of ``requests``, one after the other, each asked for until it is there; they begin at ``begin_s``.

    Its tickets are for one slot: the page before has come to its end when the next is drawn.
    """

    def __init__(
        self, load: Neighbours, requests: Sequence[dict[str, Any]], *, policy: Retries, op: str = "Scan",
        begin_s: float = 0.0, pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self._load, self._requests, self._policy, self._op = load, requests, policy, op
        self._begin_s, self._pace = begin_s, pace
        self._page: dict[str, Any] | None = None

    def tickets(self) -> Iterator[Ticket]:
        """A ticket a page: due when its time or its pace has come, else at once."""
        hood, began_s = self._load.hood, self._load.now_s()
        due_s = self._begin_s
        for request in self._requests:
            asked: dict[str, Any] | None = request
            while asked is not None:
                if (since_s := self._load.now_s() - began_s) > PATIENCE * hood.service_s:
                    return
                act = self._load.act(self._op, asked, self._policy, self._observe)
                self._page = None
                yield Ticket(op=self._op, act=act, due_ns=int(due_s / hood.speed * 1e9) if due_s else None)
                asked = self._behind(asked)
                due_s = self._paced(max(since_s, due_s)) if self._pace else 0.0

    def _observe(self, attempt: DynamoAttempt) -> Observation:
        self._page = attempt.response.body if attempt.response and attempt.outcome == "ok" else None
        return _observe(attempt, role="report")

    def _behind(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The same page again where it didn't come, the one behind it, or None behind the last."""
        if self._page is None:
            return asked
        last_key = self._page.get("LastEvaluatedKey")
        return asked | {"ExclusiveStartKey": last_key} if last_key else None

    def _paced(self, asked_s: float) -> float:
        assert self._pace
        if self._page is not None:
            self._pace.spent(consumed_units(self._page)[0] or 0.0, asked_s)
        return self._pace.due_s


def empty_stores(client: Client, key: Item, sleep_s: Callable[[float], None]) -> None:
    """Use up what table and index have saved (B2), so that what is measured lasts. Raises CannotMeasure.

    Each is read until it throttles, and then until the least read goes through: the store is empty, not overdrawn.
    """
    get = {"TableName": TABLE, "Key": key}
    _empty(client, ("Scan", COUNT | {"ConsistentRead": True}), ("GetItem", get), sleep_s)
    index = {"IndexName": BY_DEST.name}
    _empty(client, ("Scan", COUNT | index), ("Query", COUNT | _to_airport("nowhere")), sleep_s)


def _empty(
    client: Client, much: tuple[str, dict[str, Any]], little: tuple[str, dict[str, Any]],
    sleep_s: Callable[[float], None],
) -> None:  # fmt: skip
    if not any(not _admitted(client, *much) for _ in range(MOST_READS)):
        raise CannotMeasure(
            f"{MOST_READS} Scans didn't use up what {TABLE} had saved; raise neighbour_items, or lower neighbour_capacity_units or neighbour_speed"
        )
    for _ in range(MOST_READS):
        if _admitted(client, *little):
            return
        sleep_s(_POLL_S)
    raise CannotMeasure(f"{TABLE} still throttles {MOST_READS * _POLL_S:g} s after what it had saved was used up")


def _admitted(client: Client, op: str, payload: dict[str, Any]) -> bool:
    """Whether it went through; raises CannotMeasure where it was refused for another reason than too much."""
    response = client.call(op, payload)
    if outcome(response) == "error":
        raise CannotMeasure(f"{op} of {TABLE}: {response.error_code}: {response.body.get('message')}")
    return outcome(response) == "ok"


def _to_airport(airport: str) -> dict[str, Any]:
    """The part of a Query on the index."""
    return {
        "IndexName": BY_DEST.name, "KeyConditionExpression": "dest = :airport",
        "ExpressionAttributeValues": {":airport": {"S": airport}},
    }  # fmt: skip


def _observe(attempt: DynamoAttempt, *, role: str) -> Observation:
    return of_attempt(attempt, {"question": "neighbour", "role": role, "round_trips": 1})
