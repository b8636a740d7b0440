"""The self-test's load: every truth is asked for as a question's scenario would ask, and recorded the same way."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, ClassVar

from harness.arrivals import constant
from harness.cache.client import CacheClient
from harness.dynamodb.client import ConnectionTrouble, DynamoClient, outcome, trouble_outcome
from harness.errors import ServerFailed
from harness.execute import locust_user
from harness.local.processes import Warden, log_tail
from harness.paths import PROJECT_ROOT
from harness.plan import Cell, Trial, interleave
from harness.planted.truths import PlantedSettings
from harness.recorder import Observation
from harness.scenario import FloorProbe, Scenario, Slot, Stream, Ticket, TrialLoad
from harness.services import Needs

HOST = "127.0.0.1"
CLOSED_SLOTS = 4
TIMEOUT_S = 2.0
Act = Callable[[Slot], Observation]


class Planted(Scenario[PlantedSettings]):
    """Asks servers whose answers are known beforehand."""

    name = "planted"
    Settings = PlantedSettings
    columns: ClassVar[dict[str, Any]] = {}
    default_slots = 16

    @classmethod
    def needs(cls, settings: PlantedSettings) -> Needs:  # noqa: ARG003 - none whatever the settings
        """Nothing: its servers are its own."""
        return Needs()

    def set_up(self) -> None:
        """Start the planted servers; they end with this process."""
        self.warden = Warden.start()
        log = self.warden.scratch / "planted.log"
        command = [sys.executable, "-m", "harness.planted.server", self.settings.model_dump_json()]
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
        self.warden.spawn("planted", command, log=log, env=environment, unprivileged=False)
        deadline = time.monotonic() + 10
        while not (said := log.read_text() if log.exists() else "").endswith("}\n"):
            if self.warden.exit_code("planted") is not None or time.monotonic() > deadline:
                raise ServerFailed("the planted server didn't start", log_tail(log))
            self.context.sleep_s(0.01)
        self.ports: dict[str, int] = json.loads(said)

    def plan(self) -> list[Trial]:
        """Each truth on its own, the two arms side by side."""
        settings = self.settings
        rounds = {"tail": settings.tail_trials, "slow_tool": settings.tool_trials}
        singles = ("tail", "throttled", "hits", "down", "stalling", "slow_tool")
        cells = [Cell(arms=(arm,), step=str(place)) for arm in singles for place in range(rounds.get(arm, 1))]
        cells += [Cell(arms=("base", "slower"), step=str(place)) for place in range(settings.pairs)]
        return interleave(cells, rounds=1, seed=f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """A request that is answered at once; and the same by the tool that is too slow."""
        address = (HOST, self.ports["http"])

        def probe(act: Act, labels: dict[str, str]) -> FloorProbe:
            return FloorProbe(
                client="lean", op="GetItem", role="dynamodb", server=address, key="http", connect=_client, act=act,
                labels=labels, slots=1,
            )  # fmt: skip

        return [probe(self._get("swift"), {}), probe(self._slow_get, {"arm": "slow_tool"})]

    def begin(self, trial: Trial) -> TrialLoad:
        """The load of one truth."""
        settings = self.settings
        if trial.arm == "stalling":
            arrivals = constant(
                duration_ns=settings.stall_duration_ms * 1_000_000, rate_per_s=settings.stall_rate_per_s
            )
            return _load(Stream(tickets=self._due(arrivals, self._get("stalling"))))
        if trial.arm == "down":
            duration_ns = int((settings.down_ms + 2 * settings.down_around_ms) * 1e6)
            arrivals = constant(duration_ns=duration_ns, interval_ns=int(settings.probe_interval_ms * 1e6))
            return _load(Stream(tickets=self._due(arrivals, self._get("down"))))
        acts: dict[str, tuple[Act, int]] = {
            "tail": (self._get("tail"), settings.tail_answers),
            "throttled": (self._get("throttled"), settings.counted_answers),
            "hits": (self._look_up, settings.counted_answers),
            "slow_tool": (self._slow_get, settings.tool_answers),
        }
        act, answers = acts.get(trial.arm) or (self._get(trial.arm), settings.pair_answers)
        tickets = (Ticket(op="GET" if trial.arm == "hits" else "GetItem", act=act) for act in repeat(act, answers))
        return _load(Stream(tickets=tickets, slots=1 if trial.arm == "slow_tool" else CLOSED_SLOTS))

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """The window in which the server stands still, or is down."""
        settings = self.settings
        starts_ms = {"stalling": settings.stall_at_ms, "down": settings.down_around_ms}
        lengths_ms = {"stalling": settings.stall_ms, "down": settings.down_ms}
        if trial.arm not in starts_ms:
            return
        from_ns = begin_ns + round(starts_ms[trial.arm] * 1e6)
        until_ns = from_ns + round(lengths_ms[trial.arm] * 1e6)
        self.context.events.add("window", trial=trial.trial, from_ns=from_ns, until_ns=until_ns)
        body = json.dumps({"TableName": trial.arm, "from_ns": from_ns, "until_ns": until_ns}).encode()
        with _client(HOST, self.ports["http"]) as client:
            client.call("Window", body)

    def tear_down(self) -> None:
        """Stop the planted servers."""
        if hasattr(self, "warden"):
            self.warden.close()

    def _due(self, arrivals: Iterator[int], act: Act) -> Iterator[Ticket]:
        return (Ticket(op="GetItem", act=act, due_ns=due_ns) for due_ns in arrivals)

    def _get(self, table: str) -> Act:
        payload = json.dumps({"TableName": table, "Key": {"pk": {"S": "planted"}}}).encode()

        def act(slot: Slot) -> Observation:
            client: DynamoClient = slot.hold("http", lambda: _client(HOST, self.ports["http"]))
            try:
                response = client.call("GetItem", payload)
            except ConnectionTrouble as trouble:
                return Observation(outcome=trouble_outcome(trouble, "GetItem"), error_code=type(trouble).__name__)
            return Observation(
                outcome=outcome(response), error_code=response.error_code, reason=response.throttling_reason,
                bytes=response.bytes_count,
            )  # fmt: skip

        return act

    def _slow_get(self, slot: Slot) -> Observation:
        """A request of a tool that works for ``tool_ms`` on each before it sends it."""
        over_ns = self.context.clock_ns() + round(self.settings.tool_ms * 1e6)
        while self.context.clock_ns() < over_ns:
            pass
        return self._get("swift")(slot)

    def _look_up(self, slot: Slot) -> Observation:
        cache: CacheClient = slot.hold("cache", lambda: CacheClient(HOST, self.ports["cache"]))
        return Observation(hit=cache.get("planted") is not None)


def _client(host: str, port: int) -> DynamoClient:
    return DynamoClient(f"http://{host}:{port}", connect_timeout_s=TIMEOUT_S, read_timeout_s=TIMEOUT_S)


def _load(stream: Stream) -> TrialLoad:
    return TrialLoad(client="lean", streams=(stream,))


SCENARIO = Planted
PlantedUser = locust_user(Planted)
