"""What was planted in a run of cache_hit_rate comes back as its findings; no more is claimed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun, assert_nothing_measured, drawn, finding_of, trial

from reports import cache_hit_rate

NAME = "cache_hit_rate"
EXTRA: Any = {"engine": "text", "get_ns": "int", "db_ns": "int", "set_ns": "int"}
PARAMS = {"engines": ["postgres"], "cache_shares": [0.1, 1.0], "trials": 3, "warm_up_s": 0.7, "measured_s": 0.8}
READS = 200
GET_US, DB_US, SET_US = 50, 400, 150
# Without a cache a read takes 500 µs, with it 50 on a hit and 50 + 400 + 150 = 600 on a miss, so E1 breaks even at
# 600 − 550·h = 500: h = 1/11·2 = 0.181818…
BARE_US, BREAK_EVEN = 500, 1 - (500 - 50) / (400 + 150)
HITS = {"0.1": 120, "1": 190}  # of 200


def reads(number: int, arm: str, step: str, hits: int, *, bare_us: int = BARE_US) -> Iterator[dict[str, Any]]:
    """A warm-up read of a second that no figure counts; then the hits spread evenly over the reads, none without a cache."""
    common = {"trial": number, "pair": number, "arm": arm, "step": step, "op": "read", "engine": "postgres"}
    start = (number + 1) * 10**10
    yield common | {
        "phase": "warm-up",
        "t_start": start,
        "t_end": start + 10**9,
        "hit": None if arm == "no_cache" else False,
    }
    for index in range(READS):
        start += 10**7
        hit = (index + 1) * hits // READS > index * hits // READS
        if arm == "no_cache":
            yield common | {"t_start": start, "t_end": start + bare_us * 1000, "db_ns": bare_us * 1000}
        else:
            parts = {"get_ns": GET_US * 1000} | ({} if hit else {"db_ns": DB_US * 1000, "set_ns": SET_US * 1000})
            yield common | parts | {"t_start": start, "t_end": start + sum(parts.values()), "hit": hit}


def plant(
    planted: PlantedRun,
    *,
    rounds: int = 3,
    hits: dict[str, int] | None = None,
    bare_us: int = BARE_US,
    miscounted: int = 0,
) -> None:
    """``rounds`` of no cache and a cache of each size; the server's counters are off by ``miscounted`` in the last trial."""
    rows, trials = [], []
    number = 0
    for _ in range(rounds):
        for arm, step, count in [("no_cache", "0", 0), *(("lazy", share, n) for share, n in (hits or HITS).items())]:
            rows += reads(number, arm, step, count, bare_us=bare_us)
            trials.append(trial(number, arm, step, pair=number, labels={"engine": "postgres"}))
            if arm == "lazy":
                planted.event(
                    NAME, "cache_stats", trial=number, t_ns=number, engine="postgres", client_hits=count,
                    client_misses=READS - count, keyspace_hits=count, keyspace_misses=READS - count,
                )  # fmt: skip
            number += 1
    planted.events[-1]["keyspace_misses"] += miscounted
    planted.samples(NAME, rows, EXTRA)
    servers = {"postgres": "PostgreSQL 18.0", "valkey": "Valkey 9.0"}
    planted.scenario(NAME, params=PARAMS, trials=trials, servers=servers)


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    return PlantedRun(tmp_path / "run")


def test_hit_rates_are_hits_of_reads_by_size_of_cache(planted: PlantedRun) -> None:
    """120 and 190 of 200, in every round alike."""
    plant(planted)
    section = cache_hit_rate.analyse(planted.load())
    for share, hits in HITS.items():
        found = finding_of(section, f"{NAME}.postgres.hit_rate", cache_share=share)
        assert (found.value, found.low, found.high, found.n, found.unit) == (
            hits / 200,
            hits / 200,
            hits / 200,
            3,
            "share",
        )
        assert found.labels["server"] == "PostgreSQL 18.0"
    assert "A cache of 10 % of the data in front of PostgreSQL answered 60 % of 600 reads" in (
        finding_of(section, f"{NAME}.postgres.hit_rate", cache_share="0.1").sentence
    )


def test_latencies_are_service_times_and_means_are_e1s(planted: PlantedRun) -> None:
    """60 % hits: 0.6·50 + 0.4·600 = 270 µs. 95 %: 77.5. The median is a hit's, the p95 a miss's (60 %)."""
    plant(planted)
    section = cache_hit_rate.analyse(planted.load())

    def of(what: str, step: str) -> float | None:
        return finding_of(section, f"{NAME}.postgres.latency_{what}_us", step=step).value

    assert [of("mean", step) for step in ("0", "0.1", "1")] == pytest.approx([500, 270, 77.5])
    assert [of("p50", step) for step in ("0", "0.1", "1")] == pytest.approx([500, 50, 50])
    assert [of("p95", step) for step in ("0", "0.1")] == pytest.approx([500, 600])
    table = section.charts[1].table.set_index("cache, % of data")
    assert table.loc[[10.0, 100.0], "E1 µs"].tolist() == pytest.approx([270, 77.5])


