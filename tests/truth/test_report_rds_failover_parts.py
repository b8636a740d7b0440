"""Durability, synchrony, pace, what opens the report, and that every chart draws what was planted."""

from pathlib import Path

import pytest
from planted_failovers import Meets, PlantedFailovers
from rundir import PlantedRun, drawn, finding_of, findings_of

from reports import rds_failover
from reports.section import Section

NAME = "rds_failover"
# Six rounds: 1 ms a commit on Single-AZ; in the cluster 3.0 ms in three rounds and 3.2 in the others.
# Differences 2.0 and 2.2: mean 2.1, s² = 6·0.01/5 = 0.012; t(0.975, 5) = 2.5706, so ± 2.5706·√(0.012/6) = 0.11496.
CLUSTER_MS, HALF_MS, COMMITS = (3.0, 3.2, 3.0, 3.2, 3.0, 3.2), 0.11496, 100


@pytest.fixture
def failovers(tmp_path: Path) -> PlantedFailovers:
    return PlantedFailovers(PlantedRun(tmp_path / "run"))


def section_of(failovers: PlantedFailovers, engines: tuple[str, ...] = ("mysql",)) -> Section:
    failovers.write(engines)
    return rds_failover.analyse(failovers.planted.load())


def synchrony(failovers: PlantedFailovers, engine: str = "mysql", delay_ms: float = 1.0, *, done: bool = True) -> None:
    for pair, cluster_ms in enumerate(CLUSTER_MS):
        failovers.synchrony(engine, "single_az", delay_ms, [1.0] * COMMITS, pair=pair, done=done)
        failovers.synchrony(engine, "multi_az_cluster", delay_ms, [cluster_ms] * COMMITS, pair=pair, done=done)


def test_a_durability_step_says_what_a_process_crash_lost_and_not_what_a_lost_host_would(
    failovers: PlantedFailovers,
) -> None:
    """50 of 100 in each of six trials with flush_log 0, none beside it with what RDS has; the former is no warning."""
    word = "innodb_flush_log_at_trx_commit=0"
    for number in range(12):
        durability = word if number % 2 else "default"
        failovers.trial(topology="single_az", clients={"tuned": Meets()}, durability=durability)
        failovers.ledger(number, "tuned", acknowledged=100, lost=50 * (number % 2))
    section = section_of(failovers)
    id = f"{NAME}.mysql.single_az.crash.lost_writes"
    lost = finding_of(section, id, client="all", durability=word)
    assert (lost.value, lost.n, lost.labels["step"]) == (300, 6, f"single_az.crash.{word}")
    assert f"MySQL, Single-AZ, {word}, crash (kill -9): 300 of 600 acknowledged writes lost" in lost.sentence
    assert "what a lost host would lose isn't measured" in lost.sentence
    assert finding_of(section, id, client="all", durability="default").value == 0
    host = finding_of(section, f"{NAME}.mysql.single_az.lost_host.lost_writes")
    assert (host.status, host.labels["fault"], "page cache" in (host.reason or "")) == (
        "not_measured",
        "lost_host",
        True,
    )
    opening = finding_of(section, f"{NAME}.mysql.lost_writes")
    assert (opening.value, opening.n) == (0, 6)
    assert opening.sentence.endswith(f"; {word} lost 300 of 600.")
    assert section.warnings == ()


def test_of_a_durability_step_downtime_and_ledger_are_told_and_nothing_else(failovers: PlantedFailovers) -> None:
    """Its clients are few, and its point is what is lost."""
    for number in range(6):
        failovers.trial(topology="single_az", clients={"tuned": Meets()}, durability="sync_binlog=0")
        failovers.ledger(number, "tuned", acknowledged=100)
    section = section_of(failovers)
    figures = {one.id.rsplit(".", 1)[1] for one in section.findings if one.labels.get("durability") == "sync_binlog=0"}
    assert figures == {"write_downtime_s", "read_downtime_s", *(f"{what}_writes" for what in rds_failover.LEDGER)}


def test_commits_are_told_by_topology_and_what_they_take_more_by_round(failovers: PlantedFailovers) -> None:
    """600 commits an arm carry p50 and p99; the difference has the interval worked out above."""
    synchrony(failovers)
    section = section_of(failovers)
    id = f"{NAME}.mysql.synchrony"
    single = finding_of(section, f"{id}.commit_p50_ms", arm="single_az")
    assert (single.value, single.n, single.unit, single.basis) == (pytest.approx(1.0), 600, "ms", "local_model")
    assert (single.labels["inter_az_ms"], single.labels["step"], single.labels["loop"]) == ("1", "1ms", "closed")
    cluster = finding_of(section, f"{id}.commit_p99_ms", arm="multi_az_cluster")
    assert (cluster.value, cluster.low, cluster.high) == pytest.approx((3.2, 3.0, 3.2))
    extra = finding_of(section, f"{id}.commit_extra_ms", arm="multi_az_cluster")
    assert (extra.value, extra.low, extra.high) == pytest.approx((2.1, 2.1 - HALF_MS, 2.1 + HALF_MS), rel=1e-4)
    assert extra.n == 6


