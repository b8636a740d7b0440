"""What a stall does to the latencies of an open loop, worked out by hand."""

from benchmarks.core_arrivals import answer_due, exact_latencies_ns, quantile
from harness.arrivals import constant

MS = 1_000_000
S = 1000 * MS


def test_what_arrives_in_a_stall_is_begun_when_it_ends() -> None:
    """A stall from 10 to 210 ms and 1 ms of service: at 9 → 10, at 10 → 211, at 209 → 211, at 210 → 211."""
    answered = [answer_due(at * MS, 10 * MS, 210 * MS) // MS for at in (9, 10, 209, 210)]
    assert answered == [10, 211, 211, 211]


def test_with_slots_enough_the_latencies_of_a_stall_are_a_sawtooth() -> None:
    """One a millisecond, a stall after 2.5 ms: three of 1 ms, then 200.5, 199.5 … 1.5 and 1 ms again."""
    latencies = exact_latencies_ns(constant(interval_ns=MS, duration_ns=300 * MS), 5 * MS // 2, slots=300)
    assert latencies[:5] == [MS, MS, MS, 200_500_000, 199_500_000]
    assert latencies[202:204] == [1_500_000, MS]
    assert len(latencies) == 300


def test_what_finds_no_slot_waits_and_its_wait_counts() -> None:
    """Two slots, a stall from 2.5 to 202.5 ms. Those due at 3 and 4 ms are answered at 203.5 ms, those due at 5 and 6
    take their slots and are answered at 204.5 ms."""
    latencies = exact_latencies_ns(constant(interval_ns=MS, duration_ns=10 * MS), 5 * MS // 2, slots=2)
    assert latencies[3:7] == [200_500_000, 199_500_000, 199_500_000, 198_500_000]


def test_the_worst_tenth_of_a_percent_is_the_top_of_the_sawtooth() -> None:
    """Of 10,000 the p99.9 lies 9.999 places from the worst, 200.5 ms: between 191.5 and 190.5, at 190.501 ms."""
    latencies = exact_latencies_ns(constant(interval_ns=MS, duration_ns=10 * S), 3 * S + MS // 2)
    assert round(quantile(latencies, 0.999)) == 190_501_000
