"""Hits and misses as the client counted them against the server's own counters, over every part."""

from reports import stats
from reports.cache_hit_rate.arms import NAME
from reports.cache_hit_rate.cells import Measured
from reports.cache_hit_rate.sizes import labels
from reports.findings import Finding
from reports.words import absent, engine_name, measured, number


def counted_alike(found: Measured, engine: str) -> Finding:
    """How many reads client and server count differently; 0, or something is wrong."""
    id, told = f"{NAME}.{engine}.miscounted_reads", labels(found, engine, "lazy")
    del told["part"]  # all of them
    differences = _differences(found, engine)
    if not differences:
        return absent(found.run, NAME, id, "reads", "lower", "the cache's counters weren't recorded", told)
    total = float(sum(differences))
    alike = sum(difference == 0 for difference in differences)
    sentence = (
        f"Client and server counted the same hits and misses in {alike} of {len(differences)} trials in front of "
        f"{engine_name(engine)}; {number(total)} reads differ ({found.cache}, warm-up included)."
    )
    exact = stats.Interval(value=total, low=total, high=total, n=len(differences), method="counted")
    return measured(found.run, NAME, id, sentence, exact, "reads", "lower", told)


def miscounted(found: Measured) -> tuple[str, ...]:
    """A warning where they differ anywhere."""
    if any(_differences(found)):
        return ("The cache's own counters and ours differ, so the hit rates are not to be trusted.",)
    return ()


def _differences(found: Measured, engine: str | None = None) -> list[int]:
    """By trial: hits and misses that client and server count differently, added up."""
    return [
        abs(event["client_hits"] - event["keyspace_hits"]) + abs(event["client_misses"] - event["keyspace_misses"])
        for event in found.run.events_of(NAME, "cache_stats")
        if engine in (None, event["engine"])
    ]
