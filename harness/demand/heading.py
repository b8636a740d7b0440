"""The names of a trace's columns, and what a CSV file that can't be read has wrong, by its line."""

import csv
import re
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.demand.columns import BYTES, READS, TIME, WRITES
from harness.demand.forms import PARQUET, form_of, opened
from harness.errors import UsageError

_UTF8 = "save it as UTF-8"
_RATE = re.compile(r"(reads?|writes?|rcu|wcu|requests?|consumed)", re.IGNORECASE)


def names_of(path: Path) -> list[str]:
    """The columns of a file. Raises UsageError where it can't be read."""
    try:
        if form_of(path) == PARQUET:
            return list(pq.read_schema(path).names)
        with opened(path) as packed, TextIOWrapper(packed, encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: {why}; name a readable file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name}: can't be read: {error}; {_UTF8}") from error
    except pa.ArrowInvalid as error:
        raise UsageError(f"{path.name}: can't be read: {error}") from error


def check_names(path: Path, names: Sequence[str], item_bytes: int | None) -> None:
    """Raises UsageError where a column is missing or there twice, with what might be meant."""
    for name in (TIME, READS, WRITES, BYTES):
        if names.count(name) > 1:
            raise UsageError(f"{path.name}: {names.count(name)} columns are called {name}; leave one")
    missing = [name for name in (TIME, READS, WRITES) if name not in names]
    if missing:
        found = ", ".join(name if name == name.strip() else repr(name) for name in names)
        raise UsageError(
            f"{path.name}: no column {' and '.join(missing)}; expected {TIME}, {READS}, {WRITES} and {BYTES}, "
            f"found {found or 'none'}{_meant(names, missing)}"
        )
    if BYTES not in names and item_bytes is None:
        raise UsageError(f"{path.name}: no column {BYTES}: add it, or give the size of every item with --item-bytes")


def _meant(names: Sequence[str], missing: Sequence[str]) -> str:
    """What to do about names that are nearly right."""
    if len(names) == 1:
        for sign, called in ((";", "semicolons"), ("\t", "tabs")):
            if sign in names[0]:
                return f": its fields stand between {called}; put commas, and points in decimals"
    if any(name.strip().lower() in missing for name in names):
        return ": write the names as they stand here, small and without blanks"
    alike = [name for name in names if name not in (READS, WRITES) and _RATE.match(name.strip())]
    if alike:
        return (
            f": {alike[0]} isn't known to be a rate; expected are requests a second, so divide what is counted for a row by the "
            "seconds that it stands for"
        )
    return ""


def bad_line(path: Path, figures: Sequence[str]) -> str | None:
    """The first line of a CSV file whose fields aren't as many as its names, aren't text, or one of whose ``figures`` isn't a number."""
    with opened(path) as packed, TextIOWrapper(packed, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        names = next(reader)
        places = [names.index(name) for name in figures]
        for fields in reader:
            where = f"{path.name}:{reader.line_num}"
            if not fields:
                continue
            if len(fields) != len(names):
                return f"{where}: expected {len(names)} fields, found {len(fields)}"
            if any("\ufffd" in field for field in fields):
                return f"{where}: can't be read: not UTF-8; {_UTF8}"
            for at in places:
                try:
                    float(fields[at] or "0")
                except ValueError:
                    return f"{where}: {names[at]}: expected a number of 0 or more, found {fields[at]!r}"
    return None
