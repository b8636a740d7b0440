"""The series' load: one row is read again and again, by arms ``a`` and ``b`` that differ in nothing but their name."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from harness.execute import locust_user
from harness.one_row import OneRow, Role, needs
from harness.plan import Cell, Trial, interleave
from harness.scenario import FloorProbe, Scenario, Stream, Ticket, TrialLoad
from harness.series import Through
from harness.series.settings import SeriesSettings
from harness.services import Needs

ROLES: Mapping[Through, Role] = {
    "dynamodb": "dynamodb", "valkey": "cache", "postgres": "postgres", "mysql": "mysql",
}  # fmt: skip
_PATIENCE_S = 120.0  # beyond a trial's own length


class Series(Scenario[SeriesSettings]):
    """Asks for the same by two names, in turns."""

    name = "series"
    Settings = SeriesSettings
    columns: ClassVar[dict[str, Any]] = {}
    default_slots = 1

    @classmethod
    def needs(cls, settings: SeriesSettings) -> Needs:
        """The one service that is asked."""
        return needs(ROLES[settings.through])

    def set_up(self) -> None:
        """The one row."""
        row = OneRow(self.context.local)
        row.store(ROLES[self.settings.through])
        self.probe = _probe(row, self.settings.through)

    def plan(self) -> list[Trial]:
        """Both arms in every pair, their order drawn."""
        cell = Cell(arms=("a", "b"), step=self.settings.through)
        rounds = self.settings.comparisons * self.settings.pairs
        return interleave([cell], rounds=rounds, seed=f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """The one operation."""
        return [self.probe]

    def begin(self, trial: Trial) -> TrialLoad:  # noqa: ARG002 - what makes it a series: no trial differs
        """A closed loop with rests."""
        settings = self.settings
        deadline_s = settings.warm_up_s + settings.trial_s + _PATIENCE_S
        return TrialLoad(
            client=self.probe.client, streams=(Stream(tickets=self._tickets(), slots=1),), deadline_s=deadline_s
        )

    def _tickets(self) -> Iterator[Ticket]:
        clock_ns, think_ns = self.context.clock_ns, round(self.settings.think_ms * 1e6)
        warm_ns = clock_ns() + round(self.settings.warm_up_s * 1e9)
        end_ns = warm_ns + round(self.settings.trial_s * 1e9)
        while (now_ns := clock_ns()) < end_ns:
            yield Ticket(op=self.probe.op, act=self.probe.act, think_ns=think_ns, warm_up=now_ns < warm_ns)


def _probe(row: OneRow, through: Through) -> FloorProbe:
    if through == "dynamodb":
        return row.dynamodb("lean")
    return row.cache() if through == "valkey" else row.sql(through)


SCENARIO = Series
SeriesUser = locust_user(Series)
