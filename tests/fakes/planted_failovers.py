"""Planted trials of rds_failover: what each client meets is said in milliseconds since the fault, attempt by attempt."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rundir import PlantedRun, trial

NAME = "rds_failover"
EXTRA: Any = {
    "engine": "text", "client_arm": "text", "write_id": "int", "zone": "text", "resolved_ns": "int", "connected_ns": "int",
    "authenticated_ns": "int", "seen_id": "int",
}  # fmt: skip
SERVERS = {"mysql": "MariaDB 10.11.19", "postgres": "PostgreSQL 18.0"}
DRIVERS = {"mysql": "pymysql", "postgres": "psycopg"}
MS = 1_000_000
BEFORE_MS, CAP_MS, EVERY_MS, SERVICE_MS = 500, 2000, 10, 1
OLD, NEW = "127.0.1.1", "127.0.1.2"
# Milliseconds after the fault at which each of the controller's phases ends: 20, 5, 275 and 10 long.
CONTROLLER_MS = {"fault_detected": 20, "fenced": 25, "server_started": 26, "server_ready": 300, "dns_moved": 310}
STEPS = ("resolved_ns", "connected_ns", "authenticated_ns")


@dataclass(frozen=True, kw_only=True)
class Meets:
    """What one client meets after the fault. A probe is due every 10 ms, at the fault too, and takes 1 ms.

    The one due at the fault is the first that fails, the one due at ``write_ms`` − 10 (``read_ms``) is answered again: from the
    last answer before to the first one after it is ``write_ms``. 0: none fails; None: none is answered any more. ``writes`` and
    ``reads``: whether it does at all.
    """

    write_ms: int | None = 400
    read_ms: int | None = 300
    writes: bool = True
    reads: bool = True
    fails_after_ms: float = 1  # what a failing attempt takes
    blocked_from_ms: int | None = None  # failing ticks from then on find no free connection
    slow_from_ms: int = 0  # answered probes due from then on …
    slow_until_ms: int = 0  # … until then take …
    slow_ms: float = 20  # … so long
    # step -> when it is taken, in an attempt that is answered at once; the last of them in that of the first write after the fault
    steps_ms: Mapping[str, float] = field(default_factory=dict)
    seen_id: Callable[[int], int] = lambda due_ms: due_ms


def begin_ns(number: int) -> int:
    """When a trial's fault comes."""
    return (number + 1) * 1000 * 10**9


