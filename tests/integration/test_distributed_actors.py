"""Several Locust processes where a trial has an actor: who operates, who writes, whose readers share a flight, and who asks one question at a time."""

import json

import pytest
from whole_runs import Place, two_processes

from harness.stores_compared.patterns import PATTERNS
from reports.load import Run

CACHE = (
    "engines=[postgres]", "trials=1", "readers=4", "keys=200", "value_bytes=256", "write_shares=[0.3]", "warm_up_s=0.1", "measured_s=0.1",
    "stale_writes_per_s=[100]", "stale_measured_s=0.5", "stampede_readers=20", "stampede_expiries=2", "stampede_ttl_s=0.15", "stampede_days=5",
)  # fmt: skip
STORES = (
    "arms=[postgres, mysql_flat, dynamodb, postgres_cached]", "rounds=1", "sizes=[800]", "attribute_items=100", "bulk_items=100",
    "parts=[patterns]",
)  # fmt: skip


def finished(place: Place, scenario: str, *words: str, sets: tuple[str, ...]) -> Run:
    """A run in two processes that came to its end: nobody lost a row or is left."""
    place.run.mkdir()
    out = place.run / "it"
    named = tuple(f"{scenario}.{one}" for one in sets)
    process = place.start(two_processes(scenario, out, *words, sets=named))
    assert process.wait(170) == 0, place.said
    run = Run.load(out)
    entry = run.scenario(scenario)
    assert entry["status"] == "complete" and all(one["done"] for one in entry["trials"])
    assert entry["requests"] == entry["rows"] == len(run.samples(scenario))
    assert "workers_lost" not in entry
    assert place.leftovers() == []
    return run


def test_a_question_at_a_time_is_asked_by_one_whose_answers_count_as_ever(place: Place) -> None:
    """Each trial in one process, with the reason as an event; every arm gave each answer that another gave; nobody else has rows."""
    run = finished(place, "sql_vs_nosql", sets=STORES)
    rows, entry = run.samples("sql_vs_nosql"), run.scenario("sql_vs_nosql")
    assert set(rows["outcome"]) == {"ok"} and set(rows["op"]) == set(PATTERNS)
    assert set(rows.groupby("trial")["worker"].nunique()) == {1}
    told = run.events_of("sql_vs_nosql", "done_by_one")
    assert {one["trial"] for one in told} == {one["trial"] for one in entry["trials"]}
    assert {one["reason"] for one in told} == {"ask one question at a time"}
    same: dict[tuple[object, ...], set[str]] = {}
    for one in run.events_of("sql_vs_nosql", "answer"):
        same.setdefault((one["pattern"], one["flights"], one["question"]), set()).add(one["sha256"])
    assert {pattern for pattern, *_ in same} == set(PATTERNS)
    assert {len(digests) for digests in same.values()} == {1}
    measured = rows[rows["phase"] == "measured"].groupby("trial").size().to_dict()
    costs = run.events_of("sql_vs_nosql", "server_cost")
    assert all(cost["answers"] == measured[cost["trial"]] for cost in costs)
    assert {cost["trial"] for cost in costs} >= {one["trial"] for one in entry["trials"] if one["arm"] != "dynamodb"}


@pytest.mark.timeout(400)
def test_databases_are_operated_by_one_while_all_load_them(place: Place) -> None:
    """Both processes have rows of each trial with writes; connections beyond a limit are refused however many ask; restores are alike."""
    sets = (
        "parts=[parameters, connections, snapshots]", "connection_limits=[25]", "connections_beyond=2", "snapshot_flights=[500]",
        "parameter_groups=[default]", "flights=500",
    )  # fmt: skip
    run = finished(place, "rds_operations", "-u", "32", "-r", "32", sets=sets)
    rows = run.samples("rds_operations")
    writes = rows[rows["op"] == "write"]
    assert set(writes[writes["part"] == "connections"]["outcome"]) == {"ok"}
    assert set(writes[writes["part"] == "parameters"].groupby("trial")["worker"].nunique()) == {2}
    assert not rows.duplicated(["op_id", "attempt"]).any()
    above = rows[(rows["op"] == "connect") & (rows["arm"] == "above")]
    failed = above[above["outcome"] == "error"].groupby("engine", observed=True)["error_code"].agg(list)
    assert failed.to_dict() == {"mysql": ["1040"] * 2, "postgres": ["53300"] * 5}
    restored = [one for one in run.events_of("rds_operations", "snapshot") if one["operation"] == "restore"]
    assert [(one["rows_equal"], one["unlike"]) for one in restored] == [(True, [])] * len(restored) and len(
        restored
    ) == 2
    checks = run.events_of("rds_operations", "ledger_checked")
    assert checks and all(one["lost"] == 0 < one["acknowledged"] for one in checks)


def test_caches_are_written_and_stampeded_from_two_processes_as_from_one(place: Place) -> None:
    """Readers of both; versions go up by one writer's order; who is told of writes reads no old ones; a stampede has one process."""
    run = finished(place, "cache_hit_rate", sets=(*CACHE, "parts=[write_share, stale, stampede]"))
    rows = run.samples("cache_hit_rate")
    assert set(rows["outcome"]) == {"ok"}
    parts = {one["trial"]: one["labels"]["part"] for one in run.scenario("cache_hit_rate")["trials"]}
    by_trial = rows.assign(part=rows["trial"].map(parts)).groupby(["part", "trial"])["worker"].nunique()
    assert set(by_trial["write_share"]) == {2} and set(by_trial["stale"]) == {2} and set(by_trial["stampede"]) == {1}
    assert {one["reason"] for one in run.events_of("cache_hit_rate", "done_by_one")} == {
        "have readers that share a single flight, which is each process's own"
    }
    findings = json.loads((run.path / "findings.json").read_text())
    behind = {one["labels"]["arm"]: one["value"] for one in findings if one["id"].endswith("stale.stale_share")}
    assert behind["lazy"] > 0.05 and behind["write_through"] < 0.02 and behind["invalidate"] < 0.02
