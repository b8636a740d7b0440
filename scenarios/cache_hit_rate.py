"""What does a cache in front of the database bring, and what happens at its edges?

Strategies over Valkey in front of PostgreSQL and MySQL. Part ``size`` asks for *this aircraft and its latest flights*, as
often as the aircraft fly; all other parts ask for rows that carry a version, by which hit rates are known by
arithmetic and a stale answer is known for what it is. What each part varies says ``harness.cache.experiments.plan``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache, cached_property, partial
from itertools import cycle
from math import ceil
from typing import Any, ClassVar

from harness import dataset
from harness.cache.client import KeyCommands
from harness.cache.cluster import Address, open_cache
from harness.cache.experiments import loads, rows
from harness.cache.experiments.application import Answers, Application, Reader
from harness.cache.experiments.floors import floor_probes
from harness.cache.experiments.loads import OPEN_SLOTS, STALE_SLOTS
from harness.cache.experiments.lost import Lost, breaker_of, client_of
from harness.cache.experiments.managed import for_managed
from harness.cache.experiments.plan import Plan, share_setting
from harness.cache.experiments.pool import Pool
from harness.cache.experiments.settings import CacheHitRateSettings, Part
from harness.cache.experiments.skews import KeySpace, by_popularity, key_space
from harness.cache.experiments.stampede import HOT_KEY, Stampede
from harness.cache.experiments.stock import Stock
from harness.cache.experiments.tables import Tables
from harness.cache.gauge import CacheGauge, reached_database
from harness.cache.guards import Client
from harness.cache.nodes import CacheNodes
from harness.cache.strategies import Flights, Parts
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.plan import Trial
from harness.recorder import Kind
from harness.scenario import Context, FloorProbe, Narrowed, Scenario, TrialLoad
from harness.services import Needs, Services
from harness.sql import schema
from harness.sql.connections import SqlConnection, connect

DRAWS = 20_000  # keys drawn for one trial of part size; more reads than that begin again
# Parts that begin with all values in the cache, as far as it has room, unless values have a TTL; so does policy, whose
# cache may refuse some. The others begin with an empty one.
PREFILLED: tuple[Part, ...] = ("size", "trips", "skew", "write_share", "value_size", "lost")
WRITING: tuple[Part, ...] = ("write_share", "stale")


class CacheHitRate(Scenario[CacheHitRateSettings]):
    """Reads and writes through caches, and without one."""

    name = "cache_hit_rate"
    Settings = CacheHitRateSettings
    columns: ClassVar[dict[str, Kind]] = {
        "engine": "text", "role": "text", "get_ns": "int", "db_ns": "int", "set_ns": "int", "waited_ns": "int",
        "key": "int", "version_read": "int", "version_current": "int",
    }  # fmt: skip
    distributable, counted = True, staticmethod(reached_database)
    default_slots = 200  # the readers of part stampede; other parts use as many as they need

    def __init__(self, settings: CacheHitRateSettings, context: Context) -> None:
        super().__init__(settings, context)
        self.tables = Tables(context.services.sql)
        self.answers: dict[str, bytes] = {}
        self._rows_bytes: dict[rows.Shape, list[int]] = {}
        # Kept over trials: a new connection takes 20 KB of a cache's memory at first, and next to nothing after a second.
        self._clients: Pool[Client] = Pool(lambda: open_cache(context.services.cache_nodes))
        self._readers: Pool[Reader] | None = None
        self._guarded: Pool[Client] | None = None  # of a trial of part lost
        self._stampede: Stampede | None = None
        self._versions: rows.Versions | None = None
        self._failure: str | None = None
        self._lost: Lost | None = None

    @classmethod
    def needs(cls, settings: CacheHitRateSettings) -> Needs:
        """A cache, its own where it is lost, and the databases behind it."""
        return Needs(cache=True, cache_own="lost" in settings.parts, engines=settings.needed_engines)

    @classmethod
    def on_aws(cls, settings: CacheHitRateSettings, services: Services) -> Narrowed:  # noqa: ARG003 - whichever cache it is
        """What a cache allows that is nobody's to limit, kill or stop."""
        return for_managed(settings)

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """What the servers say of themselves."""
        return {"cache": self.gauge.look()}

    def set_up(self) -> None:
        """The flights into each database; every aircraft's answer once, to know how much data the cache could hold."""
        services, settings = self.context.services, self.settings
        there = [engine for engine in settings.needed_engines if engine in services.sql]
        if not there:
            raise CannotMeasure("; ".join(services.unavailable.values()) or "no database is there")
        self.attach()
        for engine in there:
            with connect(services.sql[engine]) as connection:
                schema.create(connection)
                schema.load(connection, self.data)
        self.nodes = CacheNodes(services.cache_nodes, managed=self.context.on_aws)
        self.gauge = CacheGauge(services.cache_nodes, managed=self.context.on_aws)
        self.gauge.connect()
        self.stock = Stock(self.cache, self.nodes, settings.lru_samples)
        self.engines = {part: [one for one in settings.engines_of(part) if one in there] for part in settings.parts}
        if self.engines.get("size"):
            with connect(services.sql[self.engines["size"][0]]) as connection:
                self.answers = {name: schema.aircraft(connection, name) for name in self.names}
            least = min(settings.cache_shares)
            self._answer_bytes = self.stock.measure(self.answers, least, f"{self.name}.{share_setting('size')}")
        for skew in settings.skews if "skew" in settings.parts else ():
            if not (space := self.space(skew, settings.keys)).alpha:  # a power of the rank needs no telling
                self.context.events.add("key_shares", skew=skew, shares=space.probabilities.tolist())
        slow = "lost" in settings.parts and "slow" in settings.faults
        self.proxies = {
            node.address: self.context.local.tcp_proxy(node.address, f"before-cache-{number}")
            for number, node in enumerate(services.cache_nodes if slow else (), 1)
        }

    def attach(self) -> None:
        """The flights, from which keys are drawn."""
        self.data = dataset.load(self.context.config.months)
        self.names = by_popularity(self.data, "tailnum")
        self.space: Callable[[str, int], KeySpace] = cache(
            lambda skew, keys: key_space(skew, keys=keys, data=self.data)
        )

    def plan(self) -> list[Trial]:
        """See ``harness.cache.experiments.plan``."""
        mean_bytes = sum(map(len, self.answers.values())) // max(1, len(self.answers))
        plan = Plan(
            settings=self.settings, space=self.space, answer_bytes=mean_bytes, slots=self.context.slots,
            nodes=len(self.context.services.cache_nodes),
        )  # fmt: skip
        return plan.trials(self.engines, seed=f"{self.context.config.seed}/{self.name}")

    def undivided(self, trial: Trial) -> str | None:
        """What one expiry costs is what the readers of one application process ask for."""
        return (
            "have readers that share a single flight, which is each process's own"
            if trial.labels["part"] == "stampede"
            else None
        )

    def prepare(self, trial: Trial) -> None:
        """Rows and cache as the trial begins with them, the cache's counters at zero."""
        self._close_readers()
        part, engine, share = trial.labels["part"], self._engine(trial), float(trial.params["cache_share"])
        if part != "size":
            self.tables.make(engine, _shape(trial))
        if trial.arm == "no_cache":
            return
        values = self.answers if part == "size" else self.tables.values(engine, _shape(trial))
        data_bytes = self._all_bytes(trial, values) if share < 1 else []
        self.stock.empty(str(trial.params["policy"]))
        self.stock.limit(share, data_bytes, self._slots(trial))
        rng = self.context.rng(self.name, "fill", *(() if part == "size" else (trial.pair,)))
        ttl_s = float(trial.params["ttl_s"])
        if part == "policy":
            self.stock.fill(values, rng, ttl_s=ttl_s)
        elif part in PREFILLED and not ttl_s and self.stock.fill(values, rng):
            why = f"a cache of {100 * share:g} % of the data is too small for this server (OOM)"
            raise CannotMeasure(f"{why}; raise {self.name}.{share_setting(part)}")
        self.nodes.reset_stats()

    def hand_out(self, trial: Trial) -> dict[str, Any]:
        """Of a trial that writes, the version of every row."""
        versions = self.tables.versions(self._engine(trial)) if trial.labels["part"] in WRITING else None
        return {} if versions is None else {"newest": versions.committed}

    def begin(self, trial: Trial) -> TrialLoad:
        """See ``harness.cache.experiments.loads``."""
        self._close_readers()
        self._stampede = self._new_stampede(trial) if trial.labels["part"] == "stampede" else None
        self._versions = self._versions_of(trial)
        app, params = self._application(trial), trial.params
        longest_s = float(params["warm_up_s"]) + float(params["measured_s"])
        longest_s += float(params.get("expiries", 0)) * self.settings.stampede_patience_s
        streams = loads.streams_of(
            app, trial, draws=partial(self._draws, trial), rng=self.context.rng(self.name, "mix", trial.pair),
            seed=f"{self.context.config.seed}/{self.name}/{trial.pair}", slots=self._slots(trial),
            clock_ns=self.context.clock_ns, over=lambda: self._stampede is None or self._stampede.over,
        )  # fmt: skip
        return TrialLoad(client="lean", streams=streams, deadline_s=2 * longest_s + 30)

    def load_begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - the one whose load it is
        """Expiries begin, and versions count from here."""
        if self._stampede is not None:
            self._stampede.start()
        if self._versions is not None:
            self._versions.begun(begin_ns)

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """The place to start faults."""
        if trial.labels["part"] == "lost":
            self._lost = Lost(
                trial=trial, servers=() if self.context.on_aws else self.context.local.cache_servers, nodes=self.nodes, cache=self.cache,
                proxies=list(self.proxies.values()), events=self.context.events, clock_ns=self.context.clock_ns,
            )  # fmt: skip
            self._lost.start(begin_ns)

    def load_ended(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one whose load it is
        """Whether the hot key of a stampede could be put into the cache."""
        stampede, self._stampede = self._stampede, None
        return {} if stampede is None else {"failure": stampede.settle()}

    def collect(self, trial: Trial, told: Sequence[Mapping[str, Any]]) -> None:  # noqa: ARG002 - likewise
        """Why a stampede wasn't one."""
        self._failure = next((str(one["failure"]) for one in told if one.get("failure")), None)

    def end(self, trial: Trial) -> None:
        """What the server counted, beside what we counted; and what is left in the cache."""
        if self._failure is not None:
            raise CannotMeasure(self._failure)
        if self._lost is not None:
            lost, self._lost = self._lost, None
            lost.settle()
            self.cache.close()  # connections of before the fault
            self._clients.close()
        killed = trial.labels.get("fault") == "kill"  # … has forgotten what it counted
        if trial.arm != "no_cache" and not killed and not self.tally["unanswered"]:
            self._note_stats(trial)
        newest = self.tables.learn(self._engine(trial)) if trial.labels["part"] in WRITING else {}
        if trial.labels["part"] == "stale":
            keys = range(int(trial.params["keys"]))
            cached = self.cache.pipeline([("GET", rows.name_of(key)) for key in keys])
            left = rows.left_behind(cached, newest)
            self.context.events.add("cache_checked", trial=trial.trial, engine=trial.labels["engine"], **asdict(left))

    def tear_down(self) -> None:
        """Close our own connections."""
        self._close_readers()
        self._clients.close()
        self.tables.close()
        if "cache" in self.__dict__:
            self.cache.close()
        if hasattr(self, "nodes"):
            self.nodes.close()
        if hasattr(self, "gauge"):
            self.gauge.close()

    def floor_probes(self) -> list[FloorProbe]:
        """Of part size; see ``harness.cache.experiments.floors``."""
        if not self.answers:
            return []
        slots = min(self.settings.readers, self.context.slots)
        return floor_probes(self.context.services, self.cache, self.answers, self.engines["size"], slots)

    def _slots(self, trial: Trial) -> int:
        """How many operations of a trial may be in flight."""
        match trial.labels["part"]:
            case "ttl" | "skew":
                wanted = OPEN_SLOTS
            case "stale":
                wanted = STALE_SLOTS + 1
            case "stampede":
                wanted = int(trial.params["readers"])
            case "lost":  # as many as come while nobody is answered
                wanted = ceil(float(trial.params["accesses_per_s"]) * float(trial.params["fault_s"])) + OPEN_SLOTS
            case _:
                wanted = self.settings.readers
        return min(wanted, self.context.slots)

    def _draws(self, trial: Trial, purpose: str) -> Iterator[int]:
        """The same keys for all arms of a pair."""
        if trial.labels["part"] == "size":
            drawn = self.data.sample_keys("tailnum", DRAWS, self.context.rng(self.name, "keys", trial.trial))
            number = {name: place for place, name in enumerate(self.names)}
            return cycle([number[name] for name in drawn])
        space = self.space(str(trial.params["skew"]), int(trial.params["keys"]))
        return space.draws(self.context.rng(self.name, purpose, trial.pair))

    def _all_bytes(self, trial: Trial, values: dict[str, bytes]) -> list[int]:
        """What all values of a trial take of each node."""
        if trial.labels["part"] == "size":
            return self._answer_bytes
        shape = _shape(trial)
        if shape not in self._rows_bytes:
            least, setting = float(trial.params["cache_share"]), f"{self.name}.{share_setting(trial.labels['part'])}"
            self._rows_bytes[shape] = self.stock.measure(values, least, setting)
        return self._rows_bytes[shape]

    def _application(self, trial: Trial) -> Application:
        """What the tickets do, with its connections open where the load doesn't wait for them."""
        part, engine = trial.labels["part"], self._engine(trial)
        versions = self._versions
        parts = partial(
            Parts, flights=Flights(), ttl_s=float(trial.params["ttl_s"]) or None,
            draw=self.context.rng(self.name, "draw", trial.trial).random, sleep_s=self.context.sleep_s,
        )  # fmt: skip
        clients, answers, pool = self._clients_of(trial), self._answers(trial, versions), self.tables.pool(engine)
        self._readers = Pool(lambda: Reader(trial.arm, parts, clients, pool, answers))
        if part != "size":
            pool.fill(self._slots(trial))
            for reader in self._readers.fill(self._slots(trial)):
                reader.open()
        name_of = {"size": self.names.__getitem__, "stampede": lambda _: HOT_KEY}.get(part, rows.name_of)
        return Application(
            engine=engine, readers=self._readers, tally=self.tally, name_of=name_of, versions=versions,
            versioned=part == "stale", payload="" if part == "size" else _shape(trial).payload(),
        )  # fmt: skip

    def _clients_of(self, trial: Trial) -> Pool[Client]:
        """The clients of the cache that a trial's readers take: past a proxy only where that is to be slow."""
        if trial.labels["part"] != "lost":
            return self._clients
        nodes, breaker = self.context.services.cache_nodes, breaker_of(self.settings, trial, self.context.events)

        def at(address: Address) -> Address:
            return self.proxies[address].address if trial.step == "slow" else address

        self._guarded = Pool(lambda: client_of(trial, nodes, breaker, at))
        return self._guarded

    def _answers(self, trial: Trial, versions: rows.Versions | None) -> Answers:
        """What the database is asked and told in a trial."""
        if trial.labels["part"] == "size":
            return Answers(load=schema.aircraft)
        if (stampede := self._stampede) is not None:
            return Answers(load=lambda connection, _: stampede.ask(connection))
        race_s = float(trial.params.get("race_ms", 0)) / 1000

        def load(connection: SqlConnection, name: str) -> bytes:
            value = rows.read(connection, name)
            if race_s:  # between what was read and its set, as an application that computes something
                self.context.sleep_s(race_s)
            return value

        def store(connection: SqlConnection, name: str, value: bytes) -> None:
            assert versions, "only who made the rows writes them"
            rows.write(connection, name, value)
            versions.acknowledge(rows.key_of(name), rows.version_of(value))

        return Answers(load=load, store=store)

    def _versions_of(self, trial: Trial) -> rows.Versions | None:
        """Of the rows that a trial writes: the table's own where this process has it; else as they were handed out.

        In part stale one slot writes, so one process gives out all versions.
        """
        if trial.labels["part"] not in WRITING:
            return None
        own, (rank, parts) = self.tables.versions(self._engine(trial)), self.part
        if own is not None:
            return own
        newest = self.handed["newest"]
        if trial.labels["part"] == "stale" or parts == 1:
            return rows.Versions(newest)
        return rows.SharedVersions(newest, rank, parts, self.context.clock_ns)

    @cached_property
    def cache(self) -> KeyCommands:
        """A client for whatever isn't an application's."""
        return open_cache(self.context.services.cache_nodes)

    def _new_stampede(self, trial: Trial) -> Stampede:
        settings, draw = self.settings, self.context.rng(self.name, "expiries", trial.pair).random
        stampede = Stampede(
            trial=trial, cache=self.cache, events=self.context.events, clock_ns=self.context.clock_ns,
            load=rows.busy(datetime(dataset.YEAR, min(self.context.config.months), 1), settings.stampede_days),  # noqa: DTZ001 - the data's own local time
            jitter_share=0.1 if trial.arm == "lazy_jitter" else 0.0, draw=draw,
            patience_s=settings.stampede_patience_s, shift_ns=self.context.shift_ns,
        )  # fmt: skip
        with connect(self.context.services.sql[self._engine(trial)]) as connection:
            stampede.prepare(connection)
        return stampede

    def _note_stats(self, trial: Trial) -> None:
        total = self.nodes.total
        self.context.events.add(
            "cache_stats", trial=trial.trial, part=trial.labels["part"], engine=trial.labels["engine"],
            cache_share=trial.step if trial.labels["part"] == "size" else f"{trial.params['cache_share']:g}",
            keyspace_hits=total("stats", "keyspace_hits"), keyspace_misses=total("stats", "keyspace_misses"),
            client_hits=self.tally["hits"], client_misses=self.tally["misses"], refused_sets=self.tally["refused"],
            evicted_keys=total("stats", "evicted_keys"), expired_keys=total("stats", "expired_keys"),
            keys=sum(self.nodes.key_counts()),
            all_keys=len(self.answers) if trial.labels["part"] == "size" else int(trial.params["keys"]),
            maxmemory_bytes=total("memory", "maxmemory"),
            data_bytes=sum(self._answer_bytes if trial.labels["part"] == "size" else self._rows_bytes.get(_shape(trial), [])),
        )  # fmt: skip

    def _close_readers(self) -> None:
        if self._readers is not None:
            self._readers.close()
            self._readers = None
        if self._guarded is not None:
            self._guarded.close()
            self._guarded = None

    def _engine(self, trial: Trial) -> Any:
        return trial.labels["engine"]


def _shape(trial: Trial) -> rows.Shape:
    """The table that a trial reads."""
    return rows.Shape(keys=int(trial.params["keys"]), value_bytes=int(trial.params["value_bytes"]))


SCENARIO = CacheHitRate
CacheHitRateUser = locust_user(CacheHitRate)
