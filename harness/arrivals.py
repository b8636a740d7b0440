"""When operations are due: pure generators of offsets from a trial's beginning, in ns.

An open loop takes its intended starts from here and records how late it was; nothing is slowed down silently. Every
schedule follows from its parameters alone, the random ones from their seed: n workers that each take their ``share``
keep the same schedule as one. Offsets never fall, are never negative and stay below the duration.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, islice, repeat, takewhile
from math import ceil, log, sqrt
from operator import mul, sub
from typing import Generic, Literal, TypeVar

NS_PER_S = 1_000_000_000

D = TypeVar("D")
T = TypeVar("T")
Seed = int | str
Thinking = Literal["constant", "exponential"]
Stretch = tuple[float, float, int]  # rate per second at its beginning and at its end, duration in ns


class Drawn(Iterator[T], Generic[D, T]):
    """What ``make`` gives for each of ``draws``, in order; whoever takes a ``share`` makes its own only.

    Draws are what has to be drawn in order, by everyone alike; where they are a sequence, those of others aren't even looked at.
    """

    def __init__(self, draws: Iterable[D], make: Callable[[D], T]) -> None:
        self._draws, self._make = draws, make
        self._made = map(make, draws)

    def __next__(self) -> T:
        return next(self._made)

    def share(self, worker: int, workers: int) -> Iterator[T]:
        """See :func:`share`; before anything was taken."""
        return map(self._make, share(self._draws, worker, workers))


def constant(*, duration_ns: int, interval_ns: int | None = None, rate_per_s: float | None = None) -> Iterator[int]:
    """Evenly spaced arrivals, the first at 0, none at or after ``duration_ns``.

    Give ``interval_ns`` or ``rate_per_s``. With a rate the i-th is due at i/rate, rounded down to a ns: what is cut
    off doesn't add up, however many there are.
    """
    if (interval_ns is None) == (rate_per_s is None):
        raise ValueError(f"give interval_ns or rate_per_s, got {interval_ns} and {rate_per_s}")
    if interval_ns is not None:
        _positive(interval_ns=interval_ns)
        step_ns, divisor = interval_ns, 1
    else:
        assert rate_per_s is not None
        _positive(rate_per_s=rate_per_s)
        step_ns, divisor = (NS_PER_S / _as_written(rate_per_s)).as_integer_ratio()
    return Drawn(range(-(-duration_ns * divisor // step_ns)), lambda i: i * step_ns // divisor)


def poisson(*, rate_per_s: float, duration_ns: int, seed: Seed) -> Iterator[int]:
    """Independent arrivals: the gaps are exponential with mean 1/rate, the first arrival one gap after 0."""
    _positive(rate_per_s=rate_per_s)
    return _poisson(rate_per_s, duration_ns, random.Random(seed))


def ramp(*, from_per_s: float, to_per_s: float, ramp_ns: int, hold_ns: int = 0) -> Iterator[int]:
    """A rate that goes evenly from one to the other, up or down, and is then held.

    Arrival k (0, 1, 2 …) is due where the rate integrated over time has reached k.
    """
    return _by_integral([(from_per_s, to_per_s, ramp_ns), (to_per_s, to_per_s, hold_ns)])


def spike(*, base_per_s: float, peak_per_s: float, at_ns: int, for_ns: int, duration_ns: int) -> Iterator[int]:
    """``base_per_s``, but ``peak_per_s`` from ``at_ns`` on for ``for_ns``; due by the integral, as in a ramp."""
    after_ns = duration_ns - at_ns - for_ns
    if after_ns < 0:
        raise ValueError(f"a spike at {at_ns} for {for_ns} ns ends after the duration of {duration_ns} ns")
    levels = ((base_per_s, at_ns), (peak_per_s, for_ns), (base_per_s, after_ns))
    return _by_integral([(rate, rate, length_ns) for rate, length_ns in levels])


def replay(counts: Sequence[int], *, bin_ns: int, speed: float = 1.0, seed: Seed | None = None) -> Iterator[int]:
    """A demand trace again, ``speed`` times as fast: ``counts[b]`` arrivals in the b-th bin of ``bin_ns``.

    Every bin has exactly its count: evenly spaced from the bin's beginning, or, with a seed, at independent random
    moments (a Poisson process given its counts). ``Dataset.flights_per_hour`` is such a trace.
    """
    _positive(bin_ns=bin_ns, speed=speed)
    if any(count < 0 for count in counts):
        raise ValueError(f"counts must be >= 0, got {min(counts)}")
    length = bin_ns / _as_written(speed)
    edges_ns = (int(b * length) for b in range(len(counts) + 1))
    return _replay(counts, edges_ns, None if seed is None else random.Random(seed))


def share(items: Iterable[T], worker: int, workers: int) -> Iterator[T]:
    """The part of ``worker`` (0 to ``workers`` − 1) in a schedule: every ``workers``-th, in order.

    Works on offsets and on finished tickets alike. Each worker draws the whole schedule and leaves out what is not
    its own, so the parts together are the whole, whatever else (keys, say) was drawn along with it. What is
    :class:`Drawn` is made by its own worker only, and a sequence is cut without a look at what others have.
    """
    if not 0 <= worker < workers:
        raise ValueError(f"worker must be 0 to {workers - 1}, got {worker}")
    if isinstance(items, Drawn):
        return items.share(worker, workers)
    if isinstance(items, Sequence):
        return iter(items[worker::workers])
    return islice(items, worker, None, workers)


def think_time(mean_ns: int, kind: Thinking, seed: Seed) -> Iterator[int]:
    """Endless pauses between the operations of one user in a closed loop, in ns; a seed for each user."""
    if mean_ns < 0:
        raise ValueError(f"mean_ns must be >= 0, got {mean_ns}")
    if kind == "constant":
        return repeat(mean_ns)
    rng = random.Random(seed)
    return (int(-log(1.0 - rng.random()) * mean_ns) for _ in repeat(None))


def _poisson(rate_per_s: float, duration_ns: int, rng: random.Random) -> Iterator[int]:
    """All that is drawn for everybody runs in C: a fifth of a microsecond an arrival, where a generator takes more."""
    mean_s, duration_s, last_ns = 1 / rate_per_s, duration_ns / NS_PER_S, duration_ns - 1
    logs = map(log, map(sub, repeat(1.0), iter(rng.random, None)))
    at_s = islice(accumulate(map(mul, logs, repeat(mean_s)), sub, initial=0.0), 1, None)
    return Drawn(takewhile(duration_s.__gt__, at_s), lambda s: min(int(s * NS_PER_S), last_ns))


def _replay(counts: Sequence[int], edges_ns: Iterator[int], rng: random.Random | None) -> Iterator[int]:
    begin_ns = next(edges_ns)
    for count, end_ns in zip(counts, edges_ns, strict=True):
        length_ns = end_ns - begin_ns
        if rng is None:
            yield from (begin_ns + i * length_ns // count for i in range(count))
        else:
            yield from (begin_ns + offset for offset in sorted(int(rng.random() * length_ns) for _ in range(count)))
        begin_ns = end_ns


def _by_integral(stretches: Sequence[Stretch]) -> Iterator[int]:
    """Arrival k where D(t), the rate integrated over the stretches, reaches k.

    In a stretch from a to b per second over T seconds D(t) = D₀ + a·t + (b − a)·t²/(2T), so with m = k − D₀ left to
    go, t = 2m / (a + √(a² + 2m(b − a)/T)), the form of the quadratic's root that loses no digits when b is near a.
    D₀ is exact, so nothing adds up from stretch to stretch; each offset is rounded to the nearest ns.
    """
    if any(min(stretch) < 0 for stretch in stretches):
        raise ValueError(f"rates and times must be >= 0, got {stretches}")
    return _arrivals(stretches)


def _arrivals(stretches: Sequence[Stretch]) -> Iterator[int]:
    reached, begin_ns = Fraction(0), 0
    for from_per_s, to_per_s, length_ns in stretches:
        gained = (_as_written(from_per_s) + _as_written(to_per_s)) / 2 * length_ns / NS_PER_S
        first = ceil(reached)
        ahead = float(first - reached)
        for k in range(ceil(reached + gained) - first):
            left = k + ahead
            slope = (to_per_s - from_per_s) / (length_ns / NS_PER_S)
            root = from_per_s + sqrt(max(0.0, from_per_s**2 + 2 * left * slope))
            at_s = 2 * left / root if left else 0.0
            yield begin_ns + min(int(at_s * NS_PER_S + 0.5), length_ns - 1)
        reached, begin_ns = reached + gained, begin_ns + length_ns


def _as_written(value: float) -> Fraction:
    """0.1 is a tenth, not the binary number next to it: otherwise the second of 0.1/s would come 1 ns early."""
    return Fraction(str(value))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"{name} must be > 0, got {value}")
