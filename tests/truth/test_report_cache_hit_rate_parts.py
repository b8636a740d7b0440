"""What was planted in the parts of a run of cache_hit_rate comes back: theory, steps, warm-up, stampedes."""

from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from planted_cache import NAME, PlantedParts
from rundir import PlantedRun, drawn, finding_of, findings_of

from reports import cache_hit_rate
from reports.findings import Finding
from reports.section import Section

T_2_DEGREES = 4.302653  # the 97.5 % point of Student's t with two degrees of freedom


@pytest.fixture
def parts(tmp_path: Path) -> PlantedParts:
    return PlantedParts(PlantedRun(tmp_path / "run"))


def analysed(parts: PlantedParts) -> Section:
    parts.write()
    return cache_hit_rate.analyse(parts.planted.load())


def one(section: Section, figure: str, **labels: str) -> Finding:
    return finding_of(section, f"{NAME}.postgres.{figure}", **labels)


def evenly(reads: int, hits: int, *, every_ms: float, **row: Any) -> Iterator[dict[str, Any]]:
    """So many reads, each due as it begins, the hits spread evenly over them."""
    for at in range(reads):
        hit = (at + 1) * hits // reads > at * hits // reads
        yield {"at_ms": at * every_ms, "due_ms": at * every_ms, "ms": 0.1, "hit": hit} | row


# --- theory ----------------------------------------------------------------------------------------------------------------


def test_the_hit_rate_by_skew_stands_beside_che_and_random_replacement(parts: PlantedParts) -> None:
    """Two keys, asked for alike (alpha so small that both have ½), one entry: Che: 2(1 − e^(−T/2)) = 1, so T = 2 ln 2 = 1.386
    requests and the hit rate is 1 − e^(−T/2) = ½. Random: T/2/(1 + T/2) = ½ too. 50 hits of 100 deviate by nothing. At a read
    each 4 s, the last lasting 0.1 ms, an entry stays 1.386 × 4 s · 99/100 > 2 s: judged."""
    for _ in range(3):
        number = parts.trial(
            "skew", "lazy", "zipf_0", evenly(100, 50, every_ms=4000), keys=2, alpha=1e-12, skew="zipf_0"
        )
        parts.event(
            "cache_stats", number, keys=1, client_hits=50, client_misses=50, keyspace_hits=50, keyspace_misses=50
        )
    section = analysed(parts)
    for figure in ("hit_rate", "che_hit_rate", "random_hit_rate"):
        found = one(section, f"skew.{figure}", step="zipf_0")
        assert (found.value, found.low, found.high, found.n) == (*(pytest.approx(0.5),) * 3, 3)
    apart = one(section, "skew.deviation_share")
    assert (apart.value, apart.labels["judged"]) == (pytest.approx(0, abs=1e-9), "yes")
    assert "within one point" in apart.sentence
    assert one(section, "skew.che_hit_rate").basis == "modelled"


def test_where_entries_stay_for_less_than_2_s_a_deviation_is_said_and_not_judged(parts: PlantedParts) -> None:
    """The same a thousand times faster, and 40 hits of 100: ten points below Che."""
    number = parts.trial("skew", "lazy", "zipf_0", evenly(100, 40, every_ms=4), keys=2, alpha=1e-12, skew="zipf_0")
    parts.event("cache_stats", number, keys=1, client_hits=40, client_misses=60, keyspace_hits=40, keyspace_misses=60)
    apart = one(analysed(parts), "skew.deviation_share")
    assert (apart.value, apart.low, apart.labels["judged"]) == (pytest.approx(-0.1), None, "no")
    assert "10 points below Che's" in apart.sentence
    assert "Not judged" in apart.sentence
    assert "random replacement would give 50 %" in apart.sentence


def test_natural_skew_is_taken_from_what_the_load_says_or_many_reads_else_not_at_all(parts: PlantedParts) -> None:
    """100 reads of two keys are 50 a key, enough; of 1,000 keys they tell nothing; the load's own word always does."""
    halves = ({"key": at % 2} | row for at, row in enumerate(evenly(100, 50, every_ms=4000)))
    drawn_ = parts.trial("skew", "lazy", "dest", halves, keys=2, alpha=0.0, skew="dest")
    rare = parts.trial(
        "skew", "lazy", "tailnum", evenly(100, 50, every_ms=4000, key=3), keys=1_000, alpha=0.0, skew="tailnum"
    )
    said = parts.trial(
        "skew", "lazy", "said", evenly(100, 50, every_ms=4000, key=3), keys=1_000, alpha=0.0, skew="said"
    )
    for number in (drawn_, rare, said):
        parts.event(
            "cache_stats", number, keys=1, client_hits=50, client_misses=50, keyspace_hits=50, keyspace_misses=50
        )
    parts.planted.event(NAME, "key_shares", trial=None, t_ns=0, skew="said", shares=[3, 3])
    section = analysed(parts)
    assert one(section, "skew.che_hit_rate", step="dest").value == pytest.approx(0.5)
    assert one(section, "skew.che_hit_rate", step="said").value == pytest.approx(0.5)
    assert one(section, "skew.deviation_share", step="tailnum").status == "not_measured"
    assert one(section, "skew.hit_rate", step="tailnum").value == 0.5


