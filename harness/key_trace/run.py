"""The keys that a run read, where its scenario recorded them: what `dbharness plan-cache --from-run` sizes a cache for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.arrow import keep_pandas_out
from harness.cache.sizing.kernel import READ, Int64
from harness.errors import UsageError
from harness.key_trace.rows import KINDS
from harness.key_trace.trace import Collected, KeyTrace
from harness.run_samples import chosen_trials, manifest_of, samples_of

KEY = "key"
"""The column of its own, a text, in which a scenario records the key of each access; ``op`` says what it was, ``bytes`` its value."""
_COLUMNS = ("trial", "phase", "t_start", "attempt", "op", "bytes", KEY)


def read_run(
    run: Path, scenario: str | None = None, arm: str | None = None, *, item_bytes: int | None = None, rate: float = 1.0
) -> KeyTrace:
    """The measured accesses of one arm's trials after each other, each trial's in the order of their start. Raises UsageError.

    An operation that is neither a write nor a delete by its name is a read. ``item_bytes`` is the size of values that the
    samples don't tell.
    """
    keep_pandas_out()
    manifest = manifest_of(run)
    name = scenario or _only_scenario(run, list(manifest["scenarios"]))
    table = samples_of(run, name, _COLUMNS)
    if KEY not in table.column_names:
        raise UsageError(f"{run}: {_no_keys(name)}")
    collected = Collected(f"run {run.name}", rate)
    span_ns = 0
    trials = chosen_trials(run, manifest, name, arm)
    for trial in trials:
        rows = table.filter(pc.and_(pc.equal(table["trial"], trial["trial"]), pc.equal(table["attempt"], 1)))
        rows = rows.filter(rows[KEY].is_valid()).sort_by("t_start").combine_chunks()
        if rows.num_rows:
            starts = rows["t_start"].to_numpy()
            span_ns += int(starts[-1] - starts[0])
            operations = rows["op"].cast(pa.string()).to_pylist()
            kinds = np.array([KINDS.get(one, READ) for one in operations], dtype=np.int8)
            keys = rows[KEY].cast(pa.string()).combine_chunks()
            collected.add(keys, kinds, _sizes(run, name, rows, item_bytes))
    if not collected.count:
        raise UsageError(f"{run}: {name}: no samples with a key in the trials asked for")
    notes = [
        f"{len(trials)} trials of {name}{f', {arm}' if arm else ''} after each other; their rate is that of the run's load.",
    ]
    return collected.finish(span_ns / 1e9 or None, notes)


def _sizes(run: Path, name: str, rows: pa.Table, item_bytes: int | None) -> Int64:
    """The values' bytes as the samples have them; ``item_bytes`` where that is given."""
    if item_bytes is not None:
        return np.full(rows.num_rows, item_bytes, dtype=np.int64)
    sizes: Int64 = pc.fill_null(rows["bytes"].cast(pa.int64()), -1).to_numpy()
    if (sizes < 0).any():
        raise UsageError(f"{run}: {name} didn't record the bytes of every value; give them with --item-bytes")
    return sizes


def _only_scenario(run: Path, names: list[str]) -> str:
    found = [name for name in names if _has_keys(run, name)]
    if not found:
        raise UsageError(f"{run}: {_no_keys('no scenario')}")
    if len(found) > 1:
        raise UsageError(f"{run}: scenarios that recorded keys: {', '.join(found)}; choose one with --scenario")
    return found[0]


def _has_keys(run: Path, name: str) -> bool:
    try:
        return KEY in samples_of(run, name, _COLUMNS).column_names
    except UsageError:
        return False


def _no_keys(who: str) -> str:
    return f"{who} recorded the keys it read; a scenario does in a sample column of its own, {KEY!r} (text)"
