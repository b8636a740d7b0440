"""What must hold of every choice, whatever the figures: cheaper never ranks lower, more never costs less, and nothing is named without a figure."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from planted_choices import cannot, cpu, exponent, hit_rate, needed, units
from planted_workloads import VALUES, measured, prices, workload

from harness.choosing.choose import choose
from harness.choosing.figures import Measured
from harness.choosing.record import record_of

numbers = st.integers(1, 400).map(lambda n: n / 40)
rates = st.integers(1, 5_000)


def three_stores(pg_ms: float, my_ms: float, read: float, hits: float) -> Measured:
    return measured(
        cpu("postgres", "airport_day", pg_ms), cpu("mysql", "airport_day", my_ms), units("airport_day", read, kind="read"),
        hit_rate("postgres", "airport_day", hits), hit_rate("dynamodb", "airport_day", hits),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    rate=rates, pg_ms=numbers, my_ms=numbers, read=numbers, hits=st.integers(0, 99).map(lambda n: n / 100),
    key=st.sampled_from(sorted(VALUES)), less=st.integers(0, 99).map(lambda n: n / 100),
)  # fmt: skip
def test_a_price_that_falls_never_lowers_the_rank_of_who_pays_it(
    rate: int, pg_ms: float, my_ms: float, read: float, hits: float, key: str, less: float
) -> None:
    """One price is lowered; a store whose own cost it is part of doesn't fall behind one that doesn't pay it."""
    runs = three_stores(pg_ms, my_ms, read, hits)
    before = choose(workload({"airport_day": rate}), runs, prices())
    after = choose(workload({"airport_day": rate}), runs, prices(**{key.replace(".", "__"): VALUES[key] * less}))
    was, now = ({one.store: one.usd_month for one in choice.ranked} for choice in (before, after))
    payers = {store for store in was if now[store] < was[store]}  # type: ignore[operator]
    others = was.keys() - payers
    for store in payers:
        ahead = {one for one in others if was[one] < was[store]}  # type: ignore[operator]
        assert {one for one in others if now[one] < now[store]} <= ahead  # type: ignore[operator]
    assert all(now[store] == was[store] for store in others)


@settings(max_examples=40, deadline=None)
@given(rate=rates, more=st.integers(1, 1_000), pg_ms=numbers, my_ms=numbers, read=numbers)
def test_more_answers_never_cost_less(rate: int, more: int, pg_ms: float, my_ms: float, read: float) -> None:
    """Of every store that still can."""
    runs = three_stores(pg_ms, my_ms, read, 0.5)
    few, many = (choose(workload({"airport_day": each}), runs, prices()) for each in (rate, rate + more))
    less = {one.store: one.usd_month for one in few.ranked}
    for one in many.ranked:
        assert one.usd_month >= less[one.store]  # type: ignore[operator]


@settings(max_examples=25, deadline=None)
@given(rate=rates, pg_ms=numbers, read=numbers, share=st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0]))
def test_what_may_be_busier_never_costs_more(rate: int, pg_ms: float, read: float, share: float) -> None:
    """The share of a vCPU that may be busy, raised by a half."""
    runs = three_stores(pg_ms, pg_ms, read, 0.5)
    low, high = (
        choose(
            workload({"airport_day": rate}, sql={"busy_share": each}, stores=["postgres", "dynamodb"]), runs, prices()
        )
        for each in (share * 2 / 3, share)
    )
    usd = {one.store: one.usd_month for one in high.ranked}
    assert all(one.usd_month >= usd[one.store] for one in low.ranked)  # type: ignore[operator]


@settings(max_examples=30, deadline=None)
@given(have=st.sets(st.integers(0, 5)), rate=rates)
def test_a_store_is_ranked_only_if_every_figure_of_it_was_measured(have: set[int], rate: int) -> None:
    """Any of the six figures of two patterns on three stores may be absent: exactly the whole ones are ranked, the others name what they lack."""
    records = [
        cpu("postgres", "airport_day", 1.0), cpu("postgres", "count", 1.0), cpu("mysql", "airport_day", 1.0), cpu("mysql", "count", 1.0),
        units("airport_day", 1.0, kind="read"), units("count", 1.0, kind="read"),
    ]  # fmt: skip
    runs = measured(*(record for place, record in enumerate(records) if place in have))
    record = record_of(choose(workload({"airport_day": rate, "count": 1}), runs, prices()))
    whole = {name for name, places in (("postgres", {0, 1}), ("mysql", {2, 3}), ("dynamodb", {4, 5})) if places <= have}
    ranked = {one["store"] for one in record["outcomes"] if one["usd_month"] is not None}
    assert ranked <= whole and record["best"] in (ranked or {None})
    for one in record["outcomes"]:
        assert one["store"] in ranked or one["lacking"] or one["reasons"]


def test_the_mean_of_the_months_is_that_of_the_bills_and_of_the_curve() -> None:
    """Two ways to the same dollars, with growth, a cache and a helper."""
    runs = measured(
        cpu("postgres", "airport_day", 0.7), hit_rate("postgres", "airport_day", 0.6), cannot("postgres", "full_text", "no"),
        exponent("postgres", "airport_day", 0.4), units("airport_day", 2.5, kind="read"), exponent("dynamodb", "airport_day", 1.0),
        cannot("dynamodb", "full_text", "no"), events=(needed("postgres", "airport_day", "read committed"),),
    )  # fmt: skip
    asked = workload(
        {"airport_day": 1_400, "full_text": {"rate_per_s": 1, "if_cannot": "helper", "helper_usd_month": 60}},
        growth={"months": 9, "rate_percent_a_month": 10, "items_percent_a_month": 3},
    )  # fmt: skip
    choice = choose(asked, runs, prices())
    assert {one.store for one in choice.ranked} == {"postgres", "postgres_cached", "dynamodb"}
    for one in choice.ranked:
        assert one.usd_month == choice.curves[one.store].at(Fraction(1))
        assert sum(bill.usd for bill in one.bills) / 9 == one.usd_month
        assert all(bill.usd == sum(bill.parts.values()) for bill in one.bills)
