"""What was planted of a lost cache, of stale reads, of E1 and of prices comes back as findings of cache_hit_rate."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from planted_cache import NAME, PARAMS, PlantedParts
from rundir import PlantedRun, drawn, finding_of, findings_of

from reports import cache_hit_rate
from reports.cache_hit_rate.trips import fit
from reports.findings import Finding
from reports.section import Section

PRICES = {"elasticache.cache_t4g_micro_hour_usd": 0.016, "rds.db_t3_large_hour_usd": 0.128}


@pytest.fixture
def parts(tmp_path: Path) -> PlantedParts:
    return PlantedParts(PlantedRun(tmp_path / "run", prices=PRICES))


def analysed(parts: PlantedParts) -> Section:
    parts.write()
    return cache_hit_rate.analyse(parts.planted.load())


def one(section: Section, figure: str, **labels: str) -> Finding:
    return finding_of(section, f"{NAME}.postgres.{figure}", **labels)


# --- a lost cache --------------------------------------------------------------------------------------------------------------


def reads(begin_s: float, end_s: float, **row: Any) -> Iterator[dict[str, Any]]:
    """A read each 2 ms, due as it begins; times differ a little, so that each counts as one of its own."""
    for at in range(round(begin_s * 500), round(end_s * 500)):
        yield {"at_ms": 2 * at, "due_ms": 2 * at, "ms": 1 + at * 37 % 101 / 1000} | row


def hang(parts: PlantedParts, arm: str, *, error_every: int = 4, recovers_s: float = 0.5, fault: str = "hang") -> int:
    """Two seconds of hits with every tenth read a miss; two in which every ``error_every``-th read fails and the others take the
    database's 20 ms; after the repair misses for ``recovers_s``, then as before, until 8 s."""

    def like_before(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for at, row in enumerate(rows):
            yield row | ({"hit": False, "db_ns": 500_000} if at % 10 == 9 else {})

    rows = [*like_before(reads(0, 2))]
    for at, row in enumerate(reads(2, 4, hit=False, ms=20.0)):
        failed = at % error_every == 0
        rows.append(
            row | ({"outcome": "timeout", "hit": None} if failed else {"db_ns": 19_000_000, "error_code": "timeout"})
        )
    rows += reads(4, 4 + recovers_s, hit=False, db_ns=500_000, ms=20.0)
    rows += like_before(reads(4 + recovers_s, 8))
    number = parts.trial("lost", arm, fault, rows)
    parts.event("fault_injected", number, 2000, fault=fault)
    parts.event("fault_repaired", number, 4000, fault=fault)
    return number


def test_errors_and_the_databases_load_stand_before_during_and_after(parts: PlantedParts) -> None:
    """Before: 1,000 reads, 100 of them misses in 2 s: 50 a second. During: 250 of 1,000 fail, 750 come from the database, those of the
    last 20 ms end afterwards: t_end is due + 20 ms, so of those due at 2 to 3.98 s (990, of which 248 failed) 742 end in time: 371 a
    second. After: no errors."""
    for _ in range(3):
        hang(parts, "no_timeout")
    section = analysed(parts)
    shares = [one(section, "lost.error_share", when=when).value for when in ("before", "during", "after")]
    assert shares == [0, 0.25, 0]
    loads = [one(section, "lost.database_reads_per_s", when=when).value for when in ("before", "during")]
    assert loads == pytest.approx([50, 371])
    during = one(section, "lost.error_share", when="during")
    assert during.headline
    assert (
        "While the cache in front of PostgreSQL hung: a client without time-outs 25 % of reads without an answer"
        in during.sentence
    )
    assert "371 database reads/s (before 50)" in during.sentence
    assert section.warnings == (), "errors of a lost cache are a result"


@pytest.mark.parametrize(("fault", "lost"), [("hang", "one node of the cache"), ("slow", "the cache")])
def test_of_a_cluster_one_node_is_stopped_and_all_are_slow(parts: PlantedParts, fault: str, lost: str) -> None:
    """What is lost is what the sentence says, and the chart."""
    hang(parts, "no_timeout", fault=fault)
    parts.write()
    parts.planted.manifest["scenarios"][NAME]["servers"] = {"valkey": "Valkey 9.0, cluster of 3"}
    section = cache_hit_rate.analyse(parts.planted.load())
    assert one(section, "lost.error_share", when="during").sentence.startswith(f"While {lost} in front of PostgreSQL ")
    assert section.charts[0].title.startswith(f"{lost[0].upper()}{lost[1:]} ")


def test_a_cache_is_recovered_when_hits_and_p99_are_as_before(parts: PlantedParts) -> None:
    """500 reads a second: windows of 50 ms, 25 reads. Before 90 % hits, so 85.5 % will do: of 25 reads 2 or 3 miss, 88 % or more.
    Misses and 20 ms until 0.5 s after the repair: window 10 is the first good one. One that never recovers in 4 s says so."""
    hang(parts, "timeout")
    hang(parts, "no_timeout", recovers_s=4)
    section = analysed(parts)
    for of in ("hit_rate", "p99"):
        assert one(section, "lost.recovery_s", arm="timeout", of=of).value == pytest.approx(0.5)
        never = one(section, "lost.recovery_s", arm="no_timeout", of=of)
        assert (never.status, never.value) == ("at_least", pytest.approx(4.02, abs=0.01))
        assert "within 4.02 s" in never.sentence


def test_a_flush_is_over_at_once_and_has_no_during(parts: PlantedParts) -> None:
    """Its fault and its repair are the same moment: what it costs comes after."""
    rows = [*reads(0, 2), *reads(2, 2.5, hit=False, db_ns=500_000), *reads(2.5, 6)]
    number = parts.trial("lost", "timeout", "flush", rows)
    parts.event("fault_injected", number, 2000, fault="flush")
    section = analysed(parts)
    assert findings_of(section, f"{NAME}.postgres.lost.error_share", when="during") == []
    assert one(section, "lost.recovery_s", of="hit_rate").value == pytest.approx(0.5)
    assert one(section, "lost.error_share", when="after").headline


def test_a_fault_that_was_not_recorded_has_no_figures(parts: PlantedParts) -> None:
    """Before and during can't be told apart then."""
    parts.trial("lost", "timeout", "kill", reads(0, 1))
    found = one(analysed(parts), "lost.error_share")
    assert (found.status, found.value) == ("not_measured", None)


def test_each_fault_has_a_chart_with_a_line_a_client_and_the_fault_shaded(parts: PlantedParts) -> None:
    """40 spans of 200 ms each; the repair 2 s after the fault. Over time, windows of 0.25 s (8 s ÷ 39 is 0.205): in the eight from the
    fault to its repair every fourth of 125 reads times out, on average 25 %, and those answered took 20 ms."""
    hang(parts, "no_timeout")
    hang(parts, "circuit_breaker", error_every=1000)
    hang(parts, "timeout", fault="slow")
    section = analysed(parts)
    assert [chart.id for chart in section.charts] == [f"{NAME}-lost-hang", f"{NAME}-lost-slow", f"{NAME}-lost-time"]
    table = section.charts[0].table
    assert table["client"].unique().tolist() == ["a client without time-outs", "a client with a circuit breaker"]
    assert table["repaired s"].unique().tolist() == [2]
    assert len(table) == 80
    assert len(drawn(section)) == 3
    over_time = section.charts[2].table
    of_first = over_time[over_time["arm"] == "a client without time-outs"].set_index("from, s")
    lost = of_first.loc[0.0:1.75]
    assert lost["requests"].tolist() == [125] * 8
    assert lost["timeout, %"].mean() == pytest.approx(25)
    assert lost["median, ms"].tolist() == [20.0] * 8
    assert of_first.loc[-2.0:-0.25, "timeout, %"].tolist() == [0] * 8
    assert all(
        panel.get_ylim()[1] > panel.dataLim.ymax for panel in section.charts[0].draw(table).axes
    )  # none at its frame


# --- staleness -----------------------------------------------------------------------------------------------------------------


def stale(parts: PlantedParts, arm: str, *, old: int, left: int, ttl_s: float = 0.0) -> None:
    """100 reads of key 7 from 1 s on, one each 10 ms; the writer commits version 5 at 0.9 s (its database took 100 ms of 300) and
    the first ``old`` reads still have version 4."""
    rows: list[dict[str, Any]] = [
        {
            "at_ms": 800,
            "ms": 300.0,
            "op": "write",
            "role": "writer",
            "hit": None,
            "key": 7,
            "version_current": 5,
            "db_ns": 100_000_000,
        }
    ]
    rows += [
        {"at_ms": 1000 + 10 * at, "key": 7, "version_read": 4 if at < old else 5, "version_current": 5}
        for at in range(100)
    ]
    number = parts.trial("stale", arm, "200", rows, ttl_s=ttl_s)
    parts.event("cache_checked", number, 3000, cached=50, stale=left, most_behind=int(left > 0))


def test_stale_reads_have_a_share_an_age_and_versions(parts: PlantedParts) -> None:
    """20 of 100, each one version behind. Ages 100, 110 … 290 ms since the commit at 0.9 s: the median is 195 ms. Ages rise from read to
    read, which makes 20 of them worth few: three trials carry the median."""
    for _ in range(12):
        stale(parts, "lazy", old=20, left=3, ttl_s=0.2)
        stale(parts, "invalidate", old=0, left=0)
    section = analysed(parts)
    share = one(section, "stale.stale_share", arm="lazy")
    assert (share.value, share.low, share.high, share.headline) == (0.2, 0.2, 0.2, True)
    assert (
        "Beside 200 writes a second to PostgreSQL: lazy loading 20 % stale reads, 36 of 600 cached values stale at the end"
        in share.sentence
    )
    assert "invalidating on write 0 % stale reads, 0 of 600" in share.sentence
    assert one(section, "stale.stale_versions", arm="lazy").value == 1
    assert one(section, "stale.stale_age_p50_ms", arm="lazy").value == pytest.approx(195)
    left = one(section, "stale.left_stale_share", arm="lazy")
    assert left.value == pytest.approx(0.06)
    assert "until their TTL of 200 ms ends" in left.sentence
    assert findings_of(section, f"{NAME}.postgres.stale.stale_age_p50_ms", arm="invalidate") == []
    assert len(drawn(section)) == 1


def test_an_age_counts_from_a_commit_of_the_warm_up_too(parts: PlantedParts) -> None:
    """Version 5 is committed at 0.9 s, in the warm-up; reads of 1 s to 1.19 s have version 4: 195 ms at the median, as above."""
    for _ in range(12):
        stale(parts, "lazy", old=20, left=3, ttl_s=0.2)
    for row in parts.rows:
        if row["op"] == "write":
            row["phase"] = "warm-up"
    assert one(analysed(parts), "stale.stale_age_p50_ms", arm="lazy").value == pytest.approx(195)


def test_reads_without_versions_are_neither_stale_nor_fresh(parts: PlantedParts) -> None:
    """Not measured, and not zero."""
    parts.trial("stale", "lazy", "20", [{"at_ms": 0}])
    assert one(analysed(parts), "stale.stale_share").status == "not_measured"


# --- E1 and dollars --------------------------------------------------------------------------------------------------------------


def sizes(
    parts: PlantedParts, hits: dict[str, int], *, odd_us: float = 0.0, rounds: int = 2, part: str = "size"
) -> None:
    """100 reads each: 50 µs a hit, 50 + 400 + 150 a miss, ``odd_us`` more a read at every other size; 500 µs without a cache, one after
    the other."""
    for _ in range(rounds):
        rows = [{"at_ms": at / 2, "ms": 0.5, "hit": None, "db_ns": 500_000} for at in range(100)]
        if part == "size":
            parts.trial(part, "no_cache", "0", rows)
        for place, (share, count) in enumerate(hits.items()):
            more_ms = place % 2 * odd_us / 1000
            rows = [
                {"at_ms": at, "ms": 0.05 + more_ms, "get_ns": 50_000} if at < count
                else {"at_ms": at, "ms": 0.6 + more_ms, "hit": False, "get_ns": 50_000, "db_ns": 400_000, "set_ns": 150_000}
                for at in range(100)
            ]  # fmt: skip
            parts.trial(part, "lazy", share, rows)


def test_e1_fitted_on_every_other_size_tells_those_between(parts: PlantedParts) -> None:
    """Fitted on 2 and 30 %, where a hit takes 50 µs and a miss 550 more, 400 : 150 of it in the database and the set. The size between, at 60 % hits, took 270 + 30 = 300 µs; E1 says 270, a tenth less. Of the whole data, which lies beyond, it says nothing."""
    sizes(parts, {"0.02": 20, "0.1": 60, "0.3": 80, "1": 95}, odd_us=30)
    section = analysed(parts)
    trips = [one(section, "size.trip_us", trip=trip) for trip in ("get", "db", "set")]
    assert [trip.value for trip in trips] == pytest.approx([50, 400, 150])
    error = one(section, "size.e1_error_share", step="0.1")
    assert (error.value, error.n) == (pytest.approx(-0.1), 2)
    assert "says 270 µs" in error.sentence and "measured 300 µs: 10 % less" in error.sentence
    assert findings_of(section, f"{NAME}.postgres.size.e1_error_share", step="1") == []
    assert findings_of(section, f"{NAME}.postgres.size.e1_error_share", step="0.02") == []


def test_e1_is_held_against_rows_that_are_alike_too(parts: PlantedParts) -> None:
    """60 reads a hundred hit: E1 says 50 + 0.4 × 550 = 270 µs, measured 270 + 9: 9/279 = 3.2 % less."""
    sizes(parts, {"0.1": 20, "0.3": 60, "0.6": 80}, odd_us=9, part="trips")
    section = analysed(parts)
    assert [one(section, "trips.trip_us", trip=trip).value for trip in ("get", "db", "set")] == pytest.approx(
        [50, 400, 150]
    )
    error = one(section, "trips.e1_error_share", step="0.3")
    assert error.value == pytest.approx(-9 / 279)
    assert "PostgreSQL (rows that are alike)" in error.sentence
    assert findings_of(section, f"{NAME}.postgres.size.e1_error_share") == []


def test_e1_takes_hits_and_misses_to_be_fitted(parts: PlantedParts) -> None:
    """The sizes it is fitted on, 10 % here, have hits alone: nothing tells of a miss."""
    sizes(parts, {"0.1": 100, "1": 95}, rounds=1)
    assert one(analysed(parts), "size.trip_us").status == "not_measured"
    with pytest.raises(ValueError, match="one kind is missing"):
        fit(pd.DataFrame({"hit": [True, True], "service_us": [50.0, 60.0]}), 0.5)


def test_a_cache_pays_in_dollars_from_the_ratio_of_two_prices_on(parts: PlantedParts) -> None:
    """0.016 ÷ 0.128 = 1/8: from 12.5 % hits on. Reads of 0.5 ms one after the other are 2,000 a second, an eighth of which is 250."""
    sizes(parts, {"0.1": 60, "1": 95})
    section = analysed(parts)
    share = one(section, "size.usd_break_even_hit_rate", instance="db.t3.large")
    assert (share.value, share.basis, share.labels["node"]) == (pytest.approx(0.125), "modelled", "cache.t4g.micro")
    assert "pays from 12.5 % hits on" in share.sentence
    rate = one(section, "size.usd_break_even_reads_per_s", instance="db.t3.large")
    assert (rate.value, rate.n) == (pytest.approx(250), 2)


def test_a_price_that_is_not_there_is_unknown_and_not_zero(parts: PlantedParts) -> None:
    """The file has no db.m5.large."""
    sizes(parts, {"0.1": 60, "1": 95}, rounds=1)
    found = one(analysed(parts), "size.usd_break_even_hit_rate", instance="db.m5.large")
    assert (found.status, found.value) == ("not_measured", None)
    assert "rds.db_m5_large_hour_usd isn't in the price file" in str(found.reason)


# --- the whole section ---------------------------------------------------------------------------------------------------------


def test_at_most_six_findings_open_the_report(parts: PlantedParts) -> None:
    """Two engines' break-evens, and each edge once, whatever engines it was measured on."""
    sizes(parts, {"0.1": 60, "1": 95}, rounds=1)
    hang(parts, "no_timeout")
    stale(parts, "lazy", old=20, left=3)
    for engine in ("postgres", "mysql"):
        rows = [{"at_ms": at, "hit": False, "error_code": "OOM"} for at in range(10)]
        parts.trial("policy", "lazy", "volatile-lru", rows, engine=engine, policy="volatile-lru")
        number = parts.trial("stampede", "lazy", "200_readers", [{"at_ms": 0}], engine=engine)
        parts.event("expiry", number, queries=3, early=0, settled_ns=0)
    parts.write(**PARAMS | {"engines": ["postgres", "mysql"]})
    section = cache_hit_rate.analyse(parts.planted.load())
    opening = [found.id.removeprefix(f"{NAME}.") for found in section.findings if found.headline]
    assert opening == [
        "postgres.break_even_hit_rate", "postgres.policy.oom_share", "postgres.stampede.queries_per_expiry", "postgres.lost.error_share",
        "postgres.stale.stale_share",
    ]  # fmt: skip
    assert len(section.verdict) == 5
