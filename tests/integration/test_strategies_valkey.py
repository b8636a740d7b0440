"""Every strategy over a real Valkey: counters that agree, stampedes of greenlets and of processes, locks that expire."""

import random
import subprocess
import sys
import time

import pytest

from harness.cache.client import CacheClient
from harness.cache.guards import CircuitBreaker, guarded
from harness.cache.strategies import STRATEGIES, Flights, LazyLoading, Parts, SingleFlightShared
from harness.cache.strategies.shared_flight import RELEASE, lock_key
from harness.local.processes import Warden
from harness.local.services import LocalServices
from harness.local.tcp_proxy_control import TcpProxy
from harness.services import Needs


@pytest.fixture(scope="module")
def address():
    services = LocalServices.up(Needs(cache=True))
    yield services.cache.address
    services.close()


@pytest.fixture
def cache(address):
    with CacheClient(*address) as client:
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.flush()
        client.reset_stats()
        yield client


def counted(cache):
    stats = cache.info("stats")
    return int(stats["keyspace_hits"]), int(stats["keyspace_misses"])


@pytest.mark.parametrize("policy", ["allkeys-lru", "noeviction"])
@pytest.mark.parametrize("arm", STRATEGIES)
def test_what_reads_say_they_add_is_what_the_server_counts(arm, policy, cache):
    """3,000 reads and writes of 600 keys in a cache that holds about half, evicting or refusing: equal to the last one."""
    cache.config_set("maxmemory", int(cache.info("memory")["used_memory"]) + 200_000)
    cache.config_set("maxmemory-policy", policy)
    rng = random.Random(f"20130101/{arm}")
    rows = {}

    def load(key):
        return rows.get(key, key.encode()) * 100

    strategy = STRATEGIES[arm](
        Parts(cache=cache, load=load, store=rows.__setitem__, flights=Flights(), ttl_s=0.05, beta=3, draw=rng.random)
    )
    reads, codes = [], set()
    for _ in range(3000):
        key = f"key-{rng.randrange(600)}"
        if rng.random() < 0.1:
            codes.add(strategy.write(key, b"new").cache_error)
        else:
            reads.append(strategy.read(key))
    assert counted(cache) == (sum(r.keyspace_hits for r in reads), sum(r.keyspace_misses for r in reads))
    assert codes | {read.cache_error for read in reads} <= ({None} if policy == "allkeys-lru" else {None, "OOM"})
    assert len(reads) > 2000


def test_a_lock_is_given_back_by_its_holder_only(cache):
    """Another's token: 0 and it stays; the holder's: 1 and it is gone; then there is none: −1. Two hits, one miss."""
    lock = lock_key("k")
    cache.command("SET", lock, "mine", "NX", "PX", 60_000)
    cache.reset_stats()
    assert cache.eval(RELEASE, [lock], ["another's"]) == 0
    assert cache.get(lock) == b"mine"
    assert [cache.eval(RELEASE, [lock], ["mine"]) for _ in range(2)] == [1, -1]
    assert counted(cache) == (3, 1)  # one of the hits is our own get


def test_a_dead_holder_costs_no_more_than_its_lock(cache):
    """Somebody took the lock for 150 ms and died: no load before it has expired, one after."""
    begin = time.monotonic()
    cache.command("SET", lock_key("k"), "dead", "NX", "PX", 150)
    loaded = []
    lazy = LazyLoading(cache, lambda key: loaded.append(time.monotonic()) or b"v", ttl_s=60)
    read = SingleFlightShared(lazy, cache, wait_s=60).read("k")
    assert (read.value, len(loaded), cache.get(lock_key("k"))) == (b"v", 1, None)
    assert loaded[0] - begin >= 0.148  # the server counts in whole milliseconds of its own clock