class PlantedFailovers:
    """Collects trials; ``write`` puts them into the run."""

    def __init__(self, planted: PlantedRun) -> None:
        self.planted = planted
        self.rows: list[dict[str, Any]] = []
        self.planned: list[dict[str, Any]] = []

    def trial(
        self, engine: str = "mysql", topology: str = "multi_az_instance", fault: str = "crash", *,
        clients: Mapping[str, Meets], pace: str = "fast", durability: str = "default", done: bool = True,
        controller_ms: Mapping[str, float] = CONTROLLER_MS, cap_ms: int = CAP_MS, before_ms: int = BEFORE_MS, **params: Any,
    ) -> int:  # fmt: skip
        """One fault that all ``clients`` watch; returns the trial's number. ``params`` go over the usual ones."""
        number = len(self.planned)
        words = [topology, fault] + [durability] * (durability != "default") + ["rds"] * (pace == "rds")
        labels = {
            "part": "failover" if durability == "default" else "durability", "engine": engine, "topology": topology,
            "fault": fault, "pace": pace, "durability": durability,
        }  # fmt: skip
        usual: dict[str, Any] = {
            "probe_interval_ms": EVERY_MS, "before_s": before_ms / 1e3, "cap_s": cap_ms / 1e3, "connections": 16,
            "inter_az_ms": 0.0, "failovers_a_month": 1.0, "availability_target": 0.9995, "client_arms": ",".join(clients),
        }  # fmt: skip
        step = ".".join(words)
        self.planned.append(
            trial(number, "clients", step, pair=number, done=done, labels=labels, params=usual | params)
        )
        common = {
            "trial": number,
            "pair": number,
            "arm": "clients",
            "step": step,
            "engine": engine,
            "client": DRIVERS[engine],
        }
        for client, meets in clients.items():
            for row in probes(meets, cap_ms, before_ms):
                own = {key: begin_ns(number) + round(row.pop(key) * MS) for key in ("t_intended", "t_start", "t_end")}
                own |= {key: begin_ns(number) + round(row.pop(key) * MS) for key in STEPS if key in row}
                self.rows.append(common | {"client_arm": client, "op_id": len(self.rows)} | own | row)
        self.event("fault_injected", number, zone=OLD, fault=fault)
        for kind, at_ms in controller_ms.items():
            self.event(kind, number, at_ms, zone=NEW)
        return number

    def synchrony(
        self, engine: str, topology: str, inter_az_ms: float, commits_ms: list[float], *, pair: int, done: bool = True
    ) -> int:  # fmt: skip
        """A closed loop of commits that take so long, one after the other."""
        number, step = len(self.planned), f"{inter_az_ms:g}ms"
        labels = {
            "part": "synchrony",
            "engine": engine,
            "topology": topology,
            "fault": "",
            "pace": "fast",
            "durability": "default",
        }
        params = {"inter_az_ms": inter_az_ms, "connections": 1}
        self.planned.append(trial(number, topology, step, pair=pair, done=done, labels=labels, params=params))
        at_ms = 0.0
        for ms in commits_ms:
            self.rows.append(
                {
                    "trial": number, "pair": pair, "arm": topology, "step": step, "engine": engine, "client": DRIVERS[engine],
                    "op": "commit", "client_arm": "", "op_id": len(self.rows), "t_start": begin_ns(number) + round(at_ms * MS),
                    "t_end": begin_ns(number) + round((at_ms + ms) * MS),
                }
            )  # fmt: skip
            at_ms += ms
        return number

    def ledger(self, number: int, client: str, **counts: int) -> None:
        """What became of one client's writes; what isn't said is 0."""
        names = ("acknowledged", "failed", "ambiguous", "lost", "phantom", "duplicate", "ambiguous_present", "retried")
        self.event("ledger_checked", number, CAP_MS, client_arm=client, **dict.fromkeys(names, 0) | counts)

    def event(self, kind: str, number: int, at_ms: float = 0.0, **fields: Any) -> None:
        """An event of a trial, so long after its fault."""
        engine = self.planned[number]["labels"]["engine"]
        t_ns = begin_ns(number) + round(at_ms * MS)
        self.planted.event(NAME, kind, trial=number, t_ns=t_ns, engine=engine, **fields)

    def write(self, engines: tuple[str, ...] = ("mysql",), **fields: Any) -> None:
        """Samples and manifest."""
        self.planted.samples(NAME, self.rows, EXTRA)
        self.planted.scenario(NAME, params={"engines": list(engines)}, trials=self.planned, servers=SERVERS, **fields)


def probes(meets: Meets, cap_ms: int, before_ms: int) -> Iterator[dict[str, Any]]:
    """The rows of one client, times in ms since the fault."""
    kinds = (("write_probe", meets.write_ms, meets.writes), ("read_probe", meets.read_ms, meets.reads))
    for op, down_ms, does in kinds:
        for due_ms in range(-before_ms, cap_ms, EVERY_MS) if does else ():
            yield _probe(meets, op, due_ms, down_ms)


def _probe(meets: Meets, op: str, due_ms: int, down_ms: int | None) -> dict[str, Any]:
    row: dict[str, Any] = {"op": op, "t_intended": due_ms, "t_start": due_ms, "zone": OLD if due_ms < 0 else NEW}
    row |= {"write_id": due_ms if op == "write_probe" else -1, "seen_id": -1}
    if due_ms >= 0 and (down_ms is None or due_ms < down_ms - EVERY_MS):
        if meets.blocked_from_ms is not None and due_ms >= meets.blocked_from_ms:
            return row | {"t_end": due_ms, "outcome": "error", "error_code": "Blocked", "zone": "", "write_id": -1}
        return row | {"t_end": due_ms + meets.fails_after_ms, "outcome": "error", "error_code": "2013", "zone": OLD}
    slow = meets.slow_from_ms <= due_ms < meets.slow_until_ms
    row |= {"t_end": due_ms + (meets.slow_ms if slow else SERVICE_MS), "outcome": "ok"}
    if op == "read_probe":
        row["seen_id"] = meets.seen_id(due_ms)
    elif down_ms and due_ms == down_ms - EVERY_MS:
        row |= meets.steps_ms
    return row
