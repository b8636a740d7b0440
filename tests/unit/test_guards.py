"""A circuit breaker: by hand, against a model, and around a cache that dies."""

import pytest
from caches import Clock, parts
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.cache.client import CacheReplyError, CacheTimeoutError
from harness.cache.guards import BreakerCache, CircuitBreaker, CircuitOpenError, guarded
from harness.cache.strategies import LazyLoading, Read

S = 1_000_000_000
TIMED_OUT = CacheTimeoutError("no answer", "TimeoutError")


def breaker(clock, **given):
    return CircuitBreaker(**{"failures": 3, "window_s": 10, "open_s": 1, "probes": 2, **given}, clock_ns=clock)


def fail(breaker, times=1):
    for _ in range(times):
        breaker.failed(breaker.ask())


def opened(clock, **given):
    made = breaker(clock, **given)
    fail(made, 3)
    assert made.state == "open"
    return made


def test_the_third_failure_in_ten_seconds_opens():
    """At 0, 5 and 10 s: within the window. At 0, 5 and 10.1 s: the first has left it."""
    for last_ns, state in ((10 * S, "open"), (10 * S + S // 10, "closed")):
        clock = Clock(0)
        made = breaker(clock)
        for clock.now_ns in (0, 5 * S, last_ns):
            fail(made)
        assert made.state == state


def test_successes_in_between_do_not_excuse_failures():
    """A cache that answers every second time is counted by its failures."""
    made = breaker(Clock(0))
    for _ in range(3):
        made.succeeded(made.ask())
        fail(made)
    assert made.state == "open"


def test_open_nobody_may_ask_until_its_time_is_over():
    """One second: refused a nanosecond before, a probe at its end."""
    clock = Clock(0)
    made = opened(clock)
    clock.now_ns = S - 1
    assert made.ask() is None
    clock.now_ns = S
    assert made.ask() is not None
    assert made.state == "half_open"


def test_half_open_so_many_probes_and_all_must_succeed():
    """Two may ask, a third not; after the first success still half-open, after the second closed."""
    clock = Clock(0)
    made = opened(clock)
    clock.now_ns = S
    probes = [made.ask(), made.ask()]
    assert (None in probes, made.ask()) == (False, None)
    made.succeeded(probes[0])
    assert (made.state, made.ask()) == ("half_open", None)
    made.succeeded(probes[1])
    assert made.state == "closed"
    fail(made, 2)
    assert made.state == "closed"  # failures are counted anew


def test_a_probe_that_fails_opens_for_another_term():
    """At 1.5 s: open until 2.5 s; the other probe's success comes too late to count."""
    clock = Clock(0)
    made = opened(clock)
    clock.now_ns = S + S // 2
    first, second = made.ask(), made.ask()
    made.failed(first)
    made.succeeded(second)
    assert made.state == "open"
    clock.now_ns = 2 * S + S // 2 - 1
    assert made.ask() is None
    clock.now_ns += 1
    assert made.ask() is not None


def test_calls_from_before_a_change_say_nothing():
    """Asked while closed, answered while half-open: neither opens nor closes it."""
    clock = Clock(0)
    made = breaker(clock, probes=1)
    late = [made.ask(), made.ask()]
    fail(made, 3)
    clock.now_ns = S
    assert made.ask() is not None
    made.succeeded(late[0])
    made.failed(late[1])
    assert made.state == "half_open"


def test_a_probe_that_died_makes_room_for_another():
    """Nobody brings its permit back: without that the breaker would stay half-open for ever."""
    clock = Clock(0)
    made = opened(clock, probes=1)
    clock.now_ns = S
    dead = made.ask()
    assert made.ask() is None
    made.abandoned(dead)
    made.succeeded(made.ask())
    assert made.state == "closed"


def test_who_wants_to_know_is_told_each_change():
    """Open, half-open, open, half-open, closed, in that order."""
    clock, told = Clock(0), []
    made = breaker(clock, failures=1, probes=1, changed=told.append)
    fail(made)
    clock.now_ns = S
    fail(made)
    clock.now_ns = 2 * S
    made.succeeded(made.ask())
    assert told == ["open", "half_open", "open", "half_open", "closed"]


@pytest.mark.parametrize("setting", ["failures", "window_s", "open_s", "probes"])
def test_a_setting_of_zero_is_refused(setting):
    """It would never close, or never open."""
    with pytest.raises(ValueError, match="must all be > 0"):
        breaker(Clock(0), **{setting: 0})


class BreakerMachine(RuleBasedStateMachine):
    """Any order of asking, answers, deaths and time, beside a model that keeps whole histories instead of counters."""

    FAILURES, WINDOW_S, OPEN_S, PROBES = 3, 10, 4, 2

    def __init__(self):
        super().__init__()
        self.clock = Clock(0)
        self.breaker = CircuitBreaker(
            failures=self.FAILURES, window_s=self.WINDOW_S, open_s=self.OPEN_S, probes=self.PROBES, clock_ns=self.clock
        )
        self.changes = [("closed", 0)]  # state and when it began
        self.out = []  # permits out: (permit, how many changes there were)
        self.failed_at = []  # of calls permitted since the last change
        self.probes = []  # what became of this half-open's probes: "out", "ok", "dead"

    @property
    def state(self):
        return self.changes[-1][0]

    def change(self, state):
        self.changes.append((state, self.clock.now_ns))
        self.failed_at, self.probes = [], []

    @rule(seconds=st.integers(1, 6))
    def time_passes(self, seconds):
        self.clock.now_ns += seconds * S

    @rule()
    def ask(self):
        permit = self.breaker.ask()
        if self.state == "open" and self.clock.now_ns >= self.changes[-1][1] + self.OPEN_S * S:
            self.change("half_open")
        if self.state == "half_open":
            expected = sum(probe != "dead" for probe in self.probes) < self.PROBES
            if expected:
                self.probes.append("out")
        else:
            expected = self.state == "closed"
        assert (permit is not None) == expected
        if expected:
            self.out.append((permit, len(self.changes), len(self.probes) - 1))

    @rule(outcome=st.sampled_from(["ok", "failed"]))
    def ask_and_hear_at_once(self, outcome):
        before = len(self.out)
        self.ask()
        if len(self.out) > before:
            self.hear(before, outcome)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), outcome=st.sampled_from(["ok", "failed", "dead"]))
    def hear_late(self, data, outcome):
        self.hear(data.draw(st.integers(0, len(self.out) - 1)), outcome)

    def hear(self, index, outcome):
        permit, changes, probe = self.out.pop(index)
        {"ok": self.breaker.succeeded, "failed": self.breaker.failed, "dead": self.breaker.abandoned}[outcome](permit)
        if changes != len(self.changes):
            return
        if self.state == "closed" and outcome == "failed":
            self.failed_at.append(self.clock.now_ns)
            recent = [at for at in self.failed_at if at >= self.clock.now_ns - self.WINDOW_S * S]
            if len(recent) >= self.FAILURES:
                self.change("open")
        elif self.state == "half_open" and outcome == "failed":
            self.change("open")
        elif self.state == "half_open":
            self.probes[probe] = outcome
            if self.probes.count("ok") == self.PROBES:
                self.change("closed")

    @invariant()
    def the_state_is_the_models(self):
        assert self.breaker.state == self.state


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)


