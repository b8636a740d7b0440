"""What snapshots and restores came to, as findings.json has findings: RPO and RTO, one trial each. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from harness.aws.restorable import Database
from harness.aws.snapshots import Copied, Restored

SCENARIO = "aws_operations"
_WORDS = {"snapshot": "from a snapshot", "point_in_time": "to a point in time"}


def of_snapshot(copied: Copied, *, basis: str = "aws") -> list[dict[str, Any]]:
    """How long a manual snapshot took."""
    source = copied.source
    sentence = f"A manual snapshot of {_named(source)} took {_time(copied.took_s)} from asking until it was available."
    return [_finding("snapshot_s", sentence, copied.took_s, labels_of(source), basis=basis)]


def of_restore(restored: Restored, *, basis: str = "aws") -> list[dict[str, Any]]:
    """How much a restore would have lost, and how long it took until the database was there and answered."""
    labels, made = labels_of(restored.source) | {"by": restored.by}, []
    what = f"{_named(restored.source)} {_WORDS[restored.by]}"
    state = "the snapshot began" if restored.by == "snapshot" else "RDS could restore to"
    made.append(_finding(
        "rpo_s", f"When it was asked for, the newest state that {state} was {_time(restored.behind_s)} old ({_named(restored.source)}).",
        restored.behind_s, labels, basis=basis, reason="RDS didn't say when the snapshot began",
    ))  # fmt: skip
    made.append(_finding(
        "rpo_row_s", f"The newest row of {what} was {_time(restored.row_behind_s)} older than the source's when it was asked for.",
        restored.row_behind_s, labels, basis=basis, reason="no row was asked for: give --probe-sql",
    ))  # fmt: skip
    for until, value in (("available", restored.available_s), ("answers", restored.answers_s)):
        seen = (
            f"looked at every {restored.poll_s:g} s" if until == "available" else "asked from a load generator, by SSM"
        )
        words = "was available" if until == "available" else "answered"
        made.append(_finding(
            "rto_s", f"Restoring {what} took {_time(value)} from asking until it {words} ({seen}).",
            value, labels | {"until": until}, basis=basis, reason="nobody asked the database: give --probe",
        ))  # fmt: skip
    return made


def labels_of(source: Database) -> dict[str, str]:
    """What tells one restore from another: neither name nor endpoint."""
    return {
        "database": source.what, "engine": source.engine, "version": source.version, "class": source.size,
        "storage_gb": str(source.storage_gb), "multi_az": "yes" if source.multi_az else "no",
    }  # fmt: skip


def to_json(findings: Sequence[dict[str, Any]]) -> str:
    """As findings.json is written: one finding a line."""
    lines = (json.dumps(finding, ensure_ascii=False, allow_nan=False) for finding in findings)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _finding(
    name: str, sentence: str, value: float | None, labels: dict[str, str], *, basis: str, reason: str | None = None
) -> dict[str, Any]:
    """One measurement, so no interval; without a value it wasn't measured, and ``reason`` says why."""
    measured = value is not None
    return {
        "id": f"{SCENARIO}.{name}", "scenario": SCENARIO,
        "sentence": sentence if measured else f"{SCENARIO}.{name}: not measured: {reason}.",
        "value": value, "unit": "s", "better": "lower", "n": 1 if measured else 0, "target": "aws", "low": None,
        "high": None, "labels": labels, "basis": basis, "status": "measured" if measured else "not_measured",
        "reason": None if measured else reason,
    }  # fmt: skip


def _named(source: Database) -> str:
    kind = "Multi-AZ cluster" if source.what == "cluster" else "Multi-AZ instance" if source.multi_az else "instance"
    return f"a {kind} ({source.engine} {source.version}, {source.size}, {source.storage_gb} GB)"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{seconds:.0f} s" if abs(seconds) < 120 else f"{seconds / 60:.1f} min"
