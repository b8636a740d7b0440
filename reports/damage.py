"""What is wrong with samples that can't be trusted: said of a file, before any figure is made of it.

A figure of half the rows is a wrong figure. So a scenario whose samples are damaged or not all there has none.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

KNOWN_SAMPLES_SCHEMA = 1
# Never null, whatever an attempt came to.
_WHOLE = ("trial", "pair", "t_start", "t_end", "op_id", "attempt")
_TEXT = ("phase", "arm", "outcome")


class Damaged(Exception):  # noqa: N818 - the sentence that follows is the error
    """Samples that no figure may be made of; the message names the file and what is wrong with it."""


def unreadable(name: str, error: Exception) -> Damaged:
    """Of a file that Arrow refuses: empty, cut off or overwritten."""
    said = " ".join(str(error).split()).rstrip(".")
    return Damaged(f"{name} can't be read ({said}): it is empty, cut off or overwritten")


def refuse_damaged(name: str, table: pa.Table) -> None:
    """Raises Damaged where rows of one file can't be what the recorder wrote; looks at the columns that are there."""
    schema = int((table.schema.metadata or {}).get(b"samples_schema", KNOWN_SAMPLES_SCHEMA))
    if schema > KNOWN_SAMPLES_SCHEMA:
        raise Damaged(f"{name} is of a newer dbharness (samples schema {schema}); report it with that one")
    for field in table.schema:
        if why := _wrong(field, table[field.name]):
            raise Damaged(f"{name}: column {field.name} {why}")


def refuse_missing(scenario: str, manifest: Mapping[str, Any], there: Iterable[str], rows: int) -> None:
    """Raises Damaged where files or rows of a scenario are missing that the manifest speaks of.

    ``there`` are names as in ``samples/``. How many rows a run that was cut short should have nobody knows.
    """
    names = set(there)
    gone = sorted(
        file for name in manifest.get("hashes", {}) if (file := name.removeprefix("samples/")).startswith(f"{scenario}.")
        and name.startswith("samples/") and file not in names
    )  # fmt: skip
    if gone:
        raise Damaged(f"samples/{gone[0]} is missing: it was there when the run was closed")
    entry = manifest["scenarios"][scenario]
    for one in entry.get("workers") or ():
        if one["rows"] and not any(name.startswith(f"{scenario}.{one['worker']}.") for name in names):
            raise Damaged(f"the samples of worker {one['worker']} are missing: it wrote {one['rows']:,} rows")
    expected = entry.get("rows")
    if entry["status"] == "complete" and expected is not None and rows != expected:
        raise Damaged(
            f"the samples have {rows:,} rows, and {expected:,} were written: a file is cut off, altered or missing"
        )


def _wrong(field: pa.Field, column: pa.ChunkedArray) -> str | None:
    """What a column has that the recorder never writes."""
    if field.name in _WHOLE:
        if not pa.types.is_integer(field.type):
            return f"is {field.type}, and must be whole numbers"
        if column.null_count:
            return f"has no number in {column.null_count:,} of {len(column):,} rows"
    if field.name in _TEXT and column.null_count:
        return f"is empty in {column.null_count:,} of {len(column):,} rows"
    if pa.types.is_floating(field.type) and (count := pc.sum(pc.is_nan(column)).as_py()):
        return f"is not a number (NaN) in {count:,} of {len(column):,} rows"
    return None
