"""Servers that behave by a schedule: DynamoDB's JSON over HTTP, and Redis's protocol.

``python -m harness.planted.server SETTINGS`` (JSON of PlantedSettings). The table that a request names decides what
becomes of it; what is counted is counted over all connections. A thread a connection, since a thread's sleep ends within
some tens of microseconds of its time. An operation ``Window`` says when a table stands still, or is down.
"""

import ctypes
import json
import random
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, TypeVar

from harness.local.responder import http_key

ITEM = b'{"Item":{"pk":{"S":"planted"},"payload":{"S":"' + b"x" * 400 + b'"}}}'
THROTTLE = (
    b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"planted",'
    b'"ThrottlingReasons":[{"reason":"TableReadProvisionedThroughputExceeded","resource":"planted"}]}'
)
_PR_SET_TIMERSLACK = 29
_SEED = "planted"
T = TypeVar("T")


class Behaviour:
    """What becomes of the next request to each table."""

    def __init__(self, planted: dict[str, Any]) -> None:
        self._planted = planted
        self._lock = threading.Lock()
        self._delays_ms = _shuffled([float(ms) for ms, of_100 in planted["tail"] for _ in range(of_100)])
        self._throttles = _shuffled([bool(place < planted["throttled_of_10"]) for place in range(10)])
        self._hits = _shuffled([bool(place < planted["hits_of_10"]) for place in range(10)])
        self._windows_ns: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def open_window(self, table: str, from_ns: int, until_ns: int) -> None:
        """From then until then, in CLOCK_MONOTONIC, which all processes of a machine share."""
        self._windows_ns[table] = (from_ns, until_ns)

    def until_ns(self, table: str, now_ns: int) -> int | None:
        """When to answer a request that came now; None for never."""
        from_ns, over_ns = self._windows_ns[table]
        inside = from_ns <= now_ns < over_ns
        if table == "down":
            return None if inside else now_ns
        return (over_ns if inside else now_ns) + round(self._delay_ms(table) * 1e6)

    def throttles(self, table: str) -> bool:
        """Whether this request is one too many."""
        with self._lock:
            return table == "throttled" and next(self._throttles)

    def hits(self) -> bool:
        """Whether this key is in the cache."""
        with self._lock:
            return next(self._hits)

    def _delay_ms(self, table: str) -> float:
        if table == "tail":
            with self._lock:
                return next(self._delays_ms)
        known = {"base": "base_ms", "slower": "slower_ms", "stalling": "stub_ms"}
        return float(self._planted[known[table]]) if table in known else 0.0


def serve_http(connection: socket.socket, behaviour: Behaviour) -> None:
    """Answer one connection's requests until it ends, or until a table is down."""
    buffer = b""
    while data := connection.recv(65_536):
        buffer += data
        key = http_key(buffer)
        if key is None:
            continue
        buffer, now_ns = b"", time.monotonic_ns()
        target, body = key[0], json.loads(key[1])
        table = body["TableName"]
        if target.endswith(b".window"):
            behaviour.open_window(table, body["from_ns"], body["until_ns"])
        until_ns = behaviour.until_ns(table, now_ns)
        if until_ns is None:
            return
        status, answer = (b"400 Bad Request", THROTTLE) if behaviour.throttles(table) else (b"200 OK", ITEM)
        head = b"HTTP/1.1 %s\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
        sleep_until(until_ns)
        connection.sendall(head % (status, len(answer)) + answer)


def serve_cache(connection: socket.socket, behaviour: Behaviour) -> None:
    """Answer one connection's commands: GET hits or misses by the schedule, all else is OK."""
    while data := connection.recv(65_536):
        if data.split(b"\r\n")[2].upper() != b"GET":
            connection.sendall(b"+OK\r\n")
        else:
            connection.sendall(b"$3\r\nhit\r\n" if behaviour.hits() else b"$-1\r\n")


def sleep_until(due_ns: int) -> None:
    """Sleep to a moment of CLOCK_MONOTONIC; not at all where it is past."""
    if (left_ns := due_ns - time.monotonic_ns()) > 0:
        time.sleep(left_ns / 1e9)


def _shuffled(block: list[T]) -> Iterator[T]:
    """The block again and again, in another order each time: over whole blocks the shares are exact."""
    rng = random.Random(_SEED)
    return (value for _ in count() for value in rng.sample(block, len(block)))


def _listen(serve: Callable[[socket.socket, Behaviour], None], behaviour: Behaviour) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def handle(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            try:
                serve(connection, behaviour)
            except OSError:  # the client left, as it may
                return

    def accept() -> None:
        while True:
            threading.Thread(target=handle, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def main() -> None:
    """Listen, say where as JSON, and serve until killed."""
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)
    behaviour = Behaviour(json.loads(sys.argv[1]))
    ports = {"http": _listen(serve_http, behaviour), "cache": _listen(serve_cache, behaviour)}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
