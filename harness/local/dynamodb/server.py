"""The twin on the wire: HTTP/1.1 with keep-alive, DynamoDB's JSON protocol, one process, one event loop."""

import asyncio
import logging
import os
import signal
import sys
import zlib
from itertools import count

import httptools
import orjson
import uvloop

from harness.local.dynamodb.service import Service

logger = logging.getLogger(__name__)
MAX_BODY_BYTES = 17 * 1024 * 1024  # a BatchWriteItem of 16 MB and its JSON's punctuation
MAX_HEAD_BYTES = 64 * 1024
_DEFECT = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"a defect of the twin"}'
_REQUEST_IDS = count(1)
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 413: "Payload Too Large"}


class Connection(asyncio.Protocol):
    """One client's connection; httptools parses, requests are answered in their order."""

    __slots__ = ("_body", "_head_bytes", "_in_head", "_parser", "_service", "_target", "_transport", "_url")

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url, self._target = b"", b""
        self._body = bytearray()
        self._in_head, self._head_bytes = False, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, _reason: Exception | None) -> None:
        """The client is gone."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Bytes have come; what isn't HTTP ends the connection, never the server."""
        # Counted before parsing: the parser itself keeps an unfinished header, however long it gets.
        self._head_bytes += len(data) if self._in_head else 0
        if self._head_bytes > MAX_HEAD_BYTES:
            self._send(413, b"", close=True)
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserUpgrade, httptools.HttpParserError):
            self._send(400, b"", close=True)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url, self._target = b"", b""
        self._in_head, self._head_bytes = True, 0
        self._body.clear()

    def on_url(self, url: bytes) -> None:
        """The request's path, or a part of it."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; only the target matters."""
        if len(name) == 12 and name.lower() == b"x-amz-target":
            self._target = value

    def on_headers_complete(self) -> None:
        """The head has ended, a body may follow."""
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if len(self._body) + len(body) > MAX_BODY_BYTES:
            too_large = (
                b'{"__type":"com.amazon.coral.service#RequestEntityTooLargeException","Message":"Request too large"}'
            )
            self._send(413, too_large, close=True)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """A whole request is there: answer it."""
        if self._transport is None or self._transport.is_closing():
            return
        method, keep = self._parser.get_method(), self._parser.should_keep_alive()
        try:
            status, body = self._answer(method)
        except Exception:
            logger.exception("%s %s failed", method.decode("latin-1"), self._target.decode("latin-1"))
            status, body = 500, _DEFECT
        self._send(status, body, close=not keep or status == 405)

    def _answer(self, method: bytes) -> tuple[int, bytes]:
        """An operation's answer; to GET, what stands at `/` (that it lives) and at `/_twin/` (its state)."""
        if method == b"POST":
            return self._service.answer(self._target, bytes(self._body))
        if method != b"GET":
            return 405, b""
        match self._url.strip(b"/"):
            case b"":
                return 200, b"healthy: twin of dynamodb"
            case b"_twin":
                return 200, orjson.dumps(self._service.state())
        return 404, b""

    def _send(self, status: int, body: bytes, *, close: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Internal Server Error')}\r\n"
            "Content-Type: application/x-amz-json-1.0\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"x-amzn-RequestId: TWIN{next(_REQUEST_IDS):048d}\r\n"
            f"x-amz-crc32: {zlib.crc32(body)}\r\n"
            f"{'Connection: close' if close else 'Connection: keep-alive'}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        if close:
            self._transport.close()


def serve(host: str, port: int, speed: float, drop_to_uid: int | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code: 0, or 3 when the address can't be had.

    ``drop_to_uid`` gives up root's rights once everything is imported and the port is bound.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(host, port, speed, drop_to_uid))
    except OSError as error:
        sys.stderr.write(f"can't listen on {host}:{port}: {error.strerror or error}; give another --port, or 0\n")
        return 3
    return 0


async def _serve(host: str, port: int, speed: float, drop_to_uid: int | None) -> None:
    loop = asyncio.get_running_loop()
    service = Service(speed)
    server = await loop.create_server(lambda: Connection(service), host, port, backlog=1024)
    if drop_to_uid is not None:
        _drop_rights(drop_to_uid)
    done = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, done.set)
    bound = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"listening on http://{host}:{bound}\n")
    sys.stdout.flush()
    await done.wait()
    server.close()


def _drop_rights(uid: int) -> None:
    """Become an unprivileged user for good; nothing is imported from disk after this."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
