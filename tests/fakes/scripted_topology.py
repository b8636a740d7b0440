"""A topology of no servers in a time of its own: it does at once what it is told, and breaks when it is told to."""

import heapq
from collections.abc import Callable, Mapping

from harness.errors import ServerFailed
from harness.local.topologies.model import ZONES, OnEvent, TopologyName
from harness.sql.endpoint import Engine, SqlEndpoint


class Time:
    """Stands still but for sleeping; what is due meanwhile is done on the way."""

    def __init__(self) -> None:
        self.now_ns = 0
        self._due: list[tuple[int, int, Callable[[], None]]] = []

    def clock_ns(self) -> int:
        return self.now_ns

    def at(self, at_s: float, do: Callable[[], None]) -> None:
        """Do something when it is ``at_s``."""
        heapq.heappush(self._due, (round(at_s * 1e9), len(self._due), do))

    def sleep_s(self, seconds: float) -> None:
        until_ns = self.now_ns + round(seconds * 1e9)
        while self._due and self._due[0][0] <= until_ns:
            due_ns, _, do = heapq.heappop(self._due)
            self.now_ns = max(self.now_ns, due_ns)
            do()
        self.now_ns = max(self.now_ns, until_ns)


class ScriptedTopology:
    """Two zones; a zone in ``broken`` has no server that answers, one in ``unfit`` none that starts."""

    engine: Engine = "postgres"
    product = "nothing"
    zones: tuple[str, ...] = ZONES[:2]
    readers: tuple[str, ...] = ()

    def __init__(self, name: TopologyName = "multi_az_instance") -> None:
        self.name, self.writer = name, self.zones[0]
        self.broken: set[str] = set()
        self.hung: set[str] = set()
        self.unfit: set[str] = set()
        self.done: list[str] = []

    def create(self) -> None: ...

    def endpoint(self, zone: str) -> SqlEndpoint:
        return SqlEndpoint(engine=self.engine, host=zone, port=1, user="", password="", database="")

    def apply(self, parameters: Mapping[str, str]) -> None: ...

    def crash(self, zone: str) -> None:
        self.broken.add(zone)

    def hang(self, zone: str) -> None:
        self.broken.add(zone)
        self.hung.add(zone)

    def stop(self, zone: str) -> None:
        self.done.append(f"stop {zone}")
        self.broken.add(zone)

    def fence(self, zone: str) -> None:
        self.done.append(f"fence {zone}")
        self.hung.discard(zone)

    def candidate(self) -> str:
        return next(zone for zone in self.zones if zone != self.writer)

    def promote(self, zone: str, on_event: OnEvent) -> None:
        on_event("server_started", zone)
        if zone in self.unfit:
            raise ServerFailed(f"the server in {zone} ended with exit code 1")
        self.done.append(f"promote {zone}")
        self.broken.discard(zone)
        self.writer = zone
        on_event("server_ready", zone)

    def lost_rows(self, trial: int) -> set[int] | None:
        return None

    def restore(self) -> None: ...


class ScriptedCheck:
    """Whether ``topology`` says that a zone answers; one that hangs takes until ``timeout_s``. ``missed``: what fails though it is well."""

    def __init__(self, topology: ScriptedTopology, time: Time, timeout_s: float) -> None:
        self._topology, self._time, self._timeout_s = topology, time, timeout_s
        self.asked, self.closed = 0, 0
        self.missed: set[int] = set()

    def __call__(self, zone: str) -> bool:
        self.asked += 1
        if zone in self._topology.hung:
            self._time.sleep_s(self._timeout_s)
        return zone not in self._topology.broken and self.asked not in self.missed

    def close(self) -> None:
        self.closed += 1
