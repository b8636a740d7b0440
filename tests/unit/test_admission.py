"""Buckets and reasons, worked out by hand and against an oracle that walks in small steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.dynamodb.admission import (
    Admission,
    AdmissionParameters,
    Kind,
    Mode,
    TokenBucket,
    exception_name,
    partition_count,
)

STEP_S = 0.125  # a power of two: sums of steps are exact
arrivals = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60)), max_size=40)  # (steps since, units)


@given(
    rate=st.integers(1, 20),
    burst_s=st.integers(1, 30),
    fill=st.sampled_from((0.0, 0.5, 1.0)),
    arrivals=arrivals,
)
def test_a_bucket_agrees_with_one_refilled_step_by_step(
    rate: int, burst_s: int, fill: float, arrivals: list[tuple[int, int]]
) -> None:
    """The oracle adds an eighth of a second's tokens at a time, never above the maximum."""
    bucket = TokenBucket(rate, burst_s, fill=fill)
    tokens, steps = rate * burst_s * fill, 0
    for waited, units in arrivals:
        for _ in range(waited):
            tokens = min(rate * burst_s, tokens + rate * STEP_S)
        steps += waited
        admitted = tokens > 0
        assert bucket.try_take(units, steps * STEP_S) is admitted
        tokens -= units if admitted else 0
        assert bucket.level(steps * STEP_S) == tokens


@given(arrivals=arrivals)
def test_a_bucket_never_gives_more_than_it_had_and_got_but_for_one_request(
    arrivals: list[tuple[int, int]],
) -> None:
    """Only the last admitted request may overdraw, so all others fit into store and refill."""
    bucket = TokenBucket(3, 10)
    steps, admitted = 0, [0]
    for waited, units in arrivals:
        steps += waited
        if bucket.try_take(units, steps * STEP_S):
            admitted.append(units)
    assert sum(admitted) - max(admitted) <= 3 * 10 + 3 * steps * STEP_S


def test_a_bucket_starts_as_full_as_it_is_told() -> None:
    """A quarter of 10/s × 300 s is 750."""
    assert TokenBucket(10, 300, fill=0.25).level(0) == 750
    assert not TokenBucket(10, 300, fill=0).try_take(1, 0)


def test_a_bucket_keeps_the_present_second_whatever_its_burst() -> None:
    """Without a burst, 5/s still admits five requests of one unit in a second, then none."""
    bucket = TokenBucket(5, burst_s=0)
    assert [bucket.try_take(1, 0) for _ in range(6)] == [True] * 5 + [False]


def test_a_clock_that_stands_or_steps_back_refills_nothing() -> None:
    """A level asked for the past is the present one, and the time is not refilled twice."""
    bucket = TokenBucket(1, 10, now_s=100, fill=0)
    assert bucket.level(105) == 5
    assert bucket.level(102) == 5
    assert bucket.level(105) == 5


def test_a_new_rate_keeps_what_is_stored_up_to_the_new_maximum() -> None:
    """600 stored at 2/s × 300 s: at 4/s they stay 600 of 1,200, at 1/s 300 remain."""
    bucket = TokenBucket(2, 300)
    bucket.set_rate(4, 0)
    assert bucket.level(0) == 600
    assert bucket.level(10) == 640
    bucket.set_rate(1, 10)
    assert bucket.level(10) == 300


def test_a_new_rate_leaves_a_debt_a_debt() -> None:
    """Overdrawn by 20 at 1/s: 5 s later 15 are owed, which 3/s pay back in 5 s more."""
    bucket = TokenBucket(1, 10, fill=0)
    bucket.take(20, 0)
    bucket.set_rate(3, 5)
    assert bucket.level(5) == -15
    assert not bucket.try_take(1, 10)
    assert bucket.try_take(1, 10.5)


@pytest.mark.parametrize(("rate", "burst_s", "fill"), [(-1, 300, 1), (1, -300, 1), (1, 300, 1.5)])
def test_a_bucket_of_impossible_numbers_is_refused(rate: float, burst_s: float, fill: float) -> None:
    """The error shows all three."""
    with pytest.raises(ValueError, match="expected a rate"):
        TokenBucket(rate, burst_s, fill=fill)


def test_reads_and_writes_of_a_provisioned_table_drain_apart() -> None:
    """4 WCU store 1,200 units; once they are gone, reads go on."""
    table = Admission.provisioned(4, 4, now_s=0)
    assert table.admit("write", 1_200, 0) is None
    assert table.admit("write", 1, 0) == "TableWriteProvisionedThroughputExceeded"
    assert table.level("write", 0) == 0
    assert table.level("read", 0) == 1_200
    assert table.admit("read", 1, 0) is None