def guarded_parts(**given):
    clock, cache, database = parts()
    made = breaker(clock, **given)
    return clock, cache, database, made, LazyLoading(BreakerCache(cache, made), database.load, clock_ns=clock)


def test_under_an_open_breaker_a_read_goes_to_the_database_without_asking_the_cache():
    """Three reads time out on their get; the fourth takes the database's 100 ns and nothing of the cache's."""
    _, cache, database, made, strategy = guarded_parts()
    cache.fail["get"] = [TIMED_OUT] * 3
    assert [strategy.read("k").cache_error for _ in range(3)] == ["TimeoutError"] * 3
    assert made.state == "open"
    cache.calls.clear()
    assert strategy.read("k") == Read(value=b"k", hit=False, get_ns=0, db_ns=100, cache_error="CircuitOpen")
    assert (cache.calls, database.asked) == ([], ["k"] * 4)


def test_after_its_term_reads_probe_and_the_cache_is_used_again():
    """A get and a set of one read are two probes: both well, so closed, and the next read hits."""
    clock, cache, _, made, strategy = guarded_parts()
    cache.fail["get"] = [TIMED_OUT] * 3
    for _ in range(3):
        strategy.read("k")
    clock.sleep(1)
    assert strategy.read("k").cache_error is None
    assert (made.state, strategy.read("k").hit) == ("closed", True)


@pytest.mark.parametrize(
    ("code", "state"), [("OOM", "closed"), ("WRONGTYPE", "closed"), ("LOADING", "open"), ("CLUSTERDOWN", "open")]
)
def test_a_refusal_is_an_answer_unless_it_says_that_it_cannot_serve(code, state):
    """A full cache is alive; one that loads its data, or whose cluster misses a node, is no use."""
    _, cache, _, made, strategy = guarded_parts()
    cache.fail["get"] = [CacheReplyError(code, code) for _ in range(3)]
    for _ in range(3):
        strategy.read("k")
    assert made.state == state


def test_every_operation_is_guarded():
    """Open: none of the five reaches the cache."""
    _, cache, _, made, _ = guarded_parts()
    fail(made, 3)
    client = BreakerCache(cache, made)
    for act in (
        lambda: client.get("k"), lambda: client.set("k", b"v"), lambda: client.delete("k"),
        lambda: client.pipeline([]), lambda: client.eval(None),
    ):  # fmt: skip
        with pytest.raises(CircuitOpenError):
            act()
    assert cache.calls == []


def test_a_caller_that_is_killed_while_it_probes_gives_its_permit_back():
    """A greenlet's end is no answer of the cache's."""
    clock, cache, _, made, strategy = guarded_parts(probes=1)
    fail(made, 3)
    clock.sleep(1)
    cache.fail["get"] = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        strategy.read("k")
    assert (made.state, made.ask() is not None) == ("half_open", True)


def test_guards_by_name():
    """Patience of 30 s, a time-out of 0.1 s, and the same behind the breaker that is open."""
    _, cache, _, made, _ = guarded_parts()
    fail(made, 3)
    timeouts = []

    def connect(timeout_s):
        timeouts.append(timeout_s)
        return cache

    clients = [
        guarded(guard, connect, timeout_s=0.1, patience_s=30, breaker=made)
        for guard in ("no_timeout", "timeout", "circuit_breaker")
    ]
    assert timeouts == [30, 0.1, 0.1]
    assert clients[:2] == [cache, cache]
    with pytest.raises(CircuitOpenError):
        clients[2].get("k")
