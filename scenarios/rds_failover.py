"""How long is a database down when it fails over, for whom, and is anything lost?

Topologies as RDS has them are made to fail under load. Every client arm, an application with its own driver settings, tries every
10 ms whether it can read and write; all arms watch the same failover side by side. Every write is in a ledger of what its client
was told, and afterwards each of them is looked up. What fails over, and how, says ``harness.sql.failover.cells``.
"""

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, ClassVar

from harness.errors import TrialFailed
from harness.execute import locust_user
from harness.plan import Trial
from harness.recorder import Kind
from harness.scenario import Context, FloorProbe, Narrowed, Scenario, TrialLoad
from harness.services import Needs, Services
from harness.sql.failover.floors import floor_probes
from harness.sql.failover.managed import for_rds
from harness.sql.failover.plan import trials_of
from harness.sql.failover.probes import COLUMNS, up_or_down
from harness.sql.failover.settings import RdsFailoverSettings
from harness.sql.failover.stage import Stage
from harness.sql.failover.stages import TROUBLE, Stages
from harness.sql.failover.synchrony import Commits
from harness.sql.failover.trial import Failover

if TYPE_CHECKING:
    from harness.aws.stages import ManagedStages


class RdsFailover(Scenario[RdsFailoverSettings]):
    """Lets databases fail over under load and watches their clients come back."""

    name = "rds_failover"
    Settings = RdsFailoverSettings
    columns: ClassVar[dict[str, Kind]] = COLUMNS
    counted = staticmethod(up_or_down)
    default_slots = 176  # two streams of eight for every client arm that one topology can have, the reference included

    def __init__(self, settings: RdsFailoverSettings, context: Context) -> None:
        super().__init__(settings, context)
        self.write_ids = count(1)
        self.stages = self._stages()
        self.under_way: Failover | Commits

    @classmethod
    def needs(cls, settings: RdsFailoverSettings) -> Needs:
        """The engines, whose topologies are made in ``set_up``."""
        return Needs(sql_servers=settings.engines)

    @classmethod
    def on_aws(cls, settings: RdsFailoverSettings, services: Services) -> Narrowed:
        """A fail-over that RDS is asked for, of each engine that has another zone; at RDS's own pace."""
        from harness.aws.services import AwsServices
        from harness.aws.stages import failing_over, none_fails_over

        assert isinstance(services, AwsServices)
        engines = failing_over(services)
        if not engines:
            raise none_fails_over(services)
        return for_rds(settings, {engine: services.databases[engine].topology for engine in engines})

    def set_up(self) -> None:
        """Every topology of the plan, up, with an empty ledger."""
        self.stages.open()

    def plan(self) -> list[Trial]:
        """See ``harness.sql.failover.plan``."""
        seed = f"{self.context.config.seed}/{self.name}"
        return trials_of(self.settings, self.stages.engines, self.stages.offers, seed, self.context.slots)

    def floor_probes(self) -> list[FloorProbe]:
        """What the two probes ask, on a plain connection."""
        return floor_probes(self.stages.one_of_each_engine())

    def prepare(self, trial: Trial) -> None:
        """The topology whole, with the trial's parameters, and clients that know nothing of it yet."""
        try:
            stage = self.stages.of(trial)
            if trial.labels["part"] == "synchrony":
                assert isinstance(stage, Stage)
                self.under_way = Commits(trial, stage, self.context, self.write_ids.__next__)
            else:
                self.under_way = Failover(trial, stage, self.context, self.write_ids.__next__)
            self.under_way.prepare()
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def begin(self, trial: Trial) -> TrialLoad:  # noqa: ARG002 - the one that was prepared
        """The load of every arm at once."""
        return self.under_way.load()

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - likewise
        """The fault comes when it is due."""
        self.under_way.begun(begin_ns)

    def end(self, trial: Trial) -> None:
        """What became of every write."""
        try:
            self.under_way.settle()
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """The zones of the failover under way, and its ledger."""
        under_way = getattr(self, "under_way", None)
        return {"failover": under_way.live()} if isinstance(under_way, Failover) else {}

    def tear_down(self) -> None:
        """Stop the name server."""
        self.stages.close()

    def _stages(self) -> "Stages | ManagedStages":
        if not self.context.on_aws:
            return Stages(self.settings, self.context)
        from harness.aws.services import AwsServices
        from harness.aws.stages import ManagedStages

        assert isinstance(self.context.services, AwsServices)
        return ManagedStages(self.context, self.context.services)

    def _lost(self, trial: Trial, error: Exception) -> TrialFailed:
        """The trial's topology is in no state to go on with: whoever needs it next gets a new one."""
        self.stages.give_up(trial)
        return TrialFailed(f"{trial.labels['engine']} {trial.step}: {error}")


SCENARIO = RdsFailover
RdsFailoverUser = locust_user(RdsFailover)
