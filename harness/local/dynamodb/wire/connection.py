"""One client's connection: httptools parses, requests are answered in their order, a slow client harms only itself."""

import asyncio
import logging
import time
from collections import deque
from zlib import crc32

import httptools

from harness.local.dynamodb.wire.control import PREFIX
from harness.local.dynamodb.wire.signature import SCALING_TARGET, Headers, SignedRequest
from harness.local.dynamodb.wire.turns import DEFECT, Answer, LongWork, Work
from harness.local.dynamodb.wire.wire import (
    CONTINUE,
    CROSS_ORIGIN,
    JSON_1_0,
    JSON_1_1,
    LINGER_S,
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    NO_UPGRADE,
    TEXT,
    TOO_LARGE,
    UNKNOWN,
    Wire,
    preflight,
)

logger = logging.getLogger(__name__)
_JOINED_BYTES = 16_384  # a longer body isn't copied behind its head, nor kept for company
BURST = 64  # requests of one connection that are answered before others have their turn
_NOTED = {
    b"expect", b"origin", b"upgrade", b"content-length", b"access-control-request-headers", b"access-control-request-method",
}  # fmt: skip
_NOTED_LENGTHS = frozenset(map(len, _NOTED))
_NONE: dict[bytes, bytes] = {}


# A request that came whole: method, url, target, body, whether the connection is kept, the few headers that matter, and
# all of them where they are verified. A bare tuple, since one is made for each request.
_Request = tuple[bytes, bytes, bytes, bytes, bool, dict[bytes, bytes], Headers]


