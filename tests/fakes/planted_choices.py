"""Findings of sql_vs_nosql whose figures are known, in the ids and labels that its report writes, and the run they stand in."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Record = dict[str, Any]
STEP = "1000"


def finding(
    id: str, arm: str, pattern: str, value: float | None, *, unit: str = "ms", n: int = 6, part: str = "patterns", step: str = STEP,
    width: float = 0.0, reason: str | None = None, **labels: str,
) -> Record:  # fmt: skip
    """One record of findings.json; ``width`` is half its interval, 0 for one that is exact."""
    low, high = (None, None) if value is None else (value - width, value + width)
    return {
        "id": f"sql_vs_nosql.{id}", "scenario": "sql_vs_nosql", "sentence": "…", "value": value, "unit": unit, "better": "lower", "n": n,
        "target": "local", "low": low, "high": high,
        "labels": {"part": part, "pattern": pattern, "arm": arm, "step": step, "client": "lean", "op": pattern, "loop": "closed", **labels},
        "basis": "local_model", "status": "measured" if value is not None else "not_measured", "reason": reason,
    }  # fmt: skip


def cpu(arm: str, pattern: str, ms: float, **more: Any) -> Record:
    """CPU an answer of a SQL arm."""
    return finding("cpu_ms_per_answer", arm, pattern, ms, **more)


def units(pattern: str, value: float, **more: Any) -> Record:
    """Units an answer of DynamoDB."""
    return finding("units_per_answer", "dynamodb", pattern, value, unit="units", **more)


def hit_rate(arm: str, pattern: str, share: float, **more: Any) -> Record:
    """Of a cached arm."""
    return finding("hit_rate", f"{arm}_cached", pattern, share, unit="share", **more)


def exponent(arm: str, pattern: str, value: float, **more: Any) -> Record:
    """How what an answer costs grows with the table."""
    return finding("growth_exponent", arm, pattern, value, unit="exponent", part="growth", **more)


def cannot(arm: str, pattern: str, reason: str) -> Record:
    """An arm that can't do a pattern."""
    return finding("cpu_ms_per_answer", arm, pattern, None, reason=f"cannot: {reason}")


def needed(arm: str, pattern: str, consistency: str) -> Record:
    """The event that says how consistent an arm's answers to a pattern are."""
    return {
        "scenario": "sql_vs_nosql", "kind": "needed", "arm": arm, "pattern": pattern, "words": "…", "consistency": consistency,
        "requests": "1",
    }  # fmt: skip


def planted_run(
    path: Path, findings: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]] = (), **manifest: Any
) -> Path:
    """A whole run directory with these findings, as `dbharness run` leaves it."""
    path.mkdir(parents=True)
    whole = {
        "schema": 1, "samples_schema": 1, "findings_schema": 1, "id": path.name, "status": "complete", "started": "2026-11-28T12:00:00+00:00",
        "profile": "standard", "target": "local", "scenarios": {"sql_vs_nosql": {"status": "complete", "trials": []}},
    }  # fmt: skip
    (path / "manifest.json").write_text(json.dumps(whole | manifest))
    (path / "findings.json").write_text(json.dumps(list(findings)))
    (path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return path
