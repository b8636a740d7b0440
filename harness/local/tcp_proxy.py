"""A TCP proxy on loopback that can be told to be slow, silent or gone, while connections are open.

``python -m harness.local.tcp_proxy --target HOST:PORT --control PATH``: a process of its own, so that it takes nothing of
the load's core time. Modes:

* ``pass``: what comes goes on.
* ``delay``: what comes goes on ``delay_ms`` later, each way, in order; connecting isn't delayed.
* ``black_hole``: connections are accepted and nothing goes on, neither bytes nor an end; all of it is held, and goes on
  when another mode is chosen. (A black-holed address of a real network wouldn't even accept.)
* ``drop``: as when the network has lost the address: what a client sends vanishes unacknowledged, SYNs and keepalives too,
  so connecting hangs and TCP's own timers run out. What comes from the target, its end included, is held as in a black hole:
  the client hears nothing. Afterwards TCP sends again what had vanished, at intervals that have grown meanwhile (a SYN: 1, 2,
  4 … s), and what was held goes on.
* ``refuse``: as when a server's process has ended: nobody listens, open connections are closed.
* ``reset``: as when a middlebox has forgotten: open connections are reset, new ones as soon as they are accepted.

A mode holds for open connections too, for the bytes under way as well. A new target is for connections made from then on.

Control is a unix socket: one JSON object a line, answered by one: ``{"do": "mode", "mode": "delay", "delay_ms": 20}``,
``{"do": "target", "host": …, "port": …}``, ``{"do": "state"}``. Whatever is asked has happened when the answer comes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from harness.local.alarms import Alarms
from harness.local.deaf import set_deaf
from harness.local.rights import drop_rights, raise_file_limit
from harness.local.tcp_links import DelayLine, Link, Tally, send_reset_on_close

MODES = ("pass", "delay", "black_hole", "drop", "refuse", "reset")
_HOLDING = ("black_hole", "drop")
_BACKLOG = 1_024
_CONNECTIONS_A_TURN = 64


class Listener:
    """An address that is listened at, or held without anybody listening: connecting is refused then.

    Port 0 is one that the system chooses. Raises OSError where the address can't be had.
    """

    def __init__(self, host: str, port: int, accepted: Callable[[socket.socket], None]) -> None:
        self._accepted = accepted
        self._holder = socket.socket()  # never listens; keeps the port from others
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind((host, port))
        self.address: tuple[str, int] = self._holder.getsockname()
        self._socket: socket.socket | None = None

    def open(self, *, deaf: bool = False) -> None:
        """Listen, if nobody does; ``deaf``: nobody who knocks from now on gets an answer."""
        if self._socket is not None:
            set_deaf(self._socket, deaf=deaf)
            return
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        set_deaf(self._socket, deaf=deaf)
        self._socket.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._accept)

    def close(self) -> None:
        """Refuse."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def accept_all(self) -> None:
        """Accept at once whoever the system has let in already."""
        while self._accept_one():
            pass

    def _accept(self) -> None:
        for _ in range(_CONNECTIONS_A_TURN):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        if self._socket is None:
            return False
        try:
            client, _ = self._socket.accept()
        except OSError:
            return False
        client.setblocking(False)
        self._accepted(client)
        return True