class Connection(asyncio.Protocol):
    """From bytes to requests, and from answers to bytes."""

    __slots__ = (
        "_begun", "_body", "_busy", "_due_s", "_ended", "_full", "_head_only", "_headers", "_held", "_hung", "_in_head",
        "_keep", "_kind", "_last", "_lines", "_noted", "_out", "_over", "_parser", "_raw_bytes", "_reading", "_served",
        "_serving", "_target", "_transport", "_url", "_waiting", "_watched", "_wire", "_work",
    )  # fmt: skip

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._parser: httptools.HttpRequestParser | None = None  # made when something comes: an idle client is small
        self._transport: asyncio.Transport | None = None
        # Of the request that is being received:
        self._begun, self._in_head, self._raw_bytes = False, False, 0
        self._url, self._target, self._noted = b"", b"", _NONE
        self._headers: Headers = ()
        self._body: bytes | bytearray = b""
        # Of the one that is being answered: how its answer is to look, when it is due, who makes it.
        self._busy, self._serving, self._served, self._hung = False, False, 0, False
        self._keep, self._head_only, self._kind, self._lines = True, False, JSON_1_0, b""
        self._due_s = 0.0
        self._out: list[bytes] = []
        self._work: Work | None = None
        # Of what came after it:
        self._waiting: deque[_Request] | None = None
        self._held = b""
        self._last: Answer | None = None  # the refusal that ends the connection, once those before it are answered
        # Of the client:
        self._reading, self._full, self._ended, self._over, self._watched = True, False, False, False, False

    # Events of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, _reason: Exception | None) -> None:
        """The client is gone: what is done for it is dropped."""
        # The parser knows its connection: left in place, the two would wait for a collection of cycles, which is rare here.
        self._transport, self._parser, self._waiting, self._held = None, None, None, b""
        self._wire.release(self)
        if self._work is not None:
            self._work.drop()
            self._work = None

    def data_received(self, data: bytes) -> None:
        """Bytes have come; what isn't HTTP ends the connection, never the server."""
        self._served = 0
        if self._over:
            self._raw_bytes += len(data)
            if self._raw_bytes > 4 * MAX_BODY_BYTES:
                self.abort()
        elif self._busy or self._full or self._waiting:
            self._held += data  # at most what was read before the reading stopped
            self._read(wanted=False)
        else:
            self._feed(data)

    def eof_received(self) -> bool:
        """The client will send no more; what it has sent is answered yet."""
        self._ended = True
        return self._occupied() and not self._hung

    def pause_writing(self) -> None:
        """The client doesn't take its answers: nothing more is read or answered until it does."""
        self._full = True
        self._watch()

    def resume_writing(self) -> None:
        """It has taken them."""
        self._full = False
        self._proceed()
        self._watch(renewed=True)

    def abort(self) -> None:
        """End it, answered or not."""
        if self._transport is not None:
            self._transport.abort()

    # Events of the parser

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begun, self._in_head, self._raw_bytes = True, True, 0
        self._url, self._target, self._body, self._noted = b"", b"", b"", _NONE

    def on_url(self, url: bytes) -> None:
        """The request's path, or a part of it."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; only a few matter, and they are told apart by their length first."""
        length = len(name)
        if length == 12:
            if self._in_head and name.lower() == b"x-amz-target":
                self._target = value
        elif length in _NOTED_LENGTHS and (length != 14 or len(value) > 7) and name.lower() in _NOTED:
            self._noted = self._noted | {name.lower(): value}

    def on_headers_complete(self) -> None:
        """The head has ended, a body may follow: one that is too large is refused before it comes."""
        self._in_head = False
        if self._noted:
            if int(self._noted.get(b"content-length", b"0")) > MAX_BODY_BYTES:
                self._refuse(413, TOO_LARGE)
            elif self._noted.get(b"expect", b"").lower() == b"100-continue" and not self._occupied():
                self._out.append(CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if len(self._body) + len(body) > MAX_BODY_BYTES:
            self._refuse(413, TOO_LARGE)
        elif not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body

    def on_message_complete(self) -> None:
        """A whole request is there: answer it, or let it stand in line."""
        self._begun = False
        if self._last is not None or self._over:
            return
        parser = self._parser
        assert parser is not None  # it is calling
        if self._noted and parser.should_upgrade():  # its body isn't parsed then
            self._refuse(400, NO_UPGRADE)
            return
        body = self._body if type(self._body) is bytes else bytes(self._body)
        self._body = b""
        method, keep = parser.get_method(), parser.should_keep_alive()
        if self._busy or self._full or self._waiting or self._served == BURST:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append((method, self._url, self._target, body, keep, self._noted, self._headers))
            return
        self._served += 1
        if keep and not self._noted and method == b"POST" and self._url == b"/" and not self._wire.guards.any:
            self._serve_usual(self._target, body)
        else:
            self._serve(method, self._url, self._target, body, keep, self._noted, self._headers)

    # Receiving

    def _feed(self, data: bytes) -> None:
        if self._begun and self._overgrown(len(data)):
            self._refuse(413, TOO_LARGE)
            return
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(400, NO_UPGRADE)
        except httptools.HttpParserError:
            self._refuse(400, b"")
        if len(self._out) == 1 and self._transport is not None:  # as nearly always
            self._transport.write(self._out.pop())
        else:
            self._flush()
        if self._waiting and not self._busy and not self._full:
            self._wire.loop.call_soon(self._proceed)  # it sent many at once: others first
        if self._begun or self._watched:
            self._watch(renewed=self._raw_bytes == 0)  # then what has begun began just now

    def _overgrown(self, more_bytes: int) -> bool:
        """Whether a head, or what is wrapped around a body, has become too long.

        Counted before parsing: the parser itself keeps an unfinished header, however long it gets.
        """
        self._raw_bytes += more_bytes
        return self._raw_bytes > MAX_HEAD_BYTES + (0 if self._in_head else 2 * (len(self._body) + more_bytes))

    def _read(self, *, wanted: bool) -> None:
        if self._transport is not None and wanted != self._reading and not self._transport.is_closing():
            self._reading = wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def _watch(self, *, renewed: bool = False) -> None:
        """Have it ended if it is now the client that keeps us waiting; a request that is whole is never late."""
        waits = self._transport is not None and (self._full or self._over or (self._begun and not self._busy))
        if waits == self._watched and not (waits and renewed):
            return
        self._watched = waits
        if waits:
            limit_s = self._wire.request_timeout_s
            self._wire.watch(self, min(limit_s, LINGER_S) if self._over else limit_s)
        else:
            self._wire.release(self)

    # Answering

    def _occupied(self) -> bool:
        """Whether what comes now has to wait."""
        return self._busy or self._full or bool(self._waiting)

    def _serve_usual(self, target: bytes, body: bytes) -> None:
        """Answer a request as nearly all are: the shortest way, since the service's own work is to be what costs."""
        wire = self._wire
        answer: Answer | LongWork
        try:
            answer = wire.begin(target, body)
        except Exception:
            logger.exception("%s failed", target.decode("latin-1"))
            answer = 500, DEFECT
        if (
            isinstance(answer, tuple)
            and answer[0] == 200
            and len(content := answer[1]) < _JOINED_BYTES
            and target[:1] == b"D"
        ):
            self._out.append(wire.usual % (next(wire.request_ids), crc32(content), len(content), content))
        else:
            self._keep, self._head_only, self._lines = True, False, b""
            self._kind = JSON_1_1 if target.startswith(SCALING_TARGET) else JSON_1_0
            self._carry_on(answer)

    def _serve(
        self, method: bytes, url: bytes, target: bytes, body: bytes, keep: bool, noted: dict[bytes, bytes],
        headers: Headers,
    ) -> None:  # fmt: skip
        """Answer any request, or begin to: then it is busy."""
        self._keep, self._head_only = keep, False
        answer: Answer | LongWork | None
        try:
            if method != b"POST" or url.startswith(PREFIX):
                answer = self._other(method, url, body, noted)
            else:
                self._kind = JSON_1_1 if target.startswith(SCALING_TARGET) else JSON_1_0
                self._lines = CROSS_ORIGIN if b"origin" in noted else b""
                request = SignedRequest(method=method, url=url, target=target, headers=headers, body=body)
                answer = self._guarded(request) if self._wire.guards.any else self._wire.begin(target, body)
        except Exception:
            logger.exception("%s failed", target.decode("latin-1"))
            answer = 500, DEFECT
        self._carry_on(answer)

    def _carry_on(self, answer: Answer | LongWork | None) -> None:
        """Send an answer that is there, make one that takes long; with none, keep the client waiting."""
        self._serving = True
        if isinstance(answer, tuple):
            self._finish(answer)
        elif answer is not None:
            self._busy = True
            work = self._wire.turns.begin(answer, self._finish)
            self._work = work if self._busy else None
        self._serving = False

    def _guarded(self, request: SignedRequest) -> Answer | LongWork | None:
        passage = self._wire.guards.check(request)
        if passage.never:
            self._busy, self._hung = True, True
            return None
        self._due_s = time.monotonic() + passage.delay_s if passage.delay_s else 0.0
        return passage.answer or self._wire.begin(request.target, request.body)

    def _other(self, method: bytes, url: bytes, body: bytes, noted: dict[bytes, bytes]) -> Answer:
        """What isn't an operation: whether it lives, the twin's own page, what a browser asks before it posts."""
        self._head_only, self._lines, self._kind = method == b"HEAD", b"", TEXT
        if method == b"HEAD":
            method = b"GET"
        if url.startswith(PREFIX):
            self._kind = JSON_1_0
            return self._wire.control.answer(method, url, body, cross_origin=b"origin" in noted)
        if method == b"GET" and url == b"/":
            return 200, b"healthy: twin of dynamodb"
        if method == b"OPTIONS" and b"origin" in noted:
            self._lines = preflight(noted)
            return 200, b""
        return 404, UNKNOWN

    def _finish(self, answer: Answer) -> None:
        """The answer is there; it goes out when it is due."""
        self._work = None
        if self._due_s > time.monotonic():
            self._busy, due_s, self._due_s = True, self._due_s, 0.0
            self._wire.guards.later(due_s, lambda: self._finish(answer))
            return
        self._busy = False
        self._send(answer)
        if not self._serving:
            self._proceed()

    def _send(self, answer: Answer) -> None:
        status, body = answer
        if self._transport is None or self._transport.is_closing():
            return
        head = self._wire.head(status, body, kind=self._kind, keep=self._keep, lines=self._lines)
        if self._head_only:
            body = b""
        self._out += (head, body)
        if len(body) >= _JOINED_BYTES:
            self._flush()
        if not self._keep:
            self._over, self._waiting, self._held = True, None, b""
            self._flush()
            self._transport.close()

    def _proceed(self) -> None:
        """On with what came meanwhile, until one takes long, the client doesn't take its answers, or others wait."""
        self._served = 0
        while self._waiting and not self._busy and not self._full:
            if self._served == BURST:
                self._wire.loop.call_soon(self._proceed)
                break
            self._served += 1
            self._serve(*self._waiting.popleft())
        self._flush()
        if self._held and self._last is None and not self._occupied():
            held, self._held = self._held, b""
            self._feed(held)
        if self._occupied() or self._transport is None:
            return
        if self._last is not None:
            self._refuse(*self._last)
        elif self._ended:
            self._transport.close()
        else:
            self._read(wanted=True)

    def _refuse(self, status: int, body: bytes) -> None:
        """Say why, after what is still to be answered, and end; what still comes is read, so that it sees the reason."""
        if self._over or self._transport is None:
            return
        if self._occupied():
            self._last = status, body
            return
        self._over, self._begun, self._raw_bytes = True, False, 0
        self._out.append(self._wire.head(status, body, keep=False) + body)
        self._flush()
        if self._ended:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write_eof()
            self._read(wanted=True)
            self._watch()

    def _flush(self) -> None:
        """Hand all answers that are made to the system, in one call."""
        out = self._out
        if out and self._transport is not None and not self._transport.is_closing():
            if len(out) == 1:
                self._transport.write(out[0])
            else:
                self._transport.writelines(out)
        out.clear()