def test_a_ttl_hits_as_often_as_e3_says(parts: PlantedParts) -> None:
    """One key read 10 times a second (100 reads, the last begins after 9.9 s and takes 100 ms: 10 s), a TTL of 0.4 s: λT = 4 and
    h = 4/5. 79, 80 and 81 hits: the mean deviates by 0 with t·s/√3 = 4.302653 · 0.01/√3 = 0.02484."""
    for hits in (79, 80, 81):
        reads = list(evenly(100, hits, every_ms=100, ms=100.0))
        parts.trial("ttl", "lazy", "0.4", reads, keys=1, alpha=0.99, skew="zipf_0.99", ttl_s=0.4)
    section = analysed(parts)
    assert one(section, "ttl.e3_hit_rate").value == pytest.approx(0.8)
    apart = one(section, "ttl.deviation_share")
    half = T_2_DEGREES * 0.01 / sqrt(3)
    assert (apart.value, apart.low, apart.high) == (
        pytest.approx(0, abs=1e-9),
        pytest.approx(-half),
        pytest.approx(half),
    )
    assert apart.labels["loop"] == "open"
    assert "is exactly E3's, and whether that is within one point can't be told from 3 trials" in apart.sentence


# --- writes, values, policies ------------------------------------------------------------------------------------------------


def test_reads_and_writes_have_means_of_their_own(parts: PlantedParts) -> None:
    """Reads of 2 ms, writes of 5; 30 of 40 reads hit. A write is no read of the cache."""
    for _ in range(2):
        rows = [{"at_ms": at * 10, "ms": 2.0, "hit": at % 4 > 0} for at in range(40)]
        rows += [{"at_ms": 400 + at * 10, "ms": 5.0, "op": "write", "role": "writer", "hit": None} for at in range(10)]
        parts.trial("write_share", "invalidate", "0.2", rows, write_share=0.2)
    section = analysed(parts)
    assert one(section, "write_share.hit_rate").value == 0.75
    assert one(section, "write_share.latency_mean_us", op="read").value == pytest.approx(2_000)
    assert one(section, "write_share.latency_mean_us", op="write").value == pytest.approx(5_000)
    assert "20 % writes" in one(section, "write_share.hit_rate").sentence


def test_without_a_cache_a_value_size_has_a_mean_and_no_hit_rate(parts: PlantedParts) -> None:
    """Nothing asked the cache, so there's no share of what it answered."""
    parts.trial("value_size", "no_cache", "4096", [{"at_ms": at, "hit": None} for at in range(10)])
    section = analysed(parts)
    assert findings_of(section, f"{NAME}.postgres.value_size.hit_rate") == []
    assert one(section, "value_size.latency_mean_us").value == pytest.approx(1_000)


def policy(parts: PlantedParts, arm: str, step: str, *, hits: int, refused: int, ttl_s: float = 0.0) -> None:
    """100 reads: hits of 1 ms, then misses of 4 ms, the last of them refused by the cache."""
    rows = [{"at_ms": 10 * at, "hit": at < hits, "ms": 1.0 if at < hits else 4.0} for at in range(100)]
    for row in rows[100 - refused :]:
        row["error_code"] = "OOM"
    parts.trial("policy", arm, step, rows, policy=step, ttl_s=ttl_s)


def test_the_trap_of_volatile_lru_is_told_in_one_sentence(parts: PlantedParts) -> None:
    """Without a TTL 20 hits, and all 80 misses refused: 20 · 1 + 80 · 4 = 340 ms, 3.4 ms a read. With one 60: 2.2 ms."""
    policy(parts, "lazy", "volatile-lru", hits=20, refused=80)
    policy(parts, "lazy_ttl", "volatile-lru", hits=60, refused=0, ttl_s=60)
    policy(parts, "lazy", "allkeys-lru", hits=50, refused=0)
    section = analysed(parts)
    trap = one(section, "policy.oom_share", step="volatile-lru", arm="lazy")
    assert (trap.value, trap.headline) == (0.8, True)
    assert "filled up and refused (OOM) what was loaded in 80 % of 100 reads" in trap.sentence
    assert "20 % hits and a mean read of 3.4 ms, with a TTL 60 % hits and a mean read of 2.2 ms" in trap.sentence
    assert "under allkeys-lru 50 % hits and a mean read of 2.5 ms" in trap.sentence
    assert one(section, "policy.oom_share", arm="lazy_ttl").value == 0
    assert one(section, "policy.hit_rate", step="volatile-lru", arm="lazy").value == 0.2, (
        "a refused set was a miss all the same"
    )


