"""The stages of a run: made before it, made again where one was lost, ended where nobody needs them any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.errors import CannotMeasure, ServerFailed
from harness.plan import Trial
from harness.sql.endpoint import SqlEndpoint
from harness.sql.failover import stage as staging
from harness.sql.failover.plan import trials_of
from harness.sql.failover.settings import RdsFailoverSettings
from harness.sql.failover.stages import Stages


class Servers:
    """A topology of two zones that only remembers what was done to it; ``trouble`` is raised by the first ``create``."""

    def __init__(self, engine: str, name: str, trouble: Exception | None) -> None:
        self.engine, self.name, self._trouble = engine, name, trouble
        self.zones, self.writer, self.readers = ("127.0.1.1", "127.0.1.2"), "127.0.1.1", ("127.0.1.2",)
        self.fenced: list[str] = []

    def create(self) -> None:
        if self._trouble:
            raise self._trouble

    def endpoint(self, zone: str) -> SqlEndpoint:
        return SqlEndpoint(engine="postgres", host=zone, port=5432, user="u", password="p", database="d")

    def fence(self, zone: str) -> None:
        self.fenced.append(zone)


class Services:
    """Makes topologies; the first of each name in ``broken`` can't be created."""

    def __init__(self, unavailable: dict[str, str], broken: tuple[str, ...]) -> None:
        self.unavailable, self._broken = unavailable, list(broken)
        self.made: list[tuple[str, str, dict[str, Any]]] = []
        self.topologies: list[Servers] = []

    def topology(self, engine: str, name: str, **options: Any) -> Servers:
        self.made.append((engine, name, options))
        trouble = None
        if name in self._broken:
            self._broken.remove(name)
            trouble = ServerFailed("it won't start")
        self.topologies.append(Servers(engine, name, trouble))
        return self.topologies[-1]

    def sql_proxy(self, behind: SqlEndpoint) -> Any:
        raise CannotMeasure("no PgBouncer here")


class Context:
    """What stages use of one."""

    def __init__(self, services: Services) -> None:
        self.services = self.local = services
        self.events = self
        self.said: list[tuple[str, dict[str, Any]]] = []

    def add(self, kind: str, **fields: Any) -> int:
        self.said.append((kind, fields))
        return 0


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Stages, Context, list[Trial]]]]:
    """Stages of some settings, opened, with what they said and the plan; no ledger is made, for there is no database."""

    @contextmanager
    def nowhere(endpoint: SqlEndpoint) -> Iterator[None]:
        yield None

    monkeypatch.setattr(staging, "connect", nowhere)
    monkeypatch.setattr(staging.ledger, "create", lambda connection: None)
    all_stages: list[Stages] = []

    def open_them(*broken: str, unavailable: dict[str, str] | None = None, **given: Any) -> Any:
        settings = RdsFailoverSettings.model_validate({"engines": ["postgres"], "trials": 1, **given})
        context: Any = Context(Services(unavailable or {}, broken))
        stages = Stages(settings, context)
        all_stages.append(stages)
        stages.open()
        return stages, context, trials_of(settings, stages.engines, stages.offers, "seed", 176)

    yield open_them
    for stages in all_stages:
        stages.close()


def names(context: Context) -> list[str]:
    return sorted(name for _, name, _ in context.services.made)


def test_every_topology_of_the_plan_is_made_once(opened: Any) -> None:
    """Three cells in two topologies; the cluster that is delayed is another one than the one that isn't."""
    words = ["multi_az_instance.crash", "multi_az_instance.hang", "multi_az_cluster.crash"]
    _, context, _ = opened(cells=words, synchrony_ms=[0, 1])
    assert names(context) == ["multi_az_cluster", "multi_az_cluster", "multi_az_instance", "single_az"]
    options = [options for _, name, options in context.services.made if name == "multi_az_cluster"]
    assert sorted(map(str, options)) == ["{'inter_az_ms': 0.0}", "{}"]


def test_a_topology_that_could_not_be_made_is_tried_again_when_a_trial_asks_for_it(opened: Any) -> None:
    """An event says why it wasn't there at first; the others are not made anew."""
    stages, context, trials = opened("single_az", cells=["single_az.crash", "multi_az_instance.crash"])
    failed = [fields for kind, fields in context.said if kind == "topology_failed"]
    assert [(one["topology"], one["reason"]) for one in failed] == [("single_az", "it won't start")]
    for trial in trials:
        assert stages.of(trial).topology.name == trial.labels["topology"]
    assert names(context) == ["multi_az_instance", "single_az", "single_az"]


def test_what_was_given_up_is_fenced_in_every_zone_and_made_anew(opened: Any) -> None:
    """The next trial of the same topology gets another one."""
    stages, _, (trial,) = opened(cells=["multi_az_instance.crash"])
    lost = stages.of(trial)
    stages.give_up(trial)
    assert lost.topology.fenced == ["127.0.1.1", "127.0.1.2"]
    assert stages.of(trial) is not lost


def test_what_only_synchrony_needed_ends_before_the_first_failover(opened: Any) -> None:
    """Its servers would only take from those that are measured; what both need stays."""
    stages, context, trials = opened(cells=["single_az.crash"], synchrony_ms=[1], synchrony_rounds=1)
    alone = next(trial for trial in trials if trial.arm == "single_az")
    kept = stages.of(alone)
    assert stages.of(trials[-1]) is kept
    fenced = {topology.name: bool(topology.fenced) for topology in context.services.topologies}
    assert fenced == {"single_az": False, "multi_az_cluster": True}


def test_a_proxy_that_cannot_be_had_is_an_arm_less_and_said_once(opened: Any) -> None:
    """With its reason."""
    stages, context, trials = opened(cells=["single_az.crash", "multi_az_instance.crash"])
    said = [fields for kind, fields in context.said if kind == "arm_unavailable"]
    assert said == [{"engine": "postgres", "client_arm": "proxy", "reason": "no PgBouncer here"}]
    assert not stages.offers("postgres", "proxy")
    assert all("proxy" not in str(trial.params["client_arms"]).split(",") for trial in trials)


def test_no_engine_at_all_is_said_in_its_own_words(opened: Any) -> None:
    """The run isn't measured."""
    with pytest.raises(CannotMeasure, match="no wheel for this system"):
        opened(unavailable={"postgres": "no wheel for this system"})
