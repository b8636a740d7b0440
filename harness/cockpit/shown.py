"""How values of the feeds are shown: in which chart, under which name, in which unit."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["per_s", "share", "ms", "ms_per_s", "bytes", "units", "count", "word"]
_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Values of one feed and one unit in one picture; ``values``: name -> what the page calls it.

    Words are strips by time; all else are lines. A value without a name is called by what it is of.
    """

    feed: str
    title: str
    unit: Unit
    values: dict[str, str]


CHARTS = (
    Chart(feed="capacity", title="Read units a second", unit="per_s", values={
        "read_units_per_s": "read units consumed", "read_provisioned_per_s": "read units provisioned",
    }),
    Chart(feed="capacity", title="Write units a second", unit="per_s", values={
        "write_units_per_s": "write units consumed", "write_provisioned_per_s": "write units provisioned",
    }),
    Chart(feed="capacity", title="Burst buckets", unit="units", values={
        "read_burst_units": "read units saved", "write_burst_units": "write units saved",
    }),
    Chart(feed="capacity", title="Throttles by reason", unit="per_s", values={"throttles_per_s": "throttled"}),
    Chart(feed="cache", title="Hit rate", unit="share", values={
        "hit_rate": "hit rate of the reads", "server_hit_rate": "hit rate by the servers' own count",
    }),
    Chart(feed="cache", title="Database queries", unit="per_s", values={"database_queries_per_s": "database queries"}),
    Chart(feed="cache", title="Evictions", unit="per_s", values={
        "evicted_per_s": "evicted keys", "expired_per_s": "expired keys",
    }),
    Chart(feed="cache", title="Memory", unit="bytes", values={
        "memory_bytes": "memory used", "memory_limit_bytes": "memory limit",
    }),
    Chart(feed="failover", title="Availability zones", unit="word", values={"zone": ""}),
    Chart(feed="failover", title="Probes up or down", unit="word", values={"probe": ""}),
    Chart(feed="failover", title="Probes answered", unit="per_s", values={"probes_up_per_s": "answered"}),
    Chart(feed="failover", title="Probes unanswered", unit="per_s", values={"probes_down_per_s": "unanswered"}),
    Chart(feed="failover", title="Ledger", unit="count", values={
        "acknowledged_count": "writes acknowledged", "ambiguous_count": "writes ambiguous", "failed_count": "writes failed",
        "lost_count": "writes lost",
    }),
    Chart(feed="servers", title="What is done to the servers", unit="word", values={"operation": "operation"}),
    Chart(feed="servers", title="CPU of the servers", unit="ms_per_s", values={"cpu_ms_per_s": "CPU"}),
    Chart(feed="servers", title="Lag of the read replica", unit="ms", values={"replica_lag_ms": "replica lag"}),
    Chart(feed="servers", title="Connections", unit="count", values={"connections_count": "connections"}),
    Chart(feed="servers", title="Writes of the trial", unit="count", values={
        "told_acknowledged_count": "told acknowledged", "told_ambiguous_count": "told ambiguous", "told_failed_count": "told failed",
    }),
    Chart(feed="servers", title="Archived log", unit="bytes", values={"archived_log_bytes": "archived log"}),
    Chart(feed="truth", title="Latency p50", unit="ms", values={"latency_p50_ms": "latency p50"}),
    Chart(feed="truth", title="Latency p99", unit="ms", values={"latency_p99_ms": "latency p99"}),
    Chart(feed="truth", title="Operations", unit="per_s", values={
        "answered_per_s": "answered", "throttled_per_s": "throttled", "failed_per_s": "failed",
    }),
    Chart(feed="truth", title="Lateness of the tool", unit="ms", values={
        "lateness_p50_ms": "lateness p50", "lateness_p99_ms": "lateness p99",
    }),
    Chart(feed="truth", title="CPU of the generator, share of one core", unit="share", values={
        "generator_cpu_share": "generator's CPU",
    }),
    Chart(feed="truth", title="Tool-bound", unit="word", values={"tool_bound": "tool-bound"}),
)  # fmt: skip
_UNITS: dict[str, Unit] = {name: chart.unit for chart in CHARTS for name in chart.values}
_TITLES = {name: title for chart in CHARTS for name, title in chart.values.items()}


def title_of(name: str) -> str:
    """What a value is called: ``latency_p99_ms|get`` is *latency p99, get*."""
    base, _, of = name.partition("|")
    title = _TITLES.get(base, base.replace("_", " "))
    return ", ".join(filter(None, (title, of)))


def figure(name: str, value: float | str | None) -> str:
    """A value with its unit; three significant digits, so that 0.35 ms doesn't become 0."""
    if value is None:
        return "—"
    if isinstance(value, str):
        return value or "no"
    match _UNITS.get(name.partition("|")[0]):
        case "share":
            return f"{_digits(100 * value)} %"
        case "ms":
            return f"{_digits(value)} ms"
        case "ms_per_s":
            return f"{_digits(value)} ms/s"
        case "bytes":
            return _bytes(value)
        case "per_s":
            return f"{_digits(value)}/s"
        case _:
            return _digits(value)


def _digits(value: float) -> str:
    """Three significant digits, and whole numbers as they are."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _bytes(value: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if abs(value) < _KIB:
            return f"{_digits(value)} {unit}"
        value /= _KIB
    return f"{_digits(value)} GiB"
