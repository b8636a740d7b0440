"""A trace in CSV or Parquet, a block of rows at a time."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from harness.demand.forms import PARQUET, form_of
from harness.demand.heading import bad_line
from harness.errors import UsageError

_BLOCK_BYTES, _BATCH_ROWS = 8 << 20, 1 << 17


def batches(path: Path, columns: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """These columns in this order; those of CSV with these types. Raises UsageError that names the line."""
    try:
        if form_of(path) == PARQUET:
            for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=list(columns)):
                yield batch.select(list(columns))
            return
        yield from pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict(columns), include_columns=list(columns), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        figures = [name for name, kind in columns.items() if pa.types.is_floating(kind)]
        raise UsageError(bad_line(path, figures) or f"{path.name}: can't be read: {error}") from error
    except OSError as error:
        raise UsageError(f"{path.name}: can't be read: {error}") from error