@pytest.mark.parametrize(("engine", "extra_ms"), [("mysql", 4.0), ("postgres", 2.0)])
def test_a_multi_az_instance_is_modelled_by_a_round_trip_for_each_flush(
    failovers: PlantedFailovers, engine: str, extra_ms: float
) -> None:
    """1 ms each way is a round trip of 2 ms; MySQL flushes twice a commit, redo log and binary log, PostgreSQL once. Commits of 1 ms."""
    synchrony(failovers, engine)
    section = section_of(failovers, (engine,))
    p50 = finding_of(section, f"{NAME}.{engine}.synchrony.commit_p50_ms", arm="multi_az_instance")
    assert (p50.value, p50.basis) == (pytest.approx(1.0 + extra_ms), "modelled")
    extra = finding_of(section, f"{NAME}.{engine}.synchrony.commit_extra_ms", arm="multi_az_instance")
    assert (extra.value, extra.basis) == (pytest.approx(extra_ms), "modelled")
    assert "the stand-in's two zones share one volume" in extra.sentence


def test_a_commits_floor_is_that_of_the_failovers_write_where_it_has_none_of_its_own(
    failovers: PlantedFailovers,
) -> None:
    """The same statement by the same driver: 0.2 ms of 1.0, which leaves 0.8."""
    synchrony(failovers)
    failovers.write()
    failovers.planted.floor(NAME, "pymysql", "write_probe", [200.0] * 3, engine="mysql", client_arm="tuned")
    section = rds_failover.analyse(failovers.planted.load())
    record = finding_of(section, f"{NAME}.mysql.synchrony.commit_p50_ms", arm="single_az").as_record()
    assert (record["floor"], record["excess"]["value"]) == pytest.approx((0.2, 0.8))
    assert [(row.client, row.verdict) for row in section.tool] == [("pymysql", "not tool-bound")]


def test_synchrony_that_was_planned_and_never_ended_is_not_measured(failovers: PlantedFailovers) -> None:
    """Neither topology, and there is no failover to open the report with."""
    synchrony(failovers, done=False)
    section = section_of(failovers)
    found = findings_of(section, f"{NAME}.mysql.synchrony.commit_p50_ms")
    assert {(one.labels["arm"], one.status) for one in found} == {
        ("single_az", "not_measured"), ("multi_az_cluster", "not_measured"),
    }  # fmt: skip
    assert section.charts == ()


def test_a_failover_at_rds_own_pace_is_a_case_of_its_own(failovers: PlantedFailovers) -> None:
    """The same id, another pace and step; its sentence says so, and its minutes have RDS's seconds in them."""
    for pace, write_ms in (("fast", 400), ("rds", 1500)):
        for _ in range(6):
            failovers.trial(clients={"tuned": Meets(write_ms=write_ms)}, pace=pace)
    section = section_of(failovers)
    id = f"{NAME}.mysql.multi_az_instance.crash"
    slow, fast = (finding_of(section, f"{id}.write_downtime_s", pace=pace) for pace in ("rds", "fast"))
    assert (slow.value, slow.labels["step"]) == (pytest.approx(1.5), "multi_az_instance.crash.rds")
    assert (fast.value, fast.headline, slow.headline) == (pytest.approx(0.4), True, False)
    assert slow.sentence.startswith("MySQL, Multi-AZ instance, at RDS's pace: down for writes")
    minutes = {
        pace: finding_of(section, f"{id}.unavailable_minutes_a_month", pace=pace).sentence for pace in ("rds", "fast")
    }
    assert ("RDS itself takes" in minutes["fast"], "RDS itself takes" in minutes["rds"]) == (True, False)


def test_a_run_of_many_cases_opens_with_three_sentences_an_engine(failovers: PlantedFailovers) -> None:
    """The tuned client's writes and the clients' ratio of the Multi-AZ instance that crashes, and what was lost in all."""
    for engine in ("mysql", "postgres"):
        for topology in ("single_az", "async_replica", "multi_az_cluster", "multi_az_instance"):
            for fault in ("planned", "hang", "crash"):
                clients = {"tuned": Meets(), "naive": Meets(write_ms=None, read_ms=None)}
                number = failovers.trial(engine, topology, fault, clients=clients)
                failovers.ledger(number, "tuned", acknowledged=10, lost=int(topology == "async_replica"))
    section = section_of(failovers, ("mysql", "postgres"))
    opening = [one.id for one in section.findings if one.headline]
    assert opening == [
        f"{NAME}.{engine}.{figure}"
        for engine in ("mysql", "postgres")
        for figure in (
            "multi_az_instance.crash.write_downtime_s",
            "multi_az_instance.crash.client_ratio",
            "lost_writes",
        )
    ]
    lost = finding_of(section, f"{NAME}.mysql.lost_writes")
    assert (lost.value, "of 90 acknowledged" in lost.sentence) == (0, True)
    assert lost.sentence.endswith("; the asynchronous replica lost 3 of 30.")
    assert len(findings_of(section, f"{NAME}.mysql.async_replica.lost_host.lost_writes")) == 1
    charts = [chart.id for chart in section.charts]
    assert (
        len([id for id in charts if id.endswith("-timeline")]) == 2 * 3
    )  # an engine's first three; the others stand in two charts
    assert f"{NAME}-mysql-cells-clients" in charts
    assert len(section.charts[0].table) == 24


