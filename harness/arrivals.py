"""When operations are due: pure generators of offsets from a trial's beginning, in ns.

An open loop takes its intended starts from here and records how late it was; nothing is slowed down silently. Every
schedule follows from its parameters alone, the random ones from their seed: n workers that each take their ``share``
keep the same schedule as one. Offsets never fall, are never negative and stay below the duration.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice, repeat
from math import ceil, log, sqrt
from typing import Literal, TypeVar

NS_PER_S = 1_000_000_000

T = TypeVar("T")
Seed = int | str
Thinking = Literal["constant", "exponential"]
Stretch = tuple[float, float, int]  # rate per second at its beginning and at its end, duration in ns


def constant(*, duration_ns: int, interval_ns: int | None = None, rate_per_s: float | None = None) -> Iterator[int]:
    """Evenly spaced arrivals, the first at 0, none at or after ``duration_ns``.

    Give ``interval_ns`` or ``rate_per_s``. With a rate the i-th is due at i/rate, rounded down to a ns: what is cut
    off doesn't add up, however many there are.
    """
    if (interval_ns is None) == (rate_per_s is None):
        raise ValueError(f"give interval_ns or rate_per_s, got {interval_ns} and {rate_per_s}")
    if interval_ns is not None:
        _positive(interval_ns=interval_ns)
        return iter(range(0, duration_ns, interval_ns))
    assert rate_per_s is not None
    _positive(rate_per_s=rate_per_s)
    interval = NS_PER_S / _as_written(rate_per_s)
    step_ns, divisor = interval.as_integer_ratio()
    return (i * step_ns // divisor for i in range(-(-duration_ns * divisor // step_ns)))


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

    Works on offsets and on finished tickets alike. Each worker makes the whole schedule and leaves out what is not
    its own, so the parts together are the whole, whatever else (keys, say) was drawn along with it.
    """
    if not 0 <= worker < workers:
        raise ValueError(f"worker must be 0 to {workers - 1}, got {worker}")
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
    at_s, mean_s, duration_s = 0.0, 1 / rate_per_s, duration_ns / NS_PER_S
    while True:
        at_s -= log(1.0 - rng.random()) * mean_s
        if at_s >= duration_s:
            return
        yield min(int(at_s * NS_PER_S), duration_ns - 1)


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
