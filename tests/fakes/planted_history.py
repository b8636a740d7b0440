"""Stores whose truth is known: run directories with manifests and findings, and nothing measured behind them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rundir import PlantedRun

SCENARIO = "query_vs_scan"
FIRST_NIGHT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
Value = float | tuple[float, float | None, float | None] | None


def record(id: str, value: Value, **fields: Any) -> dict[str, Any]:
    """A finding as findings.json has it: a number is exact, three are value, low and high, None wasn't measured."""
    number, low, high = value if isinstance(value, tuple) else (value, value, value)
    absent: dict[str, Any] = {"status": "not_measured", "reason": "planted"} if number is None else {}
    return {
        "id": f"{SCENARIO}.{id}", "scenario": SCENARIO, "sentence": "Planted.", "value": number, "unit": "ms", "better": "lower",
        "n": 6, "target": "local", "low": low, "high": high, "labels": {}, "basis": "local_model", "status": "measured",
        "reason": None,
    } | absent | fields  # fmt: skip


def planted_run(
    path: Path, findings: Sequence[Mapping[str, Any]], *, night: int = 0, scenario: str = SCENARIO, **manifest: Any
) -> Path:
    """A whole run of that night; ``manifest`` goes over what it would say."""
    run = PlantedRun(path)
    run.scenario(scenario, params={}, trials=[])
    started = (FIRST_NIGHT + timedelta(days=night)).isoformat()
    run.manifest |= {"started": started, "config": {"scenarios": {scenario: {"client": "lean"}}}} | manifest
    (path / "findings.json").write_text(json.dumps(list(findings)))
    (path / "report.html").write_text("<p>planted</p>")
    run.write()
    return path


def planted_nights(
    store: Path, values: Sequence[Value], *, id: str = "latency_p95_ms", changes: Mapping[int, Mapping[str, Any]] | None = None,
    **fields: Any,
) -> list[Path]:  # fmt: skip
    """A run a night with one figure; ``changes`` go over the manifest from their night on."""
    paths, manifest = [], dict[str, Any]()
    for night, value in enumerate(values):
        manifest |= (changes or {}).get(night, {})
        findings = [record(id, value, **fields)]
        paths.append(planted_run(store / f"night-{night + 1:02}", findings, night=night, **manifest))
    return paths


def noisy(level: float, count: int, *, share: float = 0.01) -> list[Value]:
    """Values around a level, by turns a little above and below, each with an interval: no chance is needed for a spread."""
    turns = (-1.0, 0.4, 1.0, -0.4)
    values = [level * (1 + share * turns[index % len(turns)]) for index in range(count)]
    return [(value, value * 0.98, value * 1.02) for value in values]
