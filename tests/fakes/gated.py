"""Runs that hold what gates are judged on: a manifest and findings whose figures are given."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rundir import BLANK, PlantedRun

from harness.gate_rules import parse
from reports.gates.evaluate import evaluate
from reports.gates.outcome import Verdict
from reports.records import Recorded

SCENARIO = "shop"


def finding(
    name: str, value: float | None, low: float | None = None, high: float | None = None, **fields: Any
) -> dict[str, Any]:
    """A record of findings.json; ``fields`` go over those of a latency in ms that was measured in six trials."""
    return {
        "id": f"{SCENARIO}.{name}", "scenario": SCENARIO, "sentence": f"{name}.", "value": value, "unit": "ms",
        "better": "lower", "n": 6, "target": "local", "low": low, "high": high, "labels": {}, "basis": "local_model",
        "status": "measured", "reason": None,
    } | fields  # fmt: skip


def gated(
    path: Path, findings: Sequence[Mapping[str, Any]], *, samples: int = 3, gates: Sequence[str] = (),
    started: str = "2026-11-28T18:00:00+00:00", **entry: Any,
) -> Recorded:  # fmt: skip
    """A run of one scenario with these findings, and so many ``samples``; ``entry`` goes over the scenario's entry of the manifest."""
    planted = PlantedRun(path)
    planted.manifest |= {"started": started, "config": {"gates": list(gates)}}
    planted.scenario(SCENARIO, params={}, trials=[], **({"rows": 3} | entry))
    planted.samples(SCENARIO, [BLANK | {"trial": 0}] * samples, {})
    planted.load()
    (path / "findings.json").write_text(json.dumps(list(findings)))
    return Recorded.load(path)


def judged(run: Recorded, *gates: str, baselines: Sequence[Recorded] = (), **options: Any) -> Verdict:
    """What gates come to on a run."""
    return evaluate(run, [parse(gate) for gate in gates], baselines=baselines, **options)
