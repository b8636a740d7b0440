"""Clients that write into a ledger as fast as they may, and remember what they were promised."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
import pymysql

from harness.sql import ledger
from harness.sql.connections import connect
from harness.sql.endpoint import SqlEndpoint

CLIENTS = 4


class Writers:
    """Write ids that were acknowledged, and those that may or may not be there."""

    def __init__(self) -> None:
        self.acknowledged: set[int] = set()
        self.ambiguous: set[int] = set()
        self._ids = count(1)

    def write(self, endpoint: SqlEndpoint, trial: int) -> None:
        """Until the connection breaks."""
        with connect(endpoint, connect_timeout_s=5, read_timeout_s=30) as connection:
            while True:
                write_id = next(self._ids)
                try:
                    connection.execute(ledger.INSERT, (write_id, trial))
                except (OSError, pymysql.MySQLError, psycopg.Error):
                    self.ambiguous.add(write_id)
                    return
                self.acknowledged.add(write_id)

    def wait_for(self, more: int) -> None:
        """Until so many more writes were acknowledged."""
        enough, deadline = len(self.acknowledged) + more, time.monotonic() + 60
        while len(self.acknowledged) < enough:
            assert time.monotonic() < deadline, "the writers don't get on"
            time.sleep(0.001)


@contextmanager
def writing(endpoint: SqlEndpoint, trial: int) -> Iterator[Writers]:
    """Several clients at ``endpoint`` that write until their server is gone, which is inside; ended on leaving."""
    writers = Writers()
    clients = [threading.Thread(target=writers.write, args=(endpoint, trial)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield writers
    finally:
        for client in clients:
            client.join(60)
    assert not any(client.is_alive() for client in clients)


def present(endpoint: SqlEndpoint, trial: int) -> set[int]:
    """Write ids of a trial that are in the table at ``endpoint``."""
    with connect(endpoint) as connection:
        return set(ledger.present_counts(connection, trial))


def eventually_present(endpoint: SqlEndpoint, trial: int, wanted: set[int]) -> bool:
    """Whether all that is wanted comes to be in a replica's table."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if wanted <= present(endpoint, trial):
            return True
        time.sleep(0.01)
    return False
