"""A whole run of sql_vs_nosql with DynamoDB and a cache before it: rows, units, hits, and what it cannot."""

from typing import Any

import pytest
from flights_in_pandas import FlightsInPandas
from whole_runs import Place

from harness.stores_compared.patterns import PATTERNS, digest

NAME, ARMS = "sql_vs_nosql", ("dynamodb", "dynamodb_cached")
CACHED = ("flight_by_key", "aircraft_flights", "carrier_month_delays")
SMALL = (
    f"arms=[{', '.join(ARMS)}]",
    f"cached_patterns=[{', '.join(CACHED)}]",
    "rounds=2",
    "sizes=[800, 2000]",
    "keys=20",
    "growth_patterns=[count]",
    "attribute_items=500",
    "bulk_items=200",
)


@pytest.fixture
def done(place: Place) -> Place:
    sets = [word for one in SMALL for word in ("--set", f"{NAME}.{one}")]
    place.call("run", NAME, "--profile", "smoke", *sets, "--out", str(place.run), timeout_s=170)
    return place


def test_a_run_asks_dynamodb_and_the_cache_before_it(done: Place) -> None:
    """12 patterns and one at two sizes, three of them with a cache too, two rounds: 34 trials. Answers are pandas' own; the first of
    each cached question in a trial comes from the database, and what comes from the cache consumes nothing."""
    entry = done.manifest()["scenarios"][NAME]
    assert (entry["status"], entry["reason"], entry["unavailable"]) == ("complete", None, {})
    assert len(entry["trials"]) == (12 + 2 + len(CACHED)) * 2
    rows = done.samples(NAME)
    assert set(rows["outcome"]) == {"ok"}
    assert set(rows["op"]) == set(PATTERNS) - {"full_text"}
    _cached(rows[rows["arm"] == "dynamodb_cached"])
    plain = rows[rows["arm"] == "dynamodb"]
    assert set(plain["served_from"]) == {"database"}
    for kind, reads in (("read_units", True), ("write_units", False)):
        of_kind = plain[plain["op"].map(lambda op: PATTERNS[op].reads) == reads]
        assert (of_kind[kind] >= (0.5 if reads else 1.0)).all()
    _answers(done)
    _said(done)
    assert done.leftovers() == []


def _cached(rows: Any) -> None:
    assert set(rows["op"]) == set(CACHED)
    first = ~rows.sort_values("t_start").duplicated(["trial", "question"])
    assert (rows["served_from"].where(first, "cache") == rows["served_from"]).all()
    assert set(rows["served_from"][first]) == {"database"}
    hits = rows[rows["served_from"] == "cache"]
    assert len(hits) >= 20
    assert hits["read_units"].eq(0).all() and hits["round_trips"].eq(1).all()
    assert (rows[first]["read_units"] >= 0.5).all() and (rows[first]["round_trips"] >= 3).all()


def _answers(place: Place) -> None:
    """Every answer that was kept is what pandas finds in the raw CSV."""
    (tables,) = place.events("tables")
    answers, by_size = place.events("answer"), {}
    for answer in answers:
        pattern, size = answer["pattern"], answer["flights"]
        if PATTERNS[pattern].reads:
            if size not in by_size:
                by_size[size] = FlightsInPandas(1, tables["first"], size)
            right = by_size[size].answer(pattern, answer["parameters"])
            assert (answer["n"], answer["sha256"]) == (len(right), digest(right)), answer
    assert {answer["arm"] for answer in answers} == set(ARMS)
    assert {answer["pattern"] for answer in answers} == set(PATTERNS) - {"full_text"}
    moved = [answer for answer in answers if answer["pattern"] == "move_flight"]
    assert moved and all(one["read_back"][0][2] == one["parameters"]["to_tailnum"] for one in moved)


def _said(place: Place) -> None:
    """Schemas, needs, what cannot be, and what the cache's server cost; none of the twin's processor."""
    assert sorted(event["arm"] for event in place.events("schema")) == sorted(ARMS)
    cannot = {(event["arm"], event["pattern"]) for event in place.events("cannot")}
    writing = {name for name, pattern in PATTERNS.items() if not pattern.reads}
    assert cannot == {("dynamodb", "full_text"), *(("dynamodb_cached", one) for one in ("full_text", *writing))}
    needed = {(event["arm"], event["pattern"]) for event in place.events("needed")}
    assert needed == {(arm, pattern) for arm in ARMS for pattern in PATTERNS} - cannot
    assert {(event["arm"], event["server"]) for event in place.events("server_cost")} == {("dynamodb_cached", "cache")}  # fmt: skip
    floors = place.manifest()["scenarios"][NAME]["floors"]
    assert {floor["labels"]["arm"] for floor in floors} == {"dynamodb"}
