"""The chooser flips its answer at the rate that arithmetic predicts.

By hand: db.m5.large has 2 vCPU, half of which may be busy: one CPU second a second, 1,000 answers of 1 ms. It costs 0.178 × 730 = $129.94, and
its least storage, 20 GB, 20 × 0.115 = $2.30: $132.24 for each begun thousand. A read unit a second costs DynamoDB
0.125 / 10⁶ × 730 × 3600 = $0.3285, and a thousand items of 1,100 bytes 0.0011 × 0.25 = $0.000275.
"""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_choices import cpu, units
from planted_workloads import key_lookups, measured, prices, workload

from harness.choosing.choose import Choice, Turn, choose
from harness.choosing.curves import Curve, Line, exact, total
from harness.choosing.flips import above, below, cheapest
from harness.dynamodb.pricing import InstanceClass, Prices

INSTANCE, UNIT, STORED = Fraction("132.24"), Fraction("0.3285"), Fraction("0.000275")


def turn(choice: Choice, direction: str) -> Turn:
    (found,) = (one for one in choice.turns if one.direction == direction)
    return found


def usd(choice: Choice) -> dict[str, Fraction | None]:
    return {one.store: one.usd_month for one in choice.outcomes if one.store in ("postgres", "dynamodb")}


def test_the_costs_are_those_of_the_hand() -> None:
    """500 a second: one instance; 500 units."""
    choice = choose(workload({"flight_by_key": 500}), key_lookups(), prices())
    assert usd(choice) == {"postgres": INSTANCE, "dynamodb": 500 * UNIT + STORED}


def test_it_flips_where_units_cost_as_much_as_the_first_instance() -> None:
    """(132.24 − 0.000275) / 0.3285 = 402.5562 a second: DynamoDB below, PostgreSQL above, from either side."""
    even = (INSTANCE - STORED) / UNIT
    assert float(even) == pytest.approx(402.5562, abs=1e-4)
    dear = choose(workload({"flight_by_key": 500}), key_lookups(), prices())
    cheap = choose(workload({"flight_by_key": 100}), key_lookups(), prices())
    assert (dear.best.store, cheap.best.store) == ("postgres", "dynamodb")  # type: ignore[union-attr]
    assert (turn(dear, "below").rate_per_s, turn(dear, "below").store) == (even, "dynamodb")
    assert (turn(cheap, "above").rate_per_s, turn(cheap, "above").store) == (even, "postgres")
    assert not turn(dear, "below").included


def test_the_step_to_a_second_instance_flips_it_back_exactly_there() -> None:
    """At 0.41 units an answer, $0.134685 a second, PostgreSQL is the cheaper from 981.84 to 1,000 a second: just above it takes two."""
    choice = choose(workload({"flight_by_key": 990}), key_lookups(read_units=0.41), prices())
    assert choice.best is not None and choice.best.store == "postgres"
    assert turn(choice, "below").rate_per_s == (INSTANCE - STORED) / (UNIT * Fraction("0.41"))
    up = turn(choice, "above")
    assert (up.rate_per_s, up.factor, up.included, up.store) == (1_000, Fraction(1_000, 990), False, "dynamodb")
    at_the_step = choose(workload({"flight_by_key": 1_000}), key_lookups(read_units=0.41), prices())
    assert at_the_step.best is not None and at_the_step.best.store == "postgres"
    beyond = choose(workload({"flight_by_key": 1_000.001}), key_lookups(read_units=0.41), prices())
    assert beyond.best is not None and beyond.best.store == "dynamodb"


def test_downwards_a_step_flips_it_at_the_step_itself() -> None:
    """1,500 take two instances, $264.48, and units for $202.03; at 1,000 one does, for $132.24, where the units cost $134.69."""
    choice = choose(workload({"flight_by_key": 1_500}), key_lookups(read_units=0.41), prices())
    assert choice.best is not None and choice.best.store == "dynamodb"
    down = turn(choice, "below")
    assert (down.rate_per_s, down.included, down.store) == (1_000, True, "postgres")