def test_a_cache_that_never_filled_up_shows_no_trap(parts: PlantedParts) -> None:
    """Nothing refused isn't called refused."""
    policy(parts, "lazy", "volatile-lru", hits=20, refused=0)
    assert "refused nothing in 100 reads" in one(analysed(parts), "policy.oom_share").sentence


# --- from empty --------------------------------------------------------------------------------------------------------------


def test_a_cold_cache_has_shares_of_its_final_hit_rate_after_so_long(parts: PlantedParts) -> None:
    """A read each ms for 40 s: spans of a second, of 1,000 reads. Span k has k·41 hits a thousand, at most 800. Final: 80 %.
    Half of it, 400, is there with span 10 (410), which ends after 10 s; 720 with span 18 (738); 760 with 19 (779)."""
    for _ in range(3):
        rows = []
        for second in range(40):
            hits = min(800, 41 * (second + 1))
            rows += [
                {
                    "at_ms": 1000 * second + at,
                    "due_ms": 1000 * second + at,
                    "hit": (at + 1) * hits // 1000 > at * hits // 1000,
                }
                for at in range(1000)
            ]
        parts.trial("warm_up", "lazy", "0.1", rows)
    section = analysed(parts)
    assert one(section, "warm_up.final_hit_rate").value == pytest.approx(0.8)
    times = [one(section, f"warm_up.to_{share}_percent_s").value for share in (50, 90, 95)]
    assert times == pytest.approx([10, 18, 19], rel=1e-3)  # the last read is due after 39.999 s
    assert (
        "50 % of the final hit rate of 80 % was there after 10 s, some 10,000 reads"
        in one(section, "warm_up.to_50_percent_s").sentence
    )


