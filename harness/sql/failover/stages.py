"""All topologies of a run: made side by side before the first trial, and one by one again where one was lost."""

import gevent
import psycopg
import pymysql

from harness.errors import CannotMeasure, HarnessError
from harness.local.dns import DnsServer
from harness.local.sql_proxy import SqlProxy
from harness.local.topologies.model import Topology, TopologyName
from harness.plan import Trial
from harness.scenario import Context
from harness.sql.endpoint import Engine, SqlEndpoint
from harness.sql.failover.plan import SYNCHRONY_TOPOLOGIES
from harness.sql.failover.settings import RdsFailoverSettings
from harness.sql.failover.stage import Stage

TROUBLE = (HarnessError, OSError, psycopg.Error, pymysql.MySQLError)
"""What a topology may raise that is in no state to be measured."""

Key = tuple[Engine, TopologyName, bool]  # the last: whether zones can be set apart from each other


class Stages:
    """The stages by engine and topology, and the name server that all of them are published by."""

    def __init__(self, settings: RdsFailoverSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._dns = DnsServer()
        self._stages: dict[Key, Stage] = {}
        self._made = 0
        self._unproxied: set[Engine] = set()

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Those asked for that are there."""
        return tuple(engine for engine in self._settings.engines if engine not in self._context.services.unavailable)

    def open(self) -> None:
        """Make every stage that the plan needs. One that can't be made is tried again, and complains, when a trial asks for it.

        Raises CannotMeasure where no engine is there.
        """
        self._dns.start()
        if not self.engines:
            raise CannotMeasure("; ".join(self._context.services.unavailable.values()) or "no database is there")
        keys = {*self._of_failovers(), *self._of_synchrony()}
        gevent.joinall([gevent.spawn(self._try, key) for key in sorted(keys)], raise_error=True)

    def of(self, trial: Trial) -> Stage:
        """The stage of ``trial``, made where there is none (any more); raises what is in TROUBLE."""
        if trial.labels["part"] != "synchrony":
            self._close_others(self._of_failovers())
        return self._get(_key(trial))

    def offers(self, engine: Engine, arm: str) -> bool:
        """Whether a client arm can be had for an engine."""
        return arm != "proxy" or engine not in self._unproxied

    def one_of_each_engine(self) -> list[SqlEndpoint]:
        """A writer of every engine, whatever its topology."""
        return list({engine: stage.writer for (engine, *_), stage in self._stages.items()}.values())

    def give_up(self, trial: Trial) -> None:
        """End what the stage of ``trial`` has left; whoever asks for it next gets a new one."""
        self._close(_key(trial))

    def close(self) -> None:
        """No more names. Servers end with the services."""
        self._dns.stop()

    def _of_failovers(self) -> set[Key]:
        return {(cell.engine, cell.topology, False) for cell in self._settings.planned if cell.engine in self.engines}

    def _of_synchrony(self) -> set[Key]:
        return {
            (engine, topology, _apart(topology, delay_ms))
            for engine in self.engines
            for topology in SYNCHRONY_TOPOLOGIES
            for delay_ms in self._settings.synchrony_ms
        }

    def _try(self, key: Key) -> None:
        try:
            self._get(key)
        except TROUBLE as error:
            self._context.events.add("topology_failed", engine=key[0], topology=key[1], reason=str(error))

    def _get(self, key: Key) -> Stage:
        if key not in self._stages:
            engine, name, apart = key
            options = {"inter_az_ms": 0.0} if apart else {}
            topology = self._context.local.topology(engine, name, **options)
            self._made += 1
            stage = Stage(
                topology=topology, name=f"{engine}-{self._made}.dbharness.test", dns=self._dns,
                doors=lambda: self._context.local.doors(topology.zones, topology.endpoint(topology.writer).port),
                proxy=None if apart else self._proxy(topology),
            )  # fmt: skip
            stage.create()
            self._stages[key] = stage
        return self._stages[key]

    def _proxy(self, topology: Topology) -> SqlProxy | None:
        """What the arm ``proxy`` goes through; None where nobody asks for it or, with an event that says why, it can't be had."""
        settings = self._settings
        if "proxy" not in {*settings.client_arms, *settings.durability_arms} or topology.engine in self._unproxied:
            return None
        try:
            return self._context.local.sql_proxy(topology.endpoint(topology.writer))
        except CannotMeasure as error:
            self._unproxied.add(topology.engine)
            self._context.events.add("arm_unavailable", engine=topology.engine, client_arm="proxy", reason=str(error))
            return None

    def _close_others(self, wanted: set[Key]) -> None:
        for key in self._stages.keys() - wanted:
            self._close(key)

    def _close(self, key: Key) -> None:
        stage = self._stages.pop(key, None)
        if stage is not None:
            try:
                stage.close()
            except TROUBLE as error:
                self._context.events.add("topology_failed", engine=key[0], topology=key[1], reason=str(error))


def _key(trial: Trial) -> Key:
    engine: Engine = trial.labels["engine"]  # type: ignore[assignment] # the plan's own words
    name: TopologyName = trial.labels["topology"]  # type: ignore[assignment]
    return engine, name, trial.labels["part"] == "synchrony" and _apart(name, float(trial.params["inter_az_ms"]))


def _apart(topology: TopologyName, inter_az_ms: float) -> bool:
    """Whether a delay lies between its zones; without one nothing is put between them, which would take its own time."""
    return topology == "multi_az_cluster" and inter_az_ms > 0
