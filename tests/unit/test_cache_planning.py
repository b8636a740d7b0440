"""`dbharness plan-cache`: what it prints, its JSON, the report it leaves, a run's keys, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun, drawn, finding_of, trial
from typer.testing import CliRunner

from harness import cache_planning
from harness.cache.sizing import analysis
from harness.cli import app
from harness.errors import CannotMeasure, UsageError
from reports.cache_planner import analyse
from reports.load import Run
from reports.render.html import html
from reports.render.markdown import markdown


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Ten reads of two keys in turn, two seconds apart: all but the first two hit in a cache of two entries."""
    path = tmp_path / "shop.csv"
    path.write_text("time,key\n" + "".join(f"{2 * row},{'ab'[row % 2]}\n" for row in range(10)))
    return path


def run(*words: str | Path) -> str:
    """What the command prints when all is well."""
    result = CliRunner().invoke(app, ["plan-cache", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def asked(trace: Path, **options: Any) -> cache_planning.Request:
    """A request for values of 1,000 bytes: entries of 1,081 with a key of one and 80 more."""
    return cache_planning.Request(trace=trace, **({"item_bytes": 1_000} | options))


def test_the_answer_comes_first_with_its_reason(trace: Path) -> None:
    """1,000 reads/s are 2,628 million a month, 80 % hit: at 0.5 · $0.125 a million worth $131.40; 730 hours cost $9.344.

    Serverless: 0.1 GB · 730 · 0.084 = 6.132, and 0.8 · 1.001 + 0.2 · 2.001 = 1.201 ECPU a read: $7.259, in all $13.39.
    """
    said = run(trace, "--item-bytes", "1000", "--reads-per-s", "1000", "--check").splitlines()
    assert said[0] == (
        "cache.t4g.micro pays: for $9.34 a month it answers 80.00 % of reads and spares the database 2,102,400,000 reads a month, "
        "worth $131.40: $122.06 gained, more than by any other."
    )
    assert (
        said[1] == "Why: the next best of another size, serverless, would answer no more and cost $4.05 a month more."
    )
    assert "knee is at 2.16 kB (80.00 % of reads)" in said[2]
    assert "20.00 % of reads are a key's first" in said[2]
    # Two keys alike fit wholly: in whichever order, all but first reads hit.
    assert said[3] == (
        "Order: 2 entries answer 80.00 %; of the same accesses in random order they would answer 80.00 % (E2): the order hardly matters."
    )
    assert "A fifth more or fewer keys or reads change nothing of it." in said
    assert any(line.startswith("  cache.r6g.large: holds 10.5 GB, hit rate 80.00 %, cost $120.30,") for line in said)
    assert any("over 10 accesses, read by read the same as a plain LRU cache" in line for line in said)
    assert said[-1].startswith("Modelled, not measured: shop.csv, 10 reads in 10 accesses,")


def test_what_does_not_pay_says_from_when_it_would(trace: Path) -> None:
    """10 reads in 18 s are 0.556 a second; the smallest bill is serverless's 6.132: it pays from 6.132 / (0.05 − 0.00276 µ$) on."""
    said = cache_planning.plan(asked(trace))
    answer = run(trace, "--item-bytes", "1000").splitlines()[0]
    # 6.132 / (0.8 · 0.0625e-6 − 1.201 · 0.0023e-6) / 2,628,000 = 49.4.
    assert answer.startswith("No cache pays in dollars: the one that loses least, serverless, costs $6.14 a month,")
    assert answer.endswith("it pays from 49.4 reads a second on, here are 0.556.")
    assert said.plan.pays is False


def test_without_a_rate_it_is_not_known_and_not_zero(tmp_path: Path) -> None:
    """The trace has no times: a break-even instead of dollars, and nothing costs or gains 0."""
    path = tmp_path / "keys.csv"
    path.write_text("key\n" + "a\nb\n" * 5)
    said = run(path, "--item-bytes", "1000")
    assert said.startswith(
        "Which one pays isn't known: the trace tells no rate (give --reads-per-s). serverless pays soonest, from 49.4 reads a "
        "second on; it answers 80.00 % of reads."
    )
    assert "A fifth more or fewer keys or reads: not compared" in said
    assert "serverless: holds 2.16 kB, hit rate 80.00 %, cost unknown, reads saved unknown, worth unknown" in said


def test_a_price_or_a_memory_that_is_missing_is_unknown(trace: Path, tmp_path: Path) -> None:
    """A price file with one node's price and another's memory."""
    prices = tmp_path / "prices.yaml"
    prices.write_text(
        "date: d\nsource: s\nregions: {us-east-1: {elasticache.valkey_cache_x_one_hour_usd: 1}}\n"
        "node_memory_bytes: {cache_y_two: 1000000}\n"
    )
    planned = cache_planning.plan(asked(trace, prices_file=str(prices)))
    assert planned.plan.best is None
    said = "\n".join(run(trace, "--item-bytes", "1000", "--prices", prices).splitlines())
    assert "the price of a read isn't in the price file (give --read-usd-per-million)" in said
    assert "cache.x.one: holds unknown, hit rate unknown, cost $730.00" in said
    assert "cache.y.two: holds 750 kB, hit rate 80.00 %, cost unknown" in said


def test_what_a_read_is_worth_may_be_given(trace: Path) -> None:
    """$2 a million; or a db.t3.large, $0.136 an hour, that 1,000 reads a second use up: $0.0378 a million."""
    given = cache_planning.plan(asked(trace, read_usd_per_million=2.0))
    assert (given.worth.usd_per_million, given.worth.by) == (2.0, "as given")
    rds = cache_planning.plan(asked(trace, rds="db.t3.large", rds_reads_per_s=1_000))
    assert rds.worth.usd_per_million == pytest.approx(0.136 / 3.6)
    assert rds.worth.by == "db.t3.large, used up by 1,000 reads a second"


def test_latency_and_ttl_stand_beside_it(trace: Path) -> None:
    """E1: 100 + 0.2 · 1,000 = 300 µs, even at 20 %. E3: two keys of 0.278 reads/s, 3.6 s: 1 / (1 + 1) = 50 %."""
    said = run(
        trace, "--item-bytes", "1000", "--t-get-us", "100", "--t-db-us", "900", "--t-set-us", "100", "--ttl-s", "3.6"
    )
    assert "makes the mean read 300 µs, the database alone 900 µs; a cache is faster from 20.00 % hits on (E1)." in said
    assert "TTL: with one of 3.6 s and nothing evicted, 50.00 % of reads at random times would hit (E3)" in said
    assert "mean read 300 µs" in said


def test_json_is_one_document_with_the_same_figures(trace: Path) -> None:
    """For programs: schema 1, nothing else on standard output."""
    plan = json.loads(run(trace, "--item-bytes", "1000", "--reads-per-s", "1000", "--json"))
    assert plan["schema"] == 1
    assert plan["best"]["name"] == "cache.t4g.micro"
    assert plan["best"]["net_usd_month"] == pytest.approx(122.056)
    assert plan["trace"]["entries"] == 2
    assert plan["trace"]["stored_bytes"] == 2_162
    assert plan["trace"]["by_bytes"]["knee"] == {"size": 2_162, "hit_rate": 0.8}
    assert plan["trace"]["by_bytes"]["points"][-1]["hit_rate"] == 0.8
    assert plan["assumed"]["reserved_memory_share"] == 0.25
    assert [one["name"] for one in plan["variations"]] == ["keys −20 %", "keys +20 %", "traffic −20 %", "traffic +20 %"]


def report_of(request: cache_planning.Request, out: Path) -> Run:
    """The directory of a plan, read as a report reads it."""
    assert cache_planning.write_report(cache_planning.plan(request), out, None) == 0
    return Run.load(out)


def test_a_report_stands_on_the_plan_alone(trace: Path, tmp_path: Path) -> None:
    """Findings are modelled, n is the reads; charts draw from their tables; written findings are those of the analysis."""
    out = tmp_path / "plan"
    loaded = report_of(asked(trace, reads_per_s=1_000.0, trips_us=(100, 900, 100), ttl_s=60.0), out)
    section = analyse(loaded)
    gain = finding_of(section, "cache_planner.net_usd_month")
    assert gain.value == pytest.approx(122.056)
    assert gain.sentence.startswith(
        "cache.t4g.micro pays: it costs $9.34 a month and spares the database 2,100,000,000 reads"
    )
    assert finding_of(section, "cache_planner.hit_rate", cache="cache.m6g.large").value == 0.8
    assert finding_of(section, "cache_planner.latency_mean_us", cache="serverless").value == pytest.approx(300)
    assert finding_of(section, "cache_planner.varied.net_usd_month", traffic="0.8").value == pytest.approx(
        131.4 * 0.8 - 9.344
    )
    assert {finding.basis for finding in section.findings} == {"modelled"}
    assert {finding.n for finding in section.findings} == {10}
    assert [len(chart.table) for chart in section.charts] == [200, 200, 8, 5]
    assert len(drawn(section)) == 4
    written = json.loads((out / "findings.json").read_text())
    assert [one["id"] for one in written] == [finding.id for finding in section.findings]
    manifest = json.loads((out / "manifest.json").read_text())
    assert "Which cache pays for these keys" in html(manifest, False, [section])
    assert "cache_planner.net_usd_month" in markdown(manifest, False, [section])


def test_a_report_without_a_rate_says_what_is_missing(tmp_path: Path) -> None:
    """Not measured, with the reason; the curve is there all the same. Keys that are never read again have none."""
    path = tmp_path / "keys.csv"
    path.write_text("key\na\nb\na\n")
    section = analyse(report_of(asked(path), tmp_path / "plan"))
    gain = finding_of(section, "cache_planner.net_usd_month")
    assert (gain.status, gain.value) == ("not_measured", None)
    assert gain.reason is not None
    assert "the trace tells no rate of reads" in gain.reason
    assert len(drawn(section)) == 2
    path.write_text("key\na\nb\nc\n")
    once = analyse(report_of(asked(path, reads_per_s=5.0), tmp_path / "once"))
    assert finding_of(once, "cache_planner.knee_bytes").reason == "nothing is read twice"
    assert finding_of(once, "cache_planner.hit_rate", cache="serverless").value == 0
    assert "Nothing is read twice: no cache of any size answers a read." in run(path, "--item-bytes", "1")


def test_a_sample_has_its_error_in_the_report(tmp_path: Path) -> None:
    """Half of 400 keys, each read ten times in turn: the error stands in the answer and bounds the finding."""
    path = tmp_path / "many.csv"
    path.write_text("time,key\n" + "".join(f"{row},user{row % 400}\n" for row in range(4_000)))
    planned = cache_planning.plan(asked(path, sample=0.5))
    first = planned.plan.outcomes[0]
    assert first.hit_rate is not None
    assert first.half_width is not None
    assert abs(first.hit_rate - 0.9) < first.half_width + 0.02
    section = analyse(report_of(asked(path, sample=0.5), tmp_path / "plan"))
    found = finding_of(section, "cache_planner.hit_rate", cache=first.name)
    assert (found.low, found.high) == (first.hit_rate - first.half_width, first.hit_rate + first.half_width)
    assert len(drawn(section)) == 4


def test_a_run_whose_samples_have_keys_is_a_trace(tmp_path: Path) -> None:
    """Two trials of an arm after each other, in the order of their start; a retry isn't a read; other arms stay out.

    Trial 1: a b a in 2 s. Trial 2: b in 1 s (with the set that follows), so of 4 reads 2 hit: 4 reads in 3 s.
    """
    planted = PlantedRun(tmp_path / "run")
    trials = [trial(1, "lazy", "s"), trial(2, "lazy", "s"), trial(3, "no_cache", "s")]
    planted.scenario("cache_hit_rate", params={}, trials=trials)
    rows = [
        (1, 3, "read", "a", 1), (1, 1, "read", "a", 1), (1, 2, "get", "b", 1), (1, 2, "read", "b", 2),
        (2, 10, "read", "b", 1), (2, 11, "write", "c", 1), (3, 1, "read", "z", 1), (2, 11, "read", None, 1),
    ]  # fmt: skip
    planted.samples(
        "cache_hit_rate",
        [
            {"trial": number, "t_start": s * 10**9, "t_end": s * 10**9, "op": op, "key": key, "attempt": attempt, "bytes": 7}
            for number, s, op, key, attempt in rows
        ],
        {"key": "text"},
    )  # fmt: skip
    planted.load()
    planned = cache_planning.plan(cache_planning.Request(from_run=planted.path, arm="lazy"))
    assert planned.trace.accesses.keys.tolist() == [0, 1, 0, 1, 2]
    assert planned.trace.accesses.value_bytes.tolist() == [7] * 5
    assert planned.trace.reads_per_s == pytest.approx(4 / 3)
    assert planned.analysis.by_entries.hit_rate(2) == 0.5
    with pytest.raises(UsageError, match="has the arms lazy, no_cache: choose one with --arm"):
        cache_planning.plan(cache_planning.Request(from_run=planted.path))


def test_keys_of_several_parts_and_tables_are_not_mixed(tmp_path: Path) -> None:
    """As cache_hit_rate records them: numbers, that name other rows in each part and in tables of other values.

    Size reads 0 and 1, at both of its cache sizes the same; value_size reads 0 of 256 bytes and another 0 of 1,024. A write has
    its bytes; a read that failed has none and isn't in the trace.
    """
    planted = PlantedRun(tmp_path / "run")

    def of(part: str, value_bytes: int) -> dict[str, Any]:
        return {"labels": {"part": part}, "params": {"skew": "zipf_1", "keys": 2, "value_bytes": value_bytes}}

    trials = [
        trial(0, "lazy", "0.1", **of("size", 9)), trial(1, "lazy", "1", **of("size", 9)),
        trial(2, "lazy", "256", **of("value_size", 256)), trial(3, "lazy", "1024", **of("value_size", 1_024)),
    ]  # fmt: skip
    planted.scenario("cache_hit_rate", params={}, trials=trials)
    rows = [
        (0, "read", 0, 9, "ok"), (0, "write", 1, 9, "ok"), (0, "read", 1, None, "error"), (1, "read", 0, 9, "ok"),
        (2, "read", 0, 256, "ok"), (3, "read", 0, 1_024, "ok"),
    ]  # fmt: skip
    planted.samples(
        "cache_hit_rate",
        [
            {"trial": number, "t_start": at, "t_end": at + 1, "op": op, "key": key, "bytes": bytes_, "outcome": outcome}
            for at, (number, op, key, bytes_, outcome) in enumerate(rows)
        ],
        {"key": "int"},
    )  # fmt: skip
    planted.load()

    def keys(**chosen: str) -> list[int]:
        return cache_planning.plan(
            cache_planning.Request(from_run=planted.path, **chosen)
        ).trace.accesses.value_bytes.tolist()

    assert keys(part="size") == [9, 9, 9]
    assert keys(part="size", step="1") == [9]
    assert keys(part="value_size", step="1024") == [1_024]
    for chosen, said in (
        ({}, r"read other keys by part \(size, value_size\): choose one with --part"),
        ({"part": "value_size"}, r"read other keys by step \(256, 1024\): choose one with --step"),
        ({"part": "skew"}, "have no part skew; they have size, value_size"),
        ({"part": "size", "step": "0.5"}, "have no step 0.5; they have 0.1, 1"),
    ):
        with pytest.raises(UsageError, match=said):
            keys(**chosen)


def test_a_run_without_keys_says_what_a_scenario_must_record(tmp_path: Path) -> None:
    """The column's name and kind; and no run at all."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario("cache_hit_rate", params={}, trials=[trial(1, "lazy", "s")])
    planted.samples("cache_hit_rate", [{"trial": 1, "t_start": 1, "t_end": 2, "op": "read", "bytes": -1}], {})
    planted.load()
    for scenario in (None, "cache_hit_rate"):
        with pytest.raises(
            UsageError, match=r"recorded the keys it read; .* sample column of its own, 'key' \(text or int\)"
        ):
            cache_planning.plan(cache_planning.Request(from_run=planted.path, scenario=scenario))
    with pytest.raises(UsageError, match="not a run directory"):
        cache_planning.plan(cache_planning.Request(from_run=tmp_path / "none"))


def test_a_run_that_does_not_know_its_bytes_asks_for_them(tmp_path: Path) -> None:
    """−1 is not a size."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario("cache_hit_rate", params={}, trials=[trial(1, "lazy", "s")])
    rows = [{"trial": 1, "t_start": 1, "t_end": 2, "op": "read", "bytes": -1, "key": "a"}]
    planted.samples("cache_hit_rate", rows, {"key": "text"})
    planted.load()
    with pytest.raises(UsageError, match="didn't record the bytes of every value; give them with --item-bytes"):
        cache_planning.plan(cache_planning.Request(from_run=planted.path))
    planned = cache_planning.plan(cache_planning.Request(from_run=planted.path, item_bytes=100))
    assert planned.trace.accesses.value_bytes.tolist() == [100]


def test_the_check_would_notice_a_difference(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain cache that always hits differs at the two first reads, at every size that is compared."""
    planned = cache_planning.plan(asked(trace))
    monkeypatch.setattr(analysis, "simulate", lambda accesses, capacity: [True] * len(accesses))
    with pytest.raises(CannotMeasure, match="reads differ from those of a plain LRU cache"):
        cache_planning.check(planned.plan, planned.analysis)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trace": None}, "expected a trace file, or --from-run RUN"),
        ({"from_run": Path("run")}, "expected a trace file, or --from-run RUN"),
        ({"part": "size"}, "--part chooses among the trials of a run: give --from-run RUN"),
        ({"item_bytes": -1}, "--item-bytes must be 0 or more, got -1"),
        ({"replicas": -1}, "--replicas must be 0 or more, got -1"),
        ({"reads_per_s": 0.0}, "--reads-per-s must be above 0, got 0"),
        ({"reads_per_s": float("nan")}, "--reads-per-s must be above 0, got nan"),
        ({"ttl_s": -1.0}, "--ttl-s must be above 0, got -1"),
        ({"reserved_memory_percent": 100.0}, "--reserved-memory-percent must be from 0 to below 100, got 100"),
        ({"warm_up_percent": 100.0}, "--warm-up must be from 0 to below 100, got 100"),
        ({"warm_up_percent": 10.0, "sample": 0.5}, "--warm-up and --sample don't go together: leave one"),
        ({"rds": "db.t3.large"}, "--rds and --rds-reads-per-s go together"),
        ({"rds": "db.t3.large", "rds_reads_per_s": 1.0, "read_usd_per_million": 1.0}, "both say what a read is worth"),
        ({"rds": "db.t9.huge", "rds_reads_per_s": 1.0}, "--rds db.t9.huge: the price file has no price of it; known are .*db.t3.large"),
        ({"trips_us": (1, None, 1)}, "--t-get-us, --t-db-us and --t-set-us go together"),
        ({"trips_us": (1, -1, 1)}, "--t-get-us, --t-db-us and --t-set-us must be 0 or more"),
        ({"engine": "memcached"}, "--engine must be valkey or redis, got memcached"),
        ({"region": "mars-1"}, "no prices for region 'mars-1'"),
        ({"out": Path(__file__).parent}, "exists and isn't an empty directory"),
        ({"warm_up_percent": 99.0, "trace": "one"}, "--warm-up 99 leaves no read to count; take less"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(trace: Path, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    """With the way out."""
    if options.get("trace") == "one":
        path = tmp_path / "one.csv"
        path.write_text("key,op\n" + "a,read\n" + "a,write\n" * 99)
        options = options | {"trace": path}
    with pytest.raises(UsageError, match=said):
        cache_planning.plan(cache_planning.Request(**({"trace": trace, "item_bytes": 1_000} | options)))
