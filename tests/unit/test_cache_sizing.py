"""Stack distances, curves and what a cache costs: against a naive list, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cache.sizing.analysis import analyse
from harness.cache.sizing.curve import GROUPS, Accesses, HitCurve, exact_curve, largest_contents, sampled_curve
from harness.cache.sizing.kernel import COLD, DELETE, READ, WRITE, distances
from harness.cache.sizing.nodes import Assumptions, Requests, node_types
from harness.cache.sizing.plan import Demand, Outcome, Plan, make_plan
from harness.cache.sizing.record import analysis_record
from harness.cache.sizing.reference import simulate
from harness.cache.sizing.shuffled import Shuffled
from harness.cache.sizing.theory import Trips, characteristic_time, che_hit_rate, ttl_hit_rate, zipf
from harness.cache.sizing.worth import Worth, dynamodb_worth, rds_worth
from harness.dynamodb.pricing import Prices

Access = tuple[int, int, int]
ACCESSES = st.lists(
    st.tuples(st.integers(0, 7), st.integers(1, 9), st.sampled_from((READ, READ, READ, WRITE, DELETE))), max_size=80
)


def distances_of(accesses: list[Access]) -> list[int]:
    """Of accesses as key, weight and kind; keys are 0 to 7."""
    columns = np.array(accesses, dtype=np.int64).reshape(-1, 3).T
    return distances(columns[0], columns[1], columns[2].astype(np.int8), 8).tolist()


def trace_of(keys: list[int], kinds: list[int] | None = None, value_bytes: int = 1) -> Accesses:
    """Accesses to keys of no bytes, all reads where nothing else is said."""
    return Accesses(
        keys=np.array(keys, dtype=np.int64), kinds=np.array(kinds or [READ] * len(keys), dtype=np.int8),
        value_bytes=np.full(len(keys), value_bytes, dtype=np.int64), key_bytes=np.zeros(max(keys) + 1, dtype=np.int64),
    )  # fmt: skip


@settings(deadline=None)  # the first call loads compiled code
@given(st.lists(st.integers(0, 7), max_size=120))
def test_the_distance_is_the_place_in_a_list_of_the_latest(keys: list[int]) -> None:
    """A naive stack: the key's place from the top, counted from 1; then it goes to the top."""
    stack: list[int] = []
    expected = []
    for key in keys:
        expected.append(stack.index(key) + 1 if key in stack else COLD)
        stack = [key, *(one for one in stack if one != key)]
    assert distances_of([(key, 1, READ) for key in keys]) == expected


@settings(max_examples=300, deadline=None)
@given(ACCESSES)
def test_every_size_hits_as_a_cache_of_that_size_would(accesses: list[Access]) -> None:
    """Reads, writes and deletes, entries that grow and shrink: read by read the same at every size from 0 up."""
    found = [one for one, (_, _, kind) in zip(distances_of(accesses), accesses, strict=True) if kind == READ]
    for capacity in range(75):
        assert [0 < one <= capacity for one in found] == simulate(accesses, capacity)


def test_room_that_a_delete_left_is_used_before_anything_is_evicted() -> None:
    """a b c, b goes, d comes: three entries still hold a, although d and c came after it; two don't."""
    accesses = [(0, 1, READ), (1, 1, READ), (2, 1, READ), (1, 1, DELETE), (3, 1, READ), (0, 1, READ)]
    assert distances_of(accesses)[-1] == 3
    # Without the delete it would be four: d, c, b, a.
    assert distances_of([one for one in accesses if one[2] != DELETE])[-1] == 4


def test_a_key_that_was_deleted_is_read_like_a_new_one() -> None:
    """No cache has it; what was written and not read yet is a hit."""
    assert distances_of([(0, 1, READ), (0, 1, DELETE), (0, 1, READ)]) == [COLD, COLD, COLD]
    assert distances_of([(0, 1, WRITE), (0, 1, READ)]) == [COLD, 1]


