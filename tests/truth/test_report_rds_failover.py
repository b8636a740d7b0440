"""What was planted in a run of rds_failover comes back as its findings; no more is claimed. Downtime, ledger, and who is missing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_failovers import CAP_MS, MS, Meets, PlantedFailovers, begin_ns
from rundir import PlantedRun, assert_nothing_measured, drawn, finding_of, findings_of, trial

from reports import rds_failover
from reports.outage import longest_outage
from reports.section import Section

NAME, CASE = "rds_failover", "rds_failover.mysql.multi_az_instance.crash"
# Outages in ms, by trial; all multiples of the interval. Median of the writes 430, smallest and largest 400 and 460.
WRITES_MS, READS_MS = (400, 420, 440, 460, 410, 450), (300,) * 6
SERVER_MS = 380
LEDGER = {"acknowledged": 1000, "failed": 40, "ambiguous": 3, "ambiguous_present": 2, "retried": 1}


@pytest.fixture
def failovers(tmp_path: Path) -> PlantedFailovers:
    return PlantedFailovers(PlantedRun(tmp_path / "run"))


def plant(
    failovers: PlantedFailovers,
    writes_ms: Sequence[int | None] = WRITES_MS,
    *,
    done: int = 99,
    ledger: Any = LEDGER,
    **params: Any,
) -> None:
    """A crash for each outage, seen by the tuned client and by the server itself; the first ``done`` ran to their end."""
    for number, write_ms in enumerate(writes_ms):
        clients = {"tuned": Meets(write_ms=write_ms, read_ms=300), "reference": Meets(write_ms=SERVER_MS, read_ms=290)}
        failovers.trial(clients=clients, done=number < done, **params)
        failovers.ledger(number, "tuned", **ledger)
        failovers.ledger(number, "reference", acknowledged=500)
    failovers.write()


def section_of(failovers: PlantedFailovers) -> Section:
    return rds_failover.analyse(failovers.planted.load())


def test_downtime_is_the_median_gap_between_answers_and_its_low_end_two_probes_lower(
    failovers: PlantedFailovers,
) -> None:
    """Writes 400 to 460 ms, so 430 within (400 − 20) to 460; reads 300 in all six, so 280 to 300."""
    plant(failovers)
    section = section_of(failovers)
    write = finding_of(section, f"{CASE}.write_downtime_s", client="tuned")
    read = finding_of(section, f"{CASE}.read_downtime_s", client="tuned")
    assert (write.value, write.low, write.high) == pytest.approx((0.43, 0.38, 0.46))
    assert (read.value, read.low, read.high) == pytest.approx((0.3, 0.28, 0.3))
    assert (write.n, write.status, write.unit, write.headline, read.headline) == (6, "measured", "s", True, False)
    assert write.labels == {
        "engine": "mysql", "topology": "multi_az_instance", "fault": "crash", "pace": "fast", "durability": "default",
        "server": "MariaDB 10.11.19", "driver": "pymysql", "arm": "tuned", "client": "tuned", "step": "multi_az_instance.crash",
    }  # fmt: skip
    assert "MySQL, Multi-AZ instance: down for writes for 430 ms after a crash (kill -9)" in write.sentence
    assert "worst 460 ms" in write.sentence
    assert "local model, MariaDB 10.11.19" in write.sentence


def test_the_servers_own_downtime_stands_beside_the_tuned_clients(failovers: PlantedFailovers) -> None:
    """380 ms in every trial, of a client's 430; a finding of its own, that opens nothing."""
    plant(failovers)
    section = section_of(failovers)
    server = finding_of(section, f"{CASE}.write_downtime_s", client="reference")
    assert (server.value, server.high, server.headline) == (pytest.approx(0.38), pytest.approx(0.38), False)
    assert finding_of(section, f"{CASE}.write_downtime_s", client="tuned").sentence.endswith(
        "; the server itself for 380 ms."
    )


