"""The least that a Python server can do with a request: uvloop, httptools and one canned answer; the twin's ceiling."""

import asyncio
import sys
import zlib

import httptools
import uvloop

BODY = b'{"Item":{"pk":{"S":"k0000"},"payload":{"S":"' + b"x" * 400 + b'"}}}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"Content-Length: %d\r\nx-amz-crc32: %d\r\n\r\n%s" % (len(BODY), zlib.crc32(BODY), BODY)
)


class _Connection(asyncio.Protocol):
    """Parses what comes and answers each request with the same bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        """A whole request is there."""
        self.transport.write(ANSWER)  # type: ignore[attr-defined]


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(_serve()))