def test_what_only_the_primary_may_answer_ends_where_it_is_full() -> None:
    """Strongly consistent, 1,000 a second are all that the one class gives; split over several, it goes on."""
    use = {"flight_by_key": {"rate_per_s": 800, "consistency": "strong"}}
    choice = choose(workload(use), key_lookups(), prices())
    assert (turn(choice, "above").rate_per_s, turn(choice, "above").store) == (1_000, "dynamodb")
    split = choose(workload(use, sql={"sharding": True}), key_lookups(), prices())
    assert turn(split, "above").rate_per_s == 40_000


def test_where_nothing_is_left_the_flip_is_to_nothing() -> None:
    """One store alone, 16 copies of 1,000 a second."""
    choice = choose(workload({"flight_by_key": 800}, stores=["postgres"]), key_lookups(), prices())
    assert (turn(choice, "above").rate_per_s, turn(choice, "above").store) == (16_000, None)


def test_provisioned_capacity_flips_where_its_own_price_says() -> None:
    """A unit provisioned and used to 70 % costs 0.00013 × 730 / 0.7 = $0.135571; the least write unit 0.00065 × 730 = $0.4745."""
    choice = choose(workload({"flight_by_key": 990}, dynamodb={"capacity": "provisioned"}), key_lookups(), prices())
    assert choice.best is not None and choice.best.store == "postgres"
    even = (INSTANCE - STORED - Fraction("0.4745")) / (Fraction("0.00013") * 730 / Fraction("0.7"))
    assert turn(choice, "below").rate_per_s == even
    assert float(even) == pytest.approx(971.93, abs=0.01)


def test_one_patterns_own_rate_flips_with_the_others_as_they_are() -> None:
    """300 lookups of 1 unit cost $98.55; the rest of 132.24 is 102.56 more a second of any pattern of one unit."""
    runs = measured(
        cpu("postgres", "flight_by_key", 0.5), cpu("postgres", "airport_day", 0.5), units("flight_by_key", 1, kind="read"),
        units("airport_day", 1, kind="read"),
    )  # fmt: skip
    choice = choose(workload({"flight_by_key": 300, "airport_day": 10}), runs, prices())
    (found,) = (one for one in choice.own_turns if one.pattern == "airport_day")
    assert (found.rate_per_s, found.store) == ((INSTANCE - STORED) / UNIT - 300, "postgres")


numbers = st.integers(1, 400).map(lambda n: n / 40)
CLASS_NAMES = {"db_t3_micro": (2, 0.1), "db_m5_large": (2, 1.0), "db_m5_xlarge": (4, 1.0)}


def listed(usd_hour: tuple[float, float, float]) -> Prices:
    """Prices with the three classes at these dollars an hour."""
    names = list(CLASS_NAMES)
    classes = {
        name: InstanceClass(vcpu=vcpu, memory_gib=8, baseline_share=share)
        for name, (vcpu, share) in CLASS_NAMES.items()
    }
    return prices(classes, **{f"rds__postgres_{name}_hour_usd": usd for name, usd in zip(names, usd_hour, strict=True)})