def test_an_outage_that_outlasts_its_trial_leaves_the_interval_open(failovers: PlantedFailovers) -> None:
    """400, 410, 420, 450, 460 and one that never ended: the median is known, 435, its upper bound isn't."""
    plant(failovers, (400, 420, None, 460, 410, 450))
    write = finding_of(section_of(failovers), f"{CASE}.write_downtime_s", client="tuned")
    assert (write.value, write.low, write.high) == (pytest.approx(0.435), pytest.approx(0.38), None)
    assert write.status == "measured"
    assert "(median, 1 of 6 trials ended before it was back, worst at least 2.01 s;" in write.sentence


@pytest.mark.parametrize("after_ms", [1, 2300])
def test_clients_that_never_come_back_are_down_for_at_least_the_cap(failovers: PlantedFailovers, after_ms: int) -> None:
    """Answered last 9 ms before the fault and not until the cap of 2 s: 2.009 s, whether the last attempt failed at once, 9 ms
    before the cap, or hung until it was cut 0.3 s after it.
    """
    for write_ms in (400, None, None, None, None, 450):
        failovers.trial(clients={"tuned": Meets(write_ms=write_ms, read_ms=300, fails_after_ms=after_ms)})
    failovers.write()
    write = finding_of(section_of(failovers), f"{CASE}.write_downtime_s", client="tuned")
    assert (write.value, write.high, write.status) == (pytest.approx(2.009), None, "at_least")
    assert "down for writes for at least 2.01 s" in write.sentence


def test_blocked_ticks_are_no_answers_either(failovers: PlantedFailovers) -> None:
    """Every connection hangs from 80 ms on, so that no attempt is made any more: still 2.009 s, by the ticks."""
    for _ in range(6):
        failovers.trial(clients={"naive": Meets(write_ms=None, read_ms=None, fails_after_ms=2300, blocked_from_ms=80)})
    failovers.write()
    write = finding_of(section_of(failovers), f"{CASE}.write_downtime_s", client="naive")
    assert (write.value, write.status) == (pytest.approx(2.009), "at_least")


def test_no_more_than_was_watched_is_claimed_where_probes_end_long_before_the_cap(failovers: PlantedFailovers) -> None:
    """A cap of 5 s, and probes until 1,990 ms after the fault: at least 2 s, from −9 ms to 1,991."""
    plant(failovers, (None,) * 6, cap_s=5.0)
    write = finding_of(section_of(failovers), f"{CASE}.write_downtime_s", client="tuned")
    assert (write.value, write.status) == (pytest.approx(2.0), "at_least")


def test_probes_that_never_fell_silent_are_no_downtime(failovers: PlantedFailovers) -> None:
    """Their longest gap is the interval, 10 ms, which is within what probes can tell: from 0 on."""
    for _ in range(6):
        failovers.trial(clients={"reader": Meets(writes=False, read_ms=0)})
    failovers.write()
    section = section_of(failovers)
    read = finding_of(section, f"{CASE}.read_downtime_s", client="reader")
    assert (read.value, read.low, read.high) == pytest.approx((0.01, 0.0, 0.01))
    assert "reads went on after a crash" in read.sentence
    assert findings_of(section, f"{CASE}.write_downtime_s") == []


def test_a_retry_is_an_attempt_of_its_own_and_its_answer_ends_the_outage(failovers: PlantedFailovers) -> None:
    """Every write from the fault on is broken off at once; the one due at 200 ms is tried again and answered at 391: 400 ms."""
    for number in range(6):
        failovers.trial(clients={"tuned": Meets(write_ms=None, read_ms=300)})
        op_id = next(
            row["op_id"] for row in failovers.rows
            if row["trial"] == number and row["op"] == "write_probe" and row["t_intended"] == begin_ns(number) + 200 * MS
        )  # fmt: skip
        for row in [row for row in failovers.rows if row["trial"] == number and row["op"] == "write_probe"]:
            due_ms = (row["t_intended"] - begin_ns(number)) // MS
            row |= {"outcome": "ok"} if due_ms >= 400 else {}
            if row["op_id"] == op_id:
                at_ns = begin_ns(number) + 391 * MS
                again = row | {"attempt": 2, "t_start": at_ns - 1 * MS, "t_end": at_ns, "outcome": "ok"}
        failovers.rows.append(again)
    failovers.write()
    write = finding_of(section_of(failovers), f"{CASE}.write_downtime_s", client="tuned")
    assert (write.value, write.status) == (pytest.approx(0.4), "measured")


