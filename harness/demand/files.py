"""A trace that is one file or several: which reader they are for."""

from collections.abc import Sequence
from pathlib import Path

from harness.demand.cloudwatch import read_json
from harness.demand.minutes import by_minute
from harness.demand.rows import read_rows
from harness.demand.trace import Trace
from harness.errors import UsageError


def read_trace(
    paths: Sequence[Path], *, timezone: str | None = None, item_bytes: int | None = None, strong: bool = False
) -> Trace:
    """The demand of one CSV or Parquet file, or of one or two of CloudWatch's JSON. Raises UsageError."""
    source = " and ".join(path.name for path in paths)
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes == {".json"}:
        return read_json(paths, source)
    if len(paths) != 1:
        raise UsageError(f"{source}: expected one CSV or Parquet file, or JSON files of CloudWatch")
    rows = read_rows(paths[0], timezone=timezone, item_bytes=item_bytes, strong=strong)
    demand, notes = by_minute(rows)
    return Trace(demand=demand, source=source, notes=(*rows.notes, *notes))
