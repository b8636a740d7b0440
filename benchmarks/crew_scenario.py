"""One operation at a fixed rate, and what every process that makes it took of the processor.

Several runs at once take turns: each trial waits until its run is given one, and gives it back.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.callgrind import Counter
from benchmarks.performance_arms import Arms, Servers
from harness.arrivals import Drawn, constant
from harness.config import Settings
from harness.errors import CannotMeasure
from harness.plan import Cell, Trial, interleave
from harness.scenario import Scenario, Stream, Ticket, TrialLoad
from harness.services import Needs

ARM = "getitem_lean"
TURNS_VARIABLE = "DBHARNESS_BENCHMARK_TURNS"  # the folder in which a run is given its turns
SLOWER_VARIABLE = "DBHARNESS_BENCHMARK_SLOWER"
TURN, OVER = "turn", "over"  # files there, with the trial's number behind
_TURN_PATIENCE_S = 1800.0
_LOOK_EVERY_S = 0.02


class CrewCostSettings(Settings):
    """How often, how long, how many times."""

    rate_per_s: float
    seconds: float
    trials: int


class CrewCost(Scenario[CrewCostSettings]):
    """GetItem as the lean client does it, in an open loop; the first trial opens connections and isn't counted."""

    name = "crew_cost"
    Settings = CrewCostSettings
    distributable = True
    default_slots: ClassVar[int] = 20

    @classmethod
    def needs(cls, settings: CrewCostSettings) -> Needs:  # noqa: ARG003 - the other scenarios' do use them
        """Nothing: the server is there already."""
        return Needs()

    def set_up(self) -> None:
        """The arm's first operations open what they need."""
        self.attach()

    def attach(self) -> None:
        """The same in a worker."""
        self.arms = Arms(Servers.from_environment())
        self.instructions = Counter()

    def plan(self) -> list[Trial]:
        """The same trial again and again."""
        cells = [Cell(arms=(ARM,), step="fixed rate")]
        return interleave(cells, rounds=1 + self.settings.trials, seed=f"{self.context.config.seed}/{self.name}")

    def prepare(self, trial: Trial) -> None:
        """Wait for this run's turn."""
        turn, deadline_s = self._turns / f"{TURN}.{trial.trial}", time.monotonic() + _TURN_PATIENCE_S
        while not turn.exists():
            if time.monotonic() > deadline_s:
                raise CannotMeasure(f"nobody gave trial {trial.trial} its turn in {_TURN_PATIENCE_S:g} s")
            self.context.sleep_s(_LOOK_EVERY_S)

    def begin(self, trial: Trial) -> TrialLoad:
        """The fixed rate."""
        streams = (Stream(tickets=self._tickets(trial.pair == 0)),)
        return TrialLoad(client=ARM, streams=streams, deadline_s=60 + 3 * self.settings.seconds)

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - whichever it is
        """Read the CPU of the process that has the services: a master's, where there is one."""
        self._master_began_ns = time.process_time_ns()

    def load_begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - whichever it is
        """Read the CPU of this process, all its threads."""
        self.instructions.begin()
        self._began_ns = time.process_time_ns()

    def load_ended(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - whichever it was
        """What this process took, with the writing of its rows."""
        cpu_s = (time.process_time_ns() - self._began_ns) / 1e9
        return {"cpu_s": cpu_s, "instructions": self.instructions.end()}

    def collect(self, trial: Trial, told: Sequence[Mapping[str, Any]]) -> None:
        """What all of them took."""
        master_s = (time.process_time_ns() - self._master_began_ns) / 1e9
        self.context.events.add(
            "cpu", trial=trial.trial, master_s=master_s, cpu_s=[one["cpu_s"] for one in told],
            instructions=[one["instructions"] for one in told],
        )  # fmt: skip

    def end(self, trial: Trial) -> None:
        """Give the turn back."""
        (self._turns / f"{OVER}.{trial.trial}").touch()

    @property
    def _turns(self) -> Path:
        return Path(os.environ[TURNS_VARIABLE])

    def _tickets(self, warm_up: bool) -> Iterator[Ticket]:
        act, _ = self.arms.of(ARM)
        settings = self.settings
        due = constant(rate_per_s=settings.rate_per_s, duration_ns=int(settings.seconds * 1e9))
        return Drawn(due, lambda due_ns: Ticket(op=ARM, act=act, due_ns=due_ns, warm_up=warm_up))


SCENARIO = CrewCost
