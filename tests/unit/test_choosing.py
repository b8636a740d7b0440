"""What stands against a store, how it is sized, and what it costs, by hand."""

from fractions import Fraction
from typing import Any

import pytest
from planted_choices import cannot, cpu, exponent, finding, hit_rate, needed, units
from planted_workloads import CLASSES, key_lookups, measured, prices, workload

from harness.choosing.choose import Choice, Outcome, choose
from harness.choosing.notes import notes_of
from harness.choosing.record import command, record_of
from harness.dynamodb.pricing import InstanceClass

SMALL = {"db_t3_micro": InstanceClass(vcpu=2, memory_gib=1, baseline_share=0.1), **CLASSES}


def outcome(choice: Choice, store: str) -> Outcome:
    (found,) = (one for one in choice.outcomes if one.store == store)
    return found


def usd(choice: Choice, store: str) -> float | None:
    found = outcome(choice, store).usd_month
    return None if found is None else float(found)


def test_two_instances_in_two_zones() -> None:
    """1,500 a second of 1 ms at 1 CPU second a second each: two, at 0.356 × 730 + 20 GB × 0.23 = $264.48."""
    choice = choose(workload({"flight_by_key": 1_500}, availability="multi_az"), key_lookups(), prices())
    assert usd(choice, "postgres") == pytest.approx(2 * 264.48)
    assert outcome(choice, "postgres").bills[0].bought == "2 × db.m5.large"
    assert any("primary and its read replicas" in note for note in notes_of(choice))
    # DynamoDB costs what it does in one zone: it is in three whatever is asked.
    assert usd(choice, "dynamodb") == pytest.approx(1_500 * 0.3285 + 0.000275)


def test_a_burstable_class_gives_its_baseline_and_no_more() -> None:
    """db.t3.micro: 2 × 0.1 = 0.2 CPU seconds a second, 200 answers of 1 ms; it is the cheapest up to there, and never two of it."""
    listed = prices(SMALL, rds__postgres_db_t3_micro_hour_usd=0.018)
    bought = [
        outcome(choose(workload({"flight_by_key": rate}, stores=["postgres"]), key_lookups(), listed), "postgres").bills[0].bought
        for rate in (200, 201)
    ]  # fmt: skip
    assert bought == ["db.t3.micro", "db.m5.large"]


def test_more_copies_than_there_may_be_replicas_cant_be_had() -> None:
    """A primary and 15 replicas give 16 CPU seconds a second."""
    choice = choose(workload({"flight_by_key": 16_001}), key_lookups(), prices())
    assert outcome(choice, "postgres").reasons == ("16 CPU seconds a second are more than 16 copies give",)


def test_data_that_fit_no_memory_are_refused_or_split() -> None:
    """Three quarters of 8 GiB are 6.44 GB; 10 GB fit two halves: two instances, each with its least storage of 20 GB."""
    data = {"data": {"items": 1_000, "item_bytes": 10_000_000}}
    runs = key_lookups()
    whole = choose(workload({"flight_by_key": 10}, **data), runs, prices())
    assert (
        "10 GB of hot data don't fit the memory of any class (6.44 GB at most)" in outcome(whole, "postgres").reasons[0]
    )
    split = choose(workload({"flight_by_key": 10}, **data, sql={"sharding": True}), runs, prices())
    assert outcome(split, "postgres").bills[0].bought == "2 × db.m5.large, the data split over them"
    assert usd(split, "postgres") == pytest.approx(2 * (129.94 + 2.30))
    half = {"data": {"items": 1_000, "item_bytes": 10_000_000, "hot_share": 0.5}}
    assert usd(choose(workload({"flight_by_key": 10}, **half), runs, prices()), "postgres") == pytest.approx(132.24)


def test_writes_have_to_fit_the_primary() -> None:
    """1,200 a second of 1 ms are 1.2 CPU seconds; one instance gives 1."""
    runs = measured(cpu("postgres", "update_if", 1.0))
    choice = choose(workload({"update_if": 1_200}, stores=["postgres"]), runs, prices())
    assert choice.best is None
    (reason,) = outcome(choice, "postgres").reasons
    assert reason.startswith(
        "what only the primary may answer takes 1.2 CPU seconds a second, and the largest class gives 1"
    )