def test_a_curve_counts_reads_by_the_size_they_need() -> None:
    """a b a c b a: distances –, –, 2, –, 3, 3: of 6 reads 0, 1 and 3 hit with 1, 2 and 3 entries."""
    trace = trace_of([0, 1, 0, 2, 1, 0])
    curve = exact_curve(trace, np.ones_like(trace.keys))
    assert curve.hit_rates([0, 1, 2, 3, 100]) == pytest.approx([0, 0, 1 / 6, 1 / 2, 1 / 2])
    assert (curve.most, curve.enough) == (0.5, 3)
    assert (curve.least(0.3), curve.least(0.9)) == (2, 3)
    assert curve.half_widths([1, 2]).tolist() == [0, 0]


def test_what_only_fills_the_cache_is_not_counted() -> None:
    """a b, then counted a b: both hit with two entries."""
    trace = trace_of([0, 1, 0, 1])
    assert exact_curve(trace, np.ones_like(trace.keys), begin=2).hit_rate(2) == 1


def test_the_knee_is_farthest_above_the_chord() -> None:
    """Distances 1, 1, 1, 10: 3/4 of the hits at a tenth of the size, 0.65 above the chord; at 10 nothing."""
    curve = HitCurve(distances=np.array([1, 1, 1, 10]), reads=5)
    assert curve.knee() == 1
    nothing = HitCurve(distances=np.array([], dtype=np.int64), reads=5)
    assert (nothing.knee(), nothing.least(0.9), nothing.enough, nothing.most) == (None, None, 0, 0)


def test_more_keys_of_the_same_pattern_need_more_room() -> None:
    """Twice the keys: what 3 entries did needs 6."""
    curve = HitCurve(distances=np.array([3]), reads=2).resized(2)
    assert curve.hit_rates([5, 6]).tolist() == [0, 0.5]


def test_a_sample_is_scaled_and_its_missing_reads_are_hits() -> None:
    """Half of the keys with a third of the reads: 6 reads, 3 expected, 2 there; each distance counts double.

    a a of a a b b b b (b isn't in it): one hit at distance 1 stands for size 2, the read that is missing for a hit of b: 2 of 3.
    """
    curve = sampled_curve(
        trace_of([0, 0]), np.ones(2, dtype=np.int64), rate=0.5, groups=np.zeros(1, dtype=np.int8), reads=6
    )
    assert curve.hit_rates([0, 1, 2]) == pytest.approx([0, 1 / 3, 2 / 3])
    assert len(curve.parts) == GROUPS
    # Seven groups without a key are all hits, one has two reads of 0.375 expected: its 1 − 1.625 hits are none.
    assert curve.half_widths(2.0) == pytest.approx(2.365 * np.std([1] * 7 + [0], ddof=1) / np.sqrt(8))


def test_what_there_is_to_hold_leaves_out_what_was_deleted() -> None:
    """Three keys, one deleted: two entries of 5 bytes each."""
    trace = trace_of([0, 1, 2, 1], [READ, READ, WRITE, DELETE], value_bytes=5)
    assert largest_contents(trace, trace.charges(0)) == (2, 10)


def test_an_entry_is_charged_with_key_value_and_overhead() -> None:
    """3 bytes of key, 5 of value, 80 more; never nothing."""
    trace = replace(trace_of([0, 0], value_bytes=5), key_bytes=np.array([3]))
    assert trace.charges(80).tolist() == [88, 88]
    assert trace_of([0], value_bytes=0).charges(0).tolist() == [1]


def test_the_requests_of_a_serverless_cache() -> None:
    """Two reads of 2,500 bytes, a write of as many and a delete: a hit 2.5 ECPU, a miss 1 + 2.5, (2.5 + 1) / 2 for the rest."""
    trace = trace_of([0, 0, 0, 0], [READ, READ, WRITE, DELETE], value_bytes=2_500)
    found = analyse(trace, overhead_bytes=0, rate=1, groups=np.zeros(1, dtype=np.int8), reads=2).requests()
    assert found == Requests(hit=2.5, miss=3.5, writes=1.75)


