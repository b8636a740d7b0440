"""Admission of whole tables and indexes: limits, reasons, modes, worked out by hand."""

import pytest

from harness.dynamodb.admission import Admission, AdmissionParameters, Kind, Mode, exception_name
from harness.dynamodb.partitions import HASH_SPACE


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


LOW, HIGH = 0, HASH_SPACE - 1  # the first and the last place of the hash space


def test_one_partition_limits_its_keys_while_the_table_has_plenty() -> None:
    """6,000 RCU are two partitions of 3,000: keys of the lower half are throttled, those of the upper are not."""
    table = Admission.provisioned(6_000, 0, now_s=0)
    assert table.partitions == 2
    assert table.admit("read", 3_000, 0, partition_hash=LOW) is None
    assert table.admit("read", 1, 0, partition_hash=HASH_SPACE // 2 - 1) == "TableReadKeyRangeThroughputExceeded"
    assert table.admit("read", 1, 0, partition_hash=HASH_SPACE // 2) is None
    assert table.admit("read", 1, 0, partition_hash=HIGH) is None
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
    """12,000 / 3,000 and 4,000 / 1,000 are 4 partitions; 10,000 WRU/s need 10, so 4 double to 8 and to 16."""
    table = Admission.on_demand(now_s=0)
    assert table.partitions == 4
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


def test_the_hot_partition_of_a_quiet_table_may_use_what_the_others_leave() -> None:
    """1,000 RCU over two partitions, 500 each: one alone takes 999 a second for ten minutes and is never throttled."""
    table = Admission.provisioned(1_000, 0, now_s=0, partitions=2)
    assert not any(table.admit("read", 999, second, LOW) for second in range(600))


def test_what_one_partition_takes_is_gone_for_the_others() -> None:
    """The table's store of 300 × 10 units is one: emptied through one partition, the other is throttled for the table."""
    table = Admission.provisioned(10, 10, now_s=0, partitions=2)
    assert table.admit("write", 3_000, 0, LOW) is None
    assert table.admit("write", 1, 0, HIGH) == "TableWriteProvisionedThroughputExceeded"


def test_upkeep_takes_its_share_of_the_store() -> None:
    """A third of 300 s × 10 units leaves 2,000."""
    table = Admission.provisioned(10, 10, now_s=0, params=AdmissionParameters(upkeep_share=1 / 3))
    assert table.level("read", 0) == pytest.approx(2_000)


def test_warm_throughput_is_the_most_that_was_ever_provisioned() -> None:
    """As measured on the service: 1, then 3, and still 3 after going back to 1; on demand at least 12,000; kept after that."""
    table = Admission.provisioned(1, 1, now_s=0)
    table.set_capacity(3, 3, 0)
    table.set_capacity(1, 1, 0)
    assert table.warm_throughput("read", 0) == 3
    table.set_mode("on_demand", 0)
    assert (table.warm_throughput("read", 0), table.warm_throughput("write", 0)) == (12_000, 4_000)
    table.set_mode("provisioned", 0, read=1, write=1)
    assert table.warm_throughput("read", 0) == 12_000


def test_a_table_switched_to_on_demand_sustains_the_most_that_was_ever_provisioned() -> None:
    """Once 9,000 WCU, now 5: 9,000 WRU/s pass at once."""
    table = Admission.provisioned(5, 9_000, now_s=0)
    table.set_capacity(5, 5, 0)
    table.set_mode("on_demand", 0)
    assert table.level("write", 0) == 9_000


def test_throughput_warmed_up_is_sustained_at_once_on_enough_partitions() -> None:
    """20,000 WRU/s instead of 4,000: 20 partitions are needed, so 4 become 32; less than it has is refused."""
    table = Admission.on_demand(now_s=0)
    table.warm_up(12_000, 20_000, 0)
    assert table.partitions == 32
    assert table.admit("write", 4_000, 1) is None
    assert table.admit("write", 15_999, 1.8) is None
    with pytest.raises(ValueError, match="expected at least the present write warm throughput 20000, found 4000"):
        table.warm_up(12_000, 4_000, 2)


def test_a_provisioned_table_warmed_up_has_the_partitions_and_its_own_capacity() -> None:
    """Ready for 30,000 reads, it still serves the 10 a second that it pays for."""
    table = Admission.provisioned(10, 10, now_s=0)
    table.warm_up(30_000, 10_000, 0)
    assert table.partitions == 16
    assert table.level("read", 0) == 3_000


def test_asking_for_on_demand_again_refills_nothing() -> None:
    """A debt of 1,000 stays one."""
    table = Admission.on_demand(now_s=0)
    table.account("write", 5_000, 0)
    table.set_mode("on_demand", 0)
    assert table.level("write", 0) == -1_000


def test_changes_are_recorded_where_their_quotas_are_kept() -> None:
    """Raising is no decrease, lowering either kind is one; a switch to on-demand counts, one back doesn't."""
    table = Admission.provisioned(5, 5, now_s=0)
    table.set_capacity(9, 5, 0)
    assert table.decreases.today(0) == 0
    table.set_capacity(10, 4, 0)
    table.set_capacity(1, 1, 0)
    assert table.decreases.today(0) == 2
    for _ in range(4):
        table.set_mode("on_demand", 10)
        table.set_mode("provisioned", 20, read=1, write=1)
    assert table.switches.next_s(20) == 86_410


def test_a_clock_that_leaps_over_hours_closes_what_was_open() -> None:
    """A minute of 3,000 WRU/s, then nobody for ten hours: 6,000 are sustained all the same."""
    table = Admission.on_demand(now_s=0)
    assert drive(table, 3_000, 0, 60) == 0
    assert table.level("write", 36_000) == 4_000
    assert table.check("write", 36_000) is None
    assert table.warm_throughput("write", 36_000) == 6_000


def test_the_state_shows_buckets_partitions_and_quotas() -> None:
    """Two partitions of a 6,000 RCU table, each with half the hash space, 3,000 units a second."""
    table = Admission.provisioned(6_000, 0, now_s=0)
    table.account("read", 500, 0, LOW)
    state = table.state(1)
    assert state["mode"] == "provisioned"
    assert state["read"]["buckets"] == [
        {"limit": "ProvisionedThroughput", "units": 1_800_000, "most_units": 1_800_000, "units_per_s": 6_000}
    ]
    assert state["read"]["units_this_minute"] == 500
    assert [(one["begin"], one["end"]) for one in state["partitions"]] == [
        ("0000000000000000", "7fffffffffffffff"),
        ("8000000000000000", "ffffffffffffffff"),
    ]
    assert state["partitions"][0]["read"] == {"bucket_units": 3_000, "units_this_minute": 500}
    assert state["decreases_today"] == 0


def test_without_partition_limits_only_the_tables_capacity_counts() -> None:
    """One key takes a whole store of 1.8 million at once."""
    table = Admission.provisioned(6_000, 0, now_s=0, params=AdmissionParameters(partition_limits=False))
    assert table.admit("read", 1_800_000, 0, LOW) is None
    assert table.admit("read", 1, 0, LOW) == "TableReadProvisionedThroughputExceeded"


def test_growth_counts_when_its_delay_is_over_and_not_at_the_next_minute() -> None:
    """A minute of 3,000 that counts 90 s after it ended: at second 150, 6,000 are sustained."""
    table = Admission.on_demand(now_s=0, params=AdmissionParameters(on_demand_growth_s=90))
    assert drive(table, 3_000, 0, 60) == 0
    table.account("write", 9_000, 149.5)  # 5,000 too many
    assert table.check("write", 149.75) is not None
    table.account("write", 0, 150)
    assert table.level("write", 150.75) == -3_000 + 4_500


def test_what_was_sustained_on_demand_stays_warm_when_provisioned() -> None:
    """Grown to 6,000 WRU/s; provisioned with 5, it is ready for 6,000 still."""
    table = Admission.on_demand(now_s=0)
    assert drive(table, 3_000, 0, 60) == 0
    table.set_mode("provisioned", 1_870, read=5, write=5)
    assert table.warm_throughput("write", 1_870) == 6_000


def test_two_hot_minutes_with_an_idle_one_between_split_nothing() -> None:
    """Nobody asks in the second minute, so nobody closes it: the first isn't followed by the third."""
    params = AdmissionParameters(split_after_s=120)
    table = Admission.provisioned(0, 1_000, now_s=0, params=params)
    for minute in (0, 2):
        for second in range(60):
            table.account("write", 1_000, 60 * minute + second, partition_hash=second)
    table.check("write", 180)
    assert table.partitions == 1
    for second in range(60):
        table.account("write", 1_000, 180 + second, partition_hash=second)
    table.check("write", 240)
    assert table.partitions == 2
