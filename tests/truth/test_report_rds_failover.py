"""What was planted in a run of rds_failover comes back as its findings; no more is claimed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rundir import PlantedRun, assert_nothing_measured, drawn, finding_of, findings_of, trial

from reports import rds_failover
from reports.outage import longest_outage

NAME, CASE = "rds_failover", "rds_failover.mysql.multi_az_instance.crash"
EXTRA: Any = {"engine": "text", "write_id": "int"}
PARAMS = {"engines": ["mysql"], "connect_timeout_s": 0.5, "read_timeout_s": 0.5, "trials": 6}
MS = 1_000_000
BEFORE_MS, AFTER_MS, EVERY_MS, SERVICE_MS = 500, 2000, 10, 1
# Outages in ms, by trial; all multiples of the interval. Median of the writes 430, smallest and largest 400 and 460.
WRITES_MS, READS_MS = (400, 420, 440, 460, 410, 450), (300, 300, 300, 300, 300, 300)
# Milliseconds after the fault at which each phase ends, by the controller's own events.
PHASES_MS = {"fault_detected": 20, "fenced": 25, "server_ready": 300, "dns_moved": 310}
LEDGER = {
    "acknowledged": 1000,
    "failed": 40,
    "ambiguous": 3,
    "lost": 0,
    "phantom": 0,
    "duplicate": 0,
    "ambiguous_present": 2,
}


def begin_ns(number: int) -> int:
    return (number + 1) * 60 * 10**9


def probes(number: int, op: str, down_ms: int | None, engine: str = "mysql") -> Iterator[dict[str, Any]]:
    """A probe every 10 ms; the one due at the fault is the first that fails, the one due ``down_ms`` later answers again.

    From the last answer before to the first one after it is down_ms + 10 ms: what a user of 10 ms probes sees of it.
    """
    for due_ms in range(-BEFORE_MS, AFTER_MS, EVERY_MS):
        fails = due_ms >= 0 and (down_ms is None or due_ms < down_ms - EVERY_MS)
        due_ns = begin_ns(number) + due_ms * MS
        yield {
            "trial": number, "arm": "tuned", "step": "multi_az_instance.crash", "op": op, "engine": engine,
            "t_intended": due_ns, "t_start": due_ns, "t_end": due_ns + SERVICE_MS * MS, "outcome": "error" if fails else "ok",
        }  # fmt: skip


def plant(
    planted: PlantedRun,
    writes_ms: Sequence[int | None] = WRITES_MS,
    reads_ms: Sequence[int | None] = READS_MS,
    ledger: dict[str, int] = LEDGER,
    *,
    done: int = 99,
) -> None:
    """A trial for each outage; the first ``done`` ran to their end."""
    rows, trials = [], []
    labels = {"engine": "mysql", "topology": "multi_az_instance", "fault": "crash"}
    for number, (write_ms, read_ms) in enumerate(zip(writes_ms, reads_ms, strict=True)):
        rows += [*probes(number, "write_probe", write_ms), *probes(number, "read_probe", read_ms)]
        trials.append(
            trial(
                number,
                "tuned",
                "multi_az_instance.crash",
                done=number < done,
                labels=labels,
                params={"probe_interval_ms": 10},
            )
        )
        planted.event(NAME, "fault_injected", trial=number, t_ns=begin_ns(number))
        for kind, after_ms in PHASES_MS.items():
            planted.event(NAME, kind, trial=number, t_ns=begin_ns(number) + after_ms * MS)
        planted.event(NAME, "ledger_checked", trial=number, t_ns=begin_ns(number) + AFTER_MS * MS, **ledger)
    planted.samples(NAME, rows, EXTRA)
    planted.scenario(NAME, params=PARAMS, trials=trials, servers={"mysql": "MariaDB 10.11.19"})


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    return PlantedRun(tmp_path / "run")


def test_downtime_is_the_median_gap_between_answers_and_its_low_end_two_probes_lower(planted: PlantedRun) -> None:
    """Writes 400 to 460 ms, so 430 within (400 − 20) to 460; reads 300 in all six, so 280 to 300."""
    plant(planted)
    section = rds_failover.analyse(planted.load())
    write, read = finding_of(section, f"{CASE}.write_downtime_s"), finding_of(section, f"{CASE}.read_downtime_s")
    assert (write.value, write.low, write.high) == pytest.approx((0.43, 0.38, 0.46))
    assert (read.value, read.low, read.high) == pytest.approx((0.3, 0.28, 0.3))
    assert (write.n, write.status, write.unit, write.headline) == (6, "measured", "s", True)
    assert write.labels["server"] == "MariaDB 10.11.19"
    assert "MySQL, Multi-AZ instance, was down for writes for 430 ms after a crash (kill -9)" in write.sentence
    assert "local model, MariaDB 10.11.19" in write.sentence


def test_an_outage_that_outlasts_its_trial_leaves_the_interval_open(planted: PlantedRun) -> None:
    """400, 410, 420, 450, 460 and one that never ended: the median is known, 435, its upper bound isn't."""
    plant(planted, (400, 420, None, 460, 410, 450))
    write = finding_of(rds_failover.analyse(planted.load()), f"{CASE}.write_downtime_s")
    assert (write.value, write.low, write.high, write.status) == (
        pytest.approx(0.435),
        pytest.approx(0.38),
        None,
        "measured",
    )
    assert "for 435 ms after a crash (kill -9) (median, 1 of 6 trials ended before it was back;" in write.sentence


