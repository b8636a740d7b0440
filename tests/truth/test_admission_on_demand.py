"""B5 and B7: what an on-demand table takes, how it grows, and how often a table may become one."""

import pytest

from harness.dynamodb.admission import Admission, AdmissionParameters

HOUR_S, DAY_S = 3_600, 86_400
LARGE_ACCOUNT = AdmissionParameters(account_rate=1e6)


def throttled(table: Admission, rate: int, from_s: int, seconds: int) -> float:
    """The share of write requests of 100 units that are refused, at a rate for some seconds."""
    a_second = rate // 100
    refused = sum(
        table.admit("write", 100, second + number / a_second) is not None
        for second in range(from_s, from_s + seconds)
        for number in range(a_second)
    )
    return refused / (a_second * seconds)


def test_b5_a_new_table_takes_4_000_writes_and_12_000_reads_a_second() -> None:
    """A second's worth of each passes, a unit more doesn't, and a second later as much again does."""
    table = Admission.on_demand(now_s=0)
    for second in (0, 1):
        assert table.admit("write", 4_000, second) is None
        assert table.admit("read", 12_000, second) is None
        assert table.admit("write", 1, second) == "TableWriteKeyRangeThroughputExceeded"
        assert table.admit("read", 1, second) == "TableReadKeyRangeThroughputExceeded"


def test_b5_twice_the_previous_peak_is_served_at_once() -> None:
    """The guide's example: with a peak of 50,000 a second 100,000 are served; having been, they make 200,000 possible."""
    table = Admission.provisioned(1, 100_000, now_s=0, params=LARGE_ACCOUNT)
    table.set_mode("on_demand", 0)  # 100,000 provisioned are a previous peak of 50,000
    assert throttled(table, 100_000, 60, 60) == 0
    assert throttled(table, 200_000, 120 + 1_800, 60) == pytest.approx(0, abs=0.01)


def test_b5_more_than_double_within_30_minutes_is_throttled() -> None:
    """From 3,000 to 9,000 writes a second at once: 4,000 pass. Half an hour after that minute, twice what it served does.

    It served 60 × 4,000 and the 4,000 that were kept: 4,067 a second, so 8,133 of 9,000 are sustained.
    """
    table = Admission.on_demand(now_s=0)
    assert throttled(table, 3_000, 0, 60) == 0
    assert throttled(table, 9_000, 60, 60) == pytest.approx(1 - 4_067 / 9_000, abs=0.01)
    assert throttled(table, 9_000, 1_921, 60) == pytest.approx(1 - 8_133 / 9_000, abs=0.01)


def test_b5_a_table_that_was_provisioned_keeps_its_peak() -> None:
    """20,000 WCU once, 5 now: on demand it takes 20,000 a second from the first."""
    table = Admission.provisioned(5, 20_000, now_s=0)
    table.set_capacity(5, 5, HOUR_S)
    table.set_mode("on_demand", 2 * HOUR_S)
    assert throttled(table, 20_000, 2 * HOUR_S, 10) == 0


def test_b5_warm_throughput_is_there_before_any_peak() -> None:
    """Warmed up for 30,000 writes, a new table takes them at once."""
    table = Admission.on_demand(now_s=0)
    table.warm_up(12_000, 30_000, 0)
    assert throttled(table, 30_000, 1, 10) == pytest.approx(0, abs=0.01)


def test_b5_a_maximum_caps_what_would_be_sustained() -> None:
    """At most 500 a second of 1,000: half is throttled, after the second that was kept, and named for the maximum."""
    table = Admission.on_demand(now_s=0, max_write=500)
    assert throttled(table, 1_000, 0, 1) == pytest.approx(0, abs=0.1)
    assert throttled(table, 1_000, 1, 20) == pytest.approx(1 / 2, abs=0.02)
    table.account("write", 500, 21)
    assert table.check("write", 21) == "TableWriteMaxOnDemandThroughputExceeded"


def test_b7_four_switches_to_on_demand_in_24_hours() -> None:
    """One every hour from 0:00; the fifth may come at 24:00, and back to provisioned there is no limit."""
    table = Admission.provisioned(5, 5, now_s=0)
    for hour in range(4):
        assert table.switches.next_s(hour * HOUR_S) == hour * HOUR_S
        table.set_mode("on_demand", hour * HOUR_S)
        table.set_mode("provisioned", hour * HOUR_S + 60, read=5, write=5)
    assert table.switches.next_s(4 * HOUR_S) == DAY_S
    table.set_mode("on_demand", DAY_S)
    assert table.switches.next_s(DAY_S) == DAY_S + HOUR_S