def test_checking_takes_nothing_and_accounting_asks_nothing() -> None:
    """A server that checks first and accounts later drains as much as one that admits at once."""
    table = Admission.provisioned(1, 1, now_s=0)
    assert [table.check("read", 0) for _ in range(3)] == [None] * 3
    assert table.level("read", 0) == 300
    table.account("read", 310, 0)
    assert table.level("read", 0) == -10
    assert table.check("read", 10) == "TableReadProvisionedThroughputExceeded"
    assert table.check("read", 11) is None


def test_a_throttled_request_takes_nothing() -> None:
    """Whoever hammers an empty table doesn't make it emptier: it has one unit a second later, as before."""
    table = Admission.provisioned(1, 1, now_s=0, params=AdmissionParameters(initial_fill=0))
    assert all(table.admit("read", 5, 0) for _ in range(100))
    assert table.level("read", 1) == 1


def test_an_index_is_named_in_its_reasons() -> None:
    """The reason begins with what is throttled."""
    index = Admission.provisioned(1, 1, now_s=0, resource="Index")
    index.account("write", 300, 0)
    assert index.check("write", 0) == "IndexWriteProvisionedThroughputExceeded"


def test_new_capacity_applies_at_once_and_keeps_the_store() -> None:
    """From 1 to 10 RCU with 100 units left: 100 stay, ten more each second."""
    table = Admission.provisioned(1, 1, now_s=0)
    table.account("read", 200, 0)
    table.set_capacity(10, 1, 0)
    assert table.level("read", 1) == 110


def test_one_partition_limits_its_keys_while_the_table_has_plenty() -> None:
    """6,000 RCU are two partitions of 3,000: keys of the one are throttled, those of the other are not."""
    table = Admission.provisioned(6_000, 0, now_s=0)
    assert table.partitions == 2
    assert table.admit("read", 3_000, 0, partition_hash=7) is None
    assert table.admit("read", 1, 0, partition_hash=5) == "TableReadKeyRangeThroughputExceeded"
    assert table.admit("read", 1, 0, partition_hash=8) is None
    assert table.admit("read", 1, 0) is None


def test_a_partition_refills_at_its_own_limit_each_second() -> None:
    """1,000 WCU/s a partition: after 1,500 units it owes 500, paid back half a second later."""
    table = Admission.provisioned(3_000, 2_000, now_s=0, partitions=1)
    assert table.admit("write", 1_500, 0, partition_hash=0) is None
    assert table.check("write", 0.5, partition_hash=0) == "TableWriteKeyRangeThroughputExceeded"
    assert table.check("write", 0.501, partition_hash=0) is None


def test_partitions_split_in_two_until_the_new_capacity_fits() -> None:
    """B4's example: four partitions, raised to 6,000 WCU, become eight; lowered again, they stay."""
    table = Admission.provisioned(0, 3_200, now_s=0)
    assert table.partitions == 4
    table.set_capacity(0, 6_000, 0)
    assert table.partitions == 8
    table.set_capacity(0, 100, 0)
    assert table.partitions == 8


@pytest.mark.parametrize(
    ("read", "write", "size_bytes", "count"),
    [
        (0, 0, 0, 1),
        (4, 4, 0, 1),
        (3_000, 0, 0, 1),
        (3_000, 1, 0, 2),
        (1_500, 500, 0, 1),
        (0, 3_200, 0, 4),
        (100, 100, 10 * 2**30, 1),
        (100, 100, 10 * 2**30 + 1, 2),
        (9_000, 0, 20 * 2**30, 3),
    ],
)
def test_partitions_follow_capacity_or_size_whichever_needs_more(
    read: float, write: float, size_bytes: int, count: int
) -> None:
    """ceil(RCU/3000 + WCU/1000), or one for every 10 GB."""
    assert partition_count(read, write, size_bytes) == count


@pytest.mark.parametrize(("kind", "rate"), [("read", 12_000), ("write", 4_000)])
def test_a_new_table_on_demand_sustains_its_starting_rate(kind: Kind, rate: int) -> None:
    """A second's worth passes at once, the next unit is throttled, half a second later one passes again."""
    table = Admission.on_demand(now_s=0)
    assert table.admit(kind, rate, 0) is None
    assert table.admit(kind, 1, 0) == f"Table{kind.capitalize()}KeyRangeThroughputExceeded"
    assert table.admit(kind, 1, 0.5) is None


def test_a_maximum_on_demand_is_named_as_what_throttles() -> None:
    """With at most 10 reads a second, the eleventh is throttled for that; writes have no maximum here."""
    table = Admission.on_demand(now_s=0, max_read=10)
    assert [table.admit("read", 1, 0) for _ in range(11)] == [None] * 10 + ["TableReadMaxOnDemandThroughputExceeded"]
    assert table.admit("write", 4_000, 0) is None