class Proxy:
    """The links of one address, and how they are to behave."""

    def __init__(self, host: str, port: int, target: tuple[str, int]) -> None:
        self.line = DelayLine(Alarms(asyncio.get_running_loop()))
        self.links: set[Link] = set()
        self.to_target, self.to_client = Tally(), Tally()
        self.target, self.mode, self.delay_ms = target, "pass", 0.0
        self.accepted_connections = 0
        self._unreached: list[Link] = []  # accepted while all is held: the target hasn't heard of them
        self._tasks: set[asyncio.Task[None]] = set()
        self.listener = Listener(host, port, self._accepted)
        self.listener.open()

    def set_mode(self, mode: str, delay_ms: float = 0.0) -> None:
        """Behave so from now on. Raises ValueError for what isn't a mode, or a delay that is negative."""
        if mode not in MODES:
            raise ValueError(f"mode: one of {', '.join(MODES)}, got {mode!r}")
        if not 0 <= delay_ms < float("inf") or (delay_ms and mode != "delay"):
            raise ValueError(f"delay_ms: at least 0, and only with mode delay, got {delay_ms!r} with {mode}")
        self.mode, self.delay_ms = mode, delay_ms
        self._hear(deaf=mode == "drop")
        if mode in ("refuse", "reset"):
            for link in list(self.links):
                link.close(reset=mode == "reset")
        self.line.hold(None if mode in _HOLDING else round(delay_ms * 1e6))
        if mode not in _HOLDING:
            for link in self._unreached:
                if not link.closed:
                    self._run(link.reach(self.target))
            self._unreached.clear()

    def _hear(self, *, deaf: bool) -> None:
        """Listen, unless all are to be refused; ``deaf``: nothing that clients send is heard from now on."""
        if self.mode == "refuse":
            self.listener.close()
        else:
            self.listener.open(deaf=deaf)
        if deaf:
            self.listener.accept_all()  # these had their answer just before, so they are silenced as the others are
        for link in self.links:
            link.deafen(deaf=deaf)

    def state(self) -> dict[str, Any]:
        """How it behaves and what it has counted."""
        return {
            "mode": self.mode, "delay_ms": self.delay_ms, "address": self.listener.address, "target": self.target,
            "accepted_connections": self.accepted_connections, "open_connections": len(self.links),
            "to_target_bytes": self.to_target.moved_bytes, "to_client_bytes": self.to_client.moved_bytes,
            "held_to_target_bytes": self.to_target.held_bytes, "held_to_client_bytes": self.to_client.held_bytes,
        }  # fmt: skip

    def _accepted(self, client: socket.socket) -> None:
        self.accepted_connections += 1
        if self.mode == "reset":
            send_reset_on_close(client.fileno())
            client.close()
            return
        link = Link(client, self.line, self.to_target, self.to_client, self.links.discard)
        self.links.add(link)
        self._run(link.begin())
        if self.mode in _HOLDING:
            self._unreached.append(link)
        else:
            self._run(link.reach(self.target))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def obey(proxy: Proxy, line: bytes) -> dict[str, Any]:
    """Do one request; what can't be done is an answer too."""
    try:
        what = dict(json.loads(line))
        action = what.pop("do")
        if action == "mode":
            proxy.set_mode(**what)
        elif action == "target":
            proxy.target = str(what["host"]), int(what["port"])
        elif action != "state":
            raise ValueError(f"do: one of mode, target, state, got {action!r}")
    except (ValueError, TypeError, KeyError, OSError) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}
    return {"ok": True, **proxy.state()}


async def _serve(words: argparse.Namespace) -> None:
    host, _, port = words.target.rpartition(":")
    try:
        proxy = Proxy(words.listen, words.port, (host, int(port)))
    except OSError as error:
        sys.exit(f"nothing can listen at {words.listen}:{words.port}: {error.strerror}")

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(json.dumps(obey(proxy, line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    os.umask(0o177)  # the control socket is its owner's
    control = await asyncio.start_unix_server(visited, words.control)
    raise_file_limit()
    if words.drop_to is not None:
        drop_rights(words.drop_to)
    sys.stdout.write("listening on {}:{}\n".format(*proxy.listener.address))
    sys.stdout.flush()
    await control.serve_forever()


def main() -> None:
    """Parse and serve, until killed."""
    parser = argparse.ArgumentParser(description="A TCP proxy that can be slow, silent or gone.")
    parser.add_argument("--listen", default="127.0.0.1", metavar="HOST")
    parser.add_argument("--port", type=int, default=0, help="to listen at; by default one asked from the system")
    parser.add_argument("--target", required=True, metavar="HOST:PORT")
    parser.add_argument("--control", required=True, metavar="PATH", help="of the unix socket that takes orders")
    parser.add_argument("--drop-to", type=int, default=None, metavar="UID", help="give up root's rights after binding")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
