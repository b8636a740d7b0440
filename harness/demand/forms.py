"""What form a trace's file has, by its name: CSV, also compressed with gzip, or Parquet."""

import gzip
from pathlib import Path
from typing import BinaryIO, cast

from harness.errors import UsageError

CSV, PARQUET = ".csv", ".parquet"


def form_of(path: Path) -> str:
    """CSV or PARQUET. Raises UsageError where the name ends otherwise."""
    name = path.name.lower()
    for form in (CSV, PARQUET):
        if name.endswith(form) or (form == CSV and name.endswith(f"{CSV}.gz")):
            return form
    raise UsageError(f"{path.name}: expected a file that ends in .csv, .csv.gz or .parquet")


def opened(path: Path) -> BinaryIO:
    """The file's bytes, unpacked where it is compressed."""
    return cast("BinaryIO", gzip.open(path, "rb")) if path.name.lower().endswith(".gz") else path.open("rb")
