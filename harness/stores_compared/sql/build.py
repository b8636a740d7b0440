"""Makes and fills the tables of one SQL arm."""

from harness.sql.connections import SqlConnection
from harness.stores_compared.sql import ddl
from harness.stores_compared.tables import Tables

# What looks at the tables once they are full: index-only scans need PostgreSQL's map of what everybody may see.
SETTLE = {"postgres": "VACUUM (ANALYZE) {}", "mysql": "ANALYZE TABLE {}"}


class Builder:
    """By one connection; every table of an earlier run goes first. Drivers' errors come through."""

    def __init__(self, connection: SqlConnection, names: ddl.Names, tables: Tables) -> None:
        self._connection, self._names, self._tables = connection, names, tables
        self._rows = ddl.flight_rows(tables.data, tables.everything, flat=names.flat)
        self._made: list[str] = []

    def build(self) -> None:
        """All of them."""
        names, tables = self._names, self._tables
        for size in tables.sizes:
            self._flights(names.flights(size), size)
        self._flights(names.widened, tables.attribute_items)
        self._flights(names.bulk, 0)
        self._beside()
        # What it answers is rows in the one engine and none in the other; nobody looks at them.
        self._connection.execute(SETTLE[self._connection.engine].format(", ".join(self._made)))

    def _flights(self, table: str, count: int) -> None:
        engine = self._connection.engine
        self._connection.execute(f"DROP TABLE IF EXISTS {table}")
        self._connection.execute(ddl.create_flights(engine, table, flat=self._names.flat))
        if count:
            self._connection.insert(table, self._rows.slice(0, count))
        for statement in ddl.indexes(engine, table):
            self._connection.execute(statement)
        self._made.append(table)

    def _beside(self) -> None:
        for name, statements in ddl.create_beside(self._connection.engine, self._names).items():
            table = self._names.beside(name)
            create, *indexes = statements
            self._connection.execute(f"DROP TABLE IF EXISTS {table}")
            self._connection.execute(create)
            self._connection.insert(table, ddl.beside_rows(self._tables.data, name))
            for statement in indexes:
                self._connection.execute(statement)
            self._made.append(table)
