"""Arrivals follow their demand exactly, are random where they should be, and split over workers without a trace."""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, islice, pairwise
from math import ceil, exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import dataset
from harness.arrivals import Drawn, constant, poisson, ramp, replay, share, spike, think_time

S = 1_000_000_000
HOUR_NS = 3600 * S
# The 99.9th percentile of chi-square with 19 degrees of freedom, from its table.
CHI_SQUARE_19 = 43.82

SCHEDULES: dict[str, Callable[[], Iterator[int]]] = {
    "constant": lambda: constant(rate_per_s=70, duration_ns=S),
    "poisson": lambda: poisson(rate_per_s=70, duration_ns=S, seed="a"),
    "ramp": lambda: ramp(from_per_s=10, to_per_s=100, ramp_ns=S, hold_ns=S),
    "spike": lambda: spike(base_per_s=10, peak_per_s=200, at_ns=S // 4, for_ns=S // 8, duration_ns=S),
    "replay": lambda: replay([3, 0, 40], bin_ns=S),
    "random replay": lambda: replay([3, 0, 40], bin_ns=S, seed="a"),
}


def even_chi_square(shares: list[float]) -> float:
    """Chi-square of numbers that should be even over [0, 1), in 20 bins."""
    bins = Counter(int(share * 20) for share in shares)
    expected = len(shares) / 20
    return sum((bins[b] - expected) ** 2 / expected for b in range(20))


def test_constant_arrivals_start_at_zero_and_end_before_the_duration() -> None:
    """Every 10 ns for 35 ns: 0, 10, 20, 30."""
    assert list(constant(interval_ns=10, duration_ns=35)) == [0, 10, 20, 30]


def test_a_rate_that_no_whole_interval_gives_is_kept_by_rounding_each_arrival_alone() -> None:
    """Three a second: 0, 1/3 and 2/3 s, rounded down; a tenth a second is 10 s, to the nanosecond."""
    assert list(constant(rate_per_s=3, duration_ns=S)) == [0, 333_333_333, 666_666_666]
    assert list(constant(rate_per_s=0.1, duration_ns=10 * S + 1)) == [0, 10 * S]


def test_a_million_arrivals_don_t_drift() -> None:
    """3,000 a second: the millionth is due at 999,999/3,000 = 333.333 s; an interval of 333,333 ns would be 0.3 ms early."""
    for schedule in (
        constant(rate_per_s=3000, duration_ns=400 * S),
        ramp(from_per_s=3000, to_per_s=3000, ramp_ns=100 * S, hold_ns=300 * S),
        replay([3000] * 400, bin_ns=S),
    ):
        assert next(islice(schedule, 999_999, None)) == 333_333_000_000


def test_two_million_arrivals_on_a_long_ramp_don_t_drift() -> None:
    """From 0 to 4,000 a second over 1,000 s, D(t) = 2t²: two millions at the end; arrival 1,620,000 at √810,000 = 900 s."""
    schedule = ramp(from_per_s=0, to_per_s=4000, ramp_ns=1000 * S)
    assert next(islice(schedule, 1_620_000, None)) == 900 * S
    assert sum(1 for _ in schedule) == 2_000_000 - 1_620_001


def test_a_rising_ramp_is_due_where_the_integral_says() -> None:
    """To 10 a second over 10 s, D(t) = t²/2: the 2nd at √2 s, the 51st at 10 s, then each 0.1 s; 50 and 10 in all."""
    due = list(ramp(from_per_s=0, to_per_s=10, ramp_ns=10 * S, hold_ns=S))
    assert due[:2] == [0, 1_414_213_562]
    assert due[50:52] == [10 * S, 10_100_000_000]
    assert len(due) == 60


def test_a_falling_ramp_thins_out() -> None:
    """From 10 a second to 0 over 10 s, D(t) = 10t − t²/2: the 2nd at 10 − √98 s, the 50th at 10 − √2 s, none held."""
    due = list(ramp(from_per_s=10, to_per_s=0, ramp_ns=10 * S, hold_ns=5 * S))
    assert due[1] == pytest.approx(100_505_063, abs=1)
    assert due[49] == pytest.approx(8_585_786_438, abs=1)
    assert len(due) == 50


def test_a_spike_is_its_base_but_for_its_peak() -> None:
    """2 a second, 10 from 1 s to 1.5 s, for 3 s: 2 before, 5 in the peak, 3 after."""
    due = spike(base_per_s=2, peak_per_s=10, at_ns=S, for_ns=S // 2, duration_ns=3 * S)
    assert [t / S for t in due] == [0, 0.5, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 2.0, 2.5]


def test_what_a_stretch_leaves_over_is_due_in_the_next() -> None:
    """1 a second for 0.5 s, then 4 a second: half an arrival is left, so the second comes 0.5/4 s later, at 0.625 s."""
    due = spike(base_per_s=1, peak_per_s=4, at_ns=S // 2, for_ns=S // 2, duration_ns=S)
    assert [t / S for t in due] == [0, 0.625, 0.875]


@given(
    from_per_s=st.floats(0, 500), to_per_s=st.floats(0, 500),
    ramp_ns=st.integers(0, 2 * S), hold_ns=st.integers(0, S),
)  # fmt: skip
def test_arrivals_so_far_are_the_integral_of_the_rate(
    from_per_s: float, to_per_s: float, ramp_ns: int, hold_ns: int
) -> None:
    """Arrival k is due when the area under the ramp is k, as far as a rounding to 1 ns lets it; none is left out."""
    due = list(ramp(from_per_s=from_per_s, to_per_s=to_per_s, ramp_ns=ramp_ns, hold_ns=hold_ns))
    ramp_s, risen = ramp_ns / S, (from_per_s + to_per_s) / 2 * ramp_ns / S
    for k, t_ns in enumerate(due):
        t, slope = t_ns / S, (to_per_s - from_per_s) / ramp_s if ramp_ns else 0.0
        area = from_per_s * t + slope * t * t / 2 if t_ns < ramp_ns else risen + to_per_s * (t - ramp_s)
        assert area == pytest.approx(k, abs=1e-5)
    whole = risen + to_per_s * hold_ns / S
    assert abs(len(due) - ceil(whole)) <= (abs(whole - round(whole)) < 1e-9)


def test_a_trace_is_replayed_with_the_count_of_every_bin() -> None:
    """Hours of 2, 0 and 3 flights, sped up 3,600 times: seconds of 2, 0 and 3 arrivals, evenly spaced."""
    assert list(replay([2, 0, 3], bin_ns=HOUR_NS, speed=3600)) == [
        0, 500_000_000, 2_000_000_000, 2_333_333_333, 2_666_666_666,
    ]  # fmt: skip


def test_the_flights_of_january_leave_again_at_their_hours() -> None:
    """27,004 of them; the first at five in the morning, which is 0.5 s at 36,000 times the speed; 744 hours are 74.4 s."""
    due = list(replay(dataset.load([1]).flights_per_hour(), bin_ns=HOUR_NS, speed=36_000))
    assert len(due) == 27_004
    assert due[0] == 500_000_000
    assert due[-1] < 74_400_000_000


@given(
    counts=st.lists(st.integers(0, 30), max_size=20),
    bin_ns=st.integers(100, HOUR_NS),
    speed=st.sampled_from([0.7, 1, 3, 10]),
    seed=st.none() | st.integers(),
)
def test_any_trace_keeps_its_counts_whatever_its_speed(
    counts: list[int], bin_ns: int, speed: float, seed: int | None
) -> None:
    """Bins begin where exact division puts them; evenly or at random, each has its arrivals and no other."""
    due = list(replay(counts, bin_ns=bin_ns, speed=speed, seed=seed))
    edges = [b * bin_ns * 10 // round(speed * 10) for b in range(len(counts) + 1)]
    found = [sum(begin <= t < end for t in due) for begin, end in pairwise(edges)]
    assert found == counts
    assert len(due) == sum(counts)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_replay_is_even_within_its_bins(seed: int) -> None:
    """20,000 arrivals in bins of 50, by their place in the bin."""
    places = [t % S / S for t in replay([50] * 400, bin_ns=S, seed=seed)]
    assert even_chi_square(places) < CHI_SQUARE_19


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_poisson_gaps_are_exponential(seed: int) -> None:
    """e^(−gap·rate) is even over 0..1 for 20,000 gaps or so: chi-square below its 99.9th percentile."""
    due = [0, *poisson(rate_per_s=2000, duration_ns=10 * S, seed=seed)]
    gaps = [(b - a) / S for a, b in pairwise(due)]
    assert even_chi_square([exp(-gap * 2000) for gap in gaps if gap]) < CHI_SQUARE_19


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_poisson_counts_vary_as_much_as_they_should(seed: int) -> None:
    """1,000 windows of 20 expected: Σ(n − 20)²/20 is chi-square with mean 1,000, deviation √2,000 = 44.7; four of them."""
    windows = Counter(t * 100 // S for t in poisson(rate_per_s=2000, duration_ns=10 * S, seed=seed))
    spread = sum((windows[w] - 20) ** 2 / 20 for w in range(1000))
    assert abs(spread - 1000) < 4 * 44.7
    assert abs(sum(windows.values()) - 20_000) < 4 * 141.4  # √20,000


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_never_falls_and_stays_within_its_time(name: str) -> None:
    """From 0 on, below the longest of the durations used here."""
    due = list(SCHEDULES[name]())
    assert due == sorted(due)
    assert due[0] >= 0
    assert due[-1] < 3 * S


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("workers", [1, 2, 3, 100])
def test_the_shares_of_n_workers_are_the_whole_schedule(name: str, workers: int) -> None:
    """Merged by time they are what one worker would have done; no two workers differ by more than one arrival."""
    parts = [list(share(SCHEDULES[name](), worker, workers)) for worker in range(workers)]
    assert list(heapq.merge(*parts)) == list(SCHEDULES[name]())
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_share_keeps_what_was_drawn_with_an_arrival() -> None:
    """Tickets as well as offsets: the second of two workers has the second, the fourth …"""
    tickets = zip(constant(interval_ns=10, duration_ns=50), "abcde", strict=True)
    assert list(share(tickets, 1, 2)) == [(10, "b"), (30, "d")]


@given(seed=st.integers(), rate_per_s=st.integers(1, 400), workers=st.integers(1, 7))
def test_workers_draw_the_keys_of_one_process_and_make_their_own_tickets_only(
    seed: int, rate_per_s: int, workers: int
) -> None:
    """Random moments, a random key for each: in turn the workers' tickets are those of one; each is made once in all."""
    made: list[tuple[int, int]] = []

    def tickets() -> Drawn[tuple[int, int], str]:
        keys = random.Random(seed)
        due = poisson(rate_per_s=rate_per_s, duration_ns=S // 4, seed=seed)

        def make(drawn: tuple[int, int]) -> str:
            made.append(drawn)
            return f"{drawn[1]} at {drawn[0]}"

        return Drawn(((t, keys.randrange(1000)) for t in due), make)

    whole, of_one = list(tickets()), made.copy()
    made.clear()
    parts = [list(share(tickets(), worker, workers)) for worker in range(workers)]
    assert [parts[place % workers][place // workers] for place in range(len(whole))] == whole
    assert sum(map(len, parts)) == len(whole)
    assert sorted(made) == sorted(of_one)


@given(seed=st.integers() | st.text(), rate_per_s=st.floats(0.5, 5_000), duration_ns=st.integers(1, S // 8))
def test_poisson_arrivals_add_up_one_gap_after_the_other(seed: int | str, rate_per_s: float, duration_ns: int) -> None:
    """The same in the plainest way: −ln(1 − u)/rate from one arrival to the next, u from the seed's generator."""
    rng, at_s, due = random.Random(seed), 0.0, []
    while (at_s := at_s - log(1.0 - rng.random()) * (1 / rate_per_s)) < duration_ns / S:
        due.append(min(int(at_s * S), duration_ns - 1))
    assert list(poisson(rate_per_s=rate_per_s, duration_ns=duration_ns, seed=seed)) == due


def test_a_worker_of_a_fixed_schedule_does_not_look_at_what_others_have() -> None:
    """A million workers at three thousand a second for an hour: the last one's first arrival is there at once, 333 s in."""
    workers = 1_000_000
    mine = share(constant(rate_per_s=3000, duration_ns=HOUR_NS), workers - 1, workers)
    assert next(mine) == 999_999 * S // 3000


@pytest.mark.parametrize("name", ["poisson", "random replay"])
def test_the_same_seed_gives_the_same_arrivals_and_another_seed_others(name: str) -> None:
    """Only these two draw anything."""
    make: Callable[[str], Iterator[int]] = {
        "poisson": lambda seed: poisson(rate_per_s=100, duration_ns=S, seed=seed),
        "random replay": lambda seed: replay([100], bin_ns=S, seed=seed),
    }[name]
    assert list(make("a")) == list(make("a"))
    assert list(make("a")) != list(make("b"))


def test_constant_thinking_is_always_as_long() -> None:
    """Its seed doesn't matter."""
    assert list(islice(think_time(250, "constant", seed=1), 3)) == [250, 250, 250]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exponential_thinking_has_its_mean_and_its_shape(seed: int) -> None:
    """20,000 pauses of 1 s in the mean: e^(−pause) is even over 0..1, the mean within four of 1/√20,000 = 0.0071."""
    pauses = [pause / S for pause in islice(think_time(S, "exponential", seed), 20_000)]
    assert even_chi_square([exp(-pause) for pause in pauses if pause]) < CHI_SQUARE_19
    assert abs(sum(pauses) / 20_000 - 1) < 4 * 0.0071


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: constant(interval_ns=0, duration_ns=1), "interval_ns must be > 0, got 0"),
        (lambda: constant(rate_per_s=-1, duration_ns=1), "rate_per_s must be > 0, got -1"),
        (lambda: constant(duration_ns=1), "give interval_ns or rate_per_s, got None and None"),
        (lambda: poisson(rate_per_s=0, duration_ns=1, seed=1), "rate_per_s must be > 0, got 0"),
        (lambda: ramp(from_per_s=-1, to_per_s=1, ramp_ns=1), "rates and times must be >= 0"),
        (
            lambda: spike(base_per_s=1, peak_per_s=2, at_ns=5, for_ns=6, duration_ns=10),
            "a spike at 5 for 6 ns ends after the duration of 10 ns",
        ),
        (lambda: replay([1, -2], bin_ns=1), "counts must be >= 0, got -2"),
        (lambda: replay([1], bin_ns=1, speed=0), "speed must be > 0, got 0"),
        (lambda: share(count(), 2, 2), "worker must be 0 to 1, got 2"),
        (lambda: think_time(-1, "constant", 1), "mean_ns must be >= 0, got -1"),
    ],
)
def test_impossible_schedules_are_refused_when_they_are_asked_for(make: Callable[[], object], complaint: str) -> None:
    """Before the trial begins, not in the middle of it."""
    with pytest.raises(ValueError, match=complaint):
        make()
