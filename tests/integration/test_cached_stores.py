"""A cache in front of a store, with a real Valkey: what it serves, what it counts, and answers that it must not serve."""

import math
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_store import ScriptedStore

from harness.cache.client import CacheClient
from harness.local.services import LocalServices
from harness.scenario import Slot
from harness.services import Needs
from harness.stores_compared.cached import CachedStore
from harness.stores_compared.patterns import PATTERNS
from harness.stores_compared.settings import SqlVsNosqlSettings
from harness.stores_compared.store import Asked, Question, Trouble

ROWS = (("2013-01-01T05:15#UA#1545", "Ünited", None, -7), ("2013-01-02T05:15#UA#1545", "", 0, 12))


class Metered(ScriptedStore):
    """As a store that counts units."""

    def ask(self, slot: Slot, question: Question) -> Asked:
        asked = super().ask(slot, question)
        return Asked(
            rows=asked.rows, round_trips=asked.round_trips, read_units=1.5, index_units=0.5, pages=2, bytes=300
        )


@pytest.fixture(scope="module")
def services() -> Iterator[LocalServices]:
    up = LocalServices.up(Needs(cache=True))
    yield up
    up.close()


@pytest.fixture
def cache(services: LocalServices) -> Iterator[CacheClient]:
    with CacheClient(*services.cache.address) as client:
        client.reset_stats()
        yield client


class Front:
    """A cached store that is set up, and whoever asks it."""

    def __init__(self, services: Any, inner: ScriptedStore, ttl_s: float) -> None:
        context: Any = SimpleNamespace(services=services, on_aws=False)
        self.inner, self.slot = inner, Slot(0)
        self.store = CachedStore(inner, context, SqlVsNosqlSettings(cache_ttl_s=ttl_s))
        self.store.set_up(None)  # type: ignore[arg-type] - it has no table of its own
        self.store.prepare("flight_by_key", 1_000)
        self.store.begin()

    def ask(self, flight_key: str = "a", pattern: Any = "flight_by_key", flights: int = 1_000) -> Asked:
        return self.store.ask(
            self.slot, Question(pattern=pattern, number=0, parameters={"flight_key": flight_key}, flights=flights)
        )

    def close(self) -> None:
        self.slot.close()
        self.store.close()


@pytest.fixture
def make(services: LocalServices) -> Iterator[Any]:
    made: list[Front] = []

    def front(inner: ScriptedStore | None = None, ttl_s: float = 60.0) -> Front:
        made.append(Front(services, inner or ScriptedStore(rows=lambda _: ROWS), ttl_s))
        return made[-1]

    yield front
    for one in made:
        one.close()


def test_the_first_answer_is_the_databases_and_the_next_the_caches(make: Any) -> None:
    """The same rows, None and accents too; a miss takes the two trips of the store and two to the cache, a hit one (E1)."""
    front = make()
    miss, hit = front.ask(), front.ask()
    assert (miss.served_from, miss.round_trips, miss.rows) == ("database", 4, ROWS)
    assert (hit.served_from, hit.round_trips, hit.rows) == ("cache", 1, ROWS)
    assert front.inner.did.count(("ask", "flight_by_key", 0)) == 1


def test_hits_and_misses_are_what_the_server_counts(make: Any, cache: CacheClient) -> None:
    """Keys a b a a c b: the first of each is a miss, three of each kind."""
    front = make()
    served = [front.ask(key).served_from for key in "abaacb"]
    assert served == ["database", "database", "cache", "cache", "database", "cache"]
    stats = cache.info("stats")
    assert (int(stats["keyspace_hits"]), int(stats["keyspace_misses"])) == (3, 3)


def test_a_question_has_its_own_answer(make: Any) -> None:
    """Of another pattern, another table or other parameters it is another question, and a miss."""
    front = make(ScriptedStore(rows=lambda q: ((q.pattern, q.flights, q.parameters["flight_key"]),)))
    asked = [("a", "flight_by_key", 1_000), ("a", "flight_with_all", 1_000), ("a", "flight_by_key", 4_000), ("b", "flight_by_key", 1_000)]  # fmt: skip
    for served in ("database", "cache"):
        for key, pattern, flights in asked:
            answer = front.ask(key, pattern, flights)
            assert (answer.served_from, answer.rows) == (served, ((pattern, flights, key),))


def test_an_answer_is_kept_for_its_ttl_and_no_longer(make: Any, cache: CacheClient) -> None:
    """200 ms: there at once, with at most that left; asked of the database again afterwards."""
    front = make(ttl_s=0.2)
    front.ask()
    (key,) = cache.command("KEYS", "*")
    assert 0 < cache.command("PTTL", key) <= 200
    assert front.ask().served_from == "cache"
    time.sleep(0.25)
    assert front.ask().served_from == "database"


