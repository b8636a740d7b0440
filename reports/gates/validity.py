"""Whether a scenario of a run may be asked at all.

It came to its end, every worker told its rows, they are there, and its files are those that were written.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reports.damage import Damaged, refuse_missing
from reports.folder import Folder
from reports.hashes import altered


def why_invalid(path: Path, manifest: Mapping[str, Any], scenario: str) -> str | None:
    """What is wrong with the scenario's part of the run, None where nothing is.

    What another scenario of the run didn't do says nothing against this one.
    """
    entry = manifest["scenarios"][scenario]
    if entry["status"] != "complete":
        reason = entry.get("reason") or manifest.get("reason") or "it ended without being closed"
        return f"{scenario} is {entry['status'].replace('_', ' ')}: {str(reason).rstrip('.')}"
    for lost in entry.get("workers_lost") or ():
        return f"worker {lost['worker']} on {lost['host'] or 'an unknown host'} was lost: {lost['reason']}"
    for worker in entry.get("workers") or ():
        if worker.get("rows") is None:
            return f"worker {worker['worker']} on {worker.get('host', 'an unknown host')} was lost: it told no rows"
    folder = path / "samples"
    try:
        refuse_missing(
            scenario, manifest, (file.name for file in folder.glob(f"{scenario}.*")), _rows(folder, scenario)
        )
    except Damaged as damaged:
        return f"{scenario}: {damaged}"
    differs = altered(Folder.of(path), noted, scenario) if (noted := manifest.get("hashes")) else ()
    return next((f"{scenario}: {one}" for one in differs), None)


def _rows(folder: Path, scenario: str) -> int:
    """Rows in all of the scenario's files; of one that can't be read none."""
    stems = {file.with_suffix("") for file in folder.glob(f"{scenario}.*") if file.suffix in (".parquet", ".arrows")}
    return sum(_rows_of(stem) for stem in stems)


def _rows_of(stem: Path) -> int:
    compacted = stem.with_name(f"{stem.name}.parquet")
    rows = 0
    try:
        if compacted.exists():
            return int(pq.read_metadata(compacted).num_rows)
        with pa.ipc.open_stream(str(stem.with_name(f"{stem.name}.arrows"))) as reader:
            for batch in reader:
                rows += batch.num_rows
    except (pa.ArrowException, OSError):
        pass
    return rows