def test_a_store_that_cannot_is_out_or_has_a_helper() -> None:
    """The reason is the run's; the helper's price as given, unknown where it isn't: never zero."""
    runs = measured(
        cpu("postgres", "full_text", 1.0), cannot("dynamodb", "full_text", "no text search"), units("count", 1, kind="read"),
        cpu("postgres", "count", 1.0),
    )  # fmt: skip
    use: dict[str, Any] = {"count": 10, "full_text": {"rate_per_s": 1}}
    out = choose(workload(use), runs, prices())
    assert outcome(out, "dynamodb").reasons == ("it cannot full_text: no text search",)
    use["full_text"] |= {"if_cannot": "helper"}
    assert outcome(choose(workload(use), runs, prices()), "dynamodb").costs.unknown == (
        "the helper for full_text (helper_usd_month)",
    )
    use["full_text"] |= {"helper_usd_month": 60}
    helped = choose(workload(use), runs, prices())
    assert usd(helped, "dynamodb") == pytest.approx(60 + 10 * 0.3285 + 0.000275)
    assert "a helper for full_text" in outcome(helped, "dynamodb").bills[0].bought


def test_the_event_cannot_is_enough() -> None:
    """Where the findings are silent."""
    event = {
        "scenario": "sql_vs_nosql",
        "kind": "cannot",
        "arm": "dynamodb",
        "pattern": "full_text",
        "reason": "no text search",
    }
    choice = choose(workload({"full_text": 1}), measured(events=(event,)), prices())
    assert outcome(choice, "dynamodb").reasons == ("it cannot full_text: no text search",)


def test_what_isnt_strongly_consistent_is_out_and_what_isnt_said_is_lacking() -> None:
    """Read committed on the primary is strong, durable or not; eventual isn't; a cache is passed by."""
    use = {"flight_by_key": {"rate_per_s": 10, "consistency": "strong"}}
    records = (
        cpu("postgres", "flight_by_key", 1.0), cpu("mysql", "flight_by_key", 1.0), units("flight_by_key", 0.5, kind="read"),
        hit_rate("postgres", "flight_by_key", 0.9),
    )  # fmt: skip
    events = (
        needed("postgres", "flight_by_key", "read committed, durable at once"),
        needed("dynamodb", "flight_by_key", "eventual"),
    )
    choice = choose(workload(use), measured(*records, events=events), prices())
    assert [one.store for one in choice.ranked] == ["postgres"]
    assert outcome(choice, "dynamodb").reasons == (
        "flight_by_key is asked for strongly consistent, and was measured eventual",
    )
    assert [one.figure for one in outcome(choice, "mysql").costs.case.lacking] == ["consistency"]
    assert "nothing that is asked could come from a cache" in outcome(choice, "postgres_cached").reasons


def test_a_missing_figure_is_named_with_what_measures_it() -> None:
    """No verdict without one; a reason that the run gives is kept."""
    runs = measured(
        cpu("postgres", "airport_day", 1.0), finding("cpu_ms_per_answer", "mysql", "airport_day", None, reason="the server died"),
    )  # fmt: skip
    choice = choose(workload({"airport_day": 5, "count": 1}, stores=["postgres", "mysql"]), runs, prices())
    assert choice.best is None and not choice.stands_on()
    lacking = outcome(choice, "mysql").costs.case.lacking
    assert [(one.pattern, one.why) for one in lacking] == [("airport_day", "the server died"), ("count", None)]
    assert command(choice) == (
        "dbharness run sql_vs_nosql --profile standard --set 'sql_vs_nosql.arms=[postgres, mysql]' "
        "--set 'sql_vs_nosql.patterns=[airport_day, count]' --set 'sql_vs_nosql.parts=[patterns]'"
    )