def test_the_check_plays_a_plain_cache_of_each_size() -> None:
    """All four accesses, and no read differs; what it does with one that would: test_cache_planning.py."""
    found = analyse(
        trace_of([0, 1, 0, 1], value_bytes=10), overhead_bytes=0, rate=1, groups=np.zeros(2, dtype=np.int8), reads=4
    )
    assert found.check([10, 20]) == (4, 0)


def test_uniform_keys_hit_by_the_share_that_fits() -> None:
    """Ten keys alike: Σ (1 − e^(−T/10)) = 4 gives e^(−T/10) = 0.6, and every read hits with 0.4."""
    assert che_hit_rate(np.full(10, 0.1), 4) == pytest.approx(0.4)
    assert characteristic_time(np.full(10, 0.1), 4) == pytest.approx(-10 * np.log(0.6))
    assert (che_hit_rate(np.full(10, 0.1), 10), che_hit_rate(np.full(10, 0.1), 0)) == (1, 0)
    assert che_hit_rate(np.array([1.0, 0.0]), 1) == 1  # nobody asks for the other
    with pytest.raises(ValueError, match="a capacity of 0 or more, got -1"):
        che_hit_rate(np.full(10, 0.1), -1)


def in_random_order(trace: Accesses, capacity: float, begin: int = 0) -> float:
    return Shuffled(trace, begin=begin).hit_rate(capacity)


def test_in_random_order_first_reads_are_still_misses() -> None:
    """Where all fits: of a, a, a, b two of four hit. A key read thrice and written once misses only where a read comes first, which three
    of four orders have: 2.25 of 3. One read twice and deleted once hits unless the delete is between: 2/3 of 2. Nothing fits: 0."""
    assert in_random_order(trace_of([0, 0, 0, 1]), 2) == pytest.approx(2 / 4)
    assert in_random_order(trace_of([0, 0, 0, 0], [READ, READ, READ, WRITE]), 9) == pytest.approx(2.25 / 3)
    assert in_random_order(trace_of([0, 0, 0], [READ, READ, DELETE]), 1) == pytest.approx(1 / 3)
    assert in_random_order(trace_of([0, 0, 0, 1]), 0) == pytest.approx(0)


def test_in_random_order_what_only_fills_the_cache_is_not_counted() -> None:
    """Of a thousand reads of one key all but the first hit, and the first is in the half that isn't counted."""
    assert in_random_order(trace_of([0] * 1_000), 1, begin=500) == pytest.approx(1)


def test_in_random_order_of_two_keys_the_window_is_what_holds_one() -> None:
    """a twice and b once, room for one: 1 − (1 − x)² + x = 1 has x = (1 − x)² = (3 − √5)/2, and of three reads one hits with 1 − x."""
    assert in_random_order(trace_of([0, 0, 1]), 1) == pytest.approx((5**0.5 - 1) / 6)


def test_a_key_that_is_written_and_never_read_has_its_place_in_the_record() -> None:
    """Reads a, a and a write of b, with room for both: one of two reads hits, at every size that has it."""
    trace = trace_of([0, 0, 1], [READ, READ, WRITE])
    found = analyse(trace, overhead_bytes=0, rate=1, groups=np.zeros(2, dtype=np.int8), reads=2)
    assert found.in_random_order(2) == pytest.approx(0.5)
    points = analysis_record(found)["by_entries"]["points"]
    assert all(0 <= point["che_hit_rate"] <= 0.5 for point in points)


def test_zipf_gives_shares_in_proportion() -> None:
    """α = 1 over 3 keys: 6, 3 and 2 of 11."""
    assert zipf(3, 1) * 11 == pytest.approx([6, 3, 2])


def test_a_ttl_alone_leaves_what_e3_says() -> None:
    """λT / (1 + λT), weighted: keys of 3 and 1 a second, 1 s: (3 · 3/4 + 1 · 1/2) / 4 = 0.6875."""
    assert ttl_hit_rate(np.array([3.0, 1.0]), 1) == pytest.approx(0.6875)
    assert ttl_hit_rate(np.zeros(3), 1) == 0


