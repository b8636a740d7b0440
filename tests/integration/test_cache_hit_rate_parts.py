"""Every part of cache_hit_rate in its smallest form, against real servers: columns, counters, events, and no row lost."""

from typing import Any

import pandas as pd
import pytest
from whole_runs import Place

NAME = "cache_hit_rate"
SMALL = (
    "trials=1", "cache_shares=[0.3]", "warm_up_s=0.1", "measured_s=0.1", "keys=200", "value_bytes=256",
    "ttls_s=[0.1]", "ttl_measured_s=0.2", "skews=[dest, zipf_1.0]", "skew_warm_up_s=0.1", "skew_measured_s=0.2",
    "write_shares=[0.3]", "value_sizes=[16384]", "value_size_keys=50", "policies=[volatile-lru]", "warm_up_shares=[0.5]",
    "warm_up_keys=200", "warm_up_measured_s=0.2", "stale_writes_per_s=[100]", "stale_measured_s=0.3",
    "stampede_readers=20", "stampede_expiries=2", "stampede_ttl_s=0.15", "stampede_days=5",
)  # fmt: skip


def run(place: Place, *sets: str, parts: str, profile: str = "smoke") -> dict[str, Any]:
    """A run of these parts that came to its end and left nothing; what the manifest says of it."""
    words = [word for one in (*SMALL, f"parts=[{parts}]", *sets) for word in ("--set", f"{NAME}.{one}")]
    done = place.call("run", NAME, "--profile", profile, *words, "--out", str(place.run), timeout_s=170)
    assert done.returncode == 0, done.stdout + done.stderr
    entry: dict[str, Any] = place.manifest()["scenarios"][NAME]
    assert entry["status"] == "complete"
    assert place.leftovers() == []
    return entry


def rows_of(place: Place, entry: dict[str, Any]) -> pd.DataFrame:
    """All rows, each with its part; as many as Locust counted requests."""
    rows = place.samples(NAME)
    assert len(rows) == entry["requests"]
    parts = {trial["trial"]: trial["labels"]["part"] for trial in entry["trials"]}
    return rows.assign(part=rows["trial"].map(parts))


def events_of(place: Place, kind: str) -> dict[int, dict[str, Any]]:
    """The event of a kind that each trial has."""
    return {event["trial"]: event for event in place.events(kind)}


def counted_alike(place: Place, entry: dict[str, Any]) -> list[int]:
    """The trials whose counters were compared; hits and misses are the servers', to the last one."""
    events = events_of(place, "cache_stats")
    for event in events.values():
        assert (event["client_hits"], event["client_misses"]) == (event["keyspace_hits"], event["keyspace_misses"]), (
            event
        )
    assert set(events) <= {trial["trial"] for trial in entry["trials"]}
    return sorted(events)


def test_all_parts_but_lost_on_postgres_count_as_the_servers_do(place: Place) -> None:
    """Each part has rows; every trial with a cache has counters that agree; params, columns and events are there."""
    parts = "size, ttl, skew, write_share, value_size, policy, warm_up, stale, stampede"
    entry = run(place, "engines=[postgres]", parts=parts)
    trials = entry["trials"]
    with_cache = [trial["trial"] for trial in trials if trial["arm"] != "no_cache"]
    assert counted_alike(place, entry) == with_cache
    rows = rows_of(place, entry)
    assert set(rows["part"]) == set(parts.split(", "))
    assert set(rows["outcome"]) == {"ok"}
    assert (rows["key"] >= 0).all() and set(rows["engine"]) == {"postgres"}
    _ttl_and_skew(place, trials, rows)
    _policies(rows)
    _stale(place, trials, rows)
    _stampede(place, trials, rows)


def _ttl_and_skew(place: Place, trials: list[dict[str, Any]], rows: pd.DataFrame) -> None:
    assert rows[rows["part"].isin(["ttl", "skew"])]["t_intended"].notna().all()
    (dest,) = (trial for trial in trials if trial["step"] == "dest")
    shares = events_of(place, "key_shares")[None]["shares"]  # type: ignore[index] # of no trial
    assert len(shares) == dest["params"]["keys"] > 80
    assert sum(shares) == pytest.approx(1) and shares == sorted(shares, reverse=True)
    assert rows[rows["step"] == "dest"]["key"].max() < len(shares)


def _policies(rows: pd.DataFrame) -> None:
    """E4's trap: without a TTL every set of volatile-lru is refused, with one none is."""
    policy = rows[rows["part"] == "policy"]
    missed = policy[policy["hit"] == False]  # noqa: E712 - a column that may hold None
    refused = missed.groupby("arm")["error_code"].apply(lambda codes: (codes == "OOM").mean())
    assert refused["lazy"] > 0.9 and refused["lazy_ttl"] == 0


