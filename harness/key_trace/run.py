"""The keys that a run read, where its scenario recorded them: what `dbharness plan-cache --from-run` sizes a cache for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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
"""The column of its own, text or whole numbers, of the key of each access; ``op`` says what it was, ``bytes`` its value."""
_COLUMNS = ("trial", "phase", "t_start", "attempt", "op", "outcome", "bytes", KEY)
_OF_KEYS = ("skew", "keys", "value_bytes")
"""Params in which trials differ that read other keys by the same names."""


def read_run(
    run: Path, scenario: str | None = None, arm: str | None = None, *, part: str | None = None, step: str | None = None,
    item_bytes: int | None = None, rate: float = 1.0,
) -> KeyTrace:  # fmt: skip
    """The measured accesses of one arm's trials after each other, each trial's in the order of their start. Raises UsageError.

    ``part`` and ``step`` choose among them, and must where others read other keys. An operation that is neither a write nor a
    delete by its name is a read; one that failed is none. ``item_bytes`` is the size of values that the samples don't tell.
    """
    keep_pandas_out()
    manifest = manifest_of(run)
    name = scenario or _only_scenario(run, list(manifest["scenarios"]))
    table = samples_of(run, name, _COLUMNS)
    if KEY not in table.column_names:
        raise UsageError(f"{run}: {_no_keys(name)}")
    collected = Collected(f"run {run.name}", rate)
    span_ns = 0
    trials = _of_one_kind(run, name, chosen_trials(run, manifest, name, arm), part, step)
    table = table.filter(pc.and_(pc.equal(table["attempt"], 1), pc.equal(table["outcome"].cast(pa.string()), "ok")))
    for trial in trials:
        rows = table.filter(pc.equal(table["trial"], trial["trial"]))
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
    of = ", ".join(word for word in (name, arm, part and f"part {part}", step and f"step {step}") if word)
    notes = [
        f"{len(trials)} trials of {of} after each other; their rate is that of the run's load."
        if len(trials) > 1
        else f"One trial of {of}; its rate is that of the run's load."
    ]
    return collected.finish(span_ns / 1e9 or None, notes)


def _of_one_kind(
    run: Path, name: str, trials: list[dict[str, Any]], part: str | None, step: str | None
) -> list[dict[str, Any]]:
    """Those of a part and a step. Raises UsageError where what is left reads several kinds of keys: one key's name may be each's."""
    trials = _chosen(run, name, trials, "part", lambda trial: str(trial["labels"].get("part", "")), part)
    kinds = {tuple(trial["params"].get(param) for param in _OF_KEYS) for trial in trials}
    if step is not None or len(kinds) > 1:
        trials = _chosen(run, name, trials, "step", lambda trial: str(trial["step"]), step)
    return trials


def _chosen(
    run: Path, name: str, trials: list[dict[str, Any]], what: str, of: Callable[[dict[str, Any]], str], wanted: str | None
) -> list[dict[str, Any]]:  # fmt: skip
    there = ", ".join(dict.fromkeys(map(of, trials)))
    if wanted is None and len({*map(of, trials)}) > 1:
        raise UsageError(f"{run}: these trials of {name} read other keys by {what} ({there}): choose one with --{what}")
    found = [trial for trial in trials if wanted in (None, of(trial))]
    if not found:
        raise UsageError(f"{run}: these trials of {name} have no {what} {wanted}; they have {there or 'none'}")
    return found


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
    return f"{who} recorded the keys it read; a scenario does in a sample column of its own, {KEY!r} (text or int)"
