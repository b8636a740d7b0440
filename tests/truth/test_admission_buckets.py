"""B2 and B11: what a provisioned table keeps, for how long that lasts, and what one request may overdraw."""

import pytest

from harness.dynamodb.admission import Admission, AdmissionParameters, TokenBucket


def first_throttle_s(table: Admission, requests_per_s: int, units: float = 1) -> float:
    """When the first of evenly spaced requests is refused."""
    request = 0
    while table.admit("read", units, request / requests_per_s) is None:
        request += 1
        assert request < 1_000_000
    return request / requests_per_s


@pytest.mark.parametrize(
    ("capacity", "demand", "onset_s"),
    [
        (150, 200, 900),  # 45,000 stored / (200 − 150)
        (4, 6, 600),  # 1.5 ×: 1,200 / 2
        (4, 8, 300),  # 2 ×: 1,200 / 4
        (10, 20, 300),
    ],
)
def test_b2_a_full_store_of_300_s_puts_off_the_first_throttle(capacity: int, demand: int, onset_s: int) -> None:
    """Stored units over what is missing each second; requests come singly, so within one's refill."""
    table = Admission.provisioned(capacity, 1, now_s=0)
    assert first_throttle_s(table, demand) == pytest.approx(onset_s, abs=1 / capacity)


def test_b2_150_units_idle_for_five_minutes_carry_200_a_second_for_900_s() -> None:
    """A table that began empty stores 150 × 300 = 45,000 and serves 200 a second until 45,000 / 50 = 900 s; within 1 %."""
    table = Admission.provisioned(150, 1, now_s=0, params=AdmissionParameters(initial_fill=0))
    assert table.level("read", 300) == 45_000
    served = 0
    while table.admit("read", 1, 300 + served / 200) is None:
        served += 1
    assert served / 200 == pytest.approx(900, rel=0.01)


def test_b2_large_requests_reach_the_same_onset() -> None:
    """Pages of 128.5 units, a little less than two a second: still 900 s, to within a page."""
    table = Admission.provisioned(150, 1, now_s=0)
    interval_s = 128.5 / 200
    request = 0
    while table.admit("read", 128.5, request * interval_s) is None:
        request += 1
    assert request * interval_s == pytest.approx(900, rel=0.01)


def test_b2_after_the_first_throttle_just_the_provisioned_rate_is_served() -> None:
    """At 8 units/s on 4 RCU, of 100 s × 8 requests after the onset half are throttled."""
    table = Admission.provisioned(4, 4, now_s=0)
    reasons = [table.admit("read", 1, request / 8) for request in range(8 * 400)]
    assert not any(reasons[: 8 * 299])
    late = reasons[8 * 300 :]
    assert late.count("TableReadProvisionedThroughputExceeded") == pytest.approx(len(late) / 2, abs=2)


def test_b2_an_idle_table_stores_300_s_and_no_more() -> None:
    """150 RCU that were empty store 45,000 units in five minutes, and still 45,000 in ten."""
    bucket = TokenBucket(150, fill=0)
    assert bucket.level(300) == 45_000
    assert bucket.level(600) == 45_000


def test_b11_what_is_left_admits_one_request_of_any_size() -> None:
    """One unit left, a page of 128.5 is served; the debt of 127.5 is paid back at 5/s in 25.5 s."""
    bucket = TokenBucket(5)
    bucket.take(1_499, 0)
    assert bucket.try_take(128.5, 0)
    assert bucket.level(0) == -127.5
    assert not bucket.try_take(1, 25.5)
    assert bucket.try_take(1, 25.75)


def test_b11_an_on_demand_table_has_40_000_units_a_second_and_no_more() -> None:
    """Warmed up for 100,000 writes, it serves 40,000 in a second, and the reason is the account's limit."""
    table = Admission.on_demand(now_s=0)
    table.warm_up(12_000, 100_000, 0)
    assert table.admit("write", 39_999, 10) is None
    assert table.admit("write", 1, 10) is None
    assert table.admit("write", 1, 10) == "TableWriteAccountLimitExceeded"
