"""The demand that a run made, in service time: what `dbharness plan --from-run` replays."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from harness.arrow import keep_pandas_out
from harness.demand.trace import Trace
from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.model import Demand, Units
from harness.errors import UsageError
from harness.run_samples import chosen_trials, manifest_of, samples_of

_COLUMNS = ("trial", "phase", "t_intended", "t_start", "read_units", "write_units")
_ASKED = ("kind", "demand_units")
"""Columns of a scenario that says what a request would have consumed, throttled or not."""


def read_run(run: Path, scenario: str | None = None, arm: str | None = None) -> Trace:
    """The units of one arm's trials, laid end to end in service seconds from when the run started. Raises UsageError.

    ``scenario`` and ``arm`` may be left out where only one has units. Where the samples say what a request would have
    consumed that is taken, else what was consumed: throttled requests then count as nothing.
    """
    keep_pandas_out()
    manifest = manifest_of(run)
    name = scenario or _only_scenario(run, manifest)
    chosen = chosen_trials(run, manifest, name, arm)
    table = samples_of(run, name, (*_COLUMNS, *_ASKED))
    seconds: list[Units] = []
    units: dict[Kind, list[Units]] = {kind: [] for kind in KINDS}
    begins_s = 0.0
    for trial in chosen:
        rows = table.filter(pc.equal(table["trial"], trial["trial"]))
        if not rows.num_rows:
            continue
        times = _floats(pc.coalesce(rows["t_intended"], rows["t_start"]))
        service_s = (times - times.min()) / 1e9 * float(trial["params"].get("speed", 1))
        seconds.append(begins_s + service_s)
        begins_s += float(service_s.max())
        for kind in KINDS:
            units[kind].append(_units(rows, kind))
    if not seconds:
        raise UsageError(f"{run}: {name}: no samples in the trials asked for")
    minutes = max(1, int(begins_s // MINUTE_S))
    place = (np.concatenate(seconds) // MINUTE_S).astype(np.int64)
    inside = place < minutes
    read, write = (
        np.bincount(place[inside], weights=np.concatenate(units[kind])[inside], minlength=minutes).astype(np.float64)
        for kind in KINDS
    )
    asked = set(_ASKED) <= set(table.column_names)
    notes = [
        f"{len(seconds)} trials of {name}{f', {arm}' if arm else ''} laid end to end: {minutes} whole minutes of service time.",
        "Demand is what the requests would have consumed."
        if asked
        else "Demand is what was consumed, throttled requests as 0.",
    ]
    start_s = int(datetime.fromisoformat(manifest["started"]).timestamp()) // 60 * 60
    return Trace(demand=Demand(start_s=start_s, read=read, write=write), source=f"run {run.name}", notes=tuple(notes))


def _only_scenario(run: Path, manifest: dict[str, Any]) -> str:
    names = [str(name) for name in manifest["scenarios"] if _has_units(run, name)]
    if len(names) == 1:
        return names[0]
    found = ", ".join(names) or "none"
    raise UsageError(f"{run}: scenarios that consumed units: {found}; choose one with --scenario")


def _has_units(run: Path, name: str) -> bool:
    try:
        table = samples_of(run, name, (*_COLUMNS, *_ASKED))
    except UsageError:
        return False
    return any((_units(table, kind) > 0).any() for kind in KINDS)


def _units(rows: pa.Table, kind: Kind) -> Units:
    if set(_ASKED) <= set(rows.column_names):
        mine = pc.equal(rows["kind"].cast(pa.string()), kind).to_numpy(zero_copy_only=False)
        return np.where(mine.astype(bool), np.nan_to_num(_floats(rows["demand_units"])), 0.0)
    return np.nan_to_num(_floats(rows[f"{kind}_units"]))


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return values
