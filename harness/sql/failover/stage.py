"""One database as its clients find it: a topology, the names it is published under, and what stands before it."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import gevent

from harness.errors import HarnessError
from harness.local.controller import Controller
from harness.local.dns import DnsServer
from harness.local.doors import Doors
from harness.local.pace import PaceName, pace_of
from harness.local.sql_proxy import SqlProxy
from harness.local.topologies.model import OnEvent, Topology, TopologyName
from harness.sql import ledger
from harness.sql.clients.model import Way
from harness.sql.connections import connect
from harness.sql.endpoint import SqlEndpoint


class Writing(Protocol):
    """A database of which one address takes writes."""

    @property
    def name(self) -> TopologyName:
        """What it is."""

    @property
    def writer(self) -> str:
        """The address that takes writes, as far as is known."""

    def lost_rows(self, trial: int) -> set[int] | None:
        """See Topology."""


class Watcher(Protocol):
    """Who notices and carries out a fail-over, and tells of it by events."""

    @property
    def failure(self) -> HarnessError | None:
        """What went wrong for good."""

    def watch(self, on_event: OnEvent) -> None:
        """Until ``stop``."""

    def fail_over_planned(self, on_event: OnEvent) -> None:
        """One that is asked for."""

    def stop(self) -> None:
        """Watch no more."""


class FailoverStage(Protocol):
    """What one trial of a fail-over needs of the database that fails over: a stand-in, or one of RDS's."""

    failed_over: bool

    @property
    def topology(self) -> Writing:
        """The database."""

    @property
    def writer(self) -> SqlEndpoint:
        """Who takes writes."""

    def prepare(self, parameters: Mapping[str, str], *, behind_doors: bool) -> None:
        """Whole again after the failover before."""

    def way(self) -> Way:
        """How clients find it."""

    def controller(
        self, *, pace: PaceName, note: Any, publish: Callable[[str], None], sleep_s: Callable[[float], None]
    ) -> Watcher:
        """Who carries a fail-over out. ``note(kind, zone, **fields)`` writes an event, ``publish`` moves the names."""

    def inject(self, fault: str, zone: str) -> int:
        """A fault that nobody asks for; when it struck (CLOCK_MONOTONIC, ns)."""

    def publish(self, zone: str) -> None:
        """Move the names."""

    def tell_proxy(self) -> bool:
        """Lead a proxy of ours to the writer."""

    def heal(self) -> None:
        """What was put before the database passes again."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """A topology under a name; ``doors`` before its zones are dialled instead of them while ``behind_doors``."""

    topology: Topology
    name: str
    dns: DnsServer
    doors: Callable[[], Doors]
    proxy: SqlProxy | None = None
    behind_doors: bool = False
    failed_over: bool = field(default=False, init=False)
    _doors: Doors | None = field(default=None, init=False)

    @property
    def reader_name(self) -> str:
        """Where the copies are found that can be read."""
        return f"ro-{self.name}"

    def create(self) -> None:
        """Servers, and an empty ledger."""
        self.topology.create()
        with connect(self.writer) as connection:
            ledger.create(connection)
        if self.proxy is not None:
            self.proxy.start(self.topology.writer)

    @property
    def writer(self) -> SqlEndpoint:
        """Who takes writes, door or no door."""
        return self.topology.endpoint(self.topology.writer)

    def address_of(self, zone: str) -> str:
        """What is dialled for ``zone``."""
        if not self.behind_doors:
            return zone
        assert self._doors
        return self._doors.address(zone)

    def controller(
        self,
        *,
        pace: PaceName,
        note: Any,  # noqa: ARG002 - it tells by its events alone
        publish: Callable[[str], None],
        sleep_s: Callable[[float], None],
    ) -> Controller:
        """Who does RDS's part."""
        topology = self.topology
        return Controller(topology, publish, pace_of(pace, topology.name), sleep_s=sleep_s, address_of=self.address_of)

    def prepare(self, parameters: Mapping[str, str], *, behind_doors: bool) -> None:
        """Whole again after the failover before, with these durability parameters, and published; none of it is measured."""
        topology = self.topology
        if self.failed_over:
            topology.restore()
            self.failed_over = False
        topology.apply(parameters)
        if self._doors is not None:
            self._doors.heal()
        elif behind_doors:
            self._doors = self.doors()
        self.behind_doors = behind_doors
        self.publish(topology.writer)
        self.tell_proxy()
        # A server that recovers makes sure of its whole file system: what set-ups and others left unwritten isn't the fault's.
        gevent.get_hub().threadpool.apply(os.sync)

    def publish(self, zone: str) -> None:
        """Move the names: the writer is in ``zone``, the readers in all other zones that hold a copy."""
        self.dns.move(self.name, self.address_of(zone))
        self.dns.move(self.reader_name, *map(self.address_of, self.topology.readers))

    def way(self) -> Way:
        """How clients find it."""
        topology = self.topology
        return Way(
            engine=topology.engine, name=self.name, reader_name=self.reader_name if topology.readers else None,
            dns=self.dns.address, template=self.writer, addresses=tuple(map(self.address_of, topology.zones)),
            proxy=self.proxy.endpoint if self.proxy else None,
        )  # fmt: skip

    def tell_proxy(self) -> bool:
        """Lead the proxy to the writer; False where none stands before it."""
        if self.proxy is None:
            return False
        self.proxy.point_at(self.address_of(self.topology.writer))
        return True

    def inject(self, fault: str, zone: str) -> int:
        """A fault that nobody asks for: ``crash``, ``hang``, or ``black_hole``, where nothing comes or goes by the zone's door.

        It struck when the signals went out: a tree is looked up first, and who is in it answers until then.
        """
        if fault == "crash":
            return self.topology.crash(zone)
        if fault == "hang":
            return self.topology.hang(zone)
        assert self._doors
        asked_ns = time.monotonic_ns()
        self._doors.black_hole(zone)
        return asked_ns

    def heal(self) -> None:
        """All doors are open again."""
        if self._doors is not None:
            self._doors.heal()

    def close(self) -> None:
        """No server is left running: they would only take what others are measured on."""
        for zone in self.topology.zones:
            self.topology.fence(zone)
        if self._doors is not None:
            self._doors.stop()
        if self.proxy is not None:
            self.proxy.stop()
