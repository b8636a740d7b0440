"""The connections of a TCP proxy: what comes at one end is handed on at the other, at once, later or not at all."""

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import cast

from harness.local.alarms import Alarms
from harness.local.deaf import set_deaf

HELD_BYTES = 4 * 1024 * 1024  # what one direction of a connection holds before its sender is stopped
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no time at all: close() sends a reset


class Sign(Enum):
    """What goes the same way as bytes, and waits as they do."""

    END = "end"  # the sender has nothing more to say
    GONE = "gone"  # the sender's connection broke


Item = bytes | Sign


class DelayLine:
    """What waits to go on: one queue for all connections and directions, since all wait equally long."""

    def __init__(self, alarms: Alarms, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._alarms, self._clock_ns = alarms, clock_ns
        self._waiting: deque[tuple[int, Pump, Item]] = deque()
        self._hold_ns: int | None = 0
        self._rings_ns: int | None = None

    def pass_on(self, pump: "Pump", item: Item) -> None:
        """Let ``pump`` deliver ``item`` when its time has come."""
        if self._hold_ns == 0 and not self._waiting:
            pump.deliver(item)
            return
        self._waiting.append((self._clock_ns(), pump, item))
        self._arm()

    def hold(self, hold_ns: int | None) -> None:
        """How long everything waits, counted from when it came, what waits already included; None: for ever."""
        self._hold_ns = hold_ns
        self._release()

    def _release(self) -> None:
        waiting = self._waiting
        while waiting and self._hold_ns is not None and waiting[0][0] + self._hold_ns <= self._clock_ns():
            _, pump, item = waiting.popleft()
            pump.deliver(item)
        self._arm()

    def _arm(self) -> None:
        if not self._waiting or self._hold_ns is None:
            return
        due_ns = self._waiting[0][0] + self._hold_ns
        if self._rings_ns is None or due_ns < self._rings_ns:
            self._rings_ns = due_ns
            self._alarms.at(due_ns / 1e9, self._rung)

    def _rung(self) -> None:
        self._rings_ns = None
        self._release()


class Tally:
    """Bytes of one direction, over all connections: handed on, and held now."""

    def __init__(self) -> None:
        self.moved_bytes = self.held_bytes = 0


class Pump:
    """One direction of one connection: takes what comes from ``source``, delivers it to ``sink`` (None: not there yet)."""

    def __init__(self, link: "Link", line: DelayLine, tally: Tally) -> None:
        self._link, self._line, self._tally = link, line, tally
        self.source: asyncio.Transport | None = None
        self._sink: asyncio.Transport | None = None
        self._early: list[Item] = []  # what was due before there was a sink
        self._held_bytes = 0
        self._full = self._stopped = self._dropped = False
        self.ended = False

    def take(self, item: Item) -> None:
        """Something came from the source."""
        if isinstance(item, bytes):
            self._held_bytes += len(item)
            self._tally.held_bytes += len(item)
        self._line.pass_on(self, item)
        self._balance()

    def deliver(self, item: Item) -> None:
        """Its time has come."""
        if self._dropped:
            return
        if self._sink is None:
            self._early.append(item)
        elif item is Sign.GONE:
            self._link.close(reset=True)
        elif self._sink.is_closing():  # its own end is gone, which its other direction will tell
            return
        elif item is Sign.END:
            self._sink.write_eof()
            self.ended = True
            self._link.settle()
        else:
            self._held_bytes -= len(item)
            self._tally.held_bytes -= len(item)
            self._tally.moved_bytes += len(item)
            self._sink.write(item)
            self._balance()

    def connect(self, sink: asyncio.Transport) -> None:
        """The sink is there."""
        self._sink = sink
        early, self._early = self._early, []
        for item in early:
            self.deliver(item)

    def drop(self) -> None:
        """What is held will never go on."""
        self._dropped = True
        self._tally.held_bytes -= self._held_bytes
        self._held_bytes = 0
        self._early.clear()

    def full(self, *, full: bool) -> None:
        """The sink can't take more for now, or can again."""
        self._full = full
        self._balance()

    def _balance(self) -> None:
        """Stop the source while there is too much of it here."""
        stop = self._full or self._held_bytes > HELD_BYTES
        if stop == self._stopped or self.source is None or self.source.is_closing():
            return
        self._stopped = stop
        (self.source.pause_reading if stop else self.source.resume_reading)()


class End(asyncio.Protocol):
    """One of a link's two sockets: what it says goes to ``out``, what it hears comes from ``into``."""

    def __init__(self, link: "Link", out: Pump, into: Pump) -> None:
        self._link, self._out, self._into = link, out, into

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._out.source = cast("asyncio.Transport", transport)
        self._link.joined(self._out.source)
        self._into.connect(self._out.source)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._out.take(data)

    def eof_received(self) -> bool:
        """See asyncio; True: it may still hear."""
        self._out.take(Sign.END)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - that it wasn't we who closed it says enough
        """See asyncio."""
        if not self._link.closed:
            self._out.take(Sign.GONE)

    def pause_writing(self) -> None:
        """See asyncio."""
        self._into.full(full=True)

    def resume_writing(self) -> None:
        """See asyncio."""
        self._into.full(full=False)


class Link:
    """A client's connection and the one to the target behind it."""

    def __init__(
        self,
        client: socket.socket,
        line: DelayLine,
        to_target: Tally,
        to_client: Tally,
        left: "Callable[[Link], None]",
    ) -> None:
        self._client, self._left, self.closed = client, left, False
        self._transports: list[asyncio.Transport] = []
        self._to_target = Pump(self, line, to_target)
        self._to_client = Pump(self, line, to_client)

    async def begin(self) -> None:
        """Talk with the client."""
        end = End(self, self._to_target, self._to_client)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: end, self._client)
        except OSError:
            self.close(reset=True)

    async def reach(self, target: tuple[str, int]) -> None:
        """Connect to the target; where there is none, the client is reset as soon as it may hear: it was accepted already."""
        end = End(self, self._to_client, self._to_target)
        try:
            await asyncio.get_running_loop().create_connection(lambda: end, *target)
        except OSError:
            self._to_client.take(Sign.GONE)

    def joined(self, transport: asyncio.Transport) -> None:
        """One end is connected; too late if the link is closed by now."""
        if self.closed:
            transport.abort()
        self._transports.append(transport)

    def deafen(self, *, deaf: bool) -> None:
        """Let what the client sends vanish on its way, or arrive again."""
        with contextlib.suppress(OSError):  # the client's end may be closed already
            set_deaf(self._client, deaf=deaf)

    def settle(self) -> None:
        """Close when both sides have said all and heard all."""
        if self._to_target.ended and self._to_client.ended and not self.closed:
            self._leave()
            for transport in self._transports:
                transport.close()

    def close(self, *, reset: bool) -> None:
        """Close both ends now, by a reset if so wanted; what is held is lost."""
        if self.closed:
            return
        self._leave()
        for transport in self._transports:
            if reset and (there := transport.get_extra_info("socket")) is not None:  # None: that end is lost already
                send_reset_on_close(there.fileno())
            transport.abort()

    def _leave(self) -> None:
        self.closed = True
        self._to_target.drop()
        self._to_client.drop()
        self._left(self)


def send_reset_on_close(fd: int) -> None:
    """Let the end of a connection be a reset, which no byte outlives."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
