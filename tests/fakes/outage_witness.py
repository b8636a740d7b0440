"""An independent witness of an outage: asks an echo server every millisecond, and notes every answer.

``python outage_witness.py HOST PORT PATH``: a process of its own that shares no code with the harness; asks until killed. It asks
on the connection that answered last; while that one owes an answer it asks on fresh ones, each given up after 100 ms. A line of
PATH is ``answer SENT_NS ANSWERED_NS`` or, of a tick that it came late to itself, ``late DUE_NS BEGUN_NS`` (CLOCK_MONOTONIC).
"""

import contextlib
import os
import select
import socket
import sys
import time

EVERY_NS = 1_000_000
PATIENCE_NS = 100_000_000
LATE_NS = 100_000


class Witness:
    """Asks whenever ``ask`` is called, and hears whatever came when ``hear`` is."""

    def __init__(self, address: tuple[str, int], fd: int) -> None:
        self.address, self.fd = address, fd
        self.kept: socket.socket | None = None
        self.owed: dict[socket.socket, int] = {}  # asked then, not answered yet
        self.connecting: dict[socket.socket, int] = {}

    def note(self, word: str, *times_ns: int) -> None:
        """One line, written at once: whoever kills us loses none."""
        os.write(self.fd, f"{word} {' '.join(map(str, times_ns))}\n".encode())

    def ask(self, now_ns: int) -> None:
        """Ask on the connection that is known to answer, or on a new one."""
        for one, since_ns in [*self.connecting.items(), *self.owed.items()]:
            if one is not self.kept and now_ns - since_ns > PATIENCE_NS:
                self.forget(one)
        if self.kept is not None and self.kept not in self.owed:
            self.put(self.kept, now_ns)
            return
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connecting[one] = now_ns
        with contextlib.suppress(BlockingIOError):
            try:
                one.connect(self.address)
            except ConnectionError:
                self.forget(one)

    def hear(self, timeout_s: float) -> None:
        """Wait so long for anything, and heed it."""
        readers = [*self.owed, *([self.kept] if self.kept is not None and self.kept not in self.owed else [])]
        readable, writable, _ = select.select(readers, [*self.connecting], [], timeout_s)
        now_ns = time.monotonic_ns()
        for one in writable:
            since_ns = self.connecting.pop(one)
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                one.close()
            else:
                self.put(one, since_ns)
        for one in readable:
            try:
                answer = one.recv(64)
            except OSError:
                answer = b""
            if not answer or one not in self.owed:
                self.forget(one)
                continue
            self.note("answer", self.owed.pop(one), now_ns)
            if one is not self.kept:
                if self.kept is not None:
                    self.forget(self.kept)
                self.kept = one

    def put(self, one: socket.socket, since_ns: int) -> None:
        """The question itself."""
        try:
            one.send(b"?")
            self.owed[one] = since_ns
        except OSError:
            self.forget(one)

    def forget(self, one: socket.socket) -> None:
        """It is over with this connection."""
        self.owed.pop(one, None)
        self.connecting.pop(one, None)
        if one is self.kept:
            self.kept = None
        one.close()


def main() -> None:
    """Ask until killed."""
    host, port, path = sys.argv[1:]
    witness = Witness((host, int(port)), os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644))
    sys.stdout.write("asking\n")
    sys.stdout.flush()
    due_ns = time.monotonic_ns()
    while True:
        now_ns = time.monotonic_ns()
        if now_ns >= due_ns:
            if now_ns - due_ns > LATE_NS:
                witness.note("late", due_ns, now_ns)
            witness.ask(now_ns)
            due_ns = max(due_ns + EVERY_NS, now_ns)
        witness.hear(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))


if __name__ == "__main__":
    main()
