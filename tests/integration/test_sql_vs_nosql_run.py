"""A whole run of sql_vs_nosql with the SQL arms: rows, events, and answers that all arms agree on."""

from collections import Counter
from typing import Any

import pytest
from whole_runs import Place

from harness.stores_compared.patterns import PATTERNS, digest

NAME, ARMS = "sql_vs_nosql", ("postgres", "postgres_flat", "mysql", "mysql_flat")
SMALL = (
    f"arms=[{', '.join(ARMS)}]",
    "rounds=2",
    "sizes=[800, 2000]",
    "growth_patterns=[count]",
    "attribute_items=300",
    "bulk_items=200",
)


@pytest.fixture
def done(place: Place) -> Place:
    sets = [word for one in SMALL for word in ("--set", f"{NAME}.{one}")]
    place.call("run", NAME, "--profile", "quick", *sets, "--out", str(place.run), timeout_s=170)
    return place


def test_a_run_asks_every_arm_everything_and_says_what_it_cost(done: Place) -> None:
    """13 patterns and one at two sizes, four arms, two rounds: 120 trials, each with its rows and its cost; nothing is left."""
    entry = done.manifest()["scenarios"][NAME]
    assert (entry["status"], entry["reason"], entry["unavailable"]) == ("complete", None, {})
    assert len(entry["trials"]) == (13 + 2) * 4 * 2
    rows = done.samples(NAME)
    assert len(rows) == entry["requests"]
    assert set(rows["outcome"]) == {"ok"}
    assert set(rows["op"]) == set(rows["pattern"]) == set(PATTERNS)
    assert (
        set(rows["served_from"]) == {"database"} and (rows["round_trips"] >= 1).all() and (rows["question"] >= 0).all()
    )
    assert rows[rows["op"] == "add_attribute"]["round_trips"].eq(2).all()
    _costs(done, entry, rows)
    _answers(done)
    assert done.leftovers() == []


def _costs(place: Place, entry: dict[str, Any], rows: Any) -> None:
    """Every trial has one, of the arm's own engine, for as many answers as it measured; reads wrote next to nothing."""
    costs = place.events("server_cost")
    measured = rows[rows["phase"] == "measured"].groupby("trial").size().to_dict()
    assert {cost["trial"]: cost["answers"] for cost in costs} == measured
    assert set(measured) == {trial["trial"] for trial in entry["trials"]}
    assert all(cost["server"] == cost["arm"].removesuffix("_flat") for cost in costs)
    assert all(0 < cost["cpu_s"] < 20 for cost in costs)
    of = {trial["trial"]: trial["labels"]["pattern"] for trial in entry["trials"]}
    loading = [cost["write_bytes"] / cost["answers"] for cost in costs if of[cost["trial"]] == "bulk_load"]
    assert min(loading) > 200 * 50  # 200 flights of some 100 bytes, written at least once


def _answers(place: Place) -> None:
    """Each question of each step was kept for all four arms, which agree; what was written was read back as written."""
    answers = place.events("answer")
    by_question: dict[Any, list[dict[str, Any]]] = {}
    for answer in answers:
        by_question.setdefault((answer["part"], answer["pattern"], answer["flights"], answer["question"]), []).append(
            answer
        )
    assert all(sorted(one["arm"] for one in same) == sorted(ARMS) for same in by_question.values())
    assert all(len({one["sha256"] for one in same}) == 1 for same in by_question.values())
    assert {pattern for _, pattern, *_ in by_question} == set(PATTERNS)
    for answer in answers:
        assert (answer["rows"] is None) == (answer["n"] > 20)
        assert answer["rows"] is None or digest(answer["rows"]) == answer["sha256"]
        if answer["pattern"] == "update_if":
            ((*_, delay),), asked = answer["read_back"], answer["parameters"]
            assert (delay == asked["new"]) is (answer["rows"] == [[1]])
        if answer["pattern"] == "move_flight":
            assert answer["read_back"][0][2] == answer["parameters"]["to_tailnum"]


def test_a_run_says_what_was_made_and_what_each_arm_needs(done: Place) -> None:
    """One schema an arm, one line an arm and pattern, and which flights are in which table."""
    assert sorted(event["arm"] for event in done.events("schema")) == sorted(ARMS)
    assert Counter(event["arm"] for event in done.events("needed")) == dict.fromkeys(ARMS, 13)
    assert done.events("cannot") == []
    (tables,) = done.events("tables")
    assert tables["sizes"] == [800, 2000] and 8 <= len(set(tables["first"])) <= 400
    floors = done.manifest()["scenarios"][NAME]["floors"]
    assert {floor["labels"]["arm"] for floor in floors} == set(ARMS)
