"""A SQL arm: one engine, normalised or flat."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property

import pyarrow as pa

from harness.errors import CannotMeasure
from harness.scenario import Slot
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import DRIVERS, SqlEndpoint
from harness.stores_compared.patterns import PATTERNS, Name
from harness.stores_compared.sql import ddl
from harness.stores_compared.sql.answers import Answers
from harness.stores_compared.sql.needs import needed
from harness.stores_compared.store import Asked, Needed, Question, Schema, Trouble
from harness.stores_compared.tables import Tables


class SqlStore:
    """See Store."""

    def __init__(self, endpoint: SqlEndpoint, *, flat: bool, patterns: tuple[Name, ...]) -> None:
        self._endpoint, self._engine, self._patterns = endpoint, endpoint.engine, patterns
        self._names = ddl.Names(flat)
        self.name = f"{endpoint.engine}_flat" if flat else endpoint.engine
        self.client = DRIVERS[endpoint.engine]
        self._tables: Tables

    @property
    def servers(self) -> Mapping[str, tuple[str, int]]:
        """See Store."""
        return {self._engine: (self._endpoint.host, self._endpoint.port)}

    def schema(self) -> Schema:
        """See Store: of the table in general, whatever its size."""
        table = self._names.prefix + "flights"
        made = [
            ddl.create_flights(self._engine, table, flat=self._names.flat),
            *ddl.indexes(table),
            *ddl.create_beside(self._engine, self._names),
        ]
        return Schema(ddl=tuple(made), indexes=("primary key", *ddl.INDEXES, "by_words"))

    def cannot(self, pattern: Name) -> str | None:  # noqa: ARG002 - whichever it is
        """See Store: there is none that it can't answer."""
        return None

    def needed(self, pattern: Name) -> Needed:
        """See Store."""
        return needed(pattern, self._engine, flat=self._names.flat)

    def set_up(self, tables: Tables) -> None:
        """See Store."""
        self._tables = tables
        try:
            with self._connect() as connection:
                self._make(connection, tables)
        except Exception as error:
            if isinstance(error, AssertionError | TypeError | ValueError):
                raise
            raise CannotMeasure(f"{self.name}: the tables can't be made: {error}") from error

    def prepare(self, pattern: Name, flights: int) -> None:
        """See Store: nothing, its tables are as they were."""

    def ask(self, slot: Slot, question: Question) -> Asked:
        """See Store."""
        try:
            answers: Answers = slot.hold(self.name, lambda: Answers(self._connect(), self._names, lambda: self._bulk))
            return answers.ask(question)
        except Exception as error:
            slot.drop(self.name)
            outcome, code = classify(error, sent=not PATTERNS[question.pattern].reads)
            raise Trouble(outcome, code, str(error)) from error

    def undo(self, question: Question) -> None:
        """See Store."""
        match question.pattern:
            case "add_attribute":
                self._narrow(question.flights)
            case "bulk_load":
                self._admin.execute(f"TRUNCATE TABLE {self._names.bulk}")
            case "update_if" | "move_flight":
                self._restore(question)

    def close(self) -> None:
        """See Store."""
        if "_admin" in self.__dict__:
            self._admin.close()

    def _make(self, connection: SqlConnection, tables: Tables) -> None:
        names, engine = self._names, self._engine
        for size in tables.sizes:
            self._make_flights(
                connection, names.flights(size), ddl.flight_rows(tables.data, tables.of(size).flights, flat=names.flat)
            )
        beside = ["airports", *(() if names.flat else ddl.BESIDE_DDL)]
        for table in beside:
            connection.execute(f"DROP TABLE IF EXISTS {names.beside(table)}")
        for statement in ddl.create_beside(engine, names):
            connection.execute(statement)
        for table in beside:
            connection.insert(names.beside(table), ddl.beside_rows(tables.data, table))
        if "bulk_load" in self._patterns:
            self._make_flights(connection, names.bulk, self._bulk.slice(0, 0))
        if "add_attribute" in self._patterns:
            widest = tables.of(tables.largest).flights
            self._make_flights(
                connection, names.widened(tables.largest), ddl.flight_rows(tables.data, widest, flat=names.flat)
            )
        analyze = "VACUUM (ANALYZE)" if engine == "postgres" else "ANALYZE TABLE"
        made = [*map(names.flights, tables.sizes), *map(names.beside, beside)]
        connection.query(f"{analyze} {', '.join(made)}") if engine == "mysql" else connection.execute(
            f"{analyze} {', '.join(made)}"
        )

    def _make_flights(self, connection: SqlConnection, table: str, rows: pa.Table) -> None:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(ddl.create_flights(self._engine, table, flat=self._names.flat))
        connection.insert(table, rows)
        for statement in ddl.indexes(table):
            connection.execute(statement)

    def _narrow(self, flights: int) -> None:
        """The attribute away again, and in PostgreSQL the old versions of all rows too."""
        table = self._names.widened(flights)
        self._admin.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS on_time")
        if self._engine == "postgres":
            self._admin.execute(f"VACUUM FULL {table}")

    def _restore(self, question: Question) -> None:
        """The flight's own row again."""
        key = str(question.parameters["flight_key"])
        rows = self._tables.of(question.flights).flights
        with suppress(IndexError):
            rows = rows.filter(pa.compute.equal(rows["flight_key"], key))
        (row,) = ddl.flight_rows(self._tables.data, rows, flat=self._names.flat).to_pylist()
        columns = [name for name in row if name != "flight_key"]
        settings = ", ".join(f"{name} = %s" for name in columns)
        statement = f"UPDATE {self._names.flights(question.flights)} SET {settings} WHERE flight_key = %s"
        self._admin.execute(statement, (*(row[name] for name in columns), key))

    @cached_property
    def _bulk(self) -> pa.Table:
        return ddl.flight_rows(self._tables.data, self._tables.bulk, flat=self._names.flat)

    @cached_property
    def _admin(self) -> SqlConnection:
        return self._connect()

    def _connect(self) -> SqlConnection:
        return connect(self._endpoint, read_timeout_s=120.0)
