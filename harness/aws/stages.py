"""The databases of rds_failover on AWS: what ``harness.sql.failover.stages`` is to the stand-ins."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from harness.aws.databases import Database
from harness.aws.failover import ManagedFailover, Note
from harness.aws.names import answer_of, certified, dialled, name_server
from harness.aws.services import AwsServices
from harness.errors import CannotMeasure
from harness.local.dns import Answer
from harness.local.pace import PaceName
from harness.plan import Trial
from harness.scenario import Context
from harness.sql import ledger
from harness.sql.clients.model import Way
from harness.sql.connections import connect
from harness.sql.endpoint import Engine, SqlEndpoint

if TYPE_CHECKING:
    from harness.local.topologies.model import TopologyName

SINCE_LAST_S = 600.0
"""RDS abandons a fail-over when one was recent and doesn't say how recent (D3): so long we leave it alone."""
NO_ADDRESS = frozenset({"multi_host", "reference"})
"""Arms that dial addresses past the name: a standby's isn't known before it takes over."""


class ManagedTopology:
    """What a trial asks of a topology, where RDS has it: its name, and where the writer is by its name's answer."""

    def __init__(self, database: Database, answer: Callable[[], Answer]) -> None:
        assert database.topology and database.topology != "single_az"
        self.name: TopologyName = database.topology
        self.engine = database.endpoint.engine
        self._answer = answer

    @property
    def writer(self) -> str:
        """The address that the name gives now."""
        return self._answer().address

    def lost_rows(self, trial: int) -> set[int] | None:  # noqa: ARG002 - as Topology has it
        """None: the failed writer's own table can't be asked."""
        return None


class ManagedStage:
    """One database as its clients find it; see ``harness.sql.failover.stage.Stage``."""

    def __init__(self, services: AwsServices, database: Database, dns: tuple[str, int], context: Context) -> None:
        self._services, self._database, self._dns, self._context = services, database, dns, context
        self._answer = partial(answer_of, database.endpoint.host, dns)
        self.topology = ManagedTopology(database, self._answer)
        self._failed_over, self._last_s = False, float("-inf")

    @property
    def failed_over(self) -> bool:
        """Whether RDS was asked for a fail-over since the last ``prepare``."""
        return self._failed_over

    @failed_over.setter
    def failed_over(self, value: bool) -> None:
        self._failed_over = value
        if value:
            self._last_s = time.monotonic()

    @property
    def writer(self) -> SqlEndpoint:
        """Where its name points now."""
        return dialled(self._database.endpoint, self._dns)

    def create(self) -> None:
        """An empty ledger."""
        with connect(self.writer) as connection:
            ledger.create(connection)

    def prepare(self, parameters: Mapping[str, str], *, behind_doors: bool) -> None:
        """Wait until RDS is done with the one before. Durability parameters are the parameter group's, and stay."""
        assert not parameters and not behind_doors, "on_aws leaves such cells out"
        if self.failed_over:
            self._context.sleep_s(max(0.0, self._last_s + SINCE_LAST_S - time.monotonic()))
            self.failed_over = False
        self.controller(pace="rds", note=lambda *_, **__: None).settled()

    def way(self) -> Way:
        """How clients find it: by name, with the certificate's name kept where an address is dialled."""
        endpoint, database = self._database.endpoint, self._database
        proxy = endpoint.at(database.proxy, endpoint.port) if database.proxy else None
        return Way(
            engine=endpoint.engine, name=endpoint.host, reader_name=database.readers, dns=self._dns,
            template=certified(endpoint), addresses=(), proxy=proxy,
        )  # fmt: skip

    def controller(self, *, pace: PaceName, note: Note, **_: object) -> ManagedFailover:  # noqa: ARG002 - RDS's own
        """Who fails it over, and follows that."""
        return ManagedFailover(
            self._services.aws, self._database, self._answer, note, sleep_s=self._context.sleep_s,
            clock_ns=self._context.clock_ns,
        )  # fmt: skip

    def inject(self, fault: str, zone: str) -> int:  # noqa: ARG002 - as FailoverStage has it
        """RDS lets nobody kill or stop its servers."""
        raise AssertionError(f"on_aws leaves {fault} out")

    def publish(self, zone: str) -> None:
        """RDS moves its names itself."""

    def tell_proxy(self) -> bool:
        """RDS tells its proxies itself."""
        return False

    def heal(self) -> None:
        """Nothing was put before it."""


class ManagedStages:
    """The stages by engine."""

    def __init__(self, context: Context, services: AwsServices) -> None:
        self._context, self._services = context, services
        self._stages: dict[Engine, ManagedStage] = {}

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Those that fail over."""
        return failing_over(self._services)

    def open(self) -> None:
        """Empty ledgers. Raises CannotMeasure, UsageError for a name server that can't be known."""
        self.attach()
        for stage in self._stages.values():
            stage.create()

    def attach(self) -> None:
        """Know where they are. Raises UsageError for a name server that can't be known."""
        dns = name_server(self._services.settings.dns)
        for engine in self.engines:
            self._stages[engine] = ManagedStage(self._services, self._services.databases[engine], dns, self._context)

    def of(self, trial: Trial) -> ManagedStage:
        """The stage of ``trial``."""
        engine: Engine = trial.labels["engine"]  # type: ignore[assignment] # the plan's own words
        return self._stages[engine]

    def offers(self, engine: Engine, arm: str) -> bool:
        """Whether a client arm can be had."""
        database = self._services.databases[engine]
        if arm == "proxy":
            return database.proxy is not None
        if arm == "reader":
            return database.readers is not None
        return arm not in NO_ADDRESS

    def one_of_each_engine(self) -> list[SqlEndpoint]:
        """None: a responder in their place would have to know their certificates' keys."""
        return []

    def give_up(self, trial: Trial) -> None:
        """RDS mends its own."""

    def close(self) -> None:
        """Nothing was started."""


def failing_over(services: AwsServices) -> tuple[Engine, ...]:
    """The engines that have another zone to go to."""
    return tuple(
        engine for engine, database in services.databases.items() if database.topology not in (None, "single_az")
    )


def none_fails_over(services: AwsServices) -> CannotMeasure:
    """Why nothing can be asked to fail over."""
    known = "; ".join(
        f"{engine} is {one.topology or 'known by host alone'}" for engine, one in services.databases.items()
    )
    why = known or "; ".join(services.unavailable.values()) or "no database is there"
    return CannotMeasure(
        f"nothing fails over on aws: {why}; name an instance with MultiAZ or a cluster in aws.sql, or make a stack with one"
    )
