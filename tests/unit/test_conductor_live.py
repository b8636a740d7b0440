"""What stands beside Locust's own statistics: throttles apart from failures, units, hits, and what the last second was like."""

from array import array

import pytest

from harness.generator import Meter, Pulse, Pulses
from harness.live import Live, percentiles
from harness.plan import Trial
from harness.recorder import Observation
from harness.sketches import Sketch

TRIAL = Trial(trial=0, pair=0, arm="provisioned", step="ramp", labels={}, params={})
MS = 1_000_000


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def test_a_throttle_is_no_failure_and_unknown_units_add_nothing() -> None:
    """Two answered with 1.5 units in all, one throttled, one timed out; a hit and two misses."""
    live = Live()
    for seen in (
        Observation(read_units=1.0, hit=True), Observation(read_units=0.5, hit=False),
        Observation(outcome="throttled"), Observation(outcome="timeout", hit=False),
    ):  # fmt: skip
        live.note(TRIAL, "GetItem", MS, seen)
    assert live.rows() == [
        {
            "op": "GetItem", "name": "provisioned ramp", "ok": 2, "throttled": 1, "failed": 1,
            "read_units": 1.5, "write_units": 0.0, "hits": 1, "misses": 2,
        }
    ]  # fmt: skip


def test_what_workers_counted_adds_up_and_is_sent_once() -> None:
    """Two workers, one write unit each; a second report has nothing new."""
    whole, worker = Live(), Live()
    for _ in range(2):
        worker.note(TRIAL, "PutItem", MS, Observation(write_units=1.0))
        whole.merge(worker.take(), "first")
        whole.merge(worker.take(), "first")
    assert [(row["ok"], row["write_units"]) for row in whole.rows()] == [(2, 2.0)]


def test_lately_is_a_rate_over_the_time_since_the_last_look_and_the_table_goes_on() -> None:
    """Six answers in two seconds are 3/s, then two in half a second are 4/s; the table has all eight."""
    clock = Clock()
    live = Live(clock_ns=clock)
    for answers, span_s, rate in ((6, 2.0, 3.0), (2, 0.5, 4.0)):
        for _ in range(answers):
            live.note(TRIAL, "GetItem", MS, Observation(read_units=0.5))
        clock.now_ns += int(span_s * 1e9)
        lately = live.lately()
        assert (lately.ok, lately.read_units) == (rate, rate / 2)
    assert [row["ok"] for row in live.rows()] == [8]


def test_throttles_have_their_reason_and_a_scenario_counts_what_it_likes() -> None:
    """In one second: two throttles of one reason, one that has an error code alone; a word for each answer that went to a database.

    A second later the reasons are known, and none: in this process, and in one that is told by it.
    """
    clock = Clock()
    live = Live(lambda op, seen: "database" if op == "read" and seen.bytes > 0 else None, clock_ns=clock)
    for reason in ("hot", "hot", None):
        live.note(TRIAL, "GetItem", MS, Observation(outcome="throttled", reason=reason, error_code="Slow"))
    for size in (10, 0):
        live.note(TRIAL, "read", MS, Observation(bytes=size))
    clock.now_ns += 10**9
    lately = live.lately()
    assert lately.reasons == {"hot": 2.0, "Slow": 1.0}
    assert lately.noticed == {"database": 1.0}
    assert live.lately().reasons == {"hot": 0.0, "Slow": 0.0}
    whole = Live(clock_ns=clock)
    for reasons in ({"hot": 2, "Slow": 1}, {"hot": 0, "Slow": 0}):
        taken = live.take()
        assert taken["reasons"] == reasons
        whole.merge(taken, "it")
    assert whole.lately().reasons == {"hot": 0.0, "Slow": 0.0}