def test_units_are_consumed_where_the_database_was_asked_alone(make: Any) -> None:
    """A hit costs none where the store counts them; where it counts none there are none to tell of."""
    metered, plain = make(Metered("metered")), make()
    miss, hit = metered.ask(), metered.ask()
    assert (miss.read_units, miss.index_units, miss.pages) == (1.5, 0.5, 2)
    assert (hit.read_units, hit.index_units) == (0.0, 0.0)
    assert math.isnan(hit.write_units)
    plain.ask()
    assert math.isnan(plain.ask().read_units)


def test_another_answer_than_the_database_gave_is_an_error(make: Any, cache: CacheClient) -> None:
    """Somebody puts another row under the key, as many rows as before: no length gives it away, its sample says StaleAnswer."""
    front = make(ScriptedStore(rows=lambda _: ((1,),)))
    front.ask()
    (key,) = cache.command("KEYS", "*")
    cache.set(key, b"[[2]]")
    with pytest.raises(Trouble) as caught:
        front.ask()
    assert (caught.value.outcome, caught.value.code) == ("error", "StaleAnswer")
    assert caught.value.reason and "flight_by_key:1000" in caught.value.reason


def test_no_answer_of_an_earlier_trial_is_served(make: Any, cache: CacheClient) -> None:
    """The data changes between two trials: the second begins with an empty cache and has the new answer; what a trial finds in the
    cache that it didn't put there is an error even where it would be right."""
    front = make(ScriptedStore(rows=lambda _: ((len(front.inner.did),),)))
    before = front.ask()
    assert front.ask().rows == before.rows
    (key,) = cache.command("KEYS", "*")
    value = cache.get(key)
    front.store.prepare("flight_by_key", 1_000)
    front.store.begin()
    assert cache.key_count() == 0
    cache.set(key, value or b"")
    with pytest.raises(Trouble, match="StaleAnswer"):
        front.ask()
    front.store.prepare("flight_by_key", 1_000)
    front.store.begin()
    after = front.ask()
    assert after.served_from == "database" and after.rows != before.rows


def test_what_is_written_behind_a_cache_is_seen_when_its_ttl_is_over(make: Any) -> None:
    """The price of lazy loading: the old answer until then, and served_from says whose it was; the arm's consistency says how old."""
    rows = [((1,),)]
    front = make(ScriptedStore(rows=lambda _: rows[-1]), ttl_s=0.2)
    front.ask()
    rows.append(((2,),))
    old = front.ask()
    assert (old.rows, old.served_from) == (((1,),), "cache")
    assert front.store.needed("count").consistency.startswith("up to 0.2 s old")
    time.sleep(0.25)
    new = front.ask()
    assert (new.rows, new.served_from) == (((2,),), "database")


def test_a_failed_answer_is_not_kept(make: Any) -> None:
    """The database is too late once: the next asks it again."""
    front = make()
    front.inner.refuses = 1
    with pytest.raises(Trouble, match="TooLate"):
        front.ask()
    assert front.ask().served_from == "database"


def test_a_cache_that_does_not_answer_is_no_arm_of_its_own(make: Any, cache: CacheClient) -> None:
    """It refuses to keep anything: the sample says so, or a cached arm would be the plain one in disguise."""
    front = make()
    cache.config_set("maxmemory", 1)
    try:
        with pytest.raises(Trouble) as caught:
            front.ask()
    finally:
        cache.config_set("maxmemory", 0)
    assert (caught.value.outcome, caught.value.code) == ("error", "OOM")


def test_it_says_what_stands_behind_it(make: Any, services: LocalServices) -> None:
    """Named after its store, reads alone, what the store cannot it cannot either; as old as its TTL at most."""
    front = make(ScriptedStore("postgres", cannot_do={"full_text": "no words"}), ttl_s=30)
    store = front.store
    assert (store.name, store.client, store.servers) == ("postgres_cached", "scripted", {"cache": services.cache.address})  # fmt: skip
    for pattern in PATTERNS.values():
        reason = store.cannot(pattern.name)
        if not pattern.reads:
            assert reason and "reads alone" in reason
        else:
            assert reason == ("no words" if pattern.name == "full_text" else None)
    needed = store.needed("count")
    assert needed.words == "cache, by question; behind it: nothing"
    assert needed.consistency == "up to 30 s old; behind it: strong"
    assert "PX 30000" in store.schema().ddl[-1]