def _stale(place: Place, trials: list[dict[str, Any]], rows: pd.DataFrame) -> None:
    """Versions never run ahead of what was written; who isn't told of writes reads old values, who is doesn't."""
    stale = rows[rows["part"] == "stale"]
    assert set(stale["role"]) == {"reader", "writer"} and set(stale["op"]) == {"read", "write"}
    reads, writes = stale[stale["role"] == "reader"], stale[stale["role"] == "writer"]
    assert reads["bytes"].between(258, 264).all() and writes["bytes"].between(258, 264).all()  # a version, and 256
    newest = writes["version_current"].max()
    assert reads[["version_read", "version_current"]].notna().all().all()
    assert reads["version_read"].max() <= newest
    behind = reads.assign(old=reads["version_read"] < reads["version_current"]).groupby("arm")["old"].mean()
    assert behind["lazy"] > 0.05 and behind["write_through"] < 0.02 and behind["invalidate"] < 0.02
    checked = events_of(place, "cache_checked")
    for trial in (trial for trial in trials if trial["labels"]["part"] == "stale"):
        found = checked[trial["trial"]]
        assert 0 < found["cached"] <= 50 and 0 <= found["stale"] <= found["cached"]
        if trial["arm"] in (
            "write_through",
            "invalidate",
        ):  # a load that a write overtakes on its way is seldom, not never
            assert found["stale"] <= 1


def _stampede(place: Place, trials: list[dict[str, Any]], rows: pd.DataFrame) -> None:
    """Twice a trial the TTL ends; each load is a row's, and single flight has one an expiry."""
    asked = rows[rows["part"] == "stampede"].groupby("trial")["db_ns"].count()
    for trial in (trial for trial in trials if trial["labels"]["part"] == "stampede"):
        last = events_of(place, "expiry")[trial["trial"]]
        assert last["set_ns"] < last["t_ns"] <= last["settled_ns"] or trial["arm"] == "xfetch"
        assert trial["step"] == "20_readers"
        if trial["arm"] in ("single_flight", "single_flight_shared"):
            assert (last["queries"], asked[trial["trial"]]) == (1, 2)
        else:
            assert 1 <= last["queries"] <= asked[trial["trial"]] - 1


def test_parts_that_write_and_stampede_on_mysql(place: Place) -> None:
    """The same over MariaDB: the statements differ, the counters agree."""
    entry = run(place, "parts_engines=[mysql]", "engines=[mysql]", parts="write_share, stale, stampede")
    assert len(counted_alike(place, entry)) == len(entry["trials"]) == 3 + 4 + 5
    rows = rows_of(place, entry)
    assert set(rows["outcome"]) == {"ok"} and set(rows["engine"]) == {"mysql"}
    _stale(place, entry["trials"], rows)
    _stampede(place, entry["trials"], rows)


def test_a_cache_that_is_killed_or_hangs_or_is_slow_costs_no_sample(place: Place) -> None:
    """Every read due in a trial has its row, by every client; who waits is bounded by the trial; faults are events."""
    entry = run(
        place, "engines=[postgres]", "faults=[kill, hang, slow, flush]", "lost_before_s=0.2", "lost_fault_s=0.3",
        "lost_after_s=0.3", "lost_reads_per_s=200", parts="lost",
    )  # fmt: skip
    rows = rows_of(place, entry)
    assert set(rows["outcome"]) == {"ok"}
    assert rows.groupby("trial").size().tolist() == [160] * 12  # 0.8 s at 200 a second
    took_s = (rows["t_end"] - rows["t_intended"]).groupby([rows["step"], rows["arm"]]).max() / 1e9
    assert 0.25 < took_s["hang", "no_timeout"] < 2
    codes = rows.groupby(["step", "arm"])["error_code"].agg(lambda found: set(found.dropna()))
    assert codes["hang", "no_timeout"] == set() and "TimeoutError" in codes["hang", "timeout"]
    assert {"TimeoutError", "CircuitOpen"} <= codes["hang", "circuit_breaker"]
    assert "TimeoutError" in codes["slow", "timeout"] and "ConnectionRefusedError" in codes["kill", "no_timeout"]
    for trial in entry["trials"]:
        injected, repaired, ready = (
            events_of(place, kind)[trial["trial"]] for kind in ("fault_injected", "fault_repaired", "cache_ready")
        )
        assert injected["t_ns"] <= repaired["t_ns"] <= ready["t_ns"]
        assert injected["fault"] == trial["step"] == trial["labels"]["fault"]
        before = rows[(rows["trial"] == trial["trial"]) & (rows["t_end"] < injected["t_ns"])]
        if trial["arm"] == "no_timeout":  # a busy machine alone may keep the others waiting for longer than they do
            assert len(before) and before["hit"].all()
    compared = {trial["step"] for trial in entry["trials"] if trial["trial"] in counted_alike(place, entry)}
    assert compared >= {"flush"} and "kill" not in compared


def test_a_cluster_that_loses_a_node_comes_back_and_the_next_trial_finds_it_whole(place: Place) -> None:
    """One of three nodes is killed and started again: the others' keys go on being answered, no row is lost."""
    sets = [word for one in ("cluster", "auth") for word in ("--set", f"cache.{one}=true")]
    words = [
        word
        for one in (*SMALL, "parts=[lost]", "faults=[kill]", "engines=[postgres]")
        for word in ("--set", f"{NAME}.{one}")
    ]
    done = place.call("run", NAME, "--profile", "smoke", *words, *sets, "--out", str(place.run), timeout_s=170)
    assert done.returncode == 0, done.stdout + done.stderr
    entry = place.manifest()["scenarios"][NAME]
    rows = rows_of(place, entry)
    assert set(rows["outcome"]) == {"ok"} and len(events_of(place, "cache_ready")) == 3
    assert rows[rows["error_code"].notna()]["error_code"].isin(
        ["ConnectionRefusedError", "ConnectionResetError", "ConnectionError", "CLUSTERDOWN", "CircuitOpen", "TimeoutError"]
    ).all()  # fmt: skip