def test_outages_that_mostly_outlast_their_trials_make_a_lower_bound(planted: PlantedRun) -> None:
    """Tried until 1,990 ms after the fault, answered last 9 ms before it: 2 s without an answer, and no end."""
    plant(planted, (400, None, None, None, None, 450))
    write = finding_of(rds_failover.analyse(planted.load()), f"{CASE}.write_downtime_s")
    assert (write.value, write.high, write.status) == (pytest.approx(2.0), None, "at_least")
    assert "was down for writes for at least 2 s" in write.sentence


def test_the_ledger_is_added_up_over_the_trials(planted: PlantedRun) -> None:
    """Six times a thousand acknowledged, none lost: zero here was looked up."""
    plant(planted)
    section = rds_failover.analyse(planted.load())
    values = {what: finding_of(section, f"{CASE}.{what}_writes").value for what in rds_failover.LEDGER}
    assert values == {"lost": 0, "phantom": 0, "duplicate": 0, "ambiguous": 18, "acknowledged": 6000}
    assert "0 of 6,000 acknowledged writes lost" in finding_of(section, f"{CASE}.lost_writes").sentence
    assert "12 of them are present" in finding_of(section, f"{CASE}.ambiguous_writes").sentence
    assert section.warnings == ()


def test_a_lost_write_is_in_the_headlines_and_the_warnings(planted: PlantedRun) -> None:
    """So are a phantom and a duplicate in the warnings."""
    plant(planted, ledger=LEDGER | {"lost": 1, "phantom": 2, "duplicate": 3})
    section = rds_failover.analyse(planted.load())
    lost = finding_of(section, f"{CASE}.lost_writes")
    assert (lost.value, lost.headline) == (6, True)
    assert lost.sentence in section.verdict
    assert [warning.split(" (")[0] for warning in section.warnings] == [
        "MySQL: 6 of 6,000 acknowledged writes lost",
        "MySQL: 12 of 240 refused writes present all the same",
        "MySQL: 18 writes present more than once",
    ]


def test_phases_are_told_apart_by_the_controllers_events_and_the_first_write(planted: PlantedRun) -> None:
    """20, 5, 275 and 10 ms; clients are back when the outage ends, counted from the DNS move.

    A trial's outage begins with the answer to the probe due 10 ms before the fault, 9 ms before it, so that of 400 ms ends
    391 ms after the fault: 81 ms after DNS moved; the others 101, 121, 141, 91 and 131. Their median: 111.
    """
    plant(planted)
    section = rds_failover.analyse(planted.load())
    lengths = {f.labels["phase"]: f.value for f in findings_of(section, f"{CASE}.phase_s")}
    assert lengths == pytest.approx(
        {"detection": 0.02, "fencing": 0.005, "recovery": 0.275, "DNS": 0.01, "clients back": 0.111}
    )


def test_trials_that_were_cut_short_count_in_no_figure(planted: PlantedRun) -> None:
    """Only the first three ran to their end: 400, 420, 440, without an interval."""
    plant(planted, done=3)
    section = rds_failover.analyse(planted.load())
    write = finding_of(section, f"{CASE}.write_downtime_s")
    assert (write.value, write.low, write.high, write.n) == (pytest.approx(0.42), None, None, 3)
    assert finding_of(section, f"{CASE}.acknowledged_writes").value == 3000


def test_without_a_checked_ledger_nothing_is_said_to_be_lost_or_kept(planted: PlantedRun) -> None:
    """Not measured, never zero."""
    plant(planted)
    planted.events = [event for event in planted.events if event["kind"] != "ledger_checked"]
    found = finding_of(rds_failover.analyse(planted.load()), f"{CASE}.lost_writes")
    assert (found.value, found.status) == (None, "not_measured")


def test_an_engine_that_could_not_be_had_reads_not_measured(planted: PlantedRun) -> None:
    """The other one is measured all the same."""
    plant(planted)
    planted.manifest["scenarios"][NAME]["params"] = PARAMS | {"engines": ["mysql", "postgres"]}
    planted.manifest["scenarios"][NAME]["unavailable"] = {"postgres": "no server"}
    section = rds_failover.analyse(planted.load())
    found = finding_of(section, "rds_failover.postgres.multi_az_instance.crash.lost_writes")
    assert (found.value, found.status, found.reason) == (None, "not_measured", "no server")
    assert finding_of(section, f"{CASE}.lost_writes").value == 0


def test_charts_carry_what_was_planted(planted: PlantedRun) -> None:
    """A raster and the phases, drawn. Each trial is answered, silent, answered; the silence is the planted outage."""
    plant(planted)
    section = rds_failover.analyse(planted.load())
    assert len(drawn(section)) == 2
    table = section.charts[0].table
    silent = table[(table["state"] == "no answer") & (table["probe"] == "write")].sort_values("trial")
    assert ((silent["to s"] - silent["from s"]) * 1000).tolist() == pytest.approx(list(WRITES_MS))
    assert len(table) == 2 * 6 * 3


def test_nothing_measured_reads_not_measured(planted: PlantedRun) -> None:
    """With the scenario's own reason."""
    planted.scenario(NAME, params=PARAMS, trials=[], status="not_measured", reason="no database is there")
    assert_nothing_measured(rds_failover.analyse(planted.load()), "no database is there")


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
