"""The twin's wire in this process, before a service that a test can see through."""

import asyncio
import resource
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import uvloop

from harness.local.dynamodb.wire.options import Options
from harness.local.dynamodb.wire.server import listen

DYNAMODB = b"DynamoDB_20120810."


class Fake:
    """Answers each operation as its test says: a pair, or the steps of a long work. Counts what it was asked."""

    def __init__(self, **answers):
        self.answers = {"Echo": lambda body: (200, body)} | answers
        self.asked, self.resets, self.chores = [], 0, 0

    def begin(self, target, body):
        operation = target.rpartition(b".")[2].decode()
        self.asked.append(operation)
        return self.answers[operation](body)

    def state(self):
        return {"asked": len(self.asked)}

    def tick(self):
        """Chores of two steps, each time."""
        self.chores += 1
        return self.chores % 2 == 1

    def reset(self):
        self.resets += 1


@contextmanager
def served(service, **options):
    """The address at which the service is reached, by a loop of its own."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # the test's thread and the loop's share one interpreter
    loop = uvloop.new_event_loop()
    server = loop.run_until_complete(listen(service, Options(**options)))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        sys.setswitchinterval(interval_s)
        server.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@contextmanager
def twin(*options, open_files=None):
    """A twin as a process of its own, where it may have so many open files: its pid and address; it ends well."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (open_files // 2, open_files))) if open_files else None
    command = [sys.executable, "-m", "harness.local.dynamodb", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
    try:
        host, port = process.stdout.readline().rsplit("/", 1)[1].split(":")
        yield process.pid, (host, int(port))
    finally:
        process.terminate()
        said = process.communicate(timeout=10)[1]
    assert process.returncode == 0
    assert "Traceback" not in said


def request(operation, body=b"{}", more=b""):
    """The bytes of a POST."""
    return b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: %s%s\r\n%sContent-Length: %d\r\n\r\n%s" % (
        DYNAMODB, operation.encode(), more, len(body), body,
    )  # fmt: skip


class Client:
    """A bare socket that reads answers one by one."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=10)
        self._read = b""

    def send(self, *sent):
        self.socket.sendall(b"".join(sent))
        return self

    def answer(self):
        """Status and body of the next answer; None when there is none before the connection's end."""
        while b"\r\n\r\n" not in self._read:
            if not (more := self.socket.recv(262_144)):
                return None
            self._read += more
        head, _, rest = self._read.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        parts, got = [rest], len(rest)
        while got < length:
            if not (more := self.socket.recv(262_144)):
                return None
            parts.append(more)
            got += len(more)
        whole = b"".join(parts)
        self._read = whole[length:]
        return int(head.split(b" ", 2)[1]), whole[:length]

    def rest(self):
        """Everything until the end."""
        return self._read + b"".join(iter(lambda: self.socket.recv(65_536), b""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