def test_the_mean_read_makes_three_trips_where_it_misses() -> None:
    """E1: 100 + 0.25 · (900 + 100) = 350 µs at 75 %; at 20 % it is 900, the database alone."""
    trips = Trips(get_us=100, db_us=900, set_us=100)
    assert trips.mean_us(0.75) == 350
    assert trips.break_even_hit_rate == pytest.approx(0.2)
    assert trips.mean_us(0.2) == pytest.approx(900)
    assert Trips(get_us=900, db_us=100, set_us=100).break_even_hit_rate is None
    assert Trips(get_us=0, db_us=0, set_us=0).break_even_hit_rate is None


PRICES = Prices(
    date="d", region="r", source="by hand",
    values={
        "elasticache.valkey_cache_a_small_hour_usd": 0.01, "elasticache.valkey_cache_b_large_hour_usd": 0.1,
        "elasticache.valkey_cache_c_odd_hour_usd": 0.02, "elasticache.cache_a_small_hour_usd": 0.0125,
        "elasticache.serverless_valkey_gb_hour_usd": 0.084, "elasticache.serverless_valkey_ecpu_usd_per_million": 0.0023,
        "dynamodb.on_demand_read_usd_per_million": 0.125, "rds.db_t3_large_hour_usd": 0.136,
    },
    node_memory_bytes={"cache_a_small": 40, "cache_b_large": 400, "cache_d_new": 4_000},
)  # fmt: skip
CURVE = HitCurve(distances=np.array([10, 20, 30, 40, 50, 60, 70, 80]), reads=10)
"""30 of memory answer 3 of 10 reads, 300 answer 8."""


def planned(reads_per_s: float | None, usd: float | None, prices: Prices = PRICES) -> Plan:
    """A plan for a demand of the curve above, whose requests take one ECPU each."""
    demand = Demand(curve=CURVE, stored_bytes=2e8, requests=Requests(hit=1, miss=2, writes=0), reads_per_s=reads_per_s)
    trips = Trips(get_us=100, db_us=900, set_us=100)
    return make_plan(demand, prices, Worth(usd_per_million=usd, by="as given"), Assumptions(), trips)


def outcome(plan: Plan, name: str) -> Outcome:
    """The one of that name."""
    return next(one for one in plan.outcomes if one.name == name)


def test_node_types_are_those_whose_price_or_memory_is_known() -> None:
    """By memory, unknown memory last; each engine has its own prices."""
    assert [(one.name, one.memory_bytes, one.usd_hour) for one in node_types(PRICES, "valkey")] == [
        ("cache.a.small", 40, 0.01), ("cache.b.large", 400, 0.1), ("cache.d.new", 4_000, None), ("cache.c.odd", None, 0.02),
    ]  # fmt: skip
    assert next(iter(node_types(PRICES, "redis"))).usd_hour == 0.0125


def test_a_node_costs_its_hours_and_saves_its_hits() -> None:
    """100 reads/s are 262.8 million a month; 40 bytes less a quarter hold 30: 0.3 of them at $1 a million are $78.84, for $7.30."""
    small = outcome(planned(100, 1.0), "cache.a.small")
    assert (small.usable_bytes, small.hit_rate) == (30, 0.3)
    assert small.usd_month == pytest.approx(7.30)
    assert small.reads_saved_month == pytest.approx(78.84e6)
    assert small.net_usd_month == pytest.approx(78.84 - 7.30)
    assert small.mean_us == pytest.approx(100 + 0.7 * 1_000)
    # 7.30 / (0.3 · 10⁻⁶) reads a month, ÷ 2,628,000 s.
    assert small.break_even_reads_per_s == pytest.approx(7.30 / 0.3e-6 / 2_628_000)


