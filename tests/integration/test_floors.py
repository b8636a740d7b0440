"""Floors: the responder answers alone what it has heard, and each probe gets its floor or is left out."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from harness.cache.client import CacheClient
from harness.floors import LEAST_TRIALS, floors_of
from harness.local.processes import Warden
from harness.local.responding import Responder
from harness.local.services import LocalServices
from harness.recorder import Observation
from harness.scenario import FloorProbe, Slot
from harness.services import Needs
from harness.sql.connections import connect


@pytest.fixture(scope="module")
def services() -> Iterator[LocalServices]:
    up = LocalServices.up(Needs(cache=True, engines=("postgres",)))
    yield up
    up.close()


def cache_probe(services: LocalServices, act: Callable[[CacheClient], object], **fields: Any) -> FloorProbe:
    """A probe of the cache that does ``act`` with a client."""

    def do(slot: Slot) -> Observation:
        act(slot.hold("cache", lambda: CacheClient.at(services.cache)))
        return Observation()

    usual = {
        "client": "lean",
        "op": "get",
        "role": "cache",
        "server": services.cache.address,
        "key": "cache",
        "act": do,
    }
    return FloorProbe(**usual | {"connect": CacheClient} | fields)


def test_the_responder_answers_alone_what_it_has_heard_before(services: LocalServices, warden: Warden) -> None:
    """First heard, then said: the third answer is the first's, though the value has changed since."""
    responder = Responder.start(warden, {"cache": services.cache.address})
    with CacheClient.at(services.cache) as real, CacheClient("127.0.0.1", responder.ports["cache"]) as client:
        real.set("floor", "first")
        assert client.get("floor") == b"first"
        assert client.command("ECHO", "in between") == b"in between"
        real.set("floor", "second")
        assert [client.get("floor") for _ in range(2)] == [b"first", b"first"]
        with CacheClient("127.0.0.1", responder.ports["cache"]) as another:
            assert another.get("floor") == b"first"
            assert another.get("other") is None
    counts = responder.counts()["cache"]
    assert (counts.replayed, counts.passed_on) == (3, 3)
    # GET floor is *2 $3 GET $5 floor, 24 bytes; its answer $5 first, 11.
    assert (counts.asked_bytes, counts.answered_bytes) == (3 * 24, 3 * 11)


def test_a_login_passes_and_a_prepared_statement_is_answered(services: LocalServices, warden: Warden) -> None:
    """PostgreSQL's SCRAM differs every time; on two connections through the responder the statement gives its row."""
    endpoint = services.sql["postgres"]
    responder = Responder.start(warden, {"postgres": (endpoint.host, endpoint.port)})
    for _ in range(2):
        with connect(endpoint.at("127.0.0.1", responder.ports["postgres"])) as connection:
            for _ in range(5):
                assert connection.query("SELECT %s::int + 1", (41,)) == [(42,)]
    assert responder.counts()["postgres"].replayed >= 6


def test_a_server_that_is_gone_ends_the_connection(warden: Warden) -> None:
    """The client sees what it would see without the responder: an end, not a wait."""
    responder = Responder.start(warden, {"cache": ("127.0.0.1", 1)})
    client = CacheClient("127.0.0.1", responder.ports["cache"], timeout_s=2.0)
    with pytest.raises(Exception, match="closed by the server|reset"):
        client.get("anything")


def test_each_probe_has_a_floor_with_its_bytes(services: LocalServices) -> None:
    """GET of a 400-byte value: 3·8 + … bytes asked, 400 and its frame answered; slots as asked for; trials of the least number."""
    with CacheClient.at(services.cache) as real:
        real.set("floor", "x" * 400)
    probe = cache_probe(services, lambda client: client.get("floor"), slots=3, labels={"engine": "none"})
    floors = floors_of([probe], slots=1, budget_s=0.5)
    record = floors[0].as_record()
    assert (record["client"], record["op"], record["labels"], record["slots"]) == ("lean", "get", {"engine": "none"}, 3)
    # *2\r\n$3\r\nGET\r\n$5\r\nfloor\r\n, and $400\r\n + 400 + \r\n
    assert (record["request_bytes"], record["answer_bytes"]) == (24, 408)
    assert len(record["trials"]) >= LEAST_TRIALS
    for trial in record["trials"]:
        assert trial["n"] >= 3 and 0 < trial["p50_ns"] <= trial["p95_ns"] <= trial["p99_ns"]
    assert record["cpu_ns"] > 0 and record["responder_cpu_ns"] > 0


def test_what_differs_each_time_or_fails_has_no_floor_and_costs_no_other(services: LocalServices) -> None:
    """A request with a counter in it can't be answered from memory; one that is refused isn't an answer."""
    numbers = itertools.count()
    never_the_same = cache_probe(services, lambda client: client.get(f"key {next(numbers)}"), op="counted")
    refused = cache_probe(services, lambda client: client.command("NONSENSE"), op="refused")
    good = cache_probe(services, lambda client: client.get("floor"))
    floors = floors_of([never_the_same, refused, good], slots=2, budget_s=0.3)
    assert [floor.probe.op for floor in floors] == ["get"]


def test_a_responder_that_is_slow_would_be_seen(services: LocalServices) -> None:
    """What the client itself does counts into the floor: a client that rests 5 ms has a floor of 5 ms and more."""

    def slow(client: CacheClient) -> None:
        gevent.sleep(0.005)
        client.get("floor")

    floors = floors_of([cache_probe(services, slow)], slots=1, budget_s=0.3)
    assert all(trial.p50_ns > 5e6 for trial in floors[0].trials)


def test_a_probe_that_breaks_in_its_trials_has_no_floor_and_stops_nothing(services: LocalServices) -> None:
    """It answers while it is learnt and then no more: its floor goes, the other's stays."""
    done = itertools.count()

    def breaks(client: CacheClient) -> None:
        client.command("GET" if next(done) < 6 else "NONSENSE", "floor")

    probes = [cache_probe(services, breaks, op="breaks"), cache_probe(services, lambda client: client.get("floor"))]
    floors = floors_of(probes, slots=2, budget_s=0.3)
    assert [floor.probe.op for floor in floors] == ["get"]
