"""B1, B3 and B4: what a partition serves, how many there are, how capacity follows traffic, and when they split."""

import pytest

from harness.dynamodb.admission import Admission, AdmissionParameters, Kind
from harness.dynamodb.partitions import HASH_SPACE, partition_count

GB = 1024**3


def served_a_second(table: Admission, kind: Kind, demand: dict[int, int], second: int) -> dict[int, int]:
    """One second of requests of 10 units, each key's evenly spaced; the units each key got."""
    got = dict.fromkeys(demand, 0)
    due = sorted((second + number * 10 / rate, key) for key, rate in demand.items() for number in range(rate // 10))
    for at_s, key in due:
        if table.admit(kind, 10, at_s, key) is None:
            got[key] += 10
    return got


@pytest.mark.parametrize(("kind", "limit"), [("read", 3_000), ("write", 1_000)])
def test_b1_one_key_gets_no_more_than_one_partition_serves(kind: Kind, limit: int) -> None:
    """A table with 20,000 of each and a full store: a key that asks for 5,000 a second gets 3,000 or 1,000."""
    table = Admission.provisioned(20_000, 20_000, now_s=0)
    table.account(kind, limit, 0, 7)  # the second that was kept
    got = [served_a_second(table, kind, {7: 5_000}, second)[7] for second in range(5)]
    assert got == pytest.approx([limit] * 5, abs=20)


def test_b1_a_hot_key_alone_in_its_partition_still_gets_no_more() -> None:
    """An hour at 5,000 reads a second: parted from all others, it stays at 3,000."""
    table = Admission.provisioned(6_000, 0, now_s=0)
    key = HASH_SPACE // 5
    late = [served_a_second(table, "read", {key: 5_000}, second)[key] for second in range(3_600)][-60:]
    assert late == pytest.approx([3_000] * 60, abs=20)
    assert (table.state(3_600)["partitions"][1]["begin"], table.partitions) == (f"{key:016x}", 4)


def test_b1_throttled_by_its_partition_a_request_is_told_so() -> None:
    """The key range, not the table's throughput: the table has 1.8 million units left."""
    table = Admission.provisioned(6_000, 0, now_s=0)
    assert table.admit("read", 3_000, 0, 1) is None
    assert table.admit("read", 1, 0, 1) == "TableReadKeyRangeThroughputExceeded"
    assert table.level("read", 0) == 1_797_000


def test_b3_a_partition_takes_what_the_others_leave() -> None:
    """The guide's picture: 400 WCU on four partitions, 100 each; three are asked for 50, one for 150, and all get it."""
    table = Admission.provisioned(0, 400, now_s=0, partitions=4)
    table.account("write", 120_000, 0)  # no store that could help
    demand = {HASH_SPACE // 4 * number: rate for number, rate in enumerate((50, 50, 50, 150))}
    for second in range(2, 300):
        assert served_a_second(table, "write", demand, second) == demand


def test_b3_two_hot_keys_of_one_partition_are_parted_in_minutes() -> None:
    """Each asks for 2,400 of the 3,000 that they share; hot for ten minutes, the partition splits between them."""
    table = Admission.provisioned(9_000, 0, now_s=0)
    demand = {100: 2_400, 200: 2_400}
    totals = [sum(served_a_second(table, "read", demand, second).values()) for second in range(700)]
    assert totals[2:600] == pytest.approx([3_000] * 598, abs=20)
    assert totals[610:] == pytest.approx([4_800] * 90, abs=20)
    assert table.partitions == 4


def test_b4_a_new_tables_partitions_follow_capacity_or_size() -> None:
    """⌈7,500 / 3,000 + 1,500 / 1,000⌉ = 4; 45 GB need ⌈45 / 10⌉ = 5."""
    assert partition_count(7_500, 1_500, 0, AdmissionParameters()) == 4
    assert partition_count(7_500, 1_500, 45 * GB, AdmissionParameters()) == 5


def test_b4_more_capacity_than_they_serve_splits_every_partition() -> None:
    """The talk's example: 4 partitions of 800 WCU, raised to 6,000, become 8 of 750; each has an eighth of the space."""
    table = Admission.provisioned(0, 3_200, now_s=0)
    assert table.partitions == 4
    assert table.state(0)["write"]["units_per_s_a_partition"] == 800
    table.set_capacity(0, 6_000, 0)
    assert table.partitions == 8
    assert table.state(0)["write"]["units_per_s_a_partition"] == 750
    assert {one["share"] for one in table.state(0)["partitions"]} == {1 / 8}


def test_b4_a_partition_splits_at_10_gb() -> None:
    """One for 10 GB, two for a byte more, four when each of the two is full; none merges."""
    table = Admission.provisioned(5, 5, now_s=0)
    counts = []
    for size_bytes in (10 * GB, 10 * GB + 1, 20 * GB, 20 * GB + 2, GB):
        table.resize(size_bytes, 0)
        counts.append(table.partitions)
    assert counts == [1, 2, 2, 4, 4]