def test_the_interval_of_a_mean_time_ends_at_0(planted: PlantedRun) -> None:
    """Two rounds, 50,250 and 500 µs: t with one degree of freedom would reach far below."""
    plant(planted, rounds=2)
    planted.samples(NAME, reads(0, "no_cache", "0", 0, bare_us=100_000), EXTRA, worker="1")
    found = finding_of(cache_hit_rate.analyse(planted.load()), f"{NAME}.postgres.latency_mean_us", step="0")
    assert (found.value, found.low) == (pytest.approx(25_375), 0)


def test_the_break_even_is_e1s_and_the_headline(planted: PlantedRun) -> None:
    """See BREAK_EVEN; the sentence tells of the largest cache that isn't all the data."""
    plant(planted)
    section = cache_hit_rate.analyse(planted.load())
    found = finding_of(section, f"{NAME}.postgres.break_even_hit_rate")
    assert (found.value, found.low, found.high, found.n) == (*(pytest.approx(BREAK_EVEN),) * 3, 3)
    assert found.headline
    assert section.verdict == (found.sentence,)
    assert (
        "A cache of 10 % of the data gave 60 % hits and brought the mean read of PostgreSQL from 500 µs to 270 µs"
        in found.sentence
    )
    assert "the cache stops paying below 18.2 % hits" in found.sentence


@pytest.mark.parametrize(
    ("bare_us", "share", "words"),
    [(40, 1.0, "at no hit rate the cache pays"), (700, 0.0, "at any hit rate the cache pays")],
)
def test_a_break_even_outside_0_to_1_is_said_in_words(
    planted: PlantedRun, bare_us: int, share: float, words: str
) -> None:
    """A database faster than the cache; one slower than a miss through it."""
    plant(planted, bare_us=bare_us)
    found = finding_of(cache_hit_rate.analyse(planted.load()), f"{NAME}.postgres.break_even_hit_rate")
    assert found.value == share
    assert words in found.sentence


def test_the_headline_has_the_means_that_the_findings_have(planted: PlantedRun) -> None:
    """A slow round, of 100 reads of 1.5 ms, beside one of 200 reads of 0.5 ms: 1 ms by rounds, and not 0.83 ms by reads.

    No cache's break-evens are (t_get = 50, t_db + t_set = 550, see BREAK_EVEN) 1 − 1450/550 = −1.64 and 1 − 450/550 = 0.18: their
    mean −0.73 is told as 0, and as the mean of rounds that don't agree: t with one degree of freedom reaches beyond 1.
    """
    plant(planted, rounds=2)
    samples = [list(reads(number, "no_cache", "0", 0, bare_us=us)) for number, us in ((0, 1_500), (3, 500))]
    others = [
        list(reads(1 + 3 * at + size, "lazy", step, HITS[step])) for at in range(2) for size, step in enumerate(HITS)
    ]
    planted.samples(NAME, [*samples[0][:101], *samples[1], *(row for rows in others for row in rows)], EXTRA)
    section = cache_hit_rate.analyse(planted.load())
    found = finding_of(section, f"{NAME}.postgres.break_even_hit_rate")
    assert finding_of(section, f"{NAME}.postgres.latency_mean_us", step="0").value == pytest.approx(1_000)
    assert "brought the mean read of PostgreSQL from 1 ms to 270 µs" in found.sentence
    assert (
        "at any hit rate the cache pays by the mean of the rounds, and it may take up to 100 % hits" in found.sentence
    )
    assert section.charts[1].table["mean µs"].iloc[0] == pytest.approx(1_000)


def test_without_a_single_miss_no_break_even_is_claimed(planted: PlantedRun) -> None:
    """What a miss costs is then unknown; hit rate and latency still are there."""
    plant(planted, hits={"1": READS})
    section = cache_hit_rate.analyse(planted.load())
    found = finding_of(section, f"{NAME}.postgres.break_even_hit_rate")
    assert (found.value, found.status) == (None, "not_measured")
    assert "no read missed" in found.sentence
    assert finding_of(section, f"{NAME}.postgres.hit_rate").value == 1


def test_counters_that_differ_from_the_servers_are_counted_and_warned_of(planted: PlantedRun) -> None:
    """Three misses more on the server in one of six trials."""
    plant(planted, miscounted=3)
    section = cache_hit_rate.analyse(planted.load())
    assert finding_of(section, f"{NAME}.postgres.miscounted_reads").value == 3
    assert "in 5 of 6 trials" in finding_of(section, f"{NAME}.postgres.miscounted_reads").sentence
    assert any("not to be trusted" in warning for warning in section.warnings)


