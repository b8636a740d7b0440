"""Planted trials of cache_hit_rate: reads and writes whose parts, hits and times are said row by row."""

from collections.abc import Iterable, Mapping
from typing import Any

from rundir import PlantedRun, trial

NAME = "cache_hit_rate"
EXTRA: Any = {
    "engine": "text", "role": "text", "get_ns": "int", "db_ns": "int", "set_ns": "int", "waited_ns": "int", "key": "int",
    "version_read": "int", "version_current": "int",
}  # fmt: skip
PARAMS = {"engines": ["postgres"], "cache_shares": [0.1, 1.0], "trials": 3, "warm_up_s": 0.7, "measured_s": 0.8}
SERVERS = {"postgres": "PostgreSQL 18.0", "valkey": "Valkey 9.0"}
MS = 10**6
S = 10**9


class PlantedParts:
    """Collects trials of any part; ``write`` puts them into the run. Times of rows count from their trial's begin."""

    def __init__(self, planted: PlantedRun) -> None:
        self.planted = planted
        self.rows: list[dict[str, Any]] = []
        self.planned: list[dict[str, Any]] = []

    def trial(
        self, part: str, arm: str, step: str, rows: Iterable[Mapping[str, Any]], *, engine: str = "postgres",
        done: bool = True, **params: Any,
    ) -> int:  # fmt: skip
        """A trial and its rows; returns its number. A row says ``at_ms`` when it began and ``ms`` how long it took."""
        number = len(self.planned)
        labels = {"part": part, "engine": engine}
        self.planned.append(trial(number, arm, step, pair=number, done=done, labels=labels, params=params))
        begins = begin_ns(number)
        for row in rows:
            own = dict(row)
            start = begins + round(own.pop("at_ms") * MS)
            end = start + round(own.pop("ms", 1.0) * MS)
            own = {"op": "read", "role": "reader", "hit": True} | own
            if (due := own.pop("due_ms", None)) is not None:
                own["t_intended"] = begins + round(due * MS)
            common = {"trial": number, "pair": number, "arm": arm, "step": step, "engine": engine}
            self.rows.append(common | {"t_start": start, "t_end": end} | own)
        return number

    def event(self, kind: str, number: int, at_ms: float = 0.0, **fields: Any) -> None:
        """An event of a trial, at a time of it."""
        self.planted.event(
            NAME, kind, trial=number, t_ns=begin_ns(number) + round(at_ms * MS), engine="postgres", **fields
        )

    def write(self, **params: Any) -> None:
        """Samples and manifest."""
        self.planted.samples(NAME, self.rows, EXTRA)
        self.planted.scenario(NAME, params=PARAMS | params, trials=self.planned, servers=SERVERS)


def begin_ns(number: int) -> int:
    """When a trial began: a hundred seconds apart."""
    return (number + 1) * 100 * S