def test_one_lucky_span_is_not_warm_yet(parts: PlantedParts) -> None:
    """Spans of 10 reads, all misses but the third, which hits by chance, and those from the eleventh on: half of the final 100 %
    is there with the eleventh of 40, after 0.11 s."""
    rows = [{"at_ms": at, "due_ms": at, "hit": at // 10 == 2 or at >= 100} for at in range(400)]
    parts.trial("warm_up", "lazy", "0.1", rows)
    assert one(analysed(parts), "warm_up.to_50_percent_s").value == pytest.approx(0.11, rel=0.01)


# --- stampede ----------------------------------------------------------------------------------------------------------------


def stampede(parts: PlantedParts, arm: str, queries: tuple[int, int], longest_ms: tuple[float, float]) -> None:
    """Two expiries, at 1 s and 2 s, each over after half a second; 400 reads of 1 ms, one each 5 ms, and at each expiry one that waits."""
    rows: list[dict[str, Any]] = [{"at_ms": 5 * at, "ms": 1.0} for at in range(400)]
    rows += [{"at_ms": 1000 * (at + 1) + 1, "ms": ms, "hit": False} for at, ms in enumerate(longest_ms)]
    number = parts.trial("stampede", arm, "200_readers", rows, expiries=2)
    for at, count in enumerate(queries):
        settled_ns = (number + 1) * 100 * 10**9 + (at + 1) * 10**9 + 500 * 10**6
        parts.event("expiry", number, 1000 * (at + 1), queries=count, early=0, settled_ns=settled_ns)


def test_a_stampede_is_queries_an_expiry_and_how_long_reads_took_meanwhile(parts: PlantedParts) -> None:
    """190 and 210 loads, 200 an expiry; the longest read takes 400 ms. Single flight asks once."""
    stampede(parts, "lazy", (190, 210), (300, 400))
    stampede(parts, "single_flight", (1, 1), (20, 20))
    section = analysed(parts)
    asked = one(section, "stampede.queries_per_expiry", arm="lazy")
    assert (asked.value, asked.low, asked.n, asked.headline) == (200, None, 1, True)
    assert one(section, "stampede.longest_ms", arm="lazy").value == pytest.approx(400)
    assert one(section, "stampede.queries_per_expiry", arm="single_flight").value == 1
    assert (
        "under 200 readers, lazy loading asked PostgreSQL 200 times an expiry (190 to 210); single flight 1 (2 expiries"
        in asked.sentence
    )
    # In flight from 1 s to 1.5 s: those that began at 1 to 1.5 s, 101, and the one of 300 ms; from 2 s on only the one of 400 ms.
    # Of 103 the p99 has rank 0.99 · 102 = 100.98 from 0: between the last of 1 ms and 300 ms, 1 + 0.98 · 299 = 294.02.
    assert one(section, "stampede.latency_p99_ms", arm="lazy").value == pytest.approx(294.02)


def test_early_refreshes_are_told_with_how_long_loads_took(parts: PlantedParts) -> None:
    """1 and 539 loads have a mean of 270 that neither has; loads of 340 ms are longer than a TTL of 300."""
    stampede(parts, "lazy", (5, 5), (10, 10))
    stampede(parts, "xfetch", (1, 539), (10, 10))
    parts.planned[-1]["params"]["ttl_s"] = 0.3
    parts.rows[-1]["db_ns"] = 340_000_000
    section = analysed(parts)
    assert "early refresh (XFetch) 270 (1 to 539) (" in one(section, "stampede.queries_per_expiry", arm="lazy").sentence
    assert (
        "270 database queries an expiry of a hot key (1 to 539), whose loads took up to 340 ms of a TTL of 300 ms ("
        in one(section, "stampede.queries_per_expiry", arm="xfetch").sentence
    )


def test_expiries_that_were_not_recorded_are_not_guessed(parts: PlantedParts) -> None:
    """No expiry, no queries an expiry."""
    parts.trial("stampede", "lazy", "200_readers", [{"at_ms": 0}])
    assert one(analysed(parts), "stampede.queries_per_expiry").status == "not_measured"


# --- the section -------------------------------------------------------------------------------------------------------------


def test_a_part_alone_is_no_failure_of_the_others(parts: PlantedParts) -> None:
    """A run of part ttl says nothing of sizes, and its method names what wasn't asked."""
    parts.trial("ttl", "lazy", "1", evenly(100, 50, every_ms=10), keys=1, alpha=0.99, ttl_s=1.0)
    section = analysed(parts)
    assert findings_of(section, f"{NAME}.postgres.break_even_hit_rate") == []
    assert any("Not asked in this run: a cache that grows" in text for text in section.method)


def test_parts_on_an_engine_that_part_size_has_not_are_told(parts: PlantedParts) -> None:
    """``engines: [mysql]`` is part size's alone: TTLs in front of PostgreSQL are told all the same, and of MySQL nothing is said."""
    parts.trial("ttl", "lazy", "1", evenly(100, 50, every_ms=10), keys=1, alpha=0.99, ttl_s=1.0)
    parts.write(parts=["ttl"], engines=["mysql"], parts_engines=["postgres"])
    section = cache_hit_rate.analyse(parts.planted.load())
    assert one(section, "ttl.hit_rate").value == 0.5
    assert not [found.id for found in section.findings if ".mysql." in found.id]


def test_a_cell_none_of_whose_trials_ended_reads_not_measured(parts: PlantedParts) -> None:
    """Beside one that did."""
    parts.trial("stampede", "xfetch", "200_readers", [{"at_ms": 0}], done=False)
    stampede(parts, "lazy", (5, 5), (10, 10))
    section = analysed(parts)
    found = one(section, "stampede.queries_per_expiry", arm="xfetch")
    assert (found.status, found.reason) == ("not_measured", "no xfetch trial of step 200_readers ran to its end")


def test_every_part_has_its_chart(parts: PlantedParts) -> None:
    """Drawn from what was planted, the conclusion in its alt text."""
    number = parts.trial("skew", "lazy", "zipf_1.0", evenly(100, 50, every_ms=4000), keys=2, alpha=1.0, skew="zipf_1.0")
    parts.event("cache_stats", number, keys=1, client_hits=50, client_misses=50, keyspace_hits=50, keyspace_misses=50)
    parts.trial("ttl", "lazy", "1", evenly(100, 50, every_ms=10), keys=1, alpha=0.99, ttl_s=1.0)
    policy(parts, "lazy", "volatile-lru", hits=20, refused=80)
    parts.trial("warm_up", "lazy", "0.1", evenly(100, 50, every_ms=10))
    stampede(parts, "lazy", (190, 210), (300, 400))
    section = analysed(parts)
    charts = {chart.id.removeprefix(f"{NAME}-"): chart for chart in section.charts}
    assert set(charts) == {"skew", "ttl", "policy", "warm-up", "stampede"}
    assert len(drawn(section)) == 5
    assert "80 %" in charts["policy"].alt
    assert charts["stampede"].table["database queries an expiry"].tolist() == [200]
