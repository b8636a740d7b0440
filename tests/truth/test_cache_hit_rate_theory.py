"""Measured hit rates and stale shares against arithmetic of their own: Che (E2), TTLs alone (E3), and TTLs beside writes.

Slow: LRU's clock ticks once a second, so reads must come slowly enough for Che's T to last two of them. ``pytest -rP`` shows
the figures.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.integration import whole_runs
from tests.integration.whole_runs import Place

NAME = "cache_hit_rate"
POINT = 0.01
pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield from whole_runs.place(tmp_path)


def measured(place: Place, *sets: str) -> tuple[list[dict[str, Any]], pd.DataFrame, dict[int, dict[str, Any]]]:
    """A run with these settings: its trials, the rows that count, and each trial's counters, which agree with the server's."""
    words = [word for one in (*sets, "engines=[postgres]", "rounds=1") for word in ("--set", f"{NAME}.{one}")]
    done = place.call("run", NAME, "--profile", "smoke", *words, "--out", str(place.run), timeout_s=400)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = map(json.loads, (place.run / "events.jsonl").read_text().splitlines())
    stats = {event["trial"]: event for event in lines if event["kind"] == "cache_stats"}
    for event in stats.values():
        assert (event["client_hits"], event["client_misses"]) == (event["keyspace_hits"], event["keyspace_misses"])
    rows = place.samples(NAME)
    return place.manifest()["scenarios"][NAME]["trials"], rows[rows["phase"] == "measured"], stats


def zipf(keys: int, alpha: float) -> list[float]:
    weights = [rank**-alpha for rank in range(1, keys + 1)]
    return [weight / math.fsum(weights) for weight in weights]


def che(shares: list[float], held: float) -> tuple[float, float]:
    """The hit rate, and T in reads, at which Σ (1 − e^(−pT)) is what the cache holds: halved until it is found."""
    low, high = 0.0, 1e9
    for _ in range(200):
        reads = (low + high) / 2
        low, high = (reads, high) if sum(1 - math.exp(-share * reads) for share in shares) < held else (low, reads)
    return sum(share * (1 - math.exp(-share * low)) for share in shares), low


def test_che_s_published_values_come_out_of_the_formula_here() -> None:
    """E2: N = 10,000: C = 1,000 of α 0.8 and 0.99, C = 2,000 of α 0.99; N = 1,000, C = 100 of α 1."""
    known = {
        (10_000, 0.8, 1_000): 0.4367,
        (10_000, 0.99, 1_000): 0.6641,
        (10_000, 0.99, 2_000): 0.7592,
        (1_000, 1.0, 100): 0.5765,
    }
    for (keys, alpha, held), hits in known.items():
        assert che(zipf(keys, alpha), held)[0] == pytest.approx(hits, abs=0.00005)


@pytest.mark.parametrize("samples", [5, 10])
def test_lru_hits_within_a_point_of_che_where_a_key_stays_two_seconds(place: Place, samples: int) -> None:
    """10,000 keys, room for a fifth; C is the DBSIZE measured at the end, and T in seconds its reads over their rate.

    Valkey evicts the oldest of some keys drawn at random, 5 unless set: that is a little worse than LRU, with 10 less so.
    """
    trials, rows, stats = measured(
        place, "parts=[skew]", "skews=[zipf_0.8, zipf_0.99]", "keys=10000", "cache_share=0.2", "skew_stays_s=2.5",
        "skew_warm_up_s=8", "skew_measured_s=40", f"lru_samples={samples}",
    )  # fmt: skip
    for trial in trials:
        params, held = trial["params"], stats[trial["trial"]]["keys"]
        said, reads = che(zipf(int(params["keys"]), float(params["alpha"])), held)
        mine = rows[rows["trial"] == trial["trial"]]
        hits, stays_s = float(mine["hit"].mean()), reads / params["accesses_per_s"]
        figures = f"{trial['step']}, of {samples}: C {held}, T {stays_s:.2f} s, {len(mine)} reads: measured {hits:.4f}, Che {said:.4f}"
        print(figures)
        assert params["che_comparable"] == 1 and stays_s >= 2, figures
        assert abs(hits - said) <= POINT, figures


def test_ttl_hits_within_a_point_of_arithmetic(place: Place) -> None:
    """E3, per key λT / (1 + λT): 2,000 keys of Zipf(0.99) at 1,000 reads a second, nothing evicted."""
    trials, rows, _ = measured(
        place,
        "parts=[ttl]",
        "ttls_s=[0.25, 2]",
        "ttl_reads_per_s=1000",
        "ttl_measured_s=30",
        "keys=2000",
        "value_bytes=64",
    )
    for trial in trials:
        ttl_s, per_s = float(trial["params"]["ttl_s"]), float(trial["params"]["accesses_per_s"])
        asked = [share * per_s * ttl_s for share in zipf(2_000, 0.99)]
        said = sum(share * one / (1 + one) for share, one in zip(zipf(2_000, 0.99), asked, strict=True))
        mine = rows[rows["trial"] == trial["trial"]]
        hits = float(mine["hit"].mean())
        figures = f"TTL {ttl_s} s: {len(mine)} reads: measured {hits:.4f}, E3 {said:.4f}"
        print(figures)
        assert abs(hits - said) <= POINT, figures


def test_stale_reads_are_as_many_as_arithmetic_says(place: Place) -> None:
    """50 keys, TTL T, reads λ and writes μ of each key at random moments.

    A value is loaded, then hit λT times on average before its TTL ends; a hit at age u is stale when a write came since:
    1 − e^(−μu). So of 1 + λT reads λ (T − (1 − e^(−μT))/μ) are stale. Within two points; write-through and delete on
    write leave a race of microseconds: under 1 %.
    """
    trials, rows, _ = measured(
        place, "parts=[stale]", "stale_writes_per_s=[50]", "stale_reads_per_s=800", "stale_keys=50", "stale_ttl_s=0.2",
        "stale_warm_up_s=1", "stale_measured_s=20",
    )  # fmt: skip
    shares, ttl_s = zipf(50, 0.99), 0.2
    said = 0.0
    for share in shares:
        reads, writes = 800 * share, 50 * share
        stale = reads * (ttl_s - (1 - math.exp(-writes * ttl_s)) / writes)
        said += share * stale / (1 + reads * ttl_s)
    reads_ = rows[rows["role"] == "reader"]
    old = (reads_["version_read"] < reads_["version_current"]).groupby(reads_["arm"].astype(str)).mean()
    figures = f"stale reads {old.round(4).to_dict()}; lazy loading by arithmetic {said:.4f}"
    print(figures)
    assert {trial["arm"] for trial in trials} == set(old.index)
    assert abs(old["lazy"] - said) <= 2 * POINT, figures
    assert old["write_through"] < POINT and old["invalidate"] < POINT, figures
    assert old["lazy_race"] > old["invalidate"], figures
