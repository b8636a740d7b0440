"""A SQL arm: one engine, its flights normalised or in one flat table."""

from collections.abc import Callable, Mapping
from functools import cached_property

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pymysql

from harness.errors import CannotMeasure
from harness.recorder import Observation
from harness.scenario import FloorProbe, Slot
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import DRIVERS, SqlEndpoint
from harness.stores_compared.patterns import PATTERNS, Name
from harness.stores_compared.sql import ddl
from harness.stores_compared.sql.answers import Answers
from harness.stores_compared.sql.build import Builder
from harness.stores_compared.sql.needs import needed
from harness.stores_compared.store import Asked, Needed, Question, Schema, Trouble
from harness.stores_compared.tables import Tables

TROUBLE = (OSError, psycopg.Error, pymysql.MySQLError)
# For one statement, which may write a year's flights, and for a connection: while stores are set up side by side, one of them may
# keep the process to itself for seconds.
PATIENCE_S = 120.0


class SqlStore:
    """See Store."""

    def __init__(self, endpoint: SqlEndpoint, *, flat: bool) -> None:
        self._endpoint, self._names = endpoint, ddl.Names(flat=flat)
        self.name = f"{endpoint.engine}_flat" if flat else endpoint.engine
        self.client = DRIVERS[endpoint.engine]
        self._tables: Tables | None = None

    @property
    def servers(self) -> Mapping[str, tuple[str, int]]:
        """See Store."""
        return {self._endpoint.engine: (self._endpoint.host, self._endpoint.port)}

    def schema(self) -> Schema:
        """See Store."""
        engine, table = self._endpoint.engine, f"{self._names.prefix}flights"
        made = [ddl.create_flights(engine, table, flat=self._names.flat), *ddl.indexes(engine, table)]
        beside = [statement for each in ddl.create_beside(engine, self._names).values() for statement in each]
        return Schema(ddl=(*made, *beside), indexes=("primary key", *ddl.INDEXES, "by_words"))

    def cannot(self, pattern: Name) -> str | None:  # noqa: ARG002 - whichever it is
        """See Store: there is none."""
        return None

    def needed(self, pattern: Name) -> Needed:
        """See Store."""
        return needed(pattern, self._endpoint.engine, flat=self._names.flat)

    def set_up(self, tables: Tables) -> None:
        """See Store."""
        self.attach(tables)
        try:
            with self._connect(self._endpoint) as connection:
                Builder(connection, self._names, tables).build()
        except TROUBLE as error:
            raise CannotMeasure(f"{self.name}: its tables can't be made: {error}") from error

    def attach(self, tables: Tables) -> None:
        """See Store."""
        self._tables = tables

    def prepare(self, pattern: Name, flights: int) -> None:
        """See Store: nothing, its tables are as they were."""

    def begin(self) -> None:
        """See Store: it keeps nothing."""

    def floor(self, question: Question, act: Callable[[Slot], Observation]) -> FloorProbe | None:
        """See Store: that of reads."""
        if not PATTERNS[question.pattern].reads:
            return None
        endpoint = self._endpoint
        return FloorProbe(
            client=self.client, op=question.pattern, role=endpoint.engine, server=(endpoint.host, endpoint.port), key=self.name,
            connect=lambda host, port: self._answers(endpoint.at(host, port)), act=act, labels={"arm": self.name}, slots=1,
        )  # fmt: skip

    def ask(self, slot: Slot, question: Question) -> Asked:
        """See Store."""
        try:
            answers: Answers = slot.hold(self.name, lambda: self._answers(self._endpoint))
            return answers.ask(question)
        except TROUBLE as error:
            slot.drop(self.name)
            outcome, code = classify(error, sent=not PATTERNS[question.pattern].reads)
            raise Trouble(outcome, code) from error

    def undo(self, question: Question) -> None:
        """See Store."""
        match question.pattern:
            case "add_attribute":
                self._narrow()
            case "bulk_load":
                self._admin.execute(f"TRUNCATE TABLE {self._names.bulk}")
            case "update_if" | "move_flight":
                self._restore(question)

    def close(self) -> None:
        """See Store."""
        if "_admin" in self.__dict__:
            self._admin.close()

    def _narrow(self) -> None:
        """The attribute away again, and in PostgreSQL the old versions of all rows too."""
        table = self._names.widened
        if self._endpoint.engine == "postgres":
            self._admin.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS on_time")
            self._admin.execute(f"VACUUM FULL {table}")
        elif self._admin.query(f"SHOW COLUMNS FROM {table} LIKE 'on_time'"):  # MySQL has no IF EXISTS there
            self._admin.execute(f"ALTER TABLE {table} DROP COLUMN on_time")

    def _restore(self, question: Question) -> None:
        """The flight as the data has it, in what the writing patterns write."""
        (row,) = self._rows.filter(pc.equal(self._rows["flight_key"], question.parameters["flight_key"])).to_pylist()
        written = ("tailnum", "arr_delay", *(ddl.PLANE_COLUMNS if self._names.flat else ()))
        values = ", ".join(f"{column} = %s" for column in written)
        statement = f"UPDATE {self._names.flights(question.flights)} SET {values} WHERE flight_key = %s"
        self._admin.execute(statement, (*(row[column] for column in written), row["flight_key"]))

    @cached_property
    def _rows(self) -> pa.Table:
        assert self._tables is not None, "set it up first"
        return ddl.flight_rows(self._tables.data, self._tables.everything, flat=self._names.flat)

    @cached_property
    def _admin(self) -> SqlConnection:
        return self._connect(self._endpoint)

    def _answers(self, endpoint: SqlEndpoint) -> Answers:
        return Answers(self._connect(endpoint), self._names, self._bulk)

    def _bulk(self, flights: int) -> pa.Table:
        return self._rows.slice(0, flights)

    def _connect(self, endpoint: SqlEndpoint) -> SqlConnection:
        return connect(endpoint, connect_timeout_s=PATIENCE_S, read_timeout_s=PATIENCE_S)
