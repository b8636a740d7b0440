"""A server that does nothing but answer: what it has heard a real server say, it says itself from then on.

It stands between a client and its server. What a connection asks for the second time in the same bytes is answered
with the bytes of the first answer, by the responder alone: client, bytes and sockets stay what they are, only the
database is missing. All else passes through, so that logins, whose bytes are never the same twice, work as they do.

It knows no protocol but the outline of an HTTP request, whose head differs each time (date, signature): the key is its
target and its body. A client must wait for each answer before it asks again, as all of ours do.

Run as a file by a bare interpreter (standard library only: it must start in a blink, and a loop of plain epoll costs
less than asyncio's), ``responder.py NAME=http|plain:HOST:PORT …``. Its first line of output is a JSON object of ports: one a
name, and ``control``, where whoever connects is told the counts as JSON.
"""

import gc
import json
import select
import socket
import sys
from collections.abc import Callable

# One for all: a new one of that size for every request would be mapped, and given back, by the kernel.
BUFFER = bytearray(262_144)
Key = tuple[bytes, bytes]
KeyOf = Callable[[bytes], "Key | None"]


def http_key(request: bytes) -> Key | None:
    """Target and body of a whole HTTP request; None while it isn't whole."""
    end = request.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = request[: end + 2].lower()
    body = request[end + 4 :]
    at = head.find(b"\r\ncontent-length:")
    if at >= 0 and len(body) < int(head[at + 17 : head.find(b"\r\n", at + 17)]):
        return None
    at = head.find(b"\r\nx-amz-target:")
    return (head[at + 15 : head.find(b"\r\n", at + 15)].strip() if at >= 0 else head[: head.find(b"\r\n")]), body


def plain_key(request: bytes) -> Key:
    """The request itself: a client of ours hands a whole one to the socket at once."""
    return b"", request


KEYS: dict[str, KeyOf] = {"http": http_key, "plain": plain_key}


class Replies:
    """What one server has answered, and how often it was asked in vain."""

    def __init__(self, address: tuple[str, int], key_of: KeyOf) -> None:
        self.address, self.key_of = address, key_of
        self.known: dict[Key, bytes] = {}
        self.replayed = self.passed_on = self.asked_bytes = self.answered_bytes = 0

    def counts(self) -> dict[str, int]:
        """Requests answered here and passed on; the bytes, both ways, of those answered here."""
        names = ("replayed", "passed_on", "asked_bytes", "answered_bytes")
        return {name: getattr(self, name) for name in names}


class Link:
    """One client's connection, and the connection to the server behind it."""

    def __init__(self, client: socket.socket, replies: Replies) -> None:
        self.client, self.replies = client, replies
        self.server = socket.create_connection(replies.address, 5.0)
        for side in (self.client, self.server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            side.settimeout(None)
        self._request = b""  # what came of a request that isn't whole
        self._asked: Key | None = None
        self._answer = bytearray()
        self._heard: dict[Key, bytes] = {}

    def from_client(self, data: bytearray) -> None:
        """Answer what is known; pass on what isn't, and remember what comes of it."""
        replies = self.replies
        request = self._request + data if self._request else bytes(data)
        key = replies.key_of(request)
        if key is None:
            self._request = request
            return
        self._request = b""
        if self._asked is not None and self._answer:
            self._heard[self._asked] = bytes(self._answer)
        self._asked = None
        reply = replies.known.get(key)
        if reply is None and (reply := self._heard.get(key)) is not None:
            replies.known[key] = reply
        if reply is None:
            replies.passed_on += 1
            self._asked = key
            self._answer.clear()
            self.server.sendall(request)
            return
        self.client.sendall(reply)
        replies.replayed += 1
        replies.asked_bytes += len(request)
        replies.answered_bytes += len(reply)

    def from_server(self, data: bytearray) -> None:
        """Pass an answer, or a part of one, on."""
        self._answer += data
        self.client.sendall(data)

    def close(self) -> None:
        """Close both sides."""
        self.client.close()
        self.server.close()


class Loop:
    """Waits for all sockets at once and hands each to what it is for."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}

    def watch(self, side: socket.socket, ready: Callable[[], None]) -> None:
        """Call ``ready`` whenever ``side`` has something to read."""
        self._ready[side.fileno()] = ready
        self._epoll.register(side.fileno(), select.EPOLLIN)

    def forget(self, side: socket.socket) -> None:
        """Watch it no more; to be called before it is closed."""
        if self._ready.pop(side.fileno(), None) is not None:
            self._epoll.unregister(side.fileno())

    def listen(self, accepted: Callable[[socket.socket], None]) -> int:
        """A port on loopback, asked from the system, whose connections go to ``accepted``."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.watch(listener, lambda: accepted(listener.accept()[0]))
        return int(listener.getsockname()[1])

    def run(self) -> None:
        """For ever."""
        while True:
            for number, _ in self._epoll.poll():
                if ready := self._ready.get(number):  # one that went before may have closed it
                    ready()


def connect(loop: Loop, client: socket.socket, replies: Replies) -> None:
    """Link a new connection with its server; where there is none it is closed, as the server's absence would."""
    try:
        link = Link(client, replies)
    except OSError:
        client.close()
        return

    def pump(side: socket.socket, take: Callable[[bytearray], None]) -> Callable[[], None]:
        receive_into = side.recv_into

        def ready() -> None:
            try:
                if count := receive_into(BUFFER):
                    take(BUFFER[:count])
                    return
            except OSError:
                pass
            loop.forget(link.client)
            loop.forget(link.server)
            link.close()

        return ready

    loop.watch(link.client, pump(link.client, link.from_client))
    loop.watch(link.server, pump(link.server, link.from_server))


def main(words: list[str]) -> None:
    """Serve every name that was asked for."""
    loop = Loop()
    served: dict[str, Replies] = {}
    ports: dict[str, int] = {}
    for word in words:
        name, _, where = word.partition("=")
        kind, host, port = where.split(":")
        served[name] = replies = Replies((host, int(port)), KEYS[kind])
        ports[name] = loop.listen(lambda client, replies=replies: connect(loop, client, replies))  # type: ignore[misc]

    def tell(client: socket.socket) -> None:
        with client:
            client.sendall(json.dumps({name: replies.counts() for name, replies in served.items()}).encode())

    ports["control"] = loop.listen(tell)
    gc.disable()  # what it keeps has no cycles
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    loop.run()


if __name__ == "__main__":
    main(sys.argv[1:])