def test_counters_that_agree_warn_of_nothing(planted: PlantedRun) -> None:
    """Zero differs from *not measured*: the counters were compared."""
    plant(planted)
    section = cache_hit_rate.analyse(planted.load())
    assert finding_of(section, f"{NAME}.postgres.miscounted_reads").value == 0
    assert section.warnings == ()


def test_reads_the_cache_failed_count_in_no_figure(planted: PlantedRun) -> None:
    """A read that went on to the database because the cache broke is neither a hit nor a miss."""
    plant(planted)
    before = cache_hit_rate.analyse(planted.load())
    broken = [row | {"hit": False, "error_code": "ConnectionError"} for row in reads(1, "lazy", "0.1", 0)]
    planted.samples(NAME, broken, EXTRA, worker="1")
    after = cache_hit_rate.analyse(planted.load())
    assert [one.value for one in after.findings] == [one.value for one in before.findings]


def test_an_engine_that_could_not_be_had_reads_not_measured(planted: PlantedRun) -> None:
    """The other one is measured all the same."""
    plant(planted)
    planted.manifest["scenarios"][NAME]["params"] = PARAMS | {"engines": ["postgres", "mysql"]}
    planted.manifest["scenarios"][NAME]["unavailable"] = {"mysql": "no mariadbd was found"}
    section = cache_hit_rate.analyse(planted.load())
    found = finding_of(section, f"{NAME}.mysql.hit_rate")
    assert (found.value, found.status, found.reason) == (None, "not_measured", "no mariadbd was found")
    assert finding_of(section, f"{NAME}.postgres.hit_rate", cache_share="1").value == 0.95


def test_a_step_is_a_tick(planted: PlantedRun) -> None:
    """Sizes of 10 and 100 % of the data, and no others on their logarithmic axis."""
    plant(planted)
    chart = cache_hit_rate.analyse(planted.load()).charts[0]
    axes = chart.draw(chart.table).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10", "100"]
    assert list(axes.get_xticks(minor=True)) == []


def test_charts_are_drawn_from_what_was_planted(planted: PlantedRun) -> None:
    """Three: hit rate by size, latency by hit rate, percentiles. Of 60 % hits at 50 µs and misses at 600, p50 is a hit and p65 a miss."""
    plant(planted)
    section = cache_hit_rate.analyse(planted.load())
    assert len(drawn(section)) == 3
    table = section.charts[0].table
    assert table["hit rate, %"].tolist()[1:] == [60, 95]
    assert table["reads"].tolist() == [600, 600, 600]
    tails = next(chart.table for chart in section.charts if chart.id.endswith("-percentiles"))
    assert tails["arm"].unique().tolist() == ["without a cache", "cache of 10 %", "cache of 100 %"]
    through = tails[tails["arm"] == "cache of 10 %"].set_index("percentile")["all trials, µs"]
    assert through[[50.0, 65.0]].tolist() == [50, 600]


def test_nothing_measured_reads_not_measured(planted: PlantedRun) -> None:
    """With the scenario's own reason."""
    planted.scenario(NAME, params=PARAMS, trials=[], status="not_measured", reason="no cache server")
    assert_nothing_measured(cache_hit_rate.analyse(planted.load()), "no cache server")


@pytest.mark.parametrize(
    ("asked", "absent"),
    [
        ({"parts": ["ttl", "stale"]}, ["postgres.ttl.hit_rate", "postgres.stale.stale_share"]),
        ({"parts": ["ttl"], "engines": ["mysql"]}, ["postgres.ttl.hit_rate"]),
        (
            {"parts": ["size", "ttl"], "engines": ["mysql"]},
            [*(f"mysql.{id}" for id in ("break_even_hit_rate", "hit_rate", "latency_mean_us", "latency_p95_us")), "postgres.ttl.hit_rate"],
        ),
    ],
)  # fmt: skip
def test_what_was_not_asked_for_is_not_missed(planted: PlantedRun, asked: dict[str, Any], absent: list[str]) -> None:
    """Only part size has engines of its own: without it, and of others, an engine has no sizes to be measured."""
    params = {**PARAMS, "engines": ["postgres", "mysql"], "parts_engines": ["postgres"], **asked}
    planted.scenario(NAME, params=params, trials=[], status="not_measured", reason="no cache server")
    section = cache_hit_rate.analyse(planted.load())
    assert_nothing_measured(section, "no cache server")
    assert [found.id.removeprefix(f"{NAME}.") for found in section.findings] == absent