def drive(table: Admission, rate: float, from_s: int, to_s: int) -> int:
    """Ask for ``rate`` write units in each second; how many seconds were throttled."""
    return sum(table.admit("write", rate, second) is not None for second in range(from_s, to_s))


def test_a_peak_on_demand_may_be_doubled_half_an_hour_later() -> None:
    """From 4,000 WRU/s, a minute of 3,000 counts 1,800 s after it ended: then 6,000 pass each second."""
    table = Admission.on_demand(now_s=0)
    assert drive(table, 3_000, 0, 60) == 0
    assert drive(table, 6_000, 1_800, 1_850) > 0
    assert drive(table, 6_000, 1_870, 1_930) == 0


def test_growth_on_demand_ends_at_the_account_limit() -> None:
    """Sustaining 60,000 WRU/s from the start, the quota of 40,000 is what throttles."""
    table = Admission.on_demand(now_s=0, params=AdmissionParameters(on_demand_write_rate=60_000))
    assert table.admit("write", 40_000, 0) is None
    assert table.admit("write", 1, 0) == "TableWriteAccountLimitExceeded"


def test_growth_on_demand_splits_partitions() -> None:
    """12,000 / 3,000 + 4,000 / 1,000 are 8 partitions; with 10,000 WRU/s, 14 are needed, so they double."""
    table = Admission.on_demand(now_s=0)
    assert table.partitions == 8
    for second in range(60):
        table.account("write", 5_000, second)
    assert table.check("write", 1_860) is None
    assert table.partitions == 16


def test_a_table_switched_to_on_demand_sustains_what_was_provisioned() -> None:
    """6,000 WCU are more than the 4,000 of a new table, 10 RCU less than the 12,000."""
    table = Admission.provisioned(10, 6_000, now_s=0)
    table.set_mode("on_demand", 0)
    assert table.mode == "on_demand"
    assert (table.level("read", 0), table.level("write", 0)) == (12_000, 6_000)


def test_a_table_switched_to_provisioned_has_its_capacity() -> None:
    """5 RCU and 2 WCU begin with 300 s of each."""
    table = Admission.on_demand(now_s=0)
    table.set_mode("provisioned", 0, read=5, write=2)
    assert (table.level("read", 0), table.level("write", 0)) == (1_500, 600)
    assert table.mode == "provisioned"


def test_a_table_set_to_the_mode_it_has_keeps_its_store_and_its_peak() -> None:
    """No bucket is filled by asking for the same mode again, and a peak under way still counts."""
    provisioned = Admission.provisioned(1, 1, now_s=0)
    provisioned.account("read", 300, 0)
    provisioned.set_mode("provisioned", 0, read=1, write=1)
    assert provisioned.level("read", 0) == 0
    on_demand = Admission.on_demand(now_s=0)
    assert drive(on_demand, 3_000, 0, 60) == 0
    on_demand.set_mode("on_demand", 60, write=100)
    assert on_demand.admit("write", 100, 60) is None
    assert on_demand.check("write", 60) == "TableWriteMaxOnDemandThroughputExceeded"
    on_demand.set_mode("on_demand", 1_870)
    assert drive(on_demand, 6_000, 1_870, 1_930) == 0


def test_what_needs_capacity_units_refuses_to_go_without() -> None:
    """Both errors say what was expected."""
    table = Admission.on_demand(now_s=0)
    with pytest.raises(ValueError, match="expected a provisioned resource"):
        table.set_capacity(1, 1, 0)
    with pytest.raises(ValueError, match="expected read and write capacity units, found None and 1"):
        table.set_mode("provisioned", 0, write=1)


@pytest.mark.parametrize(
    ("limit", "mode", "exception"),
    [
        ("ProvisionedThroughput", "provisioned", "ProvisionedThroughputExceededException"),
        ("KeyRangeThroughput", "provisioned", "ProvisionedThroughputExceededException"),
        ("KeyRangeThroughput", "on_demand", "ThrottlingException"),
        ("MaxOnDemandThroughput", "on_demand", "ThrottlingException"),
        ("AccountLimit", "on_demand", "RequestLimitExceeded"),
    ],
)
@pytest.mark.parametrize("what", ["TableRead", "TableWrite", "IndexRead", "IndexWrite"])
def test_each_reason_has_its_exception(what: str, limit: str, mode: Mode, exception: str) -> None:
    """Only a hot partition's depends on the capacity mode."""
    assert exception_name(f"{what}{limit}Exceeded", mode) == exception
