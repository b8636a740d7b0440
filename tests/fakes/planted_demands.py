"""Runs of capacity_modes whose truth is known: every operation with its attempts is written down, nothing is simulated."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rundir import PlantedRun, trial

NAME = "capacity_modes"
EXTRA: Any = {"kind": "text", "demand_units": "float"}
SPEED, CAPACITY = 50.0, 4
COMMON: dict[str, Any] = {
    "speed": SPEED, "scale": 1000.0, "read_capacity_units": CAPACITY, "write_capacity_units": CAPACITY,
}  # fmt: skip
OPS = {"read": "GetItem", "write": "PutItem"}
ATTEMPT_S = 0.01  # how long an attempt takes, service seconds
BEGIN_NS = 10**13


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One operation of a unit: when it is due, and each attempt as (seconds after that, reason it was refused or None)."""

    kind: str
    due_s: float
    attempts: tuple[tuple[float, str | None], ...] = ((0.0, None),)
    index_units: float | None = None


def evenly(
    kind: str,
    per_s: float,
    from_s: float,
    to_s: float,
    refused: Callable[[int], str | None] = lambda _: None,
    **more: Any,
) -> Iterator[Op]:
    """So many operations a service second, one attempt each; ``refused`` says of each, by its number, for what reason."""
    for number in range(round((to_s - from_s) * per_s)):
        yield Op(kind=kind, due_s=from_s + number / per_s, attempts=((0.0, refused(number)),), **more)


def every(nth: int, reason: str, *, after: int = 0) -> Callable[[int], str | None]:
    """Every ``nth`` operation is refused, counted from number ``after`` on."""
    return lambda number: reason if number >= after and (number - after) % nth == 0 else None


class PlantedDemands:
    """Collects the trials of one run; ``load`` writes them and reads the run back."""

    def __init__(self, planted: PlantedRun) -> None:
        self.planted = planted
        self._trials: list[dict[str, Any]] = []
        self._rows: list[dict[str, Any]] = []

    def trial(
        self, part: str, arm: str, ops: Iterable[Op], *, service_s: float, demand: str = "flat", step: str = "2x",
        policy: str = "none", done: bool = True, **params: Any,
    ) -> int:  # fmt: skip
        """Add a trial; its number. Operations are numbered as they come."""
        number = len(self._trials)
        labels = {"part": part, "demand": demand, "policy": policy}
        parameters = {**COMMON, "service_s": service_s, "peak_multiple": 2.0, **params}
        pair = sum(one["arm"] == arm and one["step"] == step for one in self._trials)
        self._trials.append(trial(number, arm, step, pair=pair, done=done, labels=labels, params=parameters))
        self.planted.event(NAME, "trial_begin", trial=number, t_ns=self._ns(number, 0))
        for op_id, op in enumerate(ops):
            common = {"trial": number, "pair": pair, "arm": arm, "step": step, "op_id": op_id, "op": OPS[op.kind]}
            self._rows += [common | row for row in self._attempts(number, op)]
        return number

    def capacity(self, number: int, at_s: float, read: float, write: float, resource: str = "table") -> None:
        """What the service said was provisioned from then on."""
        t_ns = self._ns(number, at_s)
        self.planted.event(NAME, "capacity", trial=number, t_ns=t_ns, resource=resource, read=read, write=write)

    def consumed(self, number: int, read: float, write: float) -> None:
        """What the service counted itself in a trial."""
        t_ns = self._ns(number, 0)
        self.planted.event(NAME, "consumed", trial=number, t_ns=t_ns, read_units=read, write_units=write)

    def load(self, **fields: Any) -> Any:
        """The run, read back."""
        self.planted.samples(NAME, self._rows, EXTRA)
        servers = {"dynamodb": "dbharness twin"}
        self.planted.scenario(NAME, params={"retries": "none"}, trials=self._trials, servers=servers, **fields)
        return self.planted.load()

    def _ns(self, number: int, at_s: float) -> int:
        return BEGIN_NS * (number + 1) + round(at_s / SPEED * 1e9)

    def _attempts(self, trial: int, op: Op) -> Iterator[Mapping[str, Any]]:
        for attempt, (after_s, reason) in enumerate(op.attempts, 1):
            at_s = op.due_s + after_s
            held = reason == "ClientSendRate"
            yield {
                "kind": op.kind, "demand_units": 1.0, "attempt": attempt, "t_intended": self._ns(trial, op.due_s),
                "t_start": self._ns(trial, at_s), "t_end": self._ns(trial, at_s if held else at_s + ATTEMPT_S),
                "outcome": "ok" if reason is None else "throttled", "reason": reason,
                "error_code": "GaveUp" if held else None,
                f"{op.kind}_units": None if reason else 1.0 + (op.index_units or 0.0),
                "index_units": None if reason else op.index_units,
            }  # fmt: skip