def test_charts_carry_what_was_planted(failovers: PlantedFailovers) -> None:
    """All are drawn. Silences are the outages; every event is on the timeline; a client that isn't back is a dot that says so.

    Over time: a probe each 10 ms, so the first 50 ms after the fault have 5 of each of 6 trials, none of them answered."""
    writes_ms = (400, 420, 440, 460, 410, 450)
    for number, write_ms in enumerate(writes_ms):
        clients = {"tuned": Meets(write_ms=write_ms), "naive": Meets(write_ms=None, read_ms=None), "reference": Meets()}
        failovers.trial(clients=clients)
        failovers.event("proxy_told", number, 311)
        for client in clients:
            failovers.ledger(number, client, acknowledged=100)
    synchrony(failovers)
    section = section_of(failovers)
    assert len(drawn(section)) == len(section.charts) == 10
    tables = {chart.id.removeprefix(f"{NAME}-"): chart.table for chart in section.charts}
    case = "mysql-multi-az-instance-crash"
    silent = tables[f"{case}-trials"]
    of_tuned = silent[(silent["client"] == "tuned") & (silent["probe"] == "write")].sort_values("trial")
    assert ((of_tuned["to s"] - of_tuned["from s"]) * 1000).tolist() == pytest.approx(list(writes_ms))
    dots = tables[f"{case}-clients"]
    assert set(dots.loc[dots["client"] == "naive", "back"]) == {False}
    assert dots.loc[(dots["client"] == "tuned") & (dots["down for"] == "writes"), "s"].tolist() == pytest.approx(
        [ms / 1000 for ms in writes_ms]
    )
    timeline = tables[f"{case}-timeline"]
    events = timeline[timeline["probe"] == "event"]
    assert events["client"].tolist() == [
        "fault", "controller detects it", "old server fenced", "server started", "server ready", "DNS moved", "proxy told",
    ]  # fmt: skip
    assert events["from s"].tolist() == pytest.approx([0, 0.02, 0.025, 0.026, 0.3, 0.31, 0.311])
    over_time = tables[f"{case}-time"]
    first = over_time[(over_time["arm"] == "writes") & (over_time["from, s"] == 0)].iloc[0]
    assert (first["requests"], first["no answer, %"]) == (round(6 * 100 * first["to, s"]), 100)
    assert tables["synchrony"]["p50, ms"].notna().sum() == 3


def test_event_names_never_lie_over_each_other(failovers: PlantedFailovers) -> None:
    """Eight events within 31 ms of each other, and the last near the edge: the boxes of their names are apart."""
    for number in range(6):
        failovers.trial(clients={"tuned": Meets(write_ms=400), "naive": Meets(write_ms=None, read_ms=None)})
        failovers.event("proxy_told", number, 311)
    chart = next(chart for chart in section_of(failovers).charts if chart.id.endswith("-timeline"))
    figure = chart.draw(chart.table)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts]
    assert len(boxes) == 7
    assert not any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at])
    width = figure.bbox.width
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)


def test_no_two_findings_have_the_same_id_and_labels(failovers: PlantedFailovers) -> None:
    """Whatever is in a run: durability steps that never ended beside a cell that did, paces, synchrony, clients without rows."""
    for done in (True, False):
        for _ in range(2):
            failovers.trial(
                clients={"tuned": Meets(), "pool": Meets(write_ms=None)}, done=done, client_arms="tuned,pool,proxy"
            )
            failovers.trial(clients={"tuned": Meets()}, pace="rds", done=done)
        for word in ("sync_binlog=0", "innodb_flush_log_at_trx_commit=0"):
            failovers.trial(topology="single_az", clients={"tuned": Meets()}, durability=word, done=False)
    failovers.ledger(0, "tuned", acknowledged=5)
    synchrony(failovers, delay_ms=0.0)
    synchrony(failovers, delay_ms=1.0)
    section = section_of(failovers, ("mysql", "postgres"))
    keys = [(one.id, tuple(sorted(one.labels.items()))) for one in section.findings]
    assert len(keys) == len(set(keys))
    assert sum(one.status == "not_measured" for one in section.findings) > 5