def test_a_cost_that_grows_is_taken_to_the_workloads_items_by_its_exponent() -> None:
    """Measured on 1,000; at 16,000 items with exponent 0.5 an answer of 1 ms takes 4: 500 a second are two instances."""
    data = {"data": {"items": 16_000, "item_bytes": 1_000}}
    runs = measured(
        cpu("postgres", "airport_day", 1.0),
        exponent("postgres", "airport_day", 0.5, of="cpu"),
        units("airport_day", 1, kind="read"),
    )
    choice = choose(workload({"airport_day": 500}, **data), runs, prices())
    assert usd(choice, "postgres") == pytest.approx(2 * 132.24)
    assert [figure.id for figure in choice.stands_on()] == [
        "sql_vs_nosql.cpu_ms_per_answer",
        "sql_vs_nosql.growth_exponent",
    ]
    assert [(one.figure, one.part) for one in outcome(choice, "dynamodb").costs.case.lacking] == [
        ("growth_exponent", "growth")
    ]
    assert "'sql_vs_nosql.parts=[patterns, growth]'" in str(command(choice))
    assert any("16,000, 16 times as many" in note for note in notes_of(choice))


def test_what_changes_data_is_supposed_not_to_grow_and_what_touches_all_to_grow_alike() -> None:
    """Said as a supposition. add_attribute of 1,000 items takes 200 ms, of 2,000 twice: 1.2 CPU seconds for three a second, more than one primary gives."""
    data = {"data": {"items": 2_000, "item_bytes": 1_000}, "stores": ["postgres"]}
    steady = choose(workload({"update_if": 900}, **data), measured(cpu("postgres", "update_if", 1.0)), prices())
    assert usd(steady, "postgres") == pytest.approx(132.24)
    assert any(note.startswith("update_if is supposed not to grow with the table") for note in notes_of(steady))
    runs = measured(cpu("postgres", "add_attribute", 200.0))
    assert usd(choose(workload({"add_attribute": 2}, **data), runs, prices()), "postgres") == pytest.approx(132.24)
    assert choose(workload({"add_attribute": 3}, **data), runs, prices()).best is None


def test_growth_over_months_is_priced_month_by_month() -> None:
    """700 a second, half as many again each month: 700, 1,050, 1,575: one instance, then two, then two; the mean of three."""
    growth = {"growth": {"months": 3, "rate_percent_a_month": 50}}
    choice = choose(workload({"flight_by_key": 700}, **growth, stores=["postgres"]), key_lookups(), prices())
    assert [float(bill.usd) for bill in outcome(choice, "postgres").bills] == pytest.approx([132.24, 264.48, 264.48])
    assert usd(choice, "postgres") == pytest.approx(5 * 132.24 / 3)


def test_growing_items_cost_storage_and_the_cheapest_changes_by_month() -> None:
    """402 a second are DynamoDB's at first, 603 PostgreSQL's."""
    growth = {"growth": {"months": 2, "rate_percent_a_month": 50}}
    record = record_of(choose(workload({"flight_by_key": 402}, **growth), key_lookups(), prices()))
    assert [one["cheapest"] for one in record["months"]] == ["dynamodb", "postgres"]


def test_a_cache_answers_its_hits_and_costs_its_nodes() -> None:
    """2,000 reads a second of which 0.75 hit leave 500: one instance, and a node of 0.0128 × 730 = $9.344; with a replica twice that."""
    runs = measured(cpu("postgres", "airport_day", 1.0), hit_rate("postgres", "airport_day", 0.75))
    choice = choose(workload({"airport_day": 2_000}, stores=["postgres", "postgres_cached"]), runs, prices())
    assert (usd(choice, "postgres"), usd(choice, "postgres_cached")) == pytest.approx((2 * 132.24, 132.24 + 9.344))
    assert outcome(choice, "postgres_cached").bills[0].bought == "db.m5.large + cache.t4g.micro"
    twice = choose(
        workload({"airport_day": 2_000}, stores=["postgres_cached"], availability="multi_az"), runs, prices()
    )
    assert usd(twice, "postgres_cached") == pytest.approx(264.48 + 2 * 9.344)
    assert outcome(twice, "postgres_cached").bills[0].bought.endswith("cache.t4g.micro and a replica")


def test_writes_pass_a_cache_by() -> None:
    """400 writes and 500 of 2,000 reads are 0.9 CPU seconds: one instance."""
    runs = measured(
        cpu("postgres", "airport_day", 1.0), cpu("postgres", "update_if", 1.0), hit_rate("postgres", "airport_day", 0.75),
    )  # fmt: skip
    choice = choose(workload({"airport_day": 2_000, "update_if": 400}, stores=["postgres_cached"]), runs, prices())
    parts = outcome(choice, "postgres_cached").bills[0].parts
    assert parts["update_if"] == Fraction("129.94") * 4 / 9
    assert parts["airport_day"] == Fraction("129.94") * 5 / 9


