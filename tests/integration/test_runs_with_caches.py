"""Whole runs with the cache in its other modes, with one that can't be had, one too small, and one that loses a node."""

import json
import subprocess

from whole_runs import ROOT, Place, until

BRIEF = ("engines=[postgres]", "cache_shares=[0.3]", "trials=1", "warm_up_s=0.1", "measured_s=0.2")
SETS = [word for value in BRIEF for word in ("--set", f"cache_hit_rate.{value}")]


def test_a_run_says_which_cache_it_measured_and_counts_alike(place: Place) -> None:
    """Server and mode in the manifest and in the sentences; hits and misses are those of the servers, all nodes together."""
    sets = [*SETS, *(word for name in ("auth", "tls", "cluster") for word in ("--set", f"cache.{name}=true"))]
    done = place.call("run", "cache_hit_rate", "--profile", "smoke", *sets, "--out", str(place.run))
    assert done.returncode == 0, done.stdout + done.stderr
    entry = place.manifest()["scenarios"]["cache_hit_rate"]
    product = entry["servers"]["redis"]
    assert product.startswith("Redis ") and product.endswith(", AUTH, TLS, cluster of 3")
    findings = {finding["id"]: finding for finding in json.loads((place.run / "findings.json").read_text())}
    counted = findings["cache_hit_rate.postgres.miscounted_reads"]
    assert (counted["value"], product in counted["sentence"]) == (0, True)
    assert place.rows("cache_hit_rate") == entry["requests"] > 20
    assert place.leftovers() == []


def test_without_a_redis_the_cache_with_tls_is_not_measured_and_all_else_is(place: Place) -> None:
    """One line that says what is missing, exit 3; the other scenario is complete."""
    missing = place.environment | {"DBHARNESS_REDIS": str(place.temporary / "redis-server")}
    sets = [
        *SETS,
        "--set",
        "query_vs_scan.pairs=1",
        "--set",
        "query_vs_scan.table_items=[500]",
        "--set",
        "cache.tls=true",
    ]
    words = ["run", "cache_hit_rate", "query_vs_scan", "--profile", "smoke", *sets, "--out", str(place.run)]
    done = subprocess.run(place.command(*words), cwd=ROOT, env=missing, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stdout + done.stderr
    scenarios = place.manifest()["scenarios"]
    assert {name: entry["status"] for name, entry in scenarios.items()} == {
        "cache_hit_rate": "not_measured",
        "query_vs_scan": "complete",
    }
    reason = scenarios["cache_hit_rate"]["reason"]
    assert "redis-server, which isn't there" in reason and "\n" not in reason
    assert "Traceback" not in done.stdout + done.stderr


def test_a_cache_that_holds_no_item_is_refused_with_the_least_that_does(place: Place) -> None:
    """January's answers are some 3,000: a millionth of them is none. Exit 3, the setting named, what would do."""
    sets = [*SETS, "--set", "cache_hit_rate.cache_shares=[0.5, 0.000001]"]
    done = place.call("run", "cache_hit_rate", "--profile", "smoke", *sets, "--out", str(place.run))
    assert done.returncode == 3, done.stdout + done.stderr
    reason = place.manifest()["scenarios"]["cache_hit_rate"]["reason"]
    assert "cache_hit_rate.cache_shares must be >= 0.0003" in reason and reason.endswith("got 1e-06")
    assert "\n" not in reason
    assert place.leftovers() == []


def test_a_node_killed_under_load_ends_the_run_early_and_loses_no_sample(place: Place) -> None:
    """kill -9 of one of three while reads are measured: the reads go on, the node is named, every request has its row."""
    sets = [*SETS, "--set", "cache_hit_rate.measured_s=3", "--set", "cache.cluster=true"]
    process = place.start(place.command("run", "cache_hit_rate", "--profile", "smoke", *sets, "--out", str(place.run)))
    until(lambda: _begun(place, "lazy"), 60, "a trial through the cache begins")
    victim = next(process for process in place.processes() if process.name() == "valkey-server")
    victim.kill()
    assert process.wait(60) == 3, place.said
    entry = place.manifest()["scenarios"]["cache_hit_rate"]
    assert entry["status"] != "complete"
    assert entry["reason"].startswith("cache node 127.0.0.1:") and "\n" not in entry["reason"]
    samples = place.samples("cache_hit_rate")
    assert len(samples) == entry["requests"]
    lazy = samples[samples["arm"] == "lazy"]
    assert set(lazy["outcome"]) == {"ok"}
    assert (
        lazy["error_code"]
        .isin(["ConnectionRefusedError", "ConnectionError", "ConnectionResetError", "CLUSTERDOWN"])
        .any()
    )
    assert place.leftovers() == []


def _begun(place: Place, arm: str) -> bool:
    """Whether a trial of that arm has begun."""
    begun = {event["trial"] for event in place.events("trial_begin")}
    trials = place.manifest()["scenarios"]["cache_hit_rate"]["trials"] if begun else []
    return any(trial["trial"] in begun and trial["arm"] == arm for trial in trials)
