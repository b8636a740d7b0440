"""The tables of the SQL arms, their indexes, and their rows.

Normalised: flights with airlines, planes and weather beside them. Flat: one table that has all of it in each flight's row. What
is searched by words, the airports, is a table of its own in both. Indexes fit the patterns that were planned; ``ad_hoc`` has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from harness.dataset import Dataset
from harness.sql.endpoint import Engine

FLIGHT_COLUMNS = (
    "flight_key", "month", "carrier", "flight", "tailnum", "origin", "dest", "time_hour", "sched_dep", "dep_time", "dep_delay",
    "arr_time", "sched_arr_time", "arr_delay", "air_time", "distance",
)  # fmt: skip
FLIGHT_DDL = """flight_key varchar(26) PRIMARY KEY, month smallint NOT NULL, carrier varchar(2) NOT NULL, flight integer NOT NULL,
tailnum varchar(6), origin varchar(3) NOT NULL, dest varchar(3) NOT NULL, time_hour {timestamp} NOT NULL, sched_dep {timestamp} NOT NULL,
dep_time smallint, dep_delay smallint, arr_time smallint, sched_arr_time smallint NOT NULL, arr_delay smallint, air_time smallint,
distance smallint NOT NULL"""
FLAT_DDL = """, airline varchar(100) NOT NULL, plane_year smallint, plane_type varchar(40), manufacturer varchar(40), model varchar(40),
engines smallint, seats smallint, speed smallint, engine varchar(40), temp double precision, dewp double precision, humid double precision,
wind_dir smallint, wind_speed double precision, wind_gust double precision, precip double precision, pressure double precision,
visib double precision"""
PLANE_COLUMNS = ("plane_year", "plane_type", "manufacturer", "model", "engines", "seats", "speed", "engine")
WEATHER_COLUMNS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
AIRPORTS_DDL = "faa varchar(3) PRIMARY KEY, name varchar(100){any_case} NOT NULL"
BESIDE_DDL: Mapping[str, str] = {
    "airlines": "carrier varchar(2) PRIMARY KEY, name varchar(100) NOT NULL",
    "planes": """tailnum varchar(6) PRIMARY KEY, plane_year smallint, plane_type varchar(40) NOT NULL, manufacturer varchar(40) NOT NULL,
model varchar(40) NOT NULL, engines smallint NOT NULL, seats smallint NOT NULL, speed smallint, engine varchar(40) NOT NULL""",
    "weather": """origin varchar(3) NOT NULL, time_hour {timestamp} NOT NULL, temp double precision, dewp double precision, humid double precision,
wind_dir smallint, wind_speed double precision, wind_gust double precision, precip double precision, pressure double precision,
visib double precision, PRIMARY KEY (origin, time_hour)""",
}
INDEXES: dict[str, str] = {
    "by_tailnum": "tailnum, flight_key",
    "by_dest": "dest, flight_key",
    "by_month": "month, carrier, arr_delay",  # in PostgreSQL the delay is included, no key: ad_hoc is to find nothing to search by
    "by_route": "origin, dest",
}
DIALECT: Mapping[Engine, Mapping[str, str]] = {
    "postgres": {"timestamp": "timestamp", "suffix": "", "any_case": ""},
    "mysql": {
        "timestamp": "datetime",
        "suffix": " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
        "any_case": " COLLATE utf8mb4_general_ci",  # the column's, so that words are found in any case
    },
}
WORDS_INSIDE: Mapping[Engine, str] = {"postgres": "", "mysql": ", FULLTEXT INDEX by_words (name)"}


@dataclass(frozen=True, slots=True)
class Names:
    """What the tables of one arm are called."""

    flat: bool

    @property
    def prefix(self) -> str:
        """Both arms of an engine share a database."""
        return "flat_" if self.flat else ""

    def flights(self, size: int) -> str:
        """The flights of a table of that size."""
        return f"{self.prefix}flights_{size}"

    @property
    def bulk(self) -> str:
        """What is loaded into."""
        return f"{self.prefix}bulk"

    @property
    def widened(self) -> str:
        """What gets an attribute."""
        return f"{self.prefix}widened"

    def beside(self, table: str) -> str:
        """Airports, airlines, planes, weather."""
        return f"{self.prefix}{table}"


def create_flights(engine: Engine, table: str, *, flat: bool) -> str:
    """The statement that makes a table of flights, in MySQL with its indexes: each one more would be a statement that waits for disks."""
    columns = FLIGHT_DDL + (FLAT_DDL if flat else "")
    inside = "".join(f", INDEX {name} ({keys})" for name, keys in INDEXES.items()) if engine == "mysql" else ""
    return _create(engine, table, columns + inside)


def indexes(engine: Engine, table: str) -> list[str]:
    """The statements that make the indexes which ``create_flights`` doesn't."""
    if engine == "mysql":
        return []
    made = INDEXES | {"by_month": "month, carrier) INCLUDE (arr_delay"}
    return [f"CREATE INDEX {table}_{name} ON {table} ({keys})" for name, keys in made.items()]


