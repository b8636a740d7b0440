"""A greenlet that waits for a moment is woken then, never before, and leaves nothing behind."""

import logging
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import gevent
import gevent.event
import pytest

from harness import timing
from harness.timerfd import TimerFd
from harness.timing import HubTimerBell, TimerFdBell, Waiter


class ByHand:
    """A bell and its clock, both moved by the test; rings in the hub, as a real one does."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.settings: list[int] = []
        self.closed = False

    def start(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def set(self, due_ns: int) -> None:
        self.settings.append(due_ns)

    def close(self) -> None:
        self.closed = True

    def clock_ns(self) -> int:
        return self.now_ns

    def advance_to(self, now_ns: int) -> None:
        """Ring once at this moment and let the hub go round."""
        self.now_ns = now_ns
        gevent.get_hub().loop.run_callback(self._ring)
        gevent.sleep(0)
        gevent.sleep(0)


@pytest.fixture
def by_hand() -> ByHand:
    return ByHand()


@pytest.fixture
def waiter(by_hand: ByHand) -> Iterator[Waiter]:
    with closing(Waiter(bell=by_hand, clock_ns=by_hand.clock_ns)) as waiter:
        yield waiter


def asleep(waiter: Waiter, due_ns: int, woken: list[int]) -> gevent.Greenlet:
    """A greenlet that waits for ``due_ns`` and then says so."""

    def wait() -> None:
        waiter.wait_until(due_ns)
        woken.append(due_ns)

    greenlet = gevent.spawn(wait)
    gevent.sleep(0)
    return greenlet


def test_greenlets_wake_in_the_order_of_their_moments_whatever_order_they_asked_in(
    by_hand: ByHand, waiter: Waiter
) -> None:
    """Asked for 30, 10, 20: at 20 two are due, the third only at 30."""
    woken: list[int] = []
    for due_ns in (30, 10, 20):
        asleep(waiter, due_ns, woken)
    by_hand.advance_to(20)
    assert woken == [10, 20]
    by_hand.advance_to(29)
    assert woken == [10, 20]
    by_hand.advance_to(30)
    assert woken == [10, 20, 30]
    assert waiter.waiting == 0


def test_the_bell_is_set_anew_only_when_the_earliest_moment_changes(by_hand: ByHand, waiter: Waiter) -> None:
    """30 and 10 set it, 20 comes after 10 and doesn't; when 10 has rung it is set to 20."""
    for due_ns in (30, 10, 20):
        asleep(waiter, due_ns, [])
    assert by_hand.settings == [30, 10]
    by_hand.advance_to(10)
    assert by_hand.settings == [30, 10, 20]


def test_a_moment_that_is_past_costs_no_turn_of_the_hub(by_hand: ByHand, waiter: Waiter) -> None:
    """Neither now nor before: the bell is never touched."""
    by_hand.now_ns = 50
    waiter.wait_until(50)
    waiter.wait_until(49)
    assert by_hand.settings == []


def test_a_bell_that_rings_early_wakes_nobody(by_hand: ByHand, waiter: Waiter) -> None:
    """At 9 the one due at 10 sleeps on and the bell is set again."""
    woken: list[int] = []
    asleep(waiter, 10, woken)
    by_hand.advance_to(9)
    assert (woken, waiter.waiting, by_hand.settings) == ([], 1, [10, 10])


def test_a_killed_greenlet_leaves_no_entry_and_the_others_still_wake(by_hand: ByHand, waiter: Waiter) -> None:
    """The earliest of three is killed: two are left, and both come at their time."""
    woken: list[int] = []
    first = asleep(waiter, 10, woken)
    asleep(waiter, 20, woken)
    asleep(waiter, 30, woken)
    first.kill()
    assert waiter.waiting == 2
    by_hand.advance_to(10)
    assert woken == []
    by_hand.advance_to(30)
    assert woken == [20, 30]


def test_a_timeout_ends_the_wait_and_leaves_no_entry(by_hand: ByHand, waiter: Waiter) -> None:
    """gevent's Timeout goes through as any exception does."""
    with gevent.Timeout(0.001, False):
        waiter.wait_until(10)
    assert waiter.waiting == 0


def test_one_who_waits_again_when_woken_gets_the_next_ring_not_the_same(by_hand: ByHand, waiter: Waiter) -> None:
    """Each ring wakes those due at its beginning, so sockets have their turn between two rings."""
    seen: list[int] = []

    def twice() -> None:
        waiter.wait_until(10)
        waiter.wait_until(20)
        seen.append(by_hand.now_ns)

    gevent.spawn(twice)
    gevent.sleep(0)
    by_hand.advance_to(10)
    assert (seen, by_hand.settings) == ([], [10, 20])
    by_hand.advance_to(20)
    assert seen == [20]


