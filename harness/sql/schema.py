"""The five tables of the flights in SQL: normalised, indexed, the same in both engines.

What can be computed from another column is not stored twice: a flight's year, month, day, hour and minute are
its ``sched_dep``, a weather record's its ``time_hour`` (UTC). Foreign keys stand where every value resolves;
``tailnum``, ``dest`` and the weather's hour have none (Dataset.notes counts why).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from harness.dataset import Dataset
from harness.sql.connections import SqlConnection
from harness.sql.endpoint import Engine

# {timestamp}: a point in time without a zone; {suffix}: text compared byte by byte, as PostgreSQL does.
TABLES = {
    "airlines": """CREATE TABLE airlines (
        carrier varchar(2) PRIMARY KEY,
        name varchar(100) NOT NULL
    ){suffix}""",
    "airports": """CREATE TABLE airports (
        faa varchar(3) PRIMARY KEY,
        name varchar(100) NOT NULL,
        lat double precision NOT NULL,
        lon double precision NOT NULL,
        alt integer NOT NULL,
        tz smallint NOT NULL,
        dst varchar(1) NOT NULL,
        tzone varchar(40)
    ){suffix}""",
    "planes": """CREATE TABLE planes (
        tailnum varchar(6) PRIMARY KEY,
        year smallint,
        type varchar(40) NOT NULL,
        manufacturer varchar(40) NOT NULL,
        model varchar(40) NOT NULL,
        engines smallint NOT NULL,
        seats smallint NOT NULL,
        speed smallint,
        engine varchar(40) NOT NULL
    ){suffix}""",
    "weather": """CREATE TABLE weather (
        origin varchar(3) NOT NULL REFERENCES airports (faa),
        time_hour {timestamp} NOT NULL,
        temp double precision,
        dewp double precision,
        humid double precision,
        wind_dir smallint,
        wind_speed double precision,
        wind_gust double precision,
        precip double precision NOT NULL,
        pressure double precision,
        visib double precision NOT NULL,
        PRIMARY KEY (origin, time_hour)
    ){suffix}""",
    "flights": """CREATE TABLE flights (
        sched_dep {timestamp} NOT NULL,
        carrier varchar(2) NOT NULL REFERENCES airlines (carrier),
        flight integer NOT NULL,
        tailnum varchar(6),
        origin varchar(3) NOT NULL REFERENCES airports (faa),
        dest varchar(3) NOT NULL,
        time_hour {timestamp} NOT NULL,
        dep_time smallint,
        dep_delay smallint,
        arr_time smallint,
        sched_arr_time smallint NOT NULL,
        arr_delay smallint,
        air_time smallint,
        distance smallint NOT NULL,
        PRIMARY KEY (sched_dep, carrier, flight)
    ){suffix}""",
}
INDEXES = (
    "CREATE INDEX flights_by_tailnum ON flights (tailnum, sched_dep)",
    "CREATE INDEX flights_by_dest ON flights (dest, sched_dep)",
    "CREATE INDEX flights_by_weather ON flights (origin, time_hour)",
)
DIALECT: Mapping[Engine, Mapping[str, str]] = {
    "postgres": {"timestamp": "timestamp", "suffix": "", "analyze": "ANALYZE"},
    "mysql": {
        "timestamp": "datetime",
        "suffix": " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
        "analyze": "ANALYZE TABLE",
    },
}
DERIVED = {
    "flights": ("year", "month", "day", "hour", "minute", "sched_dep_time", "flight_key", "aircraft_key"),
    "weather": ("year", "month", "day", "hour"),
}

FLIGHT_COLUMNS = ("sched_dep", "airline", "flight", "origin", "dest", "dep_delay", "arr_delay", "distance")
PLANE_COLUMNS = ("year", "manufacturer", "model", "engines", "seats")
AIRCRAFT_SQL = """
SELECT f.sched_dep, a.name, f.flight, f.origin, f.dest, f.dep_delay, f.arr_delay, f.distance,
       p.year, p.manufacturer, p.model, p.engines, p.seats
FROM flights f
JOIN airlines a ON a.carrier = f.carrier
LEFT JOIN planes p ON p.tailnum = f.tailnum
WHERE f.tailnum = %s
ORDER BY f.sched_dep DESC, f.carrier, f.flight
LIMIT 20
"""


def create(connection: SqlConnection) -> None:
    """The five tables, empty; such as there were are dropped."""
    dialect = DIALECT[connection.engine]
    for name in reversed(TABLES):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in TABLES.values():
        connection.execute(statement.format(timestamp=dialect["timestamp"], suffix=dialect["suffix"]))


def load(connection: SqlConnection, dataset: Dataset) -> int:
    """All rows of the dataset into the empty tables, then indexes and statistics; returns how many rows."""
    rows = sum(connection.insert(name, _columns(name, getattr(dataset, name))) for name in TABLES)
    for statement in INDEXES:
        connection.execute(statement)
    connection.execute(f"{DIALECT[connection.engine]['analyze']} {', '.join(TABLES)}")
    return rows


def aircraft(connection: SqlConnection, tailnum: str) -> bytes:
    """One aircraft with its latest 20 flights, as JSON: the read that a cache stands in front of."""
    return aircraft_value(connection.query(AIRCRAFT_SQL, (tailnum,)))


def aircraft_value(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """The answer to AIRCRAFT_SQL as JSON; the same bytes from both engines.

    ``{"plane": {…} | null, "flights": [{…}, …]}``, latest flight first; plane null where planes lacks it.
    """
    width = len(FLIGHT_COLUMNS)
    plane = rows[0][width:] if rows else ()
    known = any(value is not None for value in plane)
    return orjson.dumps(
        {
            "plane": dict(zip(PLANE_COLUMNS, plane, strict=True)) if known else None,
            "flights": [dict(zip(FLIGHT_COLUMNS, row[:width], strict=True)) for row in rows],
        }
    )


def _columns(name: str, table: pa.Table) -> pa.Table:
    """The table as SQL keeps it: derived columns out, hours as timestamps."""
    table = table.drop_columns(list(DERIVED.get(name, ())))
    if "time_hour" not in table.column_names:
        return table
    hours = pc.strptime(table["time_hour"], "%Y-%m-%dT%H:%M:%SZ", "s")
    return table.set_column(table.column_names.index("time_hour"), "time_hour", hours)
