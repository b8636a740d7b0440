"""The scenario's words: its parts, the strategies that are its arms, the steps and faults."""

from collections.abc import Mapping

from reports.words import number, percent

NAME, TITLE = "cache_hit_rate", "Cached or not"
SIZE, TRIPS = "size", "trips"

PARTS: Mapping[str, str] = {
    SIZE: "a cache that grows",
    TRIPS: "what a read's trips take, on rows that are alike",
    "ttl": "entries that expire",
    "skew": "keys that are asked for unevenly",
    "write_share": "writes among the reads",
    "value_size": "values that grow",
    "policy": "what a full cache does",
    "warm_up": "a cache that begins empty",
    "stampede": "a hot key that expires under many readers",
    "lost": "a cache that is lost",
    "stale": "readers beside a writer",
}
ARMS: Mapping[str, str] = {
    "no_cache": "no cache",
    "lazy": "lazy loading",
    "lazy_ttl": "lazy loading with a TTL",
    "lazy_jitter": "lazy loading with spread TTLs",
    "lazy_race": "invalidating, with slow readers",
    "write_through": "write-through",
    "invalidate": "invalidating on write",
    "single_flight": "single flight",
    "single_flight_shared": "single flight across processes",
    "xfetch": "early refresh (XFetch)",
    "no_timeout": "a client without time-outs",
    "timeout": "a client with time-outs",
    "circuit_breaker": "a client with a circuit breaker",
}
_SKEWS: Mapping[str, str] = {"tailnum": "keys by aircraft", "dest": "keys by destination"}
# fault -> the cache (as *while the cache …* goes on; as a title; as a step)
FAULTS: Mapping[str, tuple[str, str, str]] = {
    "hang": ("hung", "The cache hangs", "a hanging cache"),
    "kill": ("was dead", "The cache is killed", "a dead cache"),
    "slow": ("was slow", "The cache is slow", "a slow cache"),
    "flush": ("was empty", "The cache is flushed", "an emptied cache"),
}


def arm_words(arm: str) -> str:
    """An arm in words; one that isn't known is called by its name."""
    return ARMS.get(arm, arm.replace("_", " "))


def step_words(part: str, step: str) -> str:
    """A step in words, to stand after a comma; a number that isn't one stays as it is."""
    try:
        value = float(step)
    except ValueError:
        return _named(part, step)
    match part:
        case "ttl":
            return f"a TTL of {number(value)} s"
        case "write_share":
            return f"{percent(value)} writes" if value else "no writes"
        case "value_size":
            return f"values of {value:,.0f} bytes"
        case "stale":
            return f"{number(value)} writes a second"
    return f"a cache of {percent(value)} of the data"


def _named(part: str, step: str) -> str:
    if part == "lost":
        return FAULTS[step][2] if step in FAULTS else step
    if part == "skew":
        name, _, alpha = step.partition("_")
        return f"keys by Zipf({alpha})" if name == "zipf" else _SKEWS.get(step, step)
    return f"policy {step}" if part == "policy" else step.replace("_", " ")
