"""What the samples of the last second tell each feed. Pure.

A value's name has its unit last; what it is of, where there are several, stands behind a bar: ``latency_p99_ms|get``.
"""

from collections.abc import Iterator, Mapping

from harness.cockpit.state import Row, Value
from harness.live import Lately
from harness.tool_rules import CPU_LIMIT, LATE_MS, LATE_SHARE

UP, DOWN, DATABASE = "up|", "down|", "database"
"""What scenarios count beside outcomes: a probe of some arm that was answered or not, a query that reached the database."""


SAID_BY_SERVICE = ("read_units_per_s", "write_units_per_s")
"""What samples tell by the wall's clock, and a scenario that is asked by the service's, which may run faster."""


def together(lately: Lately, told: Mapping[str, Mapping[str, float | str]]) -> dict[str, Row]:
    """The rows of one second: of the samples, and what the scenario told, its loads and then itself, which has the last word."""
    rows = of_samples(lately)
    if "capacity" in told or lately.levels.get("capacity"):
        rows["capacity"] = {
            name: value for name, value in rows.get("capacity", {}).items() if name not in SAID_BY_SERVICE
        }
    for feed, values in (*lately.levels.items(), *told.items()):
        rows.setdefault(feed, {}).update(values)
    return {feed: row for feed, row in rows.items() if row}


def of_samples(lately: Lately) -> dict[str, Row]:
    """A row for each feed that has something to say; ``truth`` always has."""
    rows = {
        "capacity": _capacity(lately), "cache": _cache(lately), "failover": _failover(lately), "truth": _truth(lately),
    }  # fmt: skip
    return {feed: row for feed, told in rows.items() if (row := dict(told))}


def tool_bound(lately: Lately) -> str:
    """Why latencies of the last second may be the tool's own, by the report's rules; "" where nothing says so."""
    pulse = lately.pulse
    if pulse is None:
        return ""
    fastest_ms = min((one.p50_ms for one in lately.latencies.values()), default=0.0)
    late_ms = pulse.lateness_p99_ms
    why = []
    if pulse.cpu_share > CPU_LIMIT:
        why.append("the generator's core is busy")
    if late_ms is not None and late_ms > max(LATE_MS, LATE_SHARE * fastest_ms):
        why.append("the tool is late")
    return " and ".join(why)


def _capacity(lately: Lately) -> Iterator[tuple[str, Value]]:
    if lately.read_units or lately.write_units or lately.throttled:
        yield "read_units_per_s", lately.read_units
        yield "write_units_per_s", lately.write_units
    for reason, rate in lately.reasons.items():
        yield f"throttles_per_s|{reason}", rate


def _cache(lately: Lately) -> Iterator[tuple[str, Value]]:
    asked = lately.hits + lately.misses
    if asked:
        yield "hit_rate", lately.hits / asked
    if asked or DATABASE in lately.noticed:
        yield "database_queries_per_s", lately.noticed.get(DATABASE, 0.0)


def _failover(lately: Lately) -> Iterator[tuple[str, Value]]:
    probes: dict[str, dict[str, float]] = {}
    for what, rate in lately.noticed.items():
        if what.startswith((UP, DOWN)):
            state, who = what.split("|", 1)
            probes.setdefault(who, {"up": 0.0, "down": 0.0})[state] = rate
    for who, rates in probes.items():
        yield f"probe|{who}", "down" if not rates["up"] else "partly down" if rates["down"] else "up"
        yield f"probes_up_per_s|{who}", rates["up"]
        yield f"probes_down_per_s|{who}", rates["down"]


def _truth(lately: Lately) -> Iterator[tuple[str, Value]]:
    yield "answered_per_s", lately.ok
    yield "throttled_per_s", lately.throttled
    yield "failed_per_s", lately.failed
    for op, latency in lately.latencies.items():
        yield f"latency_p50_ms|{op}", latency.p50_ms
        if latency.p99_ms is not None:
            yield f"latency_p99_ms|{op}", latency.p99_ms
    if lately.pulse is not None:
        yield "generator_cpu_share", lately.pulse.cpu_share
        yield "lateness_p50_ms", lately.pulse.lateness_p50_ms
        yield "lateness_p99_ms", lately.pulse.lateness_p99_ms
        yield "tool_bound", tool_bound(lately)
