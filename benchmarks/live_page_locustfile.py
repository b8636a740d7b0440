"""The locustfile of :mod:`benchmarks.live_page`: GetItem in a closed loop, in trials that are looked at in turn with trials that aren't.

In a trial *looked_at* the page's ticker tells its feeds, latencies are kept for it, and whoever reads the flag file polls. In the
others none of it happens. Everything else is the same process, the same connections, the same minutes.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import locust

import scenarios
from benchmarks.live_page import FLAG_VARIABLE
from harness.config import Settings
from harness.execute import locust_user
from harness.local.twin_control import TwinGauge
from harness.plan import Cell, Trial, interleave
from harness.recorder import Observation
from harness.scenario import Scenario, Slot, Stream, Ticket, TrialLoad
from harness.services import Needs, Services

TABLE = "live_page"
if TYPE_CHECKING:
    from harness.cockpit.ticking import Cockpit
    from harness.dynamodb.client import DynamoClient

KEY = {"id": {"S": "it"}}
UI: list[Any] = []


class LivePageSettings(Settings):
    """How long, and how often."""

    pairs: int = 60
    trial_s: float = 2.0
    in_flight: int = 4


class LivePage(Scenario[LivePageSettings]):
    """What being looked at costs an operation."""

    name = "live_page"
    Settings = LivePageSettings
    default_slots = 4

    @classmethod
    def needs(cls, settings: LivePageSettings) -> Needs:  # noqa: ARG003 - whatever they are
        """The twin."""
        return Needs(dynamodb=True, dynamodb_partition_limits=False)

    @classmethod
    def on_aws(cls, settings: LivePageSettings, services: Services) -> Any:
        """Not there."""
        raise NotImplementedError

    def set_up(self) -> None:
        """One item."""
        self.gauge = TwinGauge(self.context.services.dynamodb.url)
        with self.context.services.dynamodb.lean() as client:
            client.call("CreateTable", {
                "TableName": TABLE, "BillingMode": "PROVISIONED", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "ProvisionedThroughput": {"ReadCapacityUnits": 40_000, "WriteCapacityUnits": 100},
            })  # fmt: skip
            client.call("PutItem", {"TableName": TABLE, "Item": KEY | {"value": {"S": "x" * 300}}})

    def plan(self) -> list[Trial]:
        """Both, side by side, in random order."""
        return interleave(
            [Cell(arms=("looked_at", "alone"), step="closed loop")], rounds=self.settings.pairs, seed="live page"
        )

    def begin(self, trial: Trial) -> TrialLoad:  # noqa: ARG002 - the same for both
        """One GetItem after the other."""
        self.done = 0
        return TrialLoad(client="lean", streams=(Stream(tickets=self._tickets(), slots=self.settings.in_flight),))

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - as the harness calls it
        """Look, or look away; then read the CPU."""
        looked_at = trial.arm == "looked_at"
        cockpit: Cockpit = UI[0].dbharness
        cockpit._stop()
        cockpit.live.keeps_latencies = looked_at
        if looked_at and cockpit.session is not None:
            cockpit._looking = gevent.spawn(cockpit._look_on, cockpit.session)
        Path(os.environ[FLAG_VARIABLE]).write_text("on" if looked_at else "off")
        self.cpu_ns = time.process_time_ns()

    def end(self, trial: Trial) -> None:
        """CPU of this process an operation: load, rows, Locust and whatever looks on."""
        cpu_ns = time.process_time_ns() - self.cpu_ns
        self.context.events.add(
            "cpu", trial=trial.trial, arm=trial.arm, pair=trial.pair, cpu_ns=cpu_ns, operations=self.done
        )

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """As the scenarios with a twin have it."""
        return {"capacity": self.gauge.look()}

    def _tickets(self) -> Iterator[Ticket]:
        clock_ns = self.context.clock_ns
        end_ns = clock_ns() + int(self.settings.trial_s * 1e9)
        ticket = Ticket(op="GetItem", act=self._get)
        while clock_ns() < end_ns:
            self.done += 1
            yield ticket

    def _get(self, slot: Slot) -> Observation:
        client: DynamoClient = slot.hold("dynamodb", self.context.services.dynamodb.lean)
        answer = client.call("GetItem", {"TableName": TABLE, "Key": KEY})
        return Observation(outcome="ok" if answer.status == 200 else "error", read_units=0.5)


SCENARIO = LivePage
scenarios.SCENARIOS = (LivePage.name,)  # type: ignore[assignment] # its type is that of the names it has
sys.modules[f"scenarios.{LivePage.name}"] = sys.modules[__name__]
LivePageUser = locust_user(LivePage)
EVENTS: Any = locust.events  # without types
EVENTS.init.add_listener(lambda environment, **_: UI.append(environment.web_ui))
