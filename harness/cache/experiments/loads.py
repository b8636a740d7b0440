"""The tickets of each part's trials: closed loops, open loops, and a writer beside readers."""

import random
from collections.abc import Callable, Iterator
from itertools import count

from harness.arrivals import Drawn, constant, poisson, think_time
from harness.cache.experiments.application import Application
from harness.plan import Trial
from harness.scenario import Stream, Ticket

OPEN_SLOTS = 4  # for open loops in which nobody waits long: a miss takes under a millisecond
STALE_SLOTS = 8  # beside a writer, where readers may be slow
NS_PER_S = 1_000_000_000


def lasts_ns(trial: Trial) -> tuple[int, int]:
    """A trial's warm-up, and its end, in ns from its beginning."""
    warm_ns = int(float(trial.params["warm_up_s"]) * NS_PER_S)
    return warm_ns, warm_ns + int(float(trial.params["measured_s"]) * NS_PER_S)


def streams_of(
    app: Application, trial: Trial, *, draws: Callable[[str], Iterator[int]], rng: random.Random, seed: str,
    slots: int, clock_ns: Callable[[], int], over: Callable[[], bool],
) -> tuple[Stream, ...]:  # fmt: skip
    """The load of any part. ``draws`` gives the keys of one purpose; ``over`` ends a stampede; ``slots`` are a closed loop's."""
    match trial.labels["part"]:
        case "ttl" | "skew":
            return (Stream(tickets=at_random(app, trial, draws("keys"), seed), slots=slots),)
        case "lost":
            return (Stream(tickets=at_fixed_rate(app, trial, draws("keys"))),)
        case "stale":
            return beside_a_writer(app, trial, draws("keys"), draws("written"), seed)
        case "stampede":
            tickets = until(over, app, 0, think_ms=float(trial.params["think_ms"]), seed=seed)
            return (Stream(tickets=tickets, slots=slots),)
    return (Stream(tickets=closed(app, trial, draws("keys"), rng, clock_ns), slots=slots),)


def closed(
    app: Application, trial: Trial, keys: Iterator[int], rng: random.Random, clock_ns: Callable[[], int]
) -> Iterator[Ticket]:
    """One operation after the other until the trial's time is over; param ``write_share`` of them write."""
    write_share = float(trial.params["write_share"])
    warm_ns, end_ns = lasts_ns(trial)
    begin_ns = clock_ns()

    def draws() -> Iterator[tuple[int, bool, bool]]:
        for key in keys:
            since_ns = clock_ns() - begin_ns
            if since_ns >= end_ns:
                return
            yield key, since_ns < warm_ns, bool(write_share) and rng.random() < write_share

    def ticket(drawn: tuple[int, bool, bool]) -> Ticket:
        key, warm_up, writes = drawn
        if writes:
            return Ticket(op="write", act=app.write(key), warm_up=warm_up)
        return Ticket(op="read", act=app.read(key), warm_up=warm_up)

    return Drawn(draws(), ticket)


def at_random(app: Application, trial: Trial, keys: Iterator[int], seed: str) -> Iterator[Ticket]:
    """Reads at independent moments, param ``accesses_per_s``."""
    warm_ns, end_ns = lasts_ns(trial)
    due = poisson(rate_per_s=float(trial.params["accesses_per_s"]), duration_ns=end_ns, seed=seed)
    return _reads(app, due, keys, warm_ns)


def at_fixed_rate(app: Application, trial: Trial, keys: Iterator[int]) -> Iterator[Ticket]:
    """Reads evenly spaced, param ``accesses_per_s``."""
    warm_ns, end_ns = lasts_ns(trial)
    due = constant(rate_per_s=float(trial.params["accesses_per_s"]), duration_ns=end_ns)
    return _reads(app, due, keys, warm_ns)


def _reads(app: Application, due: Iterator[int], keys: Iterator[int], warm_ns: int) -> Iterator[Ticket]:
    def ticket(drawn: tuple[int, int]) -> Ticket:
        due_ns, key = drawn
        return Ticket(op="read", act=app.read(key), due_ns=due_ns, warm_up=due_ns < warm_ns)

    return Drawn(zip(due, keys, strict=False), ticket)


def beside_a_writer(
    app: Application, trial: Trial, keys: Iterator[int], written: Iterator[int], seed: str
) -> tuple[Stream, Stream]:
    """One writer and several readers, each at independent moments; params ``writes_per_s`` and ``accesses_per_s``."""
    warm_ns, end_ns = lasts_ns(trial)

    def write(drawn: tuple[int, int]) -> Ticket:
        due_ns, key = drawn
        return Ticket(op="write", act=app.write(key), due_ns=due_ns, warm_up=due_ns < warm_ns)

    due = poisson(rate_per_s=float(trial.params["writes_per_s"]), duration_ns=end_ns, seed=f"{seed}/writes")
    writes = Drawn(zip(due, written, strict=False), write)
    readers = Stream(tickets=at_random(app, trial, keys, f"{seed}/reads"), slots=STALE_SLOTS)
    return Stream(tickets=writes, slots=1), readers


def until(over: Callable[[], bool], app: Application, key: int, *, think_ms: float, seed: str) -> Iterator[Ticket]:
    """Reads of one key, each followed by a rest of ``think_ms`` on average, until it is ``over``."""
    rests = think_time(int(think_ms * 1e6), "exponential", seed)
    act = app.read(key)
    for _ in count():
        if over():
            return
        yield Ticket(op="read", act=act, think_ns=next(rests))
