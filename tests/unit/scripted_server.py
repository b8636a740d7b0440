"""A server of a few lines that says what a test tells it to."""

import contextlib
import socket
import threading


class ScriptedServer:
    """Answers each request it receives with the next of ``replies``; None closes, an Event is waited for."""

    def __init__(self, *replies):
        self.received = []
        self.connections = 0
        self.closed = threading.Event()  # set when a connection was closed
        self._replies = iter(replies)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _attend(self, connection):
        # A client that has left is what some tests are about.
        with connection, contextlib.suppress(OSError):
            self._answer(connection)
        self.closed.set()

    def _answer(self, connection):
        while data := connection.recv(65_536):
            while (length := announced_length(data)) is not None and len(data) < length:
                more = connection.recv(65_536)  # botocore sends head and body apart
                if not more:
                    return
                data += more
            self.received.append(data)
            for part in next(self._replies):
                if part is None:
                    return
                if isinstance(part, threading.Event):
                    part.wait(10)
                else:
                    connection.sendall(part)

    def close(self):
        self._listener.close()


def announced_length(data):
    """How long an HTTP request says it is, head and body; None for what isn't HTTP or has no whole head."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end or not head.startswith(b"POST "):
        return None
    said = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return len(head) + 4 + int(said[15:])


@contextlib.contextmanager
def serving():
    """Yields a function that starts a server with its replies; all are closed afterwards."""
    servers = []

    def start(*replies):
        servers.append(ScriptedServer(*replies))
        return servers[-1]

    try:
        yield start
    finally:
        for server in servers:
            server.close()


def refusing_port():
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
