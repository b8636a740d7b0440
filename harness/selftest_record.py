"""The latest self-test, kept beside the servers and data of the project's cache, for the reports of later runs."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.paths import cache_dir
from harness.planted.truths import Recovery
from harness.rundir import git_state, machine, now_iso, versions
from harness.selftest_table import RECORD_SCHEMA


def record_of(recoveries: Sequence[Recovery], took_s: float) -> dict[str, Any]:
    """The record of a self-test that ran just now in this checkout on this machine."""
    git = git_state() or {"commit": None, "dirty": False}
    here = machine()
    return {
        "schema": RECORD_SCHEMA, "dbharness": versions()["dbharness"], "commit": git["commit"], "dirty": git["dirty"],
        "machine": {name: here[name] for name in ("cpu", "cores", "memory_bytes", "os", "kernel")},
        "date": now_iso(), "took_s": round(took_s, 1), "truths": [_truth(recovery) for recovery in recoveries],
    }  # fmt: skip


def keep(record: Mapping[str, Any]) -> Path:
    """Put it in the place of the one before; the file. A cache that can't be written to keeps the old one: raises OSError."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(record, indent=1) + "\n")
    return partial.replace(path)


def latest() -> dict[str, Any] | None:
    """The record that was kept last; None where there is none that this version can read."""
    try:
        record: dict[str, Any] = json.loads(_path().read_text())
        return record if record["schema"] == RECORD_SCHEMA and record["truths"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path() -> Path:
    return cache_dir() / "selftest.json"


def _truth(recovery: Recovery) -> dict[str, Any]:
    truth = recovery.truth
    return {
        "name": truth.name, "unit": truth.unit, "planted": truth.value, "error": truth.error, "status": truth.status,
        "found": recovery.found, "why": recovery.why,
    }  # fmt: skip
