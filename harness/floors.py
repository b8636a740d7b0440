"""The floor under a latency: what the same client takes where nothing is done for it.

Each probe of a scenario is the scenario's own operation, asked of a responder that has heard the server's answer once
and gives it from then on: same client, same bytes, same kind of socket, no database. Probes take turns, in trials as
short as the budget makes them, with as many in flight as the load has. What is left out of the floor, as it is left
out of a service time: recording the answer, which comes after its end was noted.
"""

import gc
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gevent.pool
import numpy as np

from harness.errors import CannotMeasure, HarnessError
from harness.local.processes import Warden
from harness.local.responding import Responder
from harness.scenario import Context, FloorProbe, Scenario, Slot

logger = logging.getLogger(__name__)
# Of a whole run, shared by its scenarios.
BUDGET_S: Mapping[str, float] = {"smoke": 2.0, "quick": 10.0, "standard": 10.0}
TRIALS, LEAST_TRIALS = 5, 3
TRIAL_S, LEAST_TRIAL_S = 0.25, 0.005
WARM_UP_SHARE = 0.2  # of a trial: the processors have just done something else
_LEARN_ATTEMPTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorTrial:
    """Service times of one short trial, ns."""

    n: int
    mean_ns: float
    p50_ns: float
    p95_ns: float
    p99_ns: float

    @classmethod
    def of(cls, times_ns: Sequence[int]) -> "FloorTrial":
        """What a list of at least one time comes to."""
        p50, p95, p99 = np.percentile(times_ns, (50, 95, 99))
        return cls(
            n=len(times_ns), mean_ns=float(np.mean(times_ns)), p50_ns=float(p50), p95_ns=float(p95), p99_ns=float(p99)
        )


@dataclass(slots=True, kw_only=True)
class Floor:
    """One probe's floor: bytes of one whole operation both ways, CPU of this process and of the responder, the trials."""

    probe: FloorProbe
    slots: int
    request_bytes: int
    answer_bytes: int
    cpu_ns: int = 0
    responder_cpu_ns: int = 0
    trials: list[FloorTrial] = field(default_factory=list)

    @property
    def operations(self) -> int:
        """How many operations the trials hold."""
        return sum(trial.n for trial in self.trials)

    def as_record(self) -> dict[str, Any]:
        """The floor as the manifest keeps it."""
        probe = self.probe
        return {
            "client": probe.client, "op": probe.op, "labels": dict(probe.labels), "slots": self.slots,
            "request_bytes": self.request_bytes, "answer_bytes": self.answer_bytes,
            "cpu_ns": round(self.cpu_ns / self.operations),
            "responder_cpu_ns": round(self.responder_cpu_ns / self.operations),
            "trials": [
                {"n": t.n, "mean_ns": t.mean_ns, "p50_ns": t.p50_ns, "p95_ns": t.p95_ns, "p99_ns": t.p99_ns}
                for t in self.trials
            ],
        }  # fmt: skip


def measure(scenario: Scenario[Any], context: Context) -> list[dict[str, Any]]:
    """The floors of ``scenario``'s probes as the manifest keeps them; empty where it gives none.

    A floor that can't be had is left out with a line in the log: the report then says *not measured*.
    """
    try:
        probes = scenario.floor_probes()
        if not probes:
            return []
        budget_s = BUDGET_S[context.config.profile] / max(1, len(context.config.scenarios))
        return [floor.as_record() for floor in floors_of(probes, slots=context.slots, budget_s=budget_s)]
    except HarnessError as error:
        logger.warning("no floors: %s", error)
        return []


def floors_of(probes: Sequence[FloorProbe], *, slots: int, budget_s: float) -> list[Floor]:
    """Measure the floors of ``probes`` in about ``budget_s`` in all; those that no responder can answer are left out."""
    deadline_s = time.monotonic() + budget_s
    held = [Slot(-1 - index) for index in range(max(probe.slots or slots for probe in probes))]
    warden = Warden.start()
    try:
        responder = Responder.start(warden, {probe.role: probe.server for probe in probes})
        floors = [floor for probe in probes if (floor := _learn(probe, held, slots, responder, deadline_s)) is not None]
        with uncollected():
            _take_turns(floors, held, responder, deadline_s)
        return [floor for floor in floors if floor.trials]
    finally:
        for slot in held:
            slot.close()
        warden.close()


