"""The part that RDS plays: watches the server that takes writes, fences it, lets another take over, and publishes which.

Like RDS it knows a server by what it answers: a stopped one still accepts connections, so a check is a query after a login, and
one that hangs has failed.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Protocol

import psycopg
import pymysql

from harness.errors import CannotMeasure
from harness.local.pace import Pace
from harness.local.topologies.model import OnEvent, Topology
from harness.sql.connections import SqlConnection, connect

logger = logging.getLogger(__name__)
LOOK_UP_S = 0.1  # how often a wait looks whether it is still wanted
DRIVER_ERRORS = (OSError, psycopg.Error, pymysql.MySQLError)


class Check(Protocol):
    """Says whether the server in a zone answers."""

    def __call__(self, zone: str) -> bool:
        """Whether it answered just now."""

    def close(self) -> None:
        """Forget what is known of it; the next call begins anew."""


def itself(zone: str) -> str:
    """Where a zone is dialled when nothing stands before it."""
    return zone


class HealthCheck:
    """An authenticated query on a connection that is kept; what doesn't answer within ``timeout_s`` has failed."""

    def __init__(self, topology: Topology, timeout_s: float, address_of: Callable[[str], str] = itself) -> None:
        self._topology, self._timeout_s, self._address_of = topology, timeout_s, address_of
        self._zone = ""
        self._connection: SqlConnection | None = None

    def __call__(self, zone: str) -> bool:
        """Whether the server in ``zone`` answered; after a failure the next check begins with a new connection."""
        if zone != self._zone:
            self.close()
        self._zone = zone
        try:
            if self._connection is None:
                endpoint = self._topology.endpoint(zone)
                there = endpoint.at(self._address_of(zone), endpoint.port)
                self._connection = connect(there, self._timeout_s, self._timeout_s)
            return bool(self._connection.query("SELECT 1"))
        except DRIVER_ERRORS:
            self.close()
            return False

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                connection.close()


class Controller:
    """Keeps one topology writable; ``watch`` runs in a greenlet of its own for one trial.

    ``publish`` is told the zone that takes writes from now on: it moves the name, tells proxies. ``check`` says whether the
    server in a zone answers (default: ``HealthCheck`` through ``address_of``, which may be a door before the zone). ``failure``
    is what ended a failover before its end.
    """

    def __init__(
        self,
        topology: Topology,
        publish: Callable[[str], None],
        pace: Pace,
        *,
        sleep_s: Callable[[float], None] = time.sleep,
        check: Check | None = None,
        address_of: Callable[[str], str] = itself,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.topology, self.pace = topology, pace
        self.failure: CannotMeasure | None = None
        self._publish, self._sleep_s, self._clock_ns = publish, sleep_s, clock_ns
        self._check = check or HealthCheck(topology, pace.check_timeout_s, address_of)
        self._one_at_a_time = Lock()  # a planned failover isn't a fault
        self._watching, self._hurry, self._failed = False, False, 0

    def watch(self, on_event: OnEvent) -> None:
        """Until ``stop``: check the writer, and fail over when enough checks in a row have failed.

        Events: fault_detected, fenced, server_started or promoted, server_ready, dns_moved. A failover that can't be
        finished ends the watch with ``failure`` set.
        """
        self._watching, self._hurry, self._failed = True, False, 0
        try:
            while self._watching and self.failure is None:
                due_ns = self._clock_ns() + int(self.pace.check_every_s * 1e9)
                with self._one_at_a_time:
                    self._look(on_event)
                self._wait_until(due_ns, at_least_once=True)
        finally:
            self._check.close()

    def stop(self) -> None:
        """End the watch; of a failover under way, planned or not, what is left is done without waiting."""
        self._watching, self._hurry = False, True

    def fail_over_planned(self, on_event: OnEvent) -> None:
        """A reboot with failover (D3): the writer is shut down cleanly, then all goes as after a fault.

        Events: failover_asked, fenced, server_started or promoted, server_ready, dns_moved; sets ``failure`` as ``watch`` does.
        """
        with self._one_at_a_time:
            on_event("failover_asked", self.topology.writer)
            self._fail_over(self.topology.stop, on_event)

    def _look(self, on_event: OnEvent) -> None:
        writer = self.topology.writer
        self._failed = 0 if self._check(writer) else self._failed + 1
        if self._failed == self.pace.failed_checks:
            on_event("fault_detected", writer)
            self._fail_over(self.topology.fence, on_event)

    def _fail_over(self, end: Callable[[str], None], on_event: OnEvent) -> None:
        """``end`` the writer, let the candidate take over, publish it; each after its part of the pace."""
        try:
            writer = self.topology.writer
            self._wait(self.pace.fencing_s)
            end(writer)
            on_event("fenced", writer)
            self._wait(self.pace.recovery_s)
            self.topology.promote(self.topology.candidate(), on_event)
            self._wait(self.pace.dns_s)
            self._publish(self.topology.writer)
            on_event("dns_moved", self.topology.writer)
        except (CannotMeasure, *DRIVER_ERRORS) as error:
            self.failure = error if isinstance(error, CannotMeasure) else CannotMeasure(str(error).strip())
            logger.error("%s", self.failure)
        self._failed = 0
        self._check.close()

    def _wait(self, seconds: float) -> None:
        self._wait_until(self._clock_ns() + int(seconds * 1e9))

    def _wait_until(self, due_ns: int, *, at_least_once: bool = False) -> None:
        """Until ``due_ns``, or until there is hurry; others run meanwhile where ``at_least_once`` says so, even if it is over."""
        while not self._hurry and (at_least_once or self._clock_ns() < due_ns):
            at_least_once = False
            self._sleep_s(min(LOOK_UP_S, max(0, due_ns - self._clock_ns()) / 1e9))