@settings(max_examples=60, deadline=None)
@given(
    rates=st.tuples(st.integers(1, 3_000), st.integers(1, 300)), cpu_ms=st.tuples(numbers, numbers), read=numbers, write=numbers,
    usd_hour=st.tuples(*[st.integers(1, 60).map(lambda n: n / 100)] * 3), strong=st.booleans(),
)  # fmt: skip
def test_no_rate_of_a_scan_contradicts_the_flips(
    rates: tuple[int, int], cpu_ms: tuple[float, float], read: float, write: float, usd_hour: tuple[float, float, float], strong: bool
) -> None:  # fmt: skip
    """Every factor from a hundredth to a hundred times today's rates, costed one by one: the answer is today's up to the flip, and not just beyond it."""
    asked = workload(
        {"airport_day": rates[0], "update_if": {"rate_per_s": rates[1], "consistency": "strong" if strong else "any"}}
    )
    events = tuple(
        {"scenario": "sql_vs_nosql", "kind": "needed", "arm": arm, "pattern": "update_if", "consistency": "strong"}
        for arm in ("postgres", "dynamodb")
    )
    runs = measured(
        cpu("postgres", "airport_day", cpu_ms[0]), cpu("postgres", "update_if", cpu_ms[1]), units("airport_day", read, kind="read"),
        units("update_if", write, kind="write"), events=events,
    )  # fmt: skip
    choice = choose(asked, runs, listed(usd_hour))
    assert choice.best is not None

    def sql(factor: Fraction) -> Fraction | None:
        loads = [exact(ms) / 1000 * rate * factor for ms, rate in zip(cpu_ms, rates, strict=True)]
        found = []
        for (vcpu, share), hour in zip(CLASS_NAMES.values(), usd_hour, strict=True):
            gives = vcpu * min(Fraction(1, 2), exact(share))
            count = ceil(sum(loads) / gives)
            if count <= (16 if share == 1 else 1) and loads[1] <= gives:
                found.append(count * (exact(hour) * 730 + Fraction("2.3")))
        return min(found, default=None)

    def dynamodb(factor: Fraction) -> Fraction:
        return (rates[0] * exact(read) + 5 * rates[1] * exact(write)) * factor * UNIT + STORED

    def best(factor: Fraction) -> set[str]:
        costs = {"postgres": sql(factor), "dynamodb": dynamodb(factor)}
        least = min(each for each in costs.values() if each is not None)
        return {name for name, each in costs.items() if each == least}

    store = choice.best.store
    assert store in best(Fraction(1))
    flips = {one.direction: one.factor for one in choice.turns}
    low, high = flips.get("below", Fraction(0)), flips.get("above", Fraction(10**9))
    grid = [Fraction(10) ** -2 * Fraction(10_400, 10_000) ** step for step in range(236)]
    for factor in grid:
        if low < factor <= high:
            assert store in best(factor), (store, factor)
    tiny = Fraction(1, 10**12)
    for direction, factor in flips.items():
        assert store not in best(factor * (1 + tiny if direction == "above" else 1 - tiny))


def test_curves_add_up_piece_by_piece_and_end_where_one_does() -> None:
    """10 up to 2 and 20 up to 5, then nothing; with 1 a rate, half of the sum."""
    steps = Curve.cheapest([(Fraction(2), Fraction(10)), (Fraction(5), Fraction(20)), (Fraction(4), Fraction(30))])
    both = total([steps, Curve.straight(Line(each=Fraction(1)))], Fraction(1, 2))
    assert [both.at(Fraction(rate)) for rate in (1, 2, 3, 5, 6)] == [
        Fraction(11, 2), Fraction(6), Fraction(23, 2), Fraction(25, 2), None,
    ]  # fmt: skip


def test_lines_that_meet_flip_on_either_side_and_ties_stay() -> None:
    """5 against 1 a rate meet at 5; equal all along, nothing flips."""
    flat, rising = Curve.straight(Line(fixed=Fraction(5))), Curve.straight(Line(each=Fraction(1)))
    curves = {"flat": flat, "rising": rising}
    up, down = above(curves, "rising", Fraction(1)), below(curves, "flat", Fraction(9))
    assert up is not None and (up.rate, up.store) == (5, "flat")
    assert down is not None and (down.rate, down.store) == (5, "rising")
    assert (
        above({"a": flat, "b": flat}, "a", Fraction(1)) is None
        and below({"a": flat, "b": flat}, "a", Fraction(1)) is None
    )
    assert cheapest({"b": flat, "a": flat}, Fraction(3)) == "a"


def test_a_floor_holds_until_the_line_passes_it() -> None:
    """At least 3, then 2 a rate: from 1.5 on."""
    curve = Curve.at_least(Fraction(3), Line(each=Fraction(2)))
    assert [curve.at(Fraction(rate)) for rate in (1, 2)] == [3, 4]
    assert Curve.at_least(Fraction(1), Line(fixed=Fraction(3))).at(Fraction(1)) == 3