def test_an_operation_that_fails_when_woken_doesn_t_keep_the_others_asleep(
    by_hand: ByHand, waiter: Waiter, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one due first raises; the second wakes at the same ring, the third at its own."""
    woken: list[int] = []

    def fail() -> None:
        waiter.wait_until(10)
        raise ZeroDivisionError

    failing = gevent.spawn(fail)
    gevent.sleep(0)
    asleep(waiter, 10, woken)
    asleep(waiter, 20, woken)
    by_hand.advance_to(10)
    by_hand.advance_to(20)
    assert isinstance(failing.exception, ZeroDivisionError)
    assert woken == [10, 20]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_closing_wakes_nobody_and_says_so_to_those_who_come_later(by_hand: ByHand, waiter: Waiter) -> None:
    """The sleeper sleeps on until it is killed; a past moment is still past."""
    woken: list[int] = []
    sleeper = asleep(waiter, 10, woken)
    waiter.close()
    by_hand.advance_to(10)
    assert (woken, by_hand.closed, sleeper.dead) == ([], True, False)
    with pytest.raises(RuntimeError, match="the waiter is closed"):
        waiter.wait_until(11)
    waiter.wait_until(10)
    sleeper.kill()
    assert sleeper.dead


@pytest.mark.parametrize("make_bell", [TimerFdBell, HubTimerBell])
def test_real_bells_never_ring_before_the_moment_and_lose_nobody(make_bell: Callable[[], timing.Bell]) -> None:
    """Twenty greenlets, a hundred moments 0.1 ms apart: every one is reached at its time or after it."""
    with closing(Waiter(bell=make_bell())) as waiter:
        begin_ns = time.monotonic_ns()
        moments = iter(range(begin_ns, begin_ns + 10_000_000, 100_000))
        late_ns = []

        def slot() -> None:
            for due_ns in moments:
                waiter.wait_until(due_ns)
                late_ns.append(time.monotonic_ns() - due_ns)

        gevent.joinall([gevent.spawn(slot) for _ in range(20)])
        assert len(late_ns) == 100
        assert min(late_ns) >= 0
        assert waiter.waiting == 0


def test_a_waiter_that_takes_over_a_closed_one_s_descriptor_rings_for_its_own_only() -> None:
    """The system gives the number away again at once; who slept on the closed one isn't woken through it."""
    old = Waiter()
    sleeper = gevent.spawn(old.wait_until, time.monotonic_ns() + 1_000_000)
    gevent.sleep(0)
    old.close()
    with closing(Waiter()) as new, gevent.Timeout(10):
        new.wait_until(time.monotonic_ns() + 2_000_000)
    assert not sleeper.dead
    sleeper.kill()


@pytest.mark.parametrize("make_bell", [TimerFdBell, HubTimerBell])
def test_a_bell_set_to_the_past_rings_at_once(make_bell: Callable[[], timing.Bell]) -> None:
    """Neither kind waits for ever when the moment went by while it was being set."""
    rung = gevent.event.Event()
    bell = make_bell()
    bell.start(rung.set)
    bell.set(0)
    assert rung.wait(5)
    bell.close()


def test_a_timer_that_expired_is_readable_until_it_is_switched_off() -> None:
    """Set to the past it is readable at once; switched off it isn't, and it can be set again."""
    with closing(TimerFd()) as timer:
        for _ in range(2):
            timer.set(1)
            assert select.select([timer.fd], [], [], 5)[0] == [timer.fd]
            timer.off()
            assert select.select([timer.fd], [], [], 0)[0] == []


def test_a_closed_timer_gives_its_descriptor_back() -> None:
    """The kernel knows the descriptor no more."""
    timer = TimerFd()
    os.fstat(timer.fd)
    timer.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(timer.fd)


def test_a_system_without_timerfd_is_told_so_and_waits_by_the_hub_s_timer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names what is missing and what it costs."""

    def absent() -> None:
        raise OSError(38, "timerfd_create: not on this system")

    monkeypatch.setattr(timing, "TimerFd", absent)
    with caplog.at_level(logging.WARNING):
        bell = timing.best_bell()
    assert isinstance(bell, HubTimerBell)
    assert "no timerfd here" in caplog.text
    bell.close()