def test_rates_of_workers_add_up_each_over_its_own_span_and_one_that_fell_silent_drops_out() -> None:
    """Ten in one second and ten in two: 15/s. Four seconds later the first's word is stale, the second's (3 spans of 2 s) isn't."""
    clock = Clock()
    whole, first, second = (Live(clock_ns=clock) for _ in range(3))
    for worker, span_s in ((first, 1.0), (second, 2.0)):
        for _ in range(10):
            worker.note(TRIAL, "GetItem", MS, Observation())
        clock.now_ns = int(span_s * 1e9)
        whole.merge(worker.take(), str(span_s))
    assert whole.lately().ok == 15.0
    clock.now_ns += 4 * 10**9
    assert whole.lately().ok == 5.0


def test_the_worst_pulse_of_all_workers_is_told() -> None:
    """CPU of one, lateness of the other; a closed loop has none."""
    whole, first, second = Live(), Live(), Live()
    first.pulse = lambda: Pulse(cpu_share=0.9, lateness_p50_ms=None, lateness_p99_ms=None)
    second.pulse = lambda: Pulse(cpu_share=0.2, lateness_p50_ms=0.1, lateness_p99_ms=2.0)
    whole.merge(first.take(), "first")
    whole.merge(second.take(), "second")
    assert whole.lately().pulse == Pulse(cpu_share=0.9, lateness_p50_ms=0.1, lateness_p99_ms=2.0)


def test_latencies_are_of_answers_since_the_last_look_and_p99_waits_for_a_hundred() -> None:
    """1 to 99 µs: p50 is the 50th, no p99. With 100 it is the 99th. Then nothing is left. A failure's time isn't a latency."""
    live = Live()
    live.keeps_latencies = True
    for count, p99_ms in ((99, None), (100, 0.099)):
        for microseconds in range(1, count + 1):
            live.note(TRIAL, "get", 1_000 * microseconds, Observation())
        live.note(TRIAL, "get", 10**9, Observation(outcome="error"))
        found = live.lately().latencies["get"]
        assert (found.count, found.p50_ms, found.p99_ms) == (count, pytest.approx(0.05), p99_ms)
    assert live.lately().latencies == {}


def test_latencies_that_nobody_looks_at_are_not_kept() -> None:
    """A headless run has no page."""
    live = Live()
    live.note(TRIAL, "get", MS, Observation())
    assert live.lately().latencies == {}


def test_sketches_of_workers_are_merged_until_the_next_look() -> None:
    """1, 2 and 3 ms from two workers: p50 is 2 ms within 0.1 %."""
    live = Live()
    live.keeps_latencies = True
    for values_ms in ((1, 2), (3,)):
        sketch = Sketch()
        for value in values_ms:
            sketch.add(value * MS)
        live.merge_sketch("get", sketch)
    found = live.lately().latencies["get"]
    assert (found.count, found.p50_ms, found.p99_ms) == (3, pytest.approx(2.0, rel=0.001), None)
    assert live.lately().latencies == {}


def test_percentiles_are_values_that_were_seen() -> None:
    """Of two values the smaller is the median: half of them don't exceed it."""
    assert percentiles(array("q", [5 * MS, 1 * MS])).p50_ms == 1.0


def test_a_pulse_is_of_what_came_since_the_last_look() -> None:
    """Half a second of CPU in one; late by 1 and 3 ms, then by 5 ms; a new trial begins anew; no trial, no lateness."""
    clock, cpu = Clock(), Clock()
    pulses, meter = Pulses(cpu, clock), Meter()
    meter.late.extend([1 * MS, 3 * MS])
    clock.now_ns, cpu.now_ns = 10**9, 5 * 10**8
    assert pulses.take(meter) == Pulse(cpu_share=0.5, lateness_p50_ms=1.0, lateness_p99_ms=3.0)
    meter.late.append(5 * MS)
    clock.now_ns += 10**9
    assert pulses.take(meter) == Pulse(cpu_share=0.0, lateness_p50_ms=5.0, lateness_p99_ms=5.0)
    other = Meter()
    other.late.append(7 * MS)
    clock.now_ns += 10**9
    assert pulses.take(other).lateness_p50_ms == 7.0
    assert pulses.take(None).lateness_p50_ms is None