# 100 greenlets, each with a connection of its own, ask for one key that isn't there; a load takes 50 ms and is counted
# in the cache's database 1. They start when a line comes, so that several processes start together.
STAMPEDE = """
from gevent import monkey; monkey.patch_all()
import sys, time
import gevent
from harness.cache.client import CacheClient
from harness.cache.endpoint import CacheEndpoint
from harness.cache.strategies import STRATEGIES, Flights, Parts

host, port, arm = sys.argv[1], int(sys.argv[2]), sys.argv[3]
flights = Flights()

def reader():
    counter = CacheClient.at(CacheEndpoint(host=host, port=port, database=1), 30)
    counter.command("PING")
    def load(key):
        counter.command("INCR", "loads")
        gevent.sleep(0.05)
        return b"v"
    cache = CacheClient(host, port, 30)
    cache.delete("nothing")
    return STRATEGIES[arm](Parts(cache=cache, load=load, store=None, flights=flights, ttl_s=60, lock_s=30, lock_wait_s=60, flight_wait_s=60))

readers = [reader() for _ in range(100)]
print("ready", flush=True)
sys.stdin.readline()
reads = [job.get(timeout=60) for job in [gevent.spawn(one.read, "hot") for one in readers]]
assert all(read.value == b"v" and read.cache_error is None for read in reads)
print(sum(read.db_ns is not None for read in reads), sum(read.keyspace_hits for read in reads), sum(read.keyspace_misses for read in reads))
"""


def stampede(address, arm, processes):
    """The readers' own counts, summed over processes: loads, keyspace hits, keyspace misses."""
    command = [sys.executable, "-c", STAMPEDE, *map(str, address), arm]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=90)[0].split() for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return tuple(sum(int(words[i]) for words in told) for i in range(3))


@pytest.mark.parametrize(
    ("arm", "processes", "fewest", "most"),
    [("lazy", 1, 2, 100), ("single_flight", 1, 1, 1), ("single_flight", 2, 1, 2), ("single_flight_shared", 2, 1, 1)],
)
def test_a_stampede_costs_one_load_a_process_or_one_in_all(arm, processes, fewest, most, address, cache):
    """A hundred readers a process of a key that isn't there: the database's own count of what it was asked."""
    loads, hits, misses = stampede(address, arm, processes)
    server = counted(cache)
    asked = int(cache.pipeline([("SELECT", 1), ("GET", "loads"), ("SELECT", 0)])[1])
    assert asked == loads
    assert fewest <= loads <= most
    assert server == (hits, misses)


# The leader's greenlet is killed half-way through its load: those who wait go on without it.
KILLED = """
from gevent import monkey; monkey.patch_all()
import sys
import gevent
from harness.cache.client import CacheClient
from harness.cache.strategies import Flights, LazyLoading, SingleFlight

address = sys.argv[1], int(sys.argv[2])
flights, loading = Flights(), []

def load(key):
    loading.append(gevent.getcurrent())
    gevent.sleep(0.05 if len(loading) > 1 else 600)
    return b"v"

def reader():
    return SingleFlight(LazyLoading(CacheClient(*address), load), flights, wait_s=60)

leader = gevent.spawn(reader().read, "k")
while not loading:
    gevent.sleep(0.001)
followers = [gevent.spawn(reader().read, "k") for _ in range(20)]
gevent.sleep(0.05)
leader.kill()
reads = [follower.get(timeout=30) for follower in followers]
assert all(read.value == b"v" and read.waited_ns > 0 for read in reads)
print(len(loading))
"""


def test_a_leader_whose_greenlet_is_killed_is_succeeded_by_one_of_those_who_wait(address, cache):
    """Twenty followers: one second load, not twenty."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, address)], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr


def test_a_breaker_opens_on_a_silent_cache_and_closes_when_it_answers_again(address, cache, warden: Warden):
    """A black hole before Valkey: two time-outs, then reads that don't ask; back again, a probe closes it."""
    proxy = TcpProxy(warden, address)
    proxy.start()
    told = []
    breaker = CircuitBreaker(failures=2, open_s=1.0, window_s=30, changed=told.append)
    client = guarded(
        "circuit_breaker", lambda timeout_s: CacheClient(*proxy.address, timeout_s),
        timeout_s=0.4, patience_s=30, breaker=breaker,
    )  # fmt: skip
    strategy = LazyLoading(client, lambda key: b"v")
    assert (strategy.read("k").hit, strategy.read("k").hit) == (False, True)
    proxy.black_hole()
    assert [strategy.read("k").cache_error for _ in range(4)] == ["TimeoutError"] * 2 + ["CircuitOpen"] * 2
    proxy.pass_on()
    time.sleep(1.05)
    assert strategy.read("k").cache_error is None
    assert strategy.read("k").hit
    assert told == ["open", "half_open", "closed"]
    client.close()
