"""One operation at a fixed rate, and what every process that makes it took of the processor."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from benchmarks.performance_arms import Arms, Servers
from harness.arrivals import Drawn, constant
from harness.config import Settings
from harness.plan import Cell, Trial, interleave
from harness.scenario import Scenario, Stream, Ticket, TrialLoad
from harness.services import Needs

ARM = "getitem_lean"


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

    def plan(self) -> list[Trial]:
        """The same trial again and again."""
        cells = [Cell(arms=(ARM,), step="fixed rate")]
        return interleave(cells, rounds=1 + self.settings.trials, seed=f"{self.context.config.seed}/{self.name}")

    def begin(self, trial: Trial) -> TrialLoad:
        """The fixed rate."""
        return TrialLoad(client=ARM, streams=(Stream(tickets=self._tickets(trial.pair == 0)),))

    def load_begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - whichever it is
        """Read the CPU of this process, all its threads."""
        self._began_ns = time.process_time_ns()

    def load_ended(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - whichever it was
        """What this process took, with the writing of its rows."""
        return {"cpu_s": (time.process_time_ns() - self._began_ns) / 1e9}

    def collect(self, trial: Trial, told: Sequence[Mapping[str, Any]]) -> None:
        """What all of them took."""
        self.context.events.add("cpu", trial=trial.trial, cpu_s=[one["cpu_s"] for one in told])

    def _tickets(self, warm_up: bool) -> Iterator[Ticket]:
        act, _ = self.arms.of(ARM)
        settings = self.settings
        due = constant(rate_per_s=settings.rate_per_s, duration_ns=int(settings.seconds * 1e9))
        return Drawn(due, lambda due_ns: Ticket(op=ARM, act=act, due_ns=due_ns, warm_up=warm_up))


SCENARIO = CrewCost
