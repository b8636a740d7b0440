"""What all connections share: the service behind them, the heads of answers, and the watch on slow clients."""

import asyncio
import zlib
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from itertools import count
from typing import Protocol

from harness.local.dynamodb.wire.control import Control
from harness.local.dynamodb.wire.guards import Guards
from harness.local.dynamodb.wire.turns import Answer, LongWork, Turns

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
# A request must have come whole, or an answer be taken, within this; the service doesn't publish its own limit.
REQUEST_TIMEOUT_S = 60.0
LINGER_S = 5.0  # how long what a refused client still sends is read and thrown away, so that it sees why
_TICK_S = 0.1

JSON_1_0, JSON_1_1, TEXT = b"application/x-amz-json-1.0", b"application/x-amz-json-1.1", b"text/plain"
UNKNOWN = b"<UnknownOperationException/>\n"  # what the service says to what isn't a POST, with status 404
TOO_LARGE = b'{"__type":"com.amazon.coral.service#RequestEntityTooLargeException","Message":"Request too large"}'
NO_UPGRADE = b'{"message":"only HTTP/1.1 is spoken here; send no Upgrade header"}'
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CROSS_ORIGIN = b"Access-Control-Allow-Origin: *\r\n"


class Watched(Protocol):
    """A connection whose client may keep it waiting."""

    def abort(self) -> None:
        """End it, answered or not."""


class Wire:
    """The server's side of every connection."""

    def __init__(
        self,
        *,
        begin: Callable[[bytes, bytes], Answer | LongWork],
        chores: Callable[[], bool],
        guards: Guards,
        control: Control,
        loop: asyncio.AbstractEventLoop,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        self.begin, self.guards, self.control, self.loop = begin, guards, control, loop
        self._chores, self._at_chores = chores, False
        self.request_timeout_s = request_timeout_s
        self.turns = Turns(loop)
        self.request_ids = count(10**15)  # as many digits for ever
        self._deadlines: dict[Watched, float] = {}
        self._heads: dict[tuple[int, bytes, bool], bytes] = {}
        self.usual = b""  # a whole answer with status 200: id, checksum, length and body are to be filled in
        self._tick()

    def watch(self, connection: Watched, timeout_s: float) -> None:
        """Abort the connection unless it is released within that time."""
        self._deadlines[connection] = self.loop.time() + timeout_s

    def release(self, connection: Watched) -> None:
        """The connection waits for nothing any more."""
        self._deadlines.pop(connection, None)

    def head(self, status: int, body: bytes, *, kind: bytes = JSON_1_0, keep: bool = True, lines: bytes = b"") -> bytes:
        """The head of an answer; ``lines`` are further header lines, whole."""
        key = status, kind, keep
        template = self._heads.get(key) or self._heads.setdefault(key, self._template(*key))
        filled: bytes = template % (next(self.request_ids), zlib.crc32(body), len(body))
        return filled[:-2] + lines + b"\r\n" if lines else filled

    def _template(self, status: int, kind: bytes, keep: bool) -> bytes:
        return (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {formatdate(usegmt=True)}\r\n"
            f"Content-Type: {kind.decode()}\r\nConnection: {'keep-alive' if keep else 'close'}\r\n"
            "x-amzn-RequestId: TWIN00000000000000000000000000000000%d\r\nx-amz-crc32: %d\r\nContent-Length: %d\r\n\r\n"
        ).encode()

    def _tick(self) -> None:
        """Now and then: another date in the heads, an end to whom we waited for in vain, what no request waits for."""
        self._heads.clear()
        self.usual = self._template(200, JSON_1_0, keep=True) + b"%b"
        now_s = self.loop.time()
        for connection in [late for late, due_s in self._deadlines.items() if due_s <= now_s]:
            self.release(connection)
            connection.abort()
        if not self._at_chores:
            self._at_chores = True
            self.turns.begin(self._chore_by_chore(), self._done)
        self.loop.call_later(_TICK_S, self._tick)

    def _chore_by_chore(self) -> LongWork:
        while self._chores():
            yield
        return 200, b""

    def _done(self, _: Answer) -> None:
        self._at_chores = False


def preflight(asked: dict[bytes, bytes]) -> bytes:
    """The header lines that let a page of another origin post, as the service sends them."""
    lines = CROSS_ORIGIN
    if b"access-control-request-headers" in asked:
        lines += b"Access-Control-Allow-Headers: " + asked[b"access-control-request-headers"] + b"\r\n"
    if b"access-control-request-method" in asked:
        lines += b"Access-Control-Allow-Methods: " + asked[b"access-control-request-method"] + b"\r\n"
    return lines + b"Access-Control-Max-Age: 172800\r\n"
