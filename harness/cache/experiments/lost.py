"""A cache that is lost for a while: killed, hanging, emptied or slow; and what guards its clients."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent

from harness.cache.client import CacheError, KeyCommands
from harness.cache.cluster import Address, open_cache
from harness.cache.endpoint import CacheEndpoint
from harness.cache.experiments.settings import CacheHitRateSettings
from harness.cache.guards import BreakerState, CircuitBreaker, Client, guarded
from harness.cache.nodes import CacheNodes
from harness.errors import CannotMeasure
from harness.local.cache_server import CacheServer
from harness.local.tcp_proxy_control import TcpProxy
from harness.plan import Trial
from harness.rundir import Events

READY_S = 20.0  # after which a cache that was killed and started again doesn't come any more
_ASKED = 50  # keys, over all nodes of a cluster


@dataclass(slots=True, kw_only=True)
class Lost:
    """The fault of one trial, to the first of ``servers``, or to all nodes where it is ``flush`` or ``slow``.

    Events: ``fault_injected`` and ``fault_repaired`` when either began, ``cache_ready`` when the cache answers again.
    """

    trial: Trial
    servers: Sequence[CacheServer]
    nodes: CacheNodes
    cache: KeyCommands
    proxies: Sequence[TcpProxy]
    events: Events
    clock_ns: Callable[[], int] = time.monotonic_ns
    _failure: Exception | None = field(default=None, init=False)
    _injected: bool = field(default=False, init=False)
    _repaired: bool = field(default=False, init=False)
    _watch: Any = field(default=None, init=False)

    def start(self, begin_ns: int) -> None:
        """Fault and repair when they are due, in a greenlet."""
        self._watch = gevent.spawn(self._run, begin_ns)

    def settle(self) -> None:
        """At the trial's end, however it came: the cache is as before. Raises what went wrong."""
        if self._injected and not self._repaired:
            self._watch.join()
        self._watch.kill()
        if self._failure:
            raise CannotMeasure(f"the cache can't be lost or found: {self._failure}") from self._failure

    def _run(self, begin_ns: int) -> None:
        params = self.trial.params
        try:
            due_ns = begin_ns + int(float(params["before_s"]) * 1e9)
            self._wait(due_ns)
            self._injected = True
            self._note("fault_injected")
            self._inject()
            if self.trial.step != "flush":  # it is over as soon as it has happened
                self._wait(due_ns + int(float(params["fault_s"]) * 1e9))
            self._note("fault_repaired")
            self._repair()
            self._note("cache_ready")
        except Exception as error:  # noqa: BLE001 - the trial's end raises it
            self._failure = error
        finally:
            self._repaired = True

    def _inject(self) -> None:
        match self.trial.step:
            case "kill":
                self.servers[0].kill()
            case "hang":
                self.servers[0].hang()
            case "flush":
                self.nodes.flush()
            case "slow":
                for proxy in self.proxies:
                    proxy.delay(float(self.trial.params["delay_ms"]))

    def _repair(self) -> None:
        match self.trial.step:
            case "kill":
                self.servers[0].start()
                self.nodes.close()  # the connections of before
                self.cache.close()
                self._await_all()
            case "hang":
                self.servers[0].resume()
                self.nodes.key_counts()
            case "slow":
                for proxy in self.proxies:
                    proxy.pass_on()

    def _await_all(self) -> None:
        """A node that is back isn't of its cluster yet: wait until whatever key is asked for is answered."""
        deadline_ns = self.clock_ns() + int(READY_S * 1e9)
        while True:
            try:
                self.cache.delete(*(f"ready:{number}" for number in range(_ASKED)))
            except CacheError:
                if self.clock_ns() > deadline_ns:
                    raise
                gevent.sleep(0.01)
            else:
                return

    def _wait(self, until_ns: int) -> None:
        gevent.sleep(max(0, until_ns - self.clock_ns()) / 1e9)

    def _note(self, kind: str) -> None:
        self.events.add(kind, trial=self.trial.trial, engine=self.trial.labels["engine"], fault=self.trial.step)


def breaker_of(settings: CacheHitRateSettings, trial: Trial, events: Events) -> CircuitBreaker:
    """The one breaker of a trial's process; each change of state is an event ``breaker``."""

    def changed(state: BreakerState) -> None:
        events.add("breaker", trial=trial.trial, state=state)

    return CircuitBreaker(
        failures=settings.breaker_failures, window_s=settings.breaker_window_s, open_s=settings.breaker_open_s,
        changed=changed,
    )  # fmt: skip


def client_of(
    trial: Trial, nodes: Sequence[CacheEndpoint], breaker: CircuitBreaker, at: Callable[[Address], Address]
) -> Client:
    """The arm's client. One without a time-out is as patient as the trial is long: the harness comes to an end."""
    return guarded(
        trial.arm,  # type: ignore[arg-type] # the plan's own words
        lambda timeout_s: open_cache(nodes, timeout_s, remap=at),
        timeout_s=float(trial.params["timeout_s"]), patience_s=float(trial.params["measured_s"]), breaker=breaker,
    )  # fmt: skip