def test_the_ledger_is_added_up_over_the_trials_by_client_and_over_all(failovers: PlantedFailovers) -> None:
    """Six times a thousand acknowledged to the tuned client and 500 to the reference; none lost: zero here was looked up."""
    plant(failovers)
    section = section_of(failovers)
    of_tuned = {
        what: finding_of(section, f"{CASE}.{what}_writes", client="tuned").value for what in rds_failover.LEDGER
    }
    assert of_tuned == {"lost": 0, "phantom": 0, "duplicate": 0, "ambiguous": 18, "acknowledged": 6000}
    assert finding_of(section, f"{CASE}.acknowledged_writes", client="reference").value == 3000
    of_all = finding_of(section, f"{CASE}.acknowledged_writes", client="all")
    assert (of_all.value, of_all.low, of_all.high, of_all.n) == (9000, 9000, 9000, 6)
    assert "0 of 9,000 acknowledged writes lost" in finding_of(section, f"{CASE}.lost_writes", client="all").sentence
    assert "12 of them are present" in finding_of(section, f"{CASE}.ambiguous_writes", client="tuned").sentence
    assert section.warnings == ()


def test_a_lost_write_is_in_the_headlines_and_the_warnings(failovers: PlantedFailovers) -> None:
    """So are a phantom and a duplicate in the warnings."""
    plant(failovers, ledger=LEDGER | {"lost": 1, "phantom": 2, "duplicate": 3})
    section = section_of(failovers)
    lost = finding_of(section, f"{NAME}.mysql.lost_writes")
    assert (lost.value, lost.n, lost.headline, lost.labels["client"]) == (6, 6, True, "all")
    assert section.verdict == (finding_of(section, f"{CASE}.write_downtime_s", client="tuned").sentence, lost.sentence)
    assert [warning.split(" (every")[0] for warning in section.warnings] == [
        "MySQL, Multi-AZ instance, crash (kill -9): 6 of 9,000 acknowledged writes lost",
        "MySQL, Multi-AZ instance, crash (kill -9): 12 of 240 refused writes present all the same",
        "MySQL, Multi-AZ instance, crash (kill -9), the tuned client: 18 writes present more than once of 6 that were retried",
    ]


def test_duplicates_of_a_client_that_retries_blindly_are_a_finding_and_no_warning(failovers: PlantedFailovers) -> None:
    """Two in each of six trials."""
    plant(failovers)
    for number in range(6):
        failovers.ledger(number, "pool", acknowledged=100, duplicate=2, retried=5)
    section = section_of(failovers)
    duplicates = finding_of(section, f"{CASE}.duplicate_writes", client="pool")
    assert (duplicates.value, duplicates.n) == (12, 6)
    assert "12 writes present more than once of 30 that were retried" in duplicates.sentence
    assert section.warnings == ()


def test_two_tables_held_side_by_side_say_what_the_ledger_says_or_it_is_a_warning(failovers: PlantedFailovers) -> None:
    """Three rows a trial that didn't reach the new writer, two of them acknowledged; the ledger has two, but for trial 5."""
    for number in range(6):
        failovers.trial(topology="async_replica", clients={"tuned": Meets()})
        failovers.ledger(number, "tuned", acknowledged=100, lost=2 if number != 5 else 1)
        failovers.event("tables_compared", number, CAP_MS, missing=3, acknowledged_missing=2)
    failovers.write()
    section = section_of(failovers)
    missing = finding_of(section, f"{NAME}.mysql.async_replica.crash.missing_rows")
    assert (missing.value, missing.n) == (18, 6)
    assert (
        "18 aren't on the new one, 12 of them acknowledged; by the ledger 11 acknowledged ones are lost"
        in missing.sentence
    )
    assert [warning for warning in section.warnings if "disagree" in warning] == list(section.warnings)
    assert section.warnings[0].endswith("disagree about the lost writes of trials 5.")


