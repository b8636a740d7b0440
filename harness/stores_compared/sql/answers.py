"""How each pattern is asked in SQL: statements, and how many round trips they take.

A page is asked for by the last key of the page before it, never by OFFSET. Every statement commits on its own, at the engine's own
isolation level, unless a transaction is begun.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

import pyarrow as pa

from harness.sql.connections import ROWS_A_STATEMENT, SqlConnection
from harness.stores_compared.patterns import ON_TIME_MINUTES, PAGE_ITEMS, TOP_ROUTES, Name, Row, Value
from harness.stores_compared.sql.ddl import PLANE_COLUMNS, Names
from harness.stores_compared.store import Asked, Question

AFTER_ALL = "3"  # sorts behind every key of the data, which begin with the year
ISOLATION: Mapping[str, str] = {"postgres": "read committed", "mysql": "repeatable read"}


class Answers:
    """Asks one connection; ``bulk`` gives so many rows for ``bulk_load``."""

    def __init__(self, connection: SqlConnection, names: Names, bulk: Callable[[int], pa.Table]) -> None:
        self._connection, self._names, self._bulk = connection, names, bulk
        self._flat, self._mysql = names.flat, connection.engine == "mysql"
        self._of: Mapping[Name, Callable[[Question], Asked]] = {
            "flight_by_key": self._flight_by_key, "aircraft_flights": self._aircraft_flights, "airport_day": self._airport_day,
            "flight_with_all": self._flight_with_all, "carrier_month_delays": self._carrier_month_delays,
            "top_routes": self._top_routes, "ad_hoc": self._ad_hoc, "count": self._count, "full_text": self._full_text,
            "update_if": self._update_if, "move_flight": self._move_flight, "add_attribute": self._add_attribute,
            "bulk_load": self._bulk_load,
        }  # fmt: skip

    def ask(self, question: Question) -> Asked:
        """The whole answer; drivers' errors come through."""
        return self._of[question.pattern](question)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _flight_by_key(self, question: Question) -> Asked:
        columns = "flight_key, carrier, tailnum, origin, dest, dep_delay, arr_delay"
        return self._one(f"SELECT {columns} FROM {self._table(question)} WHERE flight_key = %s", _values(question))

    def _aircraft_flights(self, question: Question) -> Asked:
        statement = (
            f"SELECT flight_key, origin, dest, arr_delay FROM {self._table(question)} WHERE tailnum = %s AND flight_key < %s "
            f"ORDER BY flight_key DESC LIMIT {PAGE_ITEMS}"
        )
        rows: list[Row] = []
        (tailnum,), before, trips = _values(question), AFTER_ALL, 0
        while True:
            page = self._connection.query(statement, (tailnum, before))
            rows += page
            trips += 1
            if len(page) < PAGE_ITEMS:
                return Asked(rows=tuple(rows), round_trips=trips)
            before = page[-1][0]

    def _airport_day(self, question: Question) -> Asked:
        dest, day = _values(question)
        return self._one(
            f"SELECT flight_key, carrier, arr_delay FROM {self._table(question)} WHERE dest = %s AND flight_key >= %s AND flight_key < %s "
            "ORDER BY flight_key",
            (dest, f"{day}T", f"{day}U"),
        )

    def _flight_with_all(self, question: Question) -> Asked:
        if self._flat:
            statement = f"SELECT flight_key, airline, manufacturer, model, seats, temp, wind_speed FROM {self._table(question)} WHERE flight_key = %s"
        else:
            statement = (
                f"SELECT f.flight_key, a.name, p.manufacturer, p.model, p.seats, w.temp, w.wind_speed FROM {self._table(question)} f "
                f"JOIN {self._beside('airlines')} a ON a.carrier = f.carrier "
                f"LEFT JOIN {self._beside('planes')} p ON p.tailnum = f.tailnum "
                f"LEFT JOIN {self._beside('weather')} w ON w.origin = f.origin AND w.time_hour = f.time_hour WHERE f.flight_key = %s"
            )
        asked = self._one(statement, _values(question))
        return Asked(rows=tuple((*row[:5], _tenths(row[5]), _tenths(row[6])) for row in asked.rows), round_trips=1)

    def _carrier_month_delays(self, question: Question) -> Asked:
        # A sum of integers is PostgreSQL's bigint and MySQL's decimal.
        asked = self._one(
            f"SELECT carrier, count(arr_delay), sum(arr_delay) FROM {self._table(question)} WHERE month = %s GROUP BY carrier ORDER BY carrier",
            _values(question),
        )
        return Asked(
            rows=tuple((carrier, flights, _whole(late)) for carrier, flights, late in asked.rows), round_trips=1
        )

    def _top_routes(self, question: Question) -> Asked:
        return self._one(
            f"SELECT origin, dest, count(*) FROM {self._table(question)} GROUP BY origin, dest ORDER BY count(*) DESC, origin, dest LIMIT {TOP_ROUTES}"
        )

    def _ad_hoc(self, question: Question) -> Asked:
        return self._one(
            f"SELECT flight_key, distance, arr_delay FROM {self._table(question)} "
            "WHERE dep_delay < 0 AND distance >= %s AND arr_delay >= %s ORDER BY flight_key",
            _values(question),
        )

    def _count(self, question: Question) -> Asked:
        return self._one(f"SELECT count(*) FROM {self._table(question)}")

    def _full_text(self, question: Question) -> Asked:
        (words,) = map(str, _values(question))
        airports = self._beside("airports")
        if self._mysql:
            wanted = " ".join(f"+{word}" for word in words.split())
            return self._one(
                f"SELECT faa, name FROM {airports} WHERE MATCH (name) AGAINST (%s IN BOOLEAN MODE) ORDER BY faa",
                (wanted,),
            )
        matches = "to_tsvector('simple', name) @@ plainto_tsquery('simple', %s)"
        return self._one(f"SELECT faa, name FROM {airports} WHERE {matches} ORDER BY faa", (words,))

    def _update_if(self, question: Question) -> Asked:
        key, expected, new = _values(question)
        statement = f"UPDATE {self._table(question)} SET arr_delay = %s WHERE flight_key = %s AND arr_delay = %s"
        return _counted(self._connection.execute(statement, (new, key, expected)))

    def _move_flight(self, question: Question) -> Asked:
        key, tailnum, to_tailnum = _values(question)
        table = self._table(question)
        if not self._flat:
            statement = f"UPDATE {table} SET tailnum = %s WHERE flight_key = %s AND tailnum = %s"
            return _counted(self._connection.execute(statement, (to_tailnum, key, tailnum)))
        columns = ", ".join(PLANE_COLUMNS)
        self._connection.execute("BEGIN")
        try:
            (plane,) = self._connection.query(
                f"SELECT {columns} FROM {table} WHERE tailnum = %s LIMIT 1", (to_tailnum,)
            )
            settings = ", ".join(f"{column} = %s" for column in PLANE_COLUMNS)
            statement = f"UPDATE {table} SET tailnum = %s, {settings} WHERE flight_key = %s AND tailnum = %s"
            moved = self._connection.execute(statement, (to_tailnum, *plane, key, tailnum))
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return _counted(moved, round_trips=4)

    def _add_attribute(self, question: Question) -> Asked:  # noqa: ARG002 - of one table alone
        table = self._names.widened
        self._connection.execute(f"ALTER TABLE {table} ADD COLUMN on_time boolean")
        changed = self._connection.execute(
            f"UPDATE {table} SET on_time = (arr_delay <= {ON_TIME_MINUTES}) WHERE arr_delay IS NOT NULL"
        )
        return _counted(changed, round_trips=2)

    def _bulk_load(self, question: Question) -> Asked:
        loaded = self._connection.insert(self._names.bulk, self._bulk(question.flights))
        # COPY: the server says that it is ready, and that it is done. MySQL: BEGIN, each statement, COMMIT.
        return _counted(loaded, round_trips=2 + ceil(loaded / ROWS_A_STATEMENT) if self._mysql else 2)

    def _one(self, statement: str, values: Sequence[Value] = ()) -> Asked:
        return Asked(rows=tuple(self._connection.query(statement, values)), round_trips=1)

    def _table(self, question: Question) -> str:
        return self._names.flights(question.flights)

    def _beside(self, table: str) -> str:
        return self._names.beside(table)


def _values(question: Question) -> tuple[Value, ...]:
    return tuple(question.parameters.values())


def _counted(rows: int, round_trips: int = 1) -> Asked:
    return Asked(rows=((rows,),), round_trips=round_trips)


def _tenths(value: Any) -> int | None:
    return None if value is None else round(value * 10)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