def _learn(probe: FloorProbe, held: list[Slot], slots: int, responder: Responder, deadline_s: float) -> Floor | None:
    """Ask until the responder answers an operation all by itself, then open the other slots' connections."""
    port = responder.ports[probe.role]
    wanted = held[: probe.slots or slots]
    try:
        if time.monotonic() > deadline_s:
            raise CannotMeasure("the time for floors was over")
        for slot in wanted:
            slot.hold(probe.key, lambda: probe.connect("127.0.0.1", port))
        for _ in range(_LEARN_ATTEMPTS):
            before = responder.counts()[probe.role]
            seen = probe.act(wanted[0])
            did = responder.counts()[probe.role].since(before)
            if seen.outcome != "ok":
                raise CannotMeasure(f"it was answered {seen.outcome} {seen.error_code}")
            if did.replayed and not did.passed_on:
                for slot in wanted[1:] * 2:  # a statement is prepared at its first use
                    probe.act(slot)
                return Floor(
                    probe=probe, slots=len(wanted), request_bytes=did.asked_bytes, answer_bytes=did.answered_bytes
                )
        raise CannotMeasure("its request isn't the same each time")
    except Exception as error:  # noqa: BLE001 - a floor that can't be had must not cost the run; drivers raise anything
        logger.warning("no floor of %s %s: %s", probe.client, probe.op, error)
        return None


def _take_turns(floors: list[Floor], held: Sequence[Slot], responder: Responder, deadline_s: float) -> None:
    """A trial of each floor, as often as time allows; one that breaks has none."""
    left_s = deadline_s - time.monotonic()
    trial_s = min(TRIAL_S, max(LEAST_TRIAL_S, left_s / (TRIALS * max(1, len(floors)))))
    broken: set[int] = set()
    for done in range(TRIALS):
        if done >= LEAST_TRIALS and time.monotonic() > deadline_s:
            return
        for place, floor in enumerate(floors):
            if place in broken:
                continue
            try:
                _trial(floor, held, responder, trial_s)
            except Exception as error:  # noqa: BLE001 - see _learn
                probe = floor.probe
                logger.warning("no floor of %s %s: %s", probe.client, probe.op, error)
                floor.trials.clear()
                broken.add(place)


def _trial(floor: Floor, held: Sequence[Slot], responder: Responder, trial_s: float) -> None:
    """A closed loop of ``trial_s``, its first part to warm up; raises CannotMeasure where the server had to answer."""
    role = floor.probe.role
    passed_on = responder.counts()[role].passed_on
    _closed_loop(floor, held, WARM_UP_SHARE * trial_s)
    cpu_ns, responder_ns = time.thread_time_ns(), responder.cpu_ns()
    times_ns = _closed_loop(floor, held, (1 - WARM_UP_SHARE) * trial_s)
    floor.cpu_ns += time.thread_time_ns() - cpu_ns
    floor.responder_cpu_ns += responder.cpu_ns() - responder_ns
    if responder.counts()[role].passed_on > passed_on:
        raise CannotMeasure("its request isn't the same each time")
    floor.trials.append(FloorTrial.of(times_ns))


def _closed_loop(floor: Floor, held: Sequence[Slot], length_s: float) -> list[int]:
    """The time of each operation that was done in ``length_s``, at least one a slot."""
    act, clock_ns = floor.probe.act, time.monotonic_ns
    times_ns: list[int] = []
    end_ns = clock_ns() + int(length_s * 1e9)

    def work(slot: Slot) -> None:
        while True:
            start_ns = clock_ns()
            seen = act(slot)
            now_ns = clock_ns()
            if seen.outcome != "ok":
                raise CannotMeasure(f"it was answered {seen.outcome} {seen.error_code}")
            times_ns.append(now_ns - start_ns)
            if now_ns >= end_ns:
                return
            if floor.slots > 1:
                gevent.sleep(0)  # as the load does: a slot whose answer is there already would never let another run

    if floor.slots == 1:
        work(held[0])
        return times_ns
    crew = gevent.pool.Group()
    try:
        for slot in held[: floor.slots]:
            crew.spawn(work, slot)
        crew.join(raise_error=True)
    finally:
        crew.kill()
    return times_ns


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, as the load's own trials are."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