def test_trials_that_were_cut_short_count_in_no_figure(failovers: PlantedFailovers) -> None:
    """Only the first three ran to their end: 400, 420, 440, without an interval."""
    plant(failovers, done=3)
    section = section_of(failovers)
    write = finding_of(section, f"{CASE}.write_downtime_s", client="tuned")
    assert (write.value, write.low, write.high, write.n) == (pytest.approx(0.42), None, None, 3)
    assert finding_of(section, f"{CASE}.acknowledged_writes", client="all").value == 4500


def test_without_a_checked_ledger_nothing_is_said_to_be_lost_or_kept(failovers: PlantedFailovers) -> None:
    """Not measured, never zero."""
    plant(failovers)
    planted = failovers.planted
    planted.events = [event for event in planted.events if event["kind"] != "ledger_checked"]
    section = section_of(failovers)
    found = finding_of(section, f"{CASE}.lost_writes")
    assert (found.value, found.status) == (None, "not_measured")
    assert findings_of(section, f"{NAME}.mysql.lost_writes") == []


def test_an_engine_that_could_not_be_had_reads_not_measured(failovers: PlantedFailovers) -> None:
    """The other one is measured all the same."""
    plant(failovers)
    failovers.planted.manifest["scenarios"][NAME]["params"] = {"engines": ["mysql", "postgres"]}
    failovers.planted.manifest["scenarios"][NAME]["unavailable"] = {"postgres": "no server"}
    section = section_of(failovers)
    found = finding_of(section, "rds_failover.postgres.multi_az_instance.crash.lost_writes")
    assert (found.value, found.status, found.reason) == (None, "not_measured", "no server")
    down = finding_of(section, "rds_failover.postgres.multi_az_instance.crash.write_downtime_s")
    assert (down.value, down.headline) == (None, True)
    assert finding_of(section, f"{CASE}.lost_writes", client="all").value == 0


def test_a_client_that_was_to_watch_and_did_not_reads_not_measured(failovers: PlantedFailovers) -> None:
    """It stands in the plan's list of clients and has no row."""
    plant(failovers, client_arms="tuned,proxy")
    section = section_of(failovers)
    for kind in ("write", "read"):
        found = finding_of(section, f"{CASE}.{kind}_downtime_s", client="proxy")
        assert (found.value, found.status) == (None, "not_measured")
        assert f"no {kind} probe of the client behind a proxy that moves" in (found.reason or "")


def test_a_cell_whose_trials_failed_says_why_and_the_others_go_on(failovers: PlantedFailovers) -> None:
    """The reason is that of its event."""
    plant(failovers)
    number = failovers.trial(topology="multi_az_cluster", clients={"tuned": Meets()}, done=False)
    failovers.event("trial_failed", number, reason="no reader caught up")
    failovers.write()
    section = section_of(failovers)
    found = finding_of(section, "rds_failover.mysql.multi_az_cluster.crash.write_downtime_s")
    assert (found.status, found.reason, found.headline) == ("not_measured", "no reader caught up", False)
    assert finding_of(section, f"{CASE}.write_downtime_s", client="tuned").status == "measured"


def test_nothing_measured_reads_not_measured(failovers: PlantedFailovers) -> None:
    """With the scenario's own reason."""
    failovers.planted.scenario(
        NAME, params={"engines": ["mysql"]}, trials=[], status="not_measured", reason="no database is there"
    )
    assert_nothing_measured(section_of(failovers), "no database is there")


