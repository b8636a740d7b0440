"""What does a cache in front of the database bring?

Lazy loading over Valkey in front of PostgreSQL and MySQL: *this aircraft and its latest flights*, asked for as
often as the aircraft fly. The cache holds a share of all answers; each share has its hit rate and its latency, next
to no cache at all.
"""

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from harness import dataset
from harness.cache.client import CacheReplyError, KeyCommands
from harness.cache.cluster import open_cache
from harness.cache.nodes import CacheNodes
from harness.cache.strategies import LazyLoading, NoCache, Read
from harness.config import Settings
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.local.services import Needs
from harness.plan import Cell, Trial, interleave
from harness.recorder import Kind, Observation
from harness.scenario import FloorProbe, Scenario, Slot, Stream, Ticket, TrialLoad
from harness.sql import schema
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import DRIVERS, Engine

_OURS = 2  # connections to each node that are the scenario's own
DRAWS = 20_000  # keys drawn for one trial; more reads than that begin again


class CacheHitRateSettings(Settings):
    """Section ``scenarios.cache_hit_rate`` of config.yaml."""

    engines: tuple[Literal["postgres", "mysql"], ...] = Field(default=("postgres", "mysql"), min_length=1)
    cache_shares: tuple[PositiveFloat, ...] = Field(default=(0.02, 0.1, 0.3, 1.0), min_length=1)
    trials: PositiveInt = 3
    warm_up_s: NonNegativeFloat = 0.7
    measured_s: PositiveFloat = 0.8

    @field_validator("cache_shares")
    @classmethod
    def _at_most_all(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if max(shares) > 1:
            raise ValueError("a cache share is at most 1 (all the data)")
        return shares


class CacheHitRate(Scenario[CacheHitRateSettings]):
    """Reads through caches of growing size, and without one."""

    name = "cache_hit_rate"
    Settings = CacheHitRateSettings
    columns: ClassVar[dict[str, Kind]] = {"engine": "text", "get_ns": "int", "db_ns": "int", "set_ns": "int"}
    distributable = True

    @classmethod
    def needs(cls, settings: CacheHitRateSettings) -> Needs:
        """A cache, and the databases behind it."""
        return Needs(cache=True, engines=settings.engines)

    def set_up(self) -> None:
        """The five tables into each database; every answer once, to know how much data the cache could hold."""
        services = self.context.services
        self.engines: list[Engine] = [engine for engine in self.settings.engines if engine in services.sql]
        if not self.engines:
            raise CannotMeasure("; ".join(services.unavailable.values()) or "no database is there")
        self.attach()
        for engine in self.engines:
            with connect(services.sql[engine]) as connection:
                schema.create(connection)
                schema.load(connection, self.data)
        with connect(services.sql[self.engines[0]]) as connection:
            keys = sorted(set(self.data.flights.column("tailnum").drop_null().to_pylist()))
            self.answers = {key: schema.aircraft(connection, key) for key in keys}
        self.cache, self.nodes = open_cache(services.cache_nodes), CacheNodes(services.cache_nodes)
        self.nodes.config_set("maxmemory-policy", "allkeys-lru")
        self._fill(1.0)
        self._each_holds_one(self.nodes.key_counts())
        full_bytes = self.nodes.used_bytes()
        self.nodes.flush()
        self.data_bytes = [full - empty for full, empty in zip(full_bytes, self.nodes.used_bytes(), strict=True)]
        self.connection_bytes = self.nodes.connection_bytes()

    def attach(self) -> None:
        """The flights, from which keys are drawn."""
        self.data = dataset.load(self.context.config.months)

    def plan(self) -> list[Trial]:
        """Each engine without a cache and at each cache size, once a round."""
        cells = [
            Cell(arms=(arm,), step=f"{share:g}", labels={"engine": engine}, params={"cache_share": share})
            for engine in self.engines
            for arm, share in [("no_cache", 0.0), *(("lazy", share) for share in self.settings.cache_shares)]
        ]
        return interleave(cells, rounds=self.settings.trials, seed=f"{self.context.config.seed}/{self.name}")

    def prepare(self, trial: Trial) -> None:
        """A full cache of the trial's size, its counters at zero."""
        share = float(trial.params["cache_share"])
        if trial.arm == "lazy":
            self._fill(share)
            self.nodes.reset_stats()

    def begin(self, trial: Trial) -> TrialLoad:
        """Reads in a closed loop; the keys drawn by the data's own skew."""
        keys = self.data.sample_keys("tailnum", DRAWS, self.context.rng(self.name, "keys", trial.trial))
        return TrialLoad(client="lean", streams=(Stream(tickets=self._tickets(trial, keys)),))

    def end(self, trial: Trial) -> None:
        """What the server counted, beside what we counted."""
        if trial.arm != "lazy":
            return
        total = self.nodes.total
        self.context.events.add(
            "cache_stats", trial=trial.trial, engine=trial.labels["engine"], cache_share=trial.step,
            keyspace_hits=total("stats", "keyspace_hits"), keyspace_misses=total("stats", "keyspace_misses"),
            client_hits=self.tally["hits"], client_misses=self.tally["misses"], evicted_keys=total("stats", "evicted_keys"),
            keys=sum(self.nodes.key_counts()), all_keys=len(self.answers),
            maxmemory_bytes=total("memory", "maxmemory"), data_bytes=sum(self.data_bytes),
        )  # fmt: skip

    def tear_down(self) -> None:
        """Close our own connections."""
        if hasattr(self, "cache"):
            self.cache.close()
            self.nodes.close()

    def floor_probes(self) -> list[FloorProbe]:
        """The parts a read is made of: a hit, a set, and the read of each database alone."""
        services, key = self.context.services, min(self.answers)
        value = self.answers[key]
        self.cache.set(key, value)

        def cache(slot: Slot) -> KeyCommands:
            client: KeyCommands = slot.hold("cache", lambda: open_cache(services.cache_nodes))
            return client

        def get(slot: Slot) -> Observation:
            return Observation(hit=cache(slot).get(key) is not None)

        def put(slot: Slot) -> Observation:
            cache(slot).set(key, value)
            return Observation()

        def of_cache(op: str, act: Callable[[Slot], Observation]) -> FloorProbe:
            return FloorProbe(
                client="lean", op=op, role="cache", server=self.cache.address_of(key), key="cache", act=act,
                connect=lambda *there: open_cache(services.cache_nodes, remap=lambda _: there),
            )  # fmt: skip

        def of_database(engine: Engine) -> FloorProbe:
            endpoint = services.sql[engine]

            def read(slot: Slot) -> Observation:
                schema.aircraft(slot.hold(engine, lambda: connect(endpoint)), key)
                return Observation()

            return FloorProbe(
                client=DRIVERS[engine], op="read", role=engine, server=(endpoint.host, endpoint.port), key=engine,
                connect=lambda host, port: connect(endpoint.at(host, port)), act=read, labels={"engine": engine},
            )  # fmt: skip

        return [of_cache("get", get), of_cache("set", put), *map(of_database, self.engines)]

    def _tickets(self, trial: Trial, keys: list[str]) -> Iterator[Ticket]:
        begin_ns = self.context.clock_ns()
        warm_ns = begin_ns + int(self.settings.warm_up_s * 1e9)
        end_ns = warm_ns + int(self.settings.measured_s * 1e9)
        for key in cycle(keys):
            now = self.context.clock_ns()
            if now >= end_ns:
                return
            yield Ticket(op="read", act=self._read(trial, key), warm_up=now < warm_ns)

    def _read(self, trial: Trial, key: str) -> Callable[[Slot], Observation]:
        engine: Any = trial.labels["engine"]

        def act(slot: Slot) -> Observation:
            strategy = slot.hold((trial.arm, engine), lambda: self._strategy(trial.arm, engine))
            try:
                return self._observe(engine, strategy.read(key))
            except Exception as error:  # noqa: BLE001 - classified; what a driver raises has no common class
                slot.drop((trial.arm, engine))
                outcome, code = classify(error, sent=False)
                return Observation(outcome=outcome, error_code=code, extra={"engine": engine})

        return act

    def _observe(self, engine: Engine, read: Read) -> Observation:
        self.tally["hits"] += read.keyspace_hits
        self.tally["misses"] += read.keyspace_misses
        parts = {"engine": engine, "get_ns": read.get_ns, "db_ns": read.db_ns, "set_ns": read.set_ns}
        return Observation(hit=read.hit, bytes=len(read.value), error_code=read.cache_error, extra=parts)

    def _strategy(self, arm: str, engine: Engine) -> "_Held":
        services = self.context.services
        return _Held(arm, connect(services.sql[engine]), open_cache(services.cache_nodes))

    def _fill(self, share: float) -> None:
        """Flush; allow the data that share of its memory; put every answer in once, in seeded order, under that limit."""
        self.nodes.config_set("maxmemory", 0)
        self.nodes.flush()
        if share < 1:
            self.nodes.limit(self._limits_bytes(share))
        keys = sorted(self.answers)
        self.context.rng(self.name, "fill").shuffle(keys)
        try:
            for key in keys:
                self.cache.set(key, self.answers[key])
        except CacheReplyError as error:
            raise CannotMeasure(
                f"a cache of {100 * share:g} % of the data is too small for this server ({error}); raise cache_hit_rate.cache_shares"
            ) from error

    def _limits_bytes(self, share: float) -> list[int]:
        """What each node may use in all: its share, and connections; those that are open now, and those the slots will open."""
        expected = _OURS + self.context.slots * len(self.engines)
        connected, used = self.nodes.numbers("clients", "connected_clients"), self.nodes.used_bytes()
        return [
            int(bytes_now + max(0, expected - there) * one_bytes + share * data_bytes)
            for bytes_now, there, one_bytes, data_bytes in zip(
                used, connected, self.connection_bytes, self.data_bytes, strict=True
            )
        ]

    def _each_holds_one(self, keys: list[int]) -> None:
        """Refuse a share that is less than one answer, of a node where there are several."""
        least = 1 / min(keys)
        if (share := min(self.settings.cache_shares)) < least:
            raise CannotMeasure(
                f"a cache of {100 * share:g} % of the data doesn't hold one of the {min(keys):,} answers of a node; "
                f"cache_hit_rate.cache_shares must be >= {least:.2g}, got {share:g}"
            )


class _Held:
    """A strategy with the connections it reads through."""

    def __init__(self, arm: str, connection: SqlConnection, cache: KeyCommands) -> None:
        self._connection, self._cache = connection, cache
        self._strategy = NoCache(self._load) if arm == "no_cache" else LazyLoading(cache, self._load)

    def read(self, key: str) -> Read:
        """One read through the strategy."""
        return self._strategy.read(key)

    def close(self) -> None:
        """Close both connections."""
        self._connection.close()
        self._cache.close()

    def _load(self, key: str) -> bytes:
        return schema.aircraft(self._connection, key)


SCENARIO = CacheHitRate
CacheHitRateUser = locust_user(CacheHitRate)