def test_more_nodes_hold_what_one_cant() -> None:
    """Three quarters of 512 MiB are 402,653,184 bytes; a million entries of 1,080 bytes need three of it."""
    data = {"data": {"items": 1_000_000, "item_bytes": 1_000}}
    runs = measured(
        cpu("postgres", "airport_day", 1.0, step="1000000"), hit_rate("postgres", "airport_day", 0.5, step="1000000"),
    )  # fmt: skip
    choice = choose(workload({"airport_day": 1}, **data, stores=["postgres_cached"]), runs, prices())
    assert outcome(choice, "postgres_cached").bills[0].bought == "db.m5.large + 3 × cache.t4g.micro"


@pytest.mark.parametrize(
    ("key", "store", "said"),
    [
        ("rds__postgres_db_m5_large_hour_usd", "postgres", "an instance for postgres"),
        ("rds__storage_gb_month_usd", "postgres", "rds.storage_gb_month_usd"),
        ("dynamodb__on_demand_read_usd_per_million", "dynamodb", "dynamodb.on_demand_read_usd_per_million"),
        ("dynamodb__storage_gb_month_usd", "dynamodb", "dynamodb.storage_gb_month_usd"),
        ("elasticache__valkey_cache_t4g_micro_hour_usd", "postgres_cached", "a cache node with valkey"),
    ],
)
def test_a_price_that_isnt_known_is_said_and_never_zero(key: str, store: str, said: str) -> None:
    """The store isn't ranked; the others are."""
    runs = measured(
        cpu("postgres", "airport_day", 1.0), hit_rate("postgres", "airport_day", 0.5), units("airport_day", 1, kind="read"),
    )  # fmt: skip
    choice = choose(workload({"airport_day": 10}), runs, prices(**{key: None}))
    assert outcome(choice, store).usd_month is None
    assert outcome(choice, store).costs.unknown == (said,)
    assert choice.best is not None and choice.best.store != store


def test_a_write_price_that_nothing_needs_may_be_missing() -> None:
    """Only reads are asked for."""
    choice = choose(
        workload({"flight_by_key": 1}), key_lookups(), prices(dynamodb__on_demand_write_usd_per_million=None)
    )
    assert usd(choice, "dynamodb") == pytest.approx(0.3285 + 0.000275)


def test_a_class_without_a_price_is_left_out_and_named() -> None:
    """The others do."""
    choice = choose(workload({"flight_by_key": 1}), key_lookups(), prices(SMALL))
    assert outcome(choice, "postgres").costs.unpriced == ("db.t3.micro",)
    assert any("lacks their price or size: db.t3.micro" in note for note in notes_of(choice))


def test_provisioned_units_are_used_to_70_percent_and_one_at_least() -> None:
    """7 read units a second want 10; no writes want one: 10 × 0.00013 × 730 + 0.00065 × 730 = $1.4235."""
    asked = workload({"flight_by_key": 7}, dynamodb={"capacity": "provisioned"}, stores=["dynamodb"])
    choice = choose(asked, key_lookups(), prices())
    assert usd(choice, "dynamodb") == pytest.approx(1.4235 + 0.000275)
    assert outcome(choice, "dynamodb").bills[0].bought == "10 read and 1 write units a second provisioned, used to 70 %"


def test_units_are_told_apart_by_kind_and_else_by_the_pattern() -> None:
    """move_flight reads 2 and writes 4: 2 × 0.3285 + 4 × 1.6425 = $7.227 a second of it; as 6 of no kind they are writes: $9.855."""
    apart = measured(units("move_flight", 2, kind="read"), units("move_flight", 4, kind="write"))
    together = measured(units("move_flight", 6))
    asked = workload({"move_flight": 1}, stores=["dynamodb"])
    assert usd(choose(asked, apart, prices()), "dynamodb") == pytest.approx(7.227 + 0.000275)
    assert usd(choose(asked, together, prices()), "dynamodb") == pytest.approx(9.855 + 0.000275)