def test_a_run_older_than_client_arms_is_a_run_of_the_tuned_client(tmp_path: Path) -> None:
    """Its rows name no client, its ledger is one: 400 ms from the probe before the fault, and 1,000 writes a trial."""
    planted, rows, trials = PlantedRun(tmp_path / "run"), [], []
    for number in range(6):
        labels = {"engine": "mysql", "topology": "multi_az_instance", "fault": "crash"}
        params = {"probe_interval_ms": 10}
        trials.append(trial(number, "tuned", "multi_az_instance.crash", labels=labels, params=params))
        planted.event(NAME, "fault_injected", trial=number, t_ns=begin_ns(number))
        ledger = dict.fromkeys((*rds_failover.LEDGER, "failed", "ambiguous_present"), 0) | {"acknowledged": 1000}
        planted.event(NAME, "ledger_checked", trial=number, t_ns=begin_ns(number) + 10**9, **ledger)
        rows += [
            {
                "trial": number, "arm": "tuned", "step": "multi_az_instance.crash", "engine": "mysql", "op": op,
                "t_intended": begin_ns(number) + due * MS, "t_start": begin_ns(number) + due * MS,
                "t_end": begin_ns(number) + (due + 1) * MS, "outcome": "error" if 0 <= due < 390 else "ok",
            }
            for op in ("write_probe", "read_probe", "write")
            for due in range(-500, 1000, 10)
        ]  # fmt: skip
    planted.samples(NAME, rows, {"engine": "text", "write_id": "int"})
    planted.scenario(NAME, params={"engines": ["mysql"]}, trials=trials)
    section = rds_failover.analyse(planted.load())
    assert finding_of(section, f"{CASE}.write_downtime_s", client="tuned").value == pytest.approx(0.4)
    assert finding_of(section, f"{CASE}.acknowledged_writes", client="all").value == 6000
    assert findings_of(section, f"{CASE}.backward_reads") == []
    assert drawn(section)


@pytest.mark.parametrize(
    ("answered_ms", "tried_ms", "expected"),
    [
        ((0, 10, 20, 320, 330), (), (20, 320, True)),  # one gap
        ((0, 10, 50, 60, 400, 410), (), (60, 400, True)),  # a flicker first: the longest gap, not the first
        (
            (0, 100, 110, 150),
            (),
            (110, 150, True),
        ),  # the gap of 100 ended at 100, when the fault came: not an outage of it
        ((0, 10, 20), (300,), (20, 300, False)),  # never back
        ((), (0, 300), (0, 300, False)),  # never there
        ((0, 10, 20, 310), (340,), (20, 310, True)),  # the last attempt failed, yet the longest gap had ended
    ],
)
def test_the_longest_gap_after_the_fault_is_the_outage(
    answered_ms: tuple[int, ...], tried_ms: tuple[int, ...], expected: tuple[int, int, bool]
) -> None:
    """The fault comes at 100 in the third case, at 15 in the others; attempts take no time here."""
    after = 100 if answered_ms[:2] == (0, 100) else 15
    rows = [(t, t, "ok") for t in answered_ms] + [(t, t, "error") for t in tried_ms]
    seen = pd.DataFrame(rows, columns=["t_start", "t_end", "outcome"])
    found = longest_outage(seen, after_ns=after)
    assert (found.begin_ns, found.end_ns, found.ended) == expected


@settings(deadline=None)
@given(
    interval=st.integers(2, 50), phase=st.integers(0, 49), begins=st.integers(200, 600), lasts=st.integers(1, 2000),
    service=st.integers(0, 1),
)  # fmt: skip
def test_a_true_outage_lies_within_two_probes_below_the_measured_one(
    interval: int, phase: int, begins: int, lasts: int, service: int
) -> None:
    """Down exactly from ``begins`` for ``lasts``: a probe is answered if none of its time is in it. The gap that probes see is never
    shorter, and longer by at most two intervals and the time that a probe takes.
    """
    due = range(phase % interval, begins + lasts + 4 * interval, interval)
    down = [at + service >= begins and at < begins + lasts for at in due]
    rows = [(at, at + service, "error" if is_down else "ok") for at, is_down in zip(due, down, strict=True)]
    found = longest_outage(pd.DataFrame(rows, columns=["t_start", "t_end", "outcome"]), after_ns=begins)
    measured = found.end_ns - found.begin_ns
    assert found.ended
    assert lasts - service <= measured <= max(lasts, interval) + 2 * interval + 2 * service