def test_the_serverless_cache_holds_everything_and_bills_requests() -> None:
    """0.2 GB · 730 · 0.084 = $12.264, and 0.8 · 1 + 0.2 · 2 = 1.2 ECPU a read: 262.8 · 1.2 · 0.0023 = $0.725328."""
    one = outcome(planned(100, 1.0), "serverless")
    assert one.hit_rate == 0.8
    assert one.usd_month == pytest.approx(12.264 + 0.725328)
    assert one.break_even_reads_per_s == pytest.approx(12.264 / (0.8e-6 - 1.2 * 0.0023e-6) / 2_628_000)
    # A saved read that is worth less than its requests never pays.
    assert outcome(planned(100, 0.003), "serverless").break_even_reads_per_s is None


def test_a_small_serverless_cache_is_billed_for_its_least() -> None:
    """100 MB: 0.1 · 730 · 0.084 = $6.132."""
    demand = Demand(curve=CURVE, stored_bytes=90, requests=Requests(hit=0, miss=0, writes=0), reads_per_s=1)
    made = make_plan(demand, PRICES, Worth(usd_per_million=1, by="as given"), Assumptions(), None)
    assert outcome(made, "serverless").usd_month == pytest.approx(6.132)


def test_what_brings_most_is_best_and_pays_or_not() -> None:
    """At 100 reads/s: a gains 71.54, b 210.24 − 73, serverless 210.24 − 12.99. At 1 read/s none pays: a loses least, 7.30 − 0.79."""
    many, few = planned(100, 1.0), planned(1, 1.0)
    assert many.best is not None
    assert (many.best.name, many.pays) == ("serverless", True)
    assert few.best is not None
    assert (few.best.name, few.pays) == ("cache.a.small", False)
    assert few.best.net_usd_month == pytest.approx(0.7884 - 7.30)


def test_unknown_is_never_zero() -> None:
    """No memory: no hit rate; no price: no cost, no gain; no rate or worth: no best, but a break-even where both prices are known."""
    plan = planned(100, 1.0)
    odd, new = outcome(plan, "cache.c.odd"), outcome(plan, "cache.d.new")
    assert (odd.hit_rate, odd.net_usd_month, odd.usd_month) == (None, None, pytest.approx(14.6))
    assert (new.hit_rate, new.usd_month, new.net_usd_month, new.break_even_reads_per_s) == (0.8, None, None, None)
    unrated = planned(None, 1.0)
    assert (unrated.best, unrated.pays) == (None, None)
    assert outcome(unrated, "cache.a.small").break_even_reads_per_s is not None
    assert outcome(unrated, "serverless").usd_month is None
    assert planned(100, None).best is None
    assert outcome(planned(100, 1.0, replace(PRICES, values={})), "serverless").usd_month is None


def test_a_fifth_more_keys_or_reads_is_priced_too() -> None:
    """Keys −20 %: 30 of room do what 37.5 did, 3 of 10 as ever; keys +20 %: what 25 did, 2 of 10; traffic: 0.8 and 1.2 times the reads."""
    plan = planned(1, 1.0)
    assert [one.name for one in plan.variations] == ["keys −20 %", "keys +20 %", "traffic −20 %", "traffic +20 %"]
    gained = [one.kept.net_usd_month for one in plan.variations if one.kept]
    assert gained == pytest.approx([0.7884 - 7.30, 0.5256 - 7.30, 0.63072 - 7.30, 0.94608 - 7.30])


def test_a_saved_read_is_worth_what_the_database_asks_for_it() -> None:
    """DynamoDB: 100 and 5,000 bytes are half a unit and a whole, 0.75 · 0.125; RDS: 0.136 an hour ÷ 3.6 million reads."""
    assert dynamodb_worth(PRICES, np.array([100, 5_000])).usd_per_million == pytest.approx(0.09375)
    assert rds_worth(PRICES, "db.t3.large", 1_000).usd_per_million == pytest.approx(0.136 / 3.6)
    assert rds_worth(PRICES, "db.x9.huge", 1_000).usd_per_million is None
