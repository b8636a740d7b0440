"""A hot key whose TTL ends again and again under readers: what each end costs the database."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent

from harness.cache.client import KeyCommands
from harness.cache.strategies.xfetch import pack
from harness.plan import Trial
from harness.rundir import Events
from harness.sql.connections import SqlConnection

HOT_KEY = "hot"
_LOOK_EVERY_S = 0.002
_QUIET_S = 0.02  # no load for so long: whoever missed has asked by now


@dataclass(slots=True, kw_only=True)
class Stampede:
    """Puts the value into the cache, lets its TTL end, waits until no load is under way, and begins anew.

    Every end of a TTL is an event ``expiry``: when it was put there (``set_ns``), when its TTL was over (``t_ns``), when
    the last load was (``settled_ns``), and how many loads began in between (``queries``), of which ``early`` before the TTL was over.
    ``jitter_share`` spreads the TTLs as the arm ``lazy_jitter`` does. ``load`` is the query; the readers' own go through ``ask``, which counts them.
    ``shift_ns`` is what moments of this machine lack to those of samples and events.
    """

    trial: Trial
    cache: KeyCommands
    events: Events
    clock_ns: Callable[[], int]
    load: Callable[[SqlConnection], bytes]
    jitter_share: float
    draw: Callable[[], float]
    patience_s: float
    shift_ns: int = 0
    over: bool = False
    _failure: Exception | None = field(default=None, init=False)
    _running: Any = field(default=None, init=False)
    _value: bytes = field(default=b"", init=False)
    _took_ns: int = field(default=0, init=False)
    _loads: int = field(default=0, init=False)
    _under_way: int = field(default=0, init=False)

    def prepare(self, connection: SqlConnection) -> None:
        """Learn the value and what it takes, and put it there for as long as nobody reads."""
        times_ns = []
        for _ in range(3):
            begin_ns = self.clock_ns()
            self._value = self.load(connection)
            times_ns.append(self.clock_ns() - begin_ns)
        self._took_ns = sorted(times_ns)[1]
        self.cache.set(HOT_KEY, self._packed(self.patience_s), self.patience_s)

    def ask(self, connection: SqlConnection) -> bytes:
        """A reader's load."""
        self._loads += 1
        self._under_way += 1
        try:
            return self.load(connection)
        finally:
            self._under_way -= 1

    def start(self) -> None:
        """All expiries of the trial, in a greenlet; ``over`` when they are."""
        self._running = gevent.spawn(self._run)

    def settle(self) -> str | None:
        """At the trial's end, however it came: what went wrong, in words, where something did."""
        if self._running is not None:
            self._running.kill()
        return f"the hot key can't be put into the cache: {self._failure}" if self._failure else None

    def _run(self) -> None:
        try:
            for _ in range(int(self.trial.params["expiries"])):
                self._once()
        except Exception as error:  # noqa: BLE001 - the trial's end raises it
            self._failure = error
        finally:
            self.over = True

    def _once(self) -> None:
        spread = 1 + self.jitter_share * (2 * self.draw() - 1)
        ttl_s, before = float(self.trial.params["ttl_s"]) * spread, self._loads
        set_ns = self.clock_ns()
        self.cache.set(HOT_KEY, self._packed(ttl_s), ttl_s)
        expires_ns = set_ns + int(ttl_s * 1e9)
        gevent.sleep(max(0.0, (expires_ns - self.clock_ns()) / 1e9))
        early = self._loads - before
        settled_ns = self._settled(before, expires_ns + int(self.patience_s * 1e9))
        self.events.add(
            "expiry", trial=self.trial.trial, t_ns=expires_ns, set_ns=set_ns + self.shift_ns, settled_ns=settled_ns + self.shift_ns,
            queries=self._loads - before, early=early,
        )  # fmt: skip

    def _settled(self, before: int, deadline_ns: int) -> int:
        """Wait until what the expiry caused is over, or no longer than to ``deadline_ns``; returns since when it is."""
        quiet_ns, loads = self.clock_ns(), self._loads
        while (now_ns := self.clock_ns()) < deadline_ns:
            if self._under_way or self._loads == before or self._loads != loads:
                quiet_ns, loads = now_ns, self._loads
            elif now_ns - quiet_ns > _QUIET_S * 1e9:
                break
            gevent.sleep(_LOOK_EVERY_S)
        return quiet_ns

    def _packed(self, ttl_s: float) -> bytes:
        """The value as the arm's strategy keeps it."""
        if self.trial.arm != "xfetch":
            return self._value
        return pack(self._value, self._took_ns, time.time_ns() + int(ttl_s * 1e9))
