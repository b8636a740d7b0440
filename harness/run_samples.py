"""What a run left, read again: its manifest, the trials of one arm, and their measured samples."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from harness.errors import UsageError


def manifest_of(run: Path) -> dict[str, Any]:
    """The manifest. Raises UsageError where there is none."""
    try:
        manifest: dict[str, Any] = json.loads((run / "manifest.json").read_text())
        manifest["scenarios"], manifest["started"]
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"--from-run {run}: not a run directory; name one that `dbharness run` wrote") from error
    return manifest


def chosen_trials(run: Path, manifest: Mapping[str, Any], scenario: str, arm: str | None) -> list[dict[str, Any]]:
    """The finished trials of an arm, which may be left out where there is only one. Raises UsageError."""
    trials = manifest["scenarios"].get(scenario, {}).get("trials") or []
    arms = sorted({str(trial["arm"]) for trial in trials})
    if arm is None and len(arms) > 1:
        raise UsageError(f"{run}: {scenario} has the arms {', '.join(arms)}: choose one with --arm")
    chosen = [trial for trial in trials if trial["done"] and arm in (None, trial["arm"])]
    if not chosen:
        raise UsageError(
            f"{run}: {scenario} has no finished trial of arm {arm or 'any'}; it has {', '.join(arms) or 'none'}"
        )
    return chosen


def samples_of(run: Path, scenario: str, columns: Sequence[str]) -> pa.Table:
    """The measured rows of one scenario, every worker's; those of ``columns`` that there are. Raises UsageError."""
    parts = []
    folder = run / "samples"
    compacted = sorted(folder.glob(f"{scenario}.*.parquet"))
    done = {path.with_suffix("") for path in compacted}
    streams = [path for path in sorted(folder.glob(f"{scenario}.*.arrows")) if path.with_suffix("") not in done]
    for files, form in ((compacted, "parquet"), (streams, "arrow")):
        for path in files:
            try:
                part = _stream(path) if form == "arrow" else ds.dataset(path, format="parquet").to_table()
            except (pa.ArrowException, OSError) as error:
                raise UsageError(f"{path}: can't be read: {error}") from error
            parts.append(part.select([column for column in columns if column in part.column_names]))
    if not parts:
        raise UsageError(f"{run}: {scenario} has no samples")
    table = pa.concat_tables(parts, promote_options="permissive")
    return table.filter(pc.equal(table["phase"].cast(pa.string()), "measured"))


def _stream(path: Path) -> pa.Table:
    with pa.ipc.open_stream(str(path)) as reader:
        return reader.read_all()
