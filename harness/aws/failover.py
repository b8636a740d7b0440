"""A fail-over that RDS carries out: asked for, and followed by what RDS says of it and what the database's name answers.

RDS's API gives its events no numbers, only texts: those of the documentation's list (D3) are told by how they begin.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from harness.aws.databases import Database
from harness.aws.failures import AwsError
from harness.aws.gateway import Aws
from harness.errors import CannotMeasure, HarnessError
from harness.local.dns import Answer
from harness.local.topologies.model import OnEvent

NAME_EVERY_S = 0.1  # the change is known to within this; a VPC's name server answers 1,024 questions a second
EVENTS_EVERY_S = 5.0  # a throttled control plane must not be what the run is remembered for
MOST_WATCHED_S = 1_800.0
"""Nobody follows a fail-over for longer, whatever else goes wrong."""
SETTLED_S = 1_200.0
"""How long is waited for a database to be *available* again before the next one."""

NUMBERS: Mapping[str, tuple[str, str]] = {
    "Multi-AZ instance failover started": ("RDS-EVENT-0013", "started"),
    "Multi-AZ failover to standby complete": ("RDS-EVENT-0015", "completed, DNS still to propagate"),
    "Abandoning user requested failover": ("RDS-EVENT-0034", "refused, one was recent"),
    "Multi-AZ instance failover completed": ("RDS-EVENT-0049", "completed"),
    "Multi-AZ instance activation started": ("RDS-EVENT-0050", "Multi-AZ activation started, no fail-over"),
    "Multi-AZ instance activation completed": ("RDS-EVENT-0051", "Multi-AZ activation completed, no fail-over"),
    "Cluster failover failed": ("RDS-EVENT-0069", "failed"),
    "Completed failover to DB instance": ("RDS-EVENT-0071", "completed"),
    "Started same AZ failover to DB instance": ("RDS-EVENT-0072", "started, same zone"),
    "Started cross AZ failover to DB instance": ("RDS-EVENT-0073", "started, other zone"),
}
ENDED_BADLY = ("RDS-EVENT-0034", "RDS-EVENT-0069")


class Note(Protocol):
    """Writes one event of the trial."""

    def __call__(self, kind: str, zone: str, /, **fields: Any) -> None:
        """``t_ns`` among the fields is when it was (monotonic); else now."""


class ManagedFailover:
    """What ``harness.local.controller.Controller`` is to the stand-ins, for a database of RDS.

    Events: ``failover_asked`` and ``failover_accepted`` around the call, ``rds_event`` for each that RDS tells (at RDS's own time),
    ``dns_answered`` whenever the name's answer changes, and ``dns_moved`` when it first does after the call.
    """

    def __init__(
        self,
        aws: Aws,
        database: Database,
        answer: Callable[[], Answer],
        note: Note,
        *,
        sleep_s: Callable[[float], None] = time.sleep,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._aws, self._database, self._answer, self._note = aws, database, answer, note
        self._sleep_s, self._clock_ns, self._wall_s = sleep_s, clock_ns, wall_s
        self.failure: HarnessError | None = None
        self._stopped = self._asked = self._moved = False
        self._seen: set[tuple[str, str]] = set()

    def watch(self, on_event: OnEvent) -> None:
        """Follow the name and RDS's events until ``stop``, and no longer than MOST_WATCHED_S; what goes wrong is in ``failure``."""
        begun_s, began_ns = self._wall_s(), self._clock_ns()
        address, next_events_ns = "", began_ns
        try:
            while not self._stopped and self._clock_ns() - began_ns < MOST_WATCHED_S * 1e9:
                address = self._look_at_name(address, on_event)
                if self._clock_ns() >= next_events_ns:
                    self._look_at_events(begun_s)
                    next_events_ns = self._clock_ns() + int(EVENTS_EVERY_S * 1e9)
                self._sleep_s(NAME_EVERY_S)
            self._look_at_events(begun_s)  # the last of them comes late
        except HarnessError as error:
            self.failure = self.failure or error

    def stop(self) -> None:
        """Follow no more; ``watch`` returns within a second or so."""
        self._stopped = True

    def fail_over_planned(self, on_event: OnEvent) -> None:
        """Ask RDS for it, which reads the database's tags first. What RDS refuses is in ``failure``."""
        database = self._database
        on_event("failover_asked", "")
        try:
            if database.by_cluster:
                self._aws.guarded("rds", "FailoverDBCluster", DBClusterIdentifier=database.id)
            else:
                self._aws.guarded("rds", "RebootDBInstance", DBInstanceIdentifier=database.id, ForceFailover=True)
        except HarnessError as error:
            self.failure = error
            return
        self._asked = True
        on_event("failover_accepted", "")

    def settled(self) -> None:
        """Wait until RDS calls the database *available*. Raises CannotMeasure, or AwsError."""
        deadline_ns = self._clock_ns() + int(SETTLED_S * 1e9)
        while (state := self._state()) != "available":
            if self._clock_ns() > deadline_ns:
                raise CannotMeasure(
                    f"{self._database.id} is {state} {SETTLED_S:g} s after the fail-over, not available"
                )
            self._sleep_s(EVENTS_EVERY_S)

    def _state(self) -> str:
        name = self._database.id
        if self._database.by_cluster:
            (found,) = self._aws.call("rds", "DescribeDBClusters", DBClusterIdentifier=name)["DBClusters"]
            return str(found["Status"])
        (found,) = self._aws.call("rds", "DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"]
        return str(found["DBInstanceStatus"])

    def _look_at_name(self, before: str, on_event: OnEvent) -> str:
        """The address of now; a name server that doesn't answer for a moment is no news."""
        try:
            answer = self._answer()
        except OSError:
            return before
        if answer.address != before:
            self._note("dns_answered", answer.address, ttl_s=answer.ttl_s)
            if before and self._asked and not self._moved:
                self._moved = True
                on_event("dns_moved", answer.address)
        return answer.address

    def _look_at_events(self, since_s: float) -> None:
        """Those that are new since ``since_s``; a busy control plane is asked again later."""
        kind = "db-cluster" if self._database.by_cluster else "db-instance"
        try:
            events = list(
                self._aws.paginate(
                    "rds", "DescribeEvents", "Events", SourceIdentifier=self._database.id, SourceType=kind,
                    StartTime=datetime.fromtimestamp(int(since_s), UTC),
                )
            )  # fmt: skip
        except AwsError as error:
            if error.trouble in ("throttled", "unreachable"):
                return
            raise
        for event in sorted(events, key=lambda one: one["Date"]):
            key = str(event["Date"]), event["Message"]
            if key not in self._seen:
                self._seen.add(key)
                self._tell(event)

    def _tell(self, event: Mapping[str, Any]) -> None:
        message = " ".join(event["Message"].split())
        number, meaning = next((told for begin, told in NUMBERS.items() if message.startswith(begin)), ("", ""))
        ago_ns = int((self._wall_s() - event["Date"].timestamp()) * 1e9)
        self._note("rds_event", "", id=number, meaning=meaning, message=message, t_ns=self._clock_ns() - ago_ns)
        if number in ENDED_BADLY and self._asked:
            self.failure = CannotMeasure(f"RDS: {message} ({number})")
