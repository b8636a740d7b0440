"""The demand that a run made, in service time: what `dbharness plan --from-run` replays."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from harness.arrow import keep_pandas_out
from harness.demand.trace import Trace
from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.model import Demand, Units
from harness.errors import UsageError

_COLUMNS = ("trial", "phase", "t_intended", "t_start", "read_units", "write_units")
_ASKED = ("kind", "demand_units")
"""Columns of a scenario that says what a request would have consumed, throttled or not."""


def read_run(run: Path, scenario: str | None = None, arm: str | None = None) -> Trace:
    """The units of one arm's trials, laid end to end in service seconds from when the run started. Raises UsageError.

    ``scenario`` and ``arm`` may be left out where only one has units. Where the samples say what a request would have
    consumed that is taken, else what was consumed: throttled requests then count as nothing.
    """
    keep_pandas_out()
    manifest = _manifest(run)
    name = scenario or _only_scenario(run, manifest)
    trials = manifest["scenarios"].get(name, {}).get("trials") or []
    arms = sorted({str(trial["arm"]) for trial in trials})
    if arm is None and len(arms) > 1:
        raise UsageError(f"{run}: {name} has the arms {', '.join(arms)}: choose one with --arm")
    chosen = [trial for trial in trials if trial["done"] and arm in (None, trial["arm"])]
    if not chosen:
        raise UsageError(
            f"{run}: {name} has no finished trial of arm {arm or 'any'}; it has {', '.join(arms) or 'none'}"
        )
    table = _samples(run, name)
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


def _manifest(run: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((run / "manifest.json").read_text())
        manifest["scenarios"], manifest["started"]
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"--from-run {run}: not a run directory; name one that `dbharness run` wrote") from error
    return manifest


def _only_scenario(run: Path, manifest: dict[str, Any]) -> str:
    names = [str(name) for name in manifest["scenarios"] if _has_units(run, name)]
    if len(names) == 1:
        return names[0]
    found = ", ".join(names) or "none"
    raise UsageError(f"{run}: scenarios that consumed units: {found}; choose one with --scenario")


def _has_units(run: Path, name: str) -> bool:
    try:
        table = _samples(run, name)
    except UsageError:
        return False
    return any((_units(table, kind) > 0).any() for kind in KINDS)


def _samples(run: Path, name: str) -> pa.Table:
    """The measured rows of one scenario, every worker's."""
    parts = []
    folder = run / "samples"
    compacted = sorted(folder.glob(f"{name}.*.parquet"))
    done = {path.with_suffix("") for path in compacted}
    streams = [path for path in sorted(folder.glob(f"{name}.*.arrows")) if path.with_suffix("") not in done]
    for files, form in ((compacted, "parquet"), (streams, "arrow")):
        for path in files:
            try:
                part = _stream(path) if form == "arrow" else ds.dataset(path, format="parquet").to_table()
            except (pa.ArrowException, OSError) as error:
                raise UsageError(f"{path}: can't be read: {error}") from error
            parts.append(part.select([column for column in (*_COLUMNS, *_ASKED) if column in part.column_names]))
    if not parts:
        raise UsageError(f"{run}: {name} has no samples")
    table = pa.concat_tables(parts, promote_options="permissive")
    return table.filter(pc.equal(table["phase"].cast(pa.string()), "measured"))


def _stream(path: Path) -> pa.Table:
    with pa.ipc.open_stream(str(path)) as reader:
        return reader.read_all()


def _units(rows: pa.Table, kind: Kind) -> Units:
    if set(_ASKED) <= set(rows.column_names):
        mine = pc.equal(rows["kind"].cast(pa.string()), kind).to_numpy(zero_copy_only=False)
        return np.where(mine.astype(bool), np.nan_to_num(_floats(rows["demand_units"])), 0.0)
    return np.nan_to_num(_floats(rows[f"{kind}_units"]))


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return values
