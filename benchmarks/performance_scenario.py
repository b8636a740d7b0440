"""The arms as a user has them: inside Locust, every operation taken by a slot, recorded, and told to Locust.

One trial is one arm in a closed loop for so many seconds. The first trial of each arm opens its connections and isn't counted;
around every trial the process's CPU is read and kept as an event ``cpu``.
"""

import time
from collections.abc import Iterator
from typing import ClassVar

from benchmarks.performance_arms import MANY, Arms, Servers
from harness.config import Settings
from harness.plan import Cell, Trial, interleave
from harness.scenario import Scenario, Stream, Ticket, TrialLoad
from harness.services import Needs


class ToolCostSettings(Settings):
    """Which arms, and for how long."""

    arms: tuple[str, ...]
    seconds: float
    warm_up_s: float = 0.4


class ToolCost(Scenario[ToolCostSettings]):
    """What the clients cost: one arm a client."""

    name = "tool_cost"
    Settings = ToolCostSettings
    default_slots: ClassVar[int] = MANY

    @classmethod
    def needs(cls, settings: ToolCostSettings) -> Needs:  # noqa: ARG003 - the other scenarios' do use them
        """Nothing: the servers are there already, the other programs use them too."""
        return Needs()

    def set_up(self) -> None:
        """The arms' first operations open what they need."""
        self.arms = Arms(Servers.from_environment())

    def plan(self) -> list[Trial]:
        """Every arm once to warm up, then every arm once more."""
        cells = [Cell(arms=self.settings.arms, step="closed loop")]
        return interleave(cells, rounds=2, seed=f"{self.context.config.seed}/{self.name}")

    def begin(self, trial: Trial) -> TrialLoad:
        """The arm's operation at its number of slots."""
        act, slots = self.arms.of(trial.arm)
        warm_up = trial.pair == 0
        ticket = Ticket(op=trial.arm, act=act, warm_up=warm_up)
        seconds = self.settings.warm_up_s if warm_up else self.settings.seconds
        return TrialLoad(client=trial.arm, streams=(Stream(tickets=self._tickets(ticket, seconds), slots=slots),))

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - as the harness calls it
        """Read the CPU of this process, all its threads."""
        self.began = time.process_time_ns(), begin_ns

    def end(self, trial: Trial) -> None:
        """What the trial took; the writing of its rows is in it."""
        cpu_ns, wall_ns = time.process_time_ns() - self.began[0], self.context.clock_ns() - self.began[1]
        self.context.events.add("cpu", trial=trial.trial, cpu_s=cpu_ns / 1e9, wall_s=wall_ns / 1e9)

    def _tickets(self, ticket: Ticket, seconds: float) -> Iterator[Ticket]:
        clock_ns = self.context.clock_ns
        end_ns = clock_ns() + int(seconds * 1e9)
        while clock_ns() < end_ns:
            yield ticket


SCENARIO = ToolCost
