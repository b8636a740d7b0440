"""What the last second's samples tell each feed, and how a value is written."""

import pytest

from harness.cockpit.feeds import of_samples, together, tool_bound
from harness.cockpit.shown import CHARTS, figure, title_of
from harness.cockpit.state import FEEDS, LiveState
from harness.cockpit.tabs import minute
from harness.generator import Pulse
from harness.live import Lately, Percentiles


def fast(p50_ms: float) -> dict[str, Percentiles]:
    return {"get": Percentiles(count=1, p50_ms=p50_ms, p99_ms=None)}


def test_a_second_in_which_nothing_happened_has_the_truth_alone() -> None:
    """Zero a second is known; no feed claims units or hits."""
    assert of_samples(Lately()) == {"truth": {"answered_per_s": 0.0, "throttled_per_s": 0.0, "failed_per_s": 0.0}}


def test_units_and_throttles_by_reason_are_capacity() -> None:
    """Two reasons, side by side."""
    rows = of_samples(Lately(ok=4.0, throttled=3.0, read_units=2.5, reasons={"hot": 1.0, "slow": 2.0}))
    assert rows["capacity"] == {
        "read_units_per_s": 2.5, "write_units_per_s": 0.0, "throttles_per_s|hot": 1.0, "throttles_per_s|slow": 2.0,
    }  # fmt: skip


def test_hits_and_queries_are_the_caches() -> None:
    """Three hits of four; without a cache there are queries and no hit rate."""
    assert of_samples(Lately(hits=3.0, misses=1.0))["cache"] == {"hit_rate": 0.75, "database_queries_per_s": 0.0}
    assert of_samples(Lately(ok=5.0, noticed={"database": 5.0}))["cache"] == {"database_queries_per_s": 5.0}


@pytest.mark.parametrize(
    ("up", "down", "word"), [(100.0, 0.0, "up"), (60.0, 40.0, "partly down"), (0.0, 100.0, "down")], ids=str
)
def test_a_probe_is_up_down_or_both_in_a_second(up: float, down: float, word: str) -> None:
    """By whether it was answered always, sometimes or never."""
    noticed = {name: rate for name, rate in (("up|tuned reads", up), ("down|tuned reads", down)) if rate}
    assert of_samples(Lately(noticed=noticed))["failover"] == {
        "probe|tuned reads": word, "probes_up_per_s|tuned reads": up, "probes_down_per_s|tuned reads": down,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cpu_share", "late_ms", "p50_ms", "why"),
    [
        (0.8, 1.0, 0.3, ""),
        (0.81, None, 0.3, "the generator's core is busy"),
        (0.5, 1.1, 0.3, "the tool is late"),
        (0.5, 1.9, 20.0, ""),  # 10 % of 20 ms are 2 ms
        (0.9, 2.1, 20.0, "the generator's core is busy and the tool is late"),
    ],
    ids=str,
)
def test_tool_bound_goes_by_the_reports_limits(
    cpu_share: float, late_ms: float | None, p50_ms: float, why: str
) -> None:
    """Above 80 % of a core, or late by more than max(1 ms, 10 % of the latency) at p99."""
    pulse = Pulse(cpu_share=cpu_share, lateness_p50_ms=late_ms, lateness_p99_ms=late_ms)
    assert tool_bound(Lately(latencies=fast(p50_ms), pulse=pulse)) == why


def test_a_service_that_is_asked_has_the_last_word_on_units() -> None:
    """Its clock may run faster than the wall's: what samples say of units is left out, be it that the service says nothing yet."""
    lately = Lately(ok=1.0, read_units=600.0, reasons={"hot": 1.0})
    rows = together(lately, {"capacity": {"read_units_per_s": 10.0, "read_burst_units": 300.0}})
    assert rows["capacity"] == {"throttles_per_s|hot": 1.0, "read_units_per_s": 10.0, "read_burst_units": 300.0}
    assert together(lately, {"capacity": {}})["capacity"] == {"throttles_per_s|hot": 1.0}
    assert "capacity" not in together(Lately(read_units=1.0), {"capacity": {}})


def test_every_chart_is_of_a_feed_that_there_is_and_no_value_is_in_two() -> None:
    """The page finds all of them by name."""
    names = [name for chart in CHARTS for name in chart.values]
    assert {chart.feed for chart in CHARTS} == set(FEEDS)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("latency_p50_ms|get", 0.3527, "0.353 ms"),
        ("latency_p50_ms|get", 0.02714, "0.0271 ms"),
        ("latency_p99_ms|get", 1234.5, "1,234 ms"),
        ("hit_rate", 0.9607, "96.1 %"),
        ("memory_bytes", 1_407_297.0, "1.34 MiB"),
        ("read_units_per_s", 2.0, "2/s"),
        ("cpu_ms_per_s|postgres", 41.26, "41.3 ms/s"),
        ("operation|mysql", "base backup", "base backup"),
        ("zone|zone 1", "writer", "writer"),
        ("tool_bound", "", "no"),
        ("read_burst_units", None, "—"),
    ],
    ids=str,
)
def test_a_value_is_written_with_three_digits_and_its_unit(name: str, value: float | str | None, text: str) -> None:
    """Less than a millisecond stays what it is."""
    assert figure(name, value) == text


def test_a_value_is_called_by_its_chart_and_by_what_it_is_of() -> None:
    """A zone by its own name alone; one in no chart by its name in words."""
    assert title_of("latency_p99_ms|get") == "latency p99, get"
    assert title_of("zone|zone 1") == "zone 1"
    assert title_of("cpu_ms_per_s|postgres") == "CPU, postgres"
    assert title_of("hit_rate") == "hit rate of the reads"
    assert title_of("some_new_count|x") == "some new count, x"


def test_a_tab_has_the_last_second_and_the_bounds_of_the_last_minute() -> None:
    """Of seconds 1, 50 and 100 the first is more than a minute old; words have no bounds."""
    state = LiveState()
    for second, p50_ms in ((1, 9.0), (50, 0.5), (100, 0.25)):
        state.feed("truth").put(second, answered_per_s=1.0, tool_bound="", **{"latency_p50_ms|get": p50_ms})
    assert list(minute(state, "truth")) == [
        {"what": "latency p50, get", "now": "0.25 ms", "least": "0.25 ms", "most": "0.5 ms"},
        {"what": "answered", "now": "1/s", "least": "1/s", "most": "1/s"},
        {"what": "tool-bound", "now": "no", "least": "", "most": ""},
    ]
    assert list(minute(state, "cache")) == []
