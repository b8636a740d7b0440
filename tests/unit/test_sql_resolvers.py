"""How long a client believes DNS, on a clock that the test turns."""

import pytest

from harness.local.dns import Answer
from harness.sql.clients.resolvers import make_resolver


class Names:
    """A name server that gives what it is told to, and counts how often it was asked."""

    def __init__(self, ttl_s=5):
        self.address, self.ttl_s, self.asked = "127.0.1.1", ttl_s, 0

    def ask(self, name):
        assert name == "db.test"
        self.asked += 1
        if self.address is None:
            raise TimeoutError("no answer")
        return Answer((self.address,), self.ttl_s)


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def names():
    return Names()


@pytest.fixture
def clock():
    return Clock()


def seen_at(moments_s, resolver, names, clock):
    """The address that is believed so long after the name moved, having been asked for at the moment 0."""
    assert resolver.address("db.test") == "127.0.1.1"
    names.address = "127.0.1.2"
    seen = []
    for moment_s in moments_s:
        clock.now_s = Clock.now_s + moment_s
        seen.append(resolver.address("db.test")[-1])
    return "".join(seen)


def test_one_that_asks_sees_a_move_at_once(names, clock):
    """Every connection is a question: here one and four."""
    assert seen_at((0.0, 1.0, 4.9, 30.0), make_resolver("asks", names.ask, clock_s=clock), names, clock) == "2222"
    assert names.asked == 5


def test_one_that_honours_the_ttl_sees_a_move_when_the_ttl_is_over(names, clock):
    """TTL 5 s: still the old address at 4.9 s, the new one at 5.0 s, for which it asked a second time."""
    assert seen_at((0.0, 4.9, 5.0, 9.9), make_resolver("ttl", names.ask, clock_s=clock), names, clock) == "1122"
    assert names.asked == 2


def test_a_ttl_of_nothing_is_asked_every_time(clock):
    """As RFC 1035 has it: 0 may not be kept."""
    names = Names(ttl_s=0)
    assert seen_at((0.0, 0.0), make_resolver("ttl", names.ask, clock_s=clock), names, clock) == "22"


def test_a_cache_of_thirty_seconds_cares_for_no_ttl(names, clock):
    """As the JVM's and many a pool's: TTL 5 s is long over at 29.9 s."""
    assert seen_at((5.0, 29.9, 30.0), make_resolver("caches_30s", names.ask, clock_s=clock), names, clock) == "112"


def test_the_length_of_the_cache_can_be_set(names, clock):
    """Two seconds instead of thirty."""
    resolver = make_resolver("caches_30s", names.ask, 2.0, clock_s=clock)
    assert seen_at((1.9, 2.0), resolver, names, clock) == "12"


def test_for_ever_is_for_ever(names, clock):
    """A year later it believes what it was told first."""
    assert seen_at((5.0, 3e7), make_resolver("for_ever", names.ask, clock_s=clock), names, clock) == "11"
    assert names.asked == 1


@pytest.mark.parametrize("name", ["asks", "ttl", "caches_30s", "for_ever"])
def test_a_failure_is_raised_and_not_remembered(name, names, clock):
    """The next connection asks again."""
    resolver = make_resolver(name, names.ask, clock_s=clock)
    names.address = None
    with pytest.raises(TimeoutError):
        resolver.address("db.test")
    names.address = "127.0.1.2"
    assert resolver.address("db.test") == "127.0.1.2"


def test_names_are_remembered_apart(clock):
    """The reader's name isn't the writer's."""
    resolver = make_resolver("for_ever", lambda name: Answer((f"of {name}",), 5), clock_s=clock)
    assert [resolver.address(name) for name in ("a", "b", "a")] == ["of a", "of b", "of a"]