def create_beside(engine: Engine, names: Names) -> dict[str, list[str]]:
    """The statements that make each table beside the flights, an index of words behind its table."""
    airports = names.beside("airports")
    made = {"airports": [_create(engine, airports, AIRPORTS_DDL + WORDS_INSIDE[engine])]}
    if engine == "postgres":
        made["airports"].append(
            f"CREATE INDEX {airports}_by_words ON {airports} USING gin (to_tsvector('simple', name))"
        )
    if not names.flat:
        made |= {name: [_create(engine, names.beside(name), columns)] for name, columns in BESIDE_DDL.items()}
    return made


def flight_rows(data: Dataset, flights: pa.Table, *, flat: bool) -> pa.Table:
    """The rows of a table of flights, columns named as the table's; flat ones with all that belongs to each, null where nothing does."""
    keys = flights["flight_key"]
    rows = _with_hours(flights.select(FLIGHT_COLUMNS))
    if not flat:
        return rows
    rows = rows.join(_renamed(data.airlines, {"name": "airline"}), "carrier")
    rows = rows.join(planes(data), "tailnum").join(weather(data), ["origin", "time_hour"])
    columns = (*FLIGHT_COLUMNS, "airline", *PLANE_COLUMNS, *WEATHER_COLUMNS)
    place = pc.index_in(keys, rows["flight_key"])  # a join gives rows in any order
    return rows.select(columns).take(place)


def beside_rows(data: Dataset, table: str) -> pa.Table:
    """The rows of one of the tables beside the flights."""
    match table:
        case "airports":
            return data.airports.select(["faa", "name"])
        case "airlines":
            return data.airlines
        case "planes":
            return planes(data)
    return weather(data)


def planes(data: Dataset) -> pa.Table:
    """Planes, their year and type under names that a flight's row can have too."""
    return _renamed(data.planes, {"year": "plane_year", "type": "plane_type"})


def weather(data: Dataset) -> pa.Table:
    """Weather by origin and hour."""
    return _with_hours(data.weather.select(["origin", "time_hour", *WEATHER_COLUMNS]))


def _create(engine: Engine, table: str, columns: str) -> str:
    dialect = DIALECT[engine]
    columns = columns.format(timestamp=dialect["timestamp"], any_case=dialect["any_case"])
    return f"CREATE TABLE {table} ({columns}){dialect['suffix']}"


def _renamed(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    columns: Sequence[str] = [names.get(name, name) for name in table.column_names]
    return table.rename_columns(columns)


def _with_hours(table: pa.Table) -> pa.Table:
    """The hours as timestamps."""
    hours = pc.strptime(table["time_hour"], "%Y-%m-%dT%H:%M:%SZ", "s")
    return table.set_column(table.column_names.index("time_hour"), "time_hour", hours)
