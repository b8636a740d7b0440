"""The embedded databases: committed rows survive a kill, and a server that can't start says why."""

import os
import socket
from collections.abc import Iterator

import pytest

from harness.errors import ServerFailed
from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.sqlserver import SqlServer
from harness.local.topologies.model import ZONES
from harness.sql.connections import connect


@pytest.fixture(params=[PostgresServer, MariaDbServer], ids=["postgres", "mysql"])
def server(request: pytest.FixtureRequest, warden: Warden) -> Iterator[SqlServer]:
    made: SqlServer = request.param(warden, ZONES)
    made.create()
    yield made


def test_rows_committed_before_a_kill_are_there_on_the_other_address(server: SqlServer) -> None:
    """Crash recovery on the same bytes, as a block-replicated standby does."""
    first, second, _ = ZONES
    server.start(first)
    with connect(server.endpoint(first)) as connection:
        connection.execute("CREATE TABLE kept (id integer PRIMARY KEY)")
        for number in range(50):
            connection.execute("INSERT INTO kept VALUES (%s)", (number,))
    server.kill()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((first, server.endpoint(first).port), 1)
    server.start(second)
    with connect(server.endpoint(second)) as connection:
        assert connection.query("SELECT count(*) FROM kept") == [(50,)]


def test_a_clean_stop_and_start_keeps_rows(server: SqlServer) -> None:
    """stop returns when the server has ended."""
    server.start(ZONES[0])
    with connect(server.endpoint(ZONES[0])) as connection:
        connection.execute("CREATE TABLE kept (id integer PRIMARY KEY)")
        connection.execute("INSERT INTO kept VALUES (1)")
    server.stop()
    server.start(ZONES[0])
    with connect(server.endpoint(ZONES[0])) as connection:
        assert connection.query("SELECT id FROM kept") == [(1,)]


def test_only_the_address_asked_for_is_listened_on(server: SqlServer) -> None:
    """The other zone refuses: nothing is bound to every interface."""
    server.start(ZONES[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((ZONES[1], server.endpoint(ZONES[1]).port), 1)


def test_a_port_that_is_taken_is_one_line_with_who_has_it_and_the_way_out(server: SqlServer) -> None:
    """Before anything is started, so that nobody has to read a server's log for it."""
    port = server.endpoint(ZONES[0]).port
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((ZONES[0], port))
        squatter.listen()
        with pytest.raises(ServerFailed) as refused:
            server.start(ZONES[0], timeout_s=30)
    assert f"{server.name} can't listen at {ZONES[0]}:{port}" in str(refused.value)
    assert f"process {os.getpid()}, has it" in str(refused.value)
    assert "end that, or run again" in str(refused.value) and "\n" not in str(refused.value)


def test_a_data_directory_that_is_there_already_is_one_line_with_its_place(server: SqlServer, warden: Warden) -> None:
    """Left by another run, whoever made it: it is neither used nor removed."""
    with pytest.raises(ServerFailed) as refused:
        server.create()
    folder = warden.scratch / server.name
    assert str(refused.value).startswith(f"{folder} is there already, left by another run")
    assert f"rm -r {folder}" in str(refused.value) and "\n" not in str(refused.value)
    assert (folder / "data").is_dir()


def test_the_password_is_not_in_the_representation_of_an_endpoint(server: SqlServer) -> None:
    """It would end up in a log."""
    endpoint = server.endpoint(ZONES[0])
    assert endpoint.password not in repr(endpoint)
