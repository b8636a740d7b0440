"""A row that is written to see whether a server takes writes."""

from harness.sql.connections import SqlConnection

BEAT = "UPDATE heartbeat SET beats = beats + 1"


def create(connection: SqlConnection) -> None:
    """The table with its one row."""
    connection.execute("CREATE TABLE heartbeat (beats bigint NOT NULL)")
    connection.execute("INSERT INTO heartbeat VALUES (0)")


def beat(connection: SqlConnection) -> None:
    """Commit one write; raises the driver's error where the server takes none."""
    connection.execute(BEAT)
