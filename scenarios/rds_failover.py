"""How long is a database down when it fails over, for whom, and is anything lost?

Topologies as RDS has them are made to fail under load. Every client arm, an application with its own driver settings, tries every
10 ms whether it can read and write; all arms watch the same failover side by side. Every write is in a ledger of what its client
was told, and afterwards each of them is looked up. What fails over, and how, says ``harness.sql.failover.cells``.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from harness.errors import TrialFailed, UsageError
from harness.execute import locust_user
from harness.plan import Trial
from harness.recorder import Kind
from harness.scenario import Context, FaultKind, FloorProbe, Narrowed, Scenario, TrialLoad
from harness.services import Needs, Services
from harness.sql.clients.model import Way
from harness.sql.failover.cells import BY_HAND
from harness.sql.failover.floors import floor_probes
from harness.sql.failover.load import ClientLoad
from harness.sql.failover.managed import for_rds
from harness.sql.failover.plan import trials_of
from harness.sql.failover.probes import COLUMNS, up_or_down
from harness.sql.failover.settings import RdsFailoverSettings
from harness.sql.failover.stage import Stage
from harness.sql.failover.stages import TROUBLE, Stages
from harness.sql.failover.synchrony import CommitLoad, Commits
from harness.sql.failover.trial import Failover

if TYPE_CHECKING:
    from harness.aws.stages import ManagedStages


class RdsFailover(Scenario[RdsFailoverSettings]):
    """Lets databases fail over under load and watches their clients come back.

    Several processes share the clients' connections; each has clients, pools and ledgers of its own, as each process of an
    application has. Ledgers are put together at a trial's end.
    """

    name = "rds_failover"
    Settings = RdsFailoverSettings
    columns: ClassVar[dict[str, Kind]] = COLUMNS
    distributable = True
    counted = staticmethod(up_or_down)
    default_slots = 176  # two streams of eight for every client arm that one topology can have, the reference included

    def __init__(self, settings: RdsFailoverSettings, context: Context) -> None:
        super().__init__(settings, context)
        self.write_ids = context.numbers()
        self.under_way: Failover | Commits
        self.load: ClientLoad | CommitLoad

    @classmethod
    def needs(cls, settings: RdsFailoverSettings) -> Needs:
        """The engines, whose topologies are made in ``set_up``."""
        return Needs(sql_servers=settings.engines)

    @classmethod
    def one_process(cls, settings: RdsFailoverSettings) -> str | None:
        """A failover by hand ends when nobody knew before, which only the process hears that is asked for it."""
        by_hand = any(cell.fault == BY_HAND for cell in settings.planned)
        return (
            "has cells by_hand, which run in one process: leave out --processes, --master and --worker"
            if by_hand
            else None
        )

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

    def attach(self) -> None:
        """On AWS, where a database is found is known to everyone; a stand-in's whereabouts come with each trial."""
        if self.context.on_aws:
            self._managed.attach()

    def plan(self) -> list[Trial]:
        """See ``harness.sql.failover.plan``."""
        seed = f"{self.context.config.seed}/{self.name}"
        return trials_of(self.settings, self.stages.engines, self.stages.offers, seed, self.context.slots)

    def floor_probes(self) -> list[FloorProbe]:
        """What the two probes ask, on a plain connection."""
        return floor_probes(self.stages.one_of_each_engine())

    def prepare(self, trial: Trial) -> None:
        """The topology whole, with the trial's parameters."""
        try:
            stage = self.stages.of(trial)
            if trial.labels["part"] == "synchrony":
                assert isinstance(stage, Stage)
                self.under_way = Commits(trial, stage)
            else:
                self.under_way = Failover(trial, stage, self.context)
            self.under_way.prepare()
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def hand_out(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one that was prepared
        """Where clients find the trial's database; nothing on AWS, so that no password is sent."""
        return {} if self.context.on_aws else self.under_way.hand_out()

    def begin(self, trial: Trial) -> TrialLoad:
        """The load of every arm at once, by clients that know nothing of the database yet."""
        next_id = self.write_ids.__next__
        if trial.labels["part"] == "synchrony":
            self.load = CommitLoad(trial, self.handed, self.context, next_id)
        else:
            way = self._managed.of(trial).way() if self.context.on_aws else Way.from_record(self.handed["way"])
            under_way = getattr(self, "under_way", None)  # where the databases are
            by_hand = under_way.by_hand if isinstance(under_way, Failover) else None
            self.load = ClientLoad(trial, way, self.context, next_id, self.part, by_hand=by_hand)
        return self.load.load()

    def load_begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - the one whose load it is
        """Clients are cut off when the trial is over."""
        self.load.begun(begin_ns)

    def load_ended(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - likewise
        """What clients were told about their writes."""
        return self.load.ended()

    def collect(self, trial: Trial, told: Sequence[Mapping[str, Any]]) -> None:  # noqa: ARG002 - likewise
        """Every process's ledgers are one from now on."""
        self.under_way.collect(told)

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - likewise
        """The fault comes when it is due."""
        self.under_way.begun(begin_ns)

    def end(self, trial: Trial) -> None:
        """What became of every write."""
        try:
            self.under_way.settle()
        except TrialFailed:  # nobody asked for the fault: its servers are whole
            raise
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """The zones of the failover under way, and what writers were told: so far where they are in this process, else at its end."""
        under_way, load = getattr(self, "under_way", None), getattr(self, "load", None)
        if not isinstance(under_way, Failover):
            return {}
        return {"failover": under_way.live() | (load.told() if isinstance(load, ClientLoad) else {})}

    def became(self, trial: Trial) -> Trial:
        """A trial that waited for somebody is one of the fault that was asked for."""
        under_way = getattr(self, "under_way", None)
        if isinstance(under_way, Failover) and under_way.number == trial.trial:
            return under_way.became()
        return trial

    def fault(self, kind: FaultKind) -> str:
        """The failover that is being waited for."""
        under_way = getattr(self, "under_way", None)
        if not isinstance(under_way, Failover):
            raise UsageError("no failover is under way")
        happens = under_way.fault(kind)
        assert isinstance(self.load, ClientLoad)
        self.load.ends(under_way.ends_ns)
        return happens

    def tear_down(self) -> None:
        """Stop the name server."""
        self.stages.close()

    @cached_property
    def stages(self) -> "Stages | ManagedStages":
        """Stand-ins, or RDS's own databases."""
        return self._managed if self.context.on_aws else Stages(self.settings, self.context)

    @cached_property
    def _managed(self) -> "ManagedStages":
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