def test_the_largest_table_measured_counts_and_latency_never_does() -> None:
    """Of three sizes that of 9,000; a growth of latency isn't one of cost."""
    runs = measured(
        cpu("postgres", "count", 1.0, step="1000"), cpu("postgres", "count", 9.0, step="9000"), cpu("postgres", "count", 3.0, step="3000"),
        exponent("postgres", "count", 5.0, of="latency"), exponent("postgres", "count", 1.0, of="cpu"),
    )  # fmt: skip
    figure = runs.get("cpu_ms_per_answer", "postgres", "count")
    assert figure is not None and (figure.value, figure.items) == (9.0, 9_000)
    grown = runs.get("growth_exponent", "postgres", "count")
    assert grown is not None and grown.value == 1.0


def test_the_pattern_that_decides_is_the_one_without_which_the_answer_changes() -> None:
    """300 lookups cost $98.55 in units and 200 of airport_day $65.70: together more than an instance, alone less."""
    runs = measured(
        cpu("postgres", "flight_by_key", 0.5), cpu("postgres", "airport_day", 0.5), cpu("postgres", "count", 0.5),
        units("flight_by_key", 1, kind="read"), units("airport_day", 1, kind="read"), units("count", 1, kind="read"),
    )  # fmt: skip
    choice = choose(workload({"flight_by_key": 300, "airport_day": 200, "count": 1}), runs, prices())
    assert choice.decides == {"flight_by_key": "dynamodb", "airport_day": "dynamodb"}
    difference = record_of(choice)["difference"]
    assert difference["to"] == "dynamodb" and difference["part"] == "flight_by_key"


def test_the_share_that_may_be_busy_is_varied_and_its_flips_with_it() -> None:
    """At 0.3 an instance gives 600 answers of 1 ms, at 0.7 it gives 1,400: the step from where 500 a second stand."""
    choice = choose(
        workload({"flight_by_key": 500}, stores=["postgres", "dynamodb"]), key_lookups(read_units=0.5), prices()
    )
    low, high, worst = choice.variations
    assert (low.name, high.name) == ("0.3 of a vCPU busy", "0.7 of a vCPU busy")
    assert low.cheapest == high.cheapest == "dynamodb"
    # Units of 0.5: $0.16425 each; PostgreSQL from 805.11 on, which at 0.3 takes two instances, at 0.7 one up to 1,400.
    assert {one.direction: (one.store, float(one.rate_per_s)) for one in high.turns}["above"] == (
        "postgres",
        pytest.approx(805.11, abs=0.01),
    )
    assert not any(one.direction == "above" for one in low.turns)
    assert worst.cheapest == "dynamodb"


def test_figures_at_the_ends_of_their_intervals_stand_against_the_answer() -> None:
    """390 a second are $128.12 in units of 1; at 1.1 they are $140.92, more than an instance."""
    runs = measured(cpu("postgres", "airport_day", 1.0), units("airport_day", 1.0, kind="read", width=0.1))
    choice = choose(workload({"airport_day": 390}), runs, prices())
    assert choice.best is not None and choice.best.store == "dynamodb"
    assert choice.variations[-1].cheapest == "postgres"


def test_more_units_than_a_table_may_have_are_said() -> None:
    """40,000 of each kind until the quota is raised (B11)."""
    choice = choose(workload({"flight_by_key": 50_000}, stores=["dynamodb"]), key_lookups(), prices())
    assert any(
        note.startswith("dynamodb asks for 50,000 read units a second; a table's quota is 40,000")
        for note in notes_of(choice)
    )


def test_an_interval_that_passes_what_can_be_is_cut_there() -> None:
    """CPU between −1 and 3 ms, hits between 80 and 110 %: nothing takes less than nothing, and no more than all hit."""
    runs = measured(
        cpu("postgres", "airport_day", 1.0, width=2.0), hit_rate("postgres", "airport_day", 0.95, width=0.15)
    )
    choice = choose(workload({"airport_day": 2_000}, stores=["postgres", "postgres_cached"]), runs, prices())
    assert choice.best is not None and choice.best.store == "postgres_cached"
    # The answer: 3 ms × 2,000 × 0.2 = 1.2 CPU seconds, two instances and the node. PostgreSQL at 0 ms: one instance.
    worst = choice.variations[-1].usd
    assert (worst["postgres_cached"], worst["postgres"]) == (
        2 * Fraction("132.24") + Fraction("9.344"),
        Fraction("132.24"),
    )
