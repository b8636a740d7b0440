"""What the two probes cost on a plain connection: the same statements against a responder that does nothing."""

from collections.abc import Iterable
from typing import Any

from harness.recorder import Observation
from harness.scenario import FloorProbe, Slot
from harness.sql import ledger
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import DRIVERS, SqlEndpoint

NO_TRIAL = -1  # whose ledger the writes are in


def floor_probes(
    endpoints: Iterable[SqlEndpoint], *, read: str = "read_probe", write: str = "write_probe"
) -> list[FloorProbe]:
    """One probe an engine and operation, one operation at a time, as an open loop has it; ``read`` and ``write`` are their names."""
    statements: tuple[tuple[str, str, tuple[int, ...]], ...] = (
        (read, ledger.READ, ()),
        (write, ledger.INSERT, (0, NO_TRIAL)),
    )
    return [_floor(endpoint, *statement) for endpoint in endpoints for statement in statements]


def _floor(endpoint: SqlEndpoint, op: str, statement: str, params: tuple[int, ...]) -> FloorProbe:
    def act(slot: Slot) -> Observation:
        connection: SqlConnection = slot.hold(endpoint.engine, lambda: connect(endpoint))
        _do(connection, statement, params)
        return Observation(extra={"engine": endpoint.engine})

    return FloorProbe(
        client=DRIVERS[endpoint.engine], op=op, role=endpoint.engine, server=(endpoint.host, endpoint.port),
        key=endpoint.engine, connect=lambda host, port: connect(endpoint.at(host, port)), act=act,
        labels={"engine": endpoint.engine}, slots=1,
    )  # fmt: skip


def _do(connection: SqlConnection, statement: str, params: tuple[int, ...]) -> Any:
    return connection.execute(statement, params) if params else connection.query(statement)
