"""How the section's figures were measured, part by part."""

from collections.abc import Iterator, Mapping
from typing import Any

from reports.cache_hit_rate.arms import NAME, PARTS, SIZE
from reports.cache_hit_rate.cells import Measured
from reports.cache_hit_rate.lost import HIT_SHARE, LEAST_READS, LEAST_WINDOW_S, P99_TIMES
from reports.cache_hit_rate.warm_up import BINS
from reports.words import count, percent, seconds


def method(found: Measured) -> tuple[str, ...]:
    """What was done, for the parts that were measured; those that weren't asked for are named."""
    there = {cell.part for cell in found.cells if len(cell.rows)}
    planned = {cell.part for cell in found.cells}
    texts = [*(_size(found) if SIZE in there else ()), *(text for part, text in _TEXTS.items() if part in there)]
    counted = (
        f"{count(found.run.scenario(NAME).get('slots', 1), 'read')} at most in flight. In a closed loop latency is service time, the client's "
        "own share included; in an open loop it counts from when a read was due. Hits and misses are compared with the server's "
        "keyspace_hits and keyspace_misses over each whole trial."
    )
    left = [words for part, words in PARTS.items() if part not in planned]
    not_asked = (f"Not asked in this run: {'; '.join(left)}.",) if left and planned != {SIZE} else ()
    return (*texts, counted, *not_asked)


def _size(found: Measured) -> Iterator[str]:
    params: Any = found.run.scenario(NAME)["params"]
    yield (
        "A read of a cache that grows is one aircraft with its latest flights, as JSON; which aircraft is drawn as often as each flies in the "
        "data. Lazy loading: ask the cache, on a miss ask the database and put the answer into the cache."
    )
    yield (
        f"The cache (allkeys-lru) holds a share of all answers by its own accounting of memory and is filled before each trial; "
        f"{params['warm_up_s']} s of warm-up don't count, {params['measured_s']} s do. {count(params['trials'], 'round')}, every engine and "
        "size once in each, in seeded order."
    )
    yield (
        "E1: mean = t_get + (1 − h)(t_db + t_set), its three times measured on the reads themselves. Break-even is the h at which that "
        "equals the mean without a cache, one value a round, mean and t interval over rounds. To see whether E1 holds it is fitted (least "
        "squares over reads: the mean hit, and what the mean miss takes more) to every other size, and says the mean of the sizes between."
    )


_TEXTS: Mapping[str, str] = {
    "trips": (
        "Trips: the same fit on rows of equal size, whose misses all cost the database the same, as E1 supposes; aircraft differ in that, so "
        "there E1 may be further off. Each round has a fit of its own, and an error for each size that it wasn't fitted on."
    ),
    "skew": (
        "Theory takes each trial's own figures: the entries are the server's DBSIZE at its end, the rate is that of its reads. Che's T is how "
        "long an entry stays that isn't asked for again; below 2 s a deviation is said and not judged (E2). Random replacement: an entry is "
        "there for pT/(1 + pT) of the time."
    ),
    "warm_up": (
        f"From empty: a trial is cut into {BINS} spans by when reads were due; a share of the final hit rate is there at the end of the first "
        "of two spans in a row that have it. The final one is that of the last quarter, which may still be growing where the cache is large."
    ),
    "stampede": (
        "Queries an expiry are the loads that began from when the key was put there until those that its expiry caused were over, early "
        "refreshes included. p99 and the longest read are of the reads in flight from an expiry until those were over. Such reads move together: the "
        "p99 says what was seen, and an interval stands on trials alone. XFetch goes by how long the last load took: where a load that the "
        "others slow down takes as long as the TTL, reads refresh over and over, and it may ask more than lazy loading."
    ),
    "lost": (
        f"A lost cache: recovered is where, in two windows of time in a row after the repair, the hit rate is at least {percent(HIT_SHARE)} of "
        f"before, or p99 at most {P99_TIMES:g} × before; windows are {seconds(LEAST_WINDOW_S)} wide, or as wide as {LEAST_READS} reads of "
        "before. p99 is that of the reads due before, during or after the fault in each trial, answered or not. Errors are reads that gave the application no value; hits are counted of all reads."
    ),
    "stale": (
        "Rows carry versions. A read is stale if its version is below the newest one committed when the read began; its age is the time since "
        "the first newer version was committed. At the end every key in the cache is held against the database."
    ),
}
