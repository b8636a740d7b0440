"""Reading a demand: what is right becomes units by the minute, what is wrong is refused with its row."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rundir import PlantedRun

from harness.demand.files import read_trace
from harness.demand.run import read_run
from harness.demand.settings import read_key_shares, read_schedule
from harness.demand.trace import Trace
from harness.errors import UsageError

HEADER = "time,reads_per_s,writes_per_s,item_bytes"
NOON_S = 1_795_608_000  # 2026-11-25T12:00:00Z


def csv_of(folder: Path, *rows: str, header: str = HEADER) -> Path:
    """A trace of these rows."""
    path = folder / "trace.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def minutes_of(folder: Path, *rows: str, **options: Any) -> Trace:
    """What a trace of these rows is read as."""
    return read_trace([csv_of(folder, *rows)], **options)


def refused(folder: Path, *rows: str, header: str = HEADER, **options: Any) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(UsageError) as error:
        read_trace([csv_of(folder, *rows, header=header)], **options)
    return str(error.value)


def test_requests_become_units_by_the_size_of_their_items(tmp_path: Path) -> None:
    """4,097 B are two blocks to read, half a unit each, and five to write: 10 reads/s are 600 units a minute, 2 writes 600."""
    trace = minutes_of(tmp_path, "2026-11-25T12:00:00Z,10,2,4097", "2026-11-25T12:01:00Z,10,2,400")
    assert trace.demand.start_s == NOON_S
    assert trace.demand.read.tolist() == [600.0, 300.0]
    assert trace.demand.write.tolist() == [600.0, 120.0]
    assert trace.notes == ()


def test_strong_reads_cost_twice_and_one_size_may_stand_for_all(tmp_path: Path) -> None:
    """10/s of one block each."""
    path = csv_of(tmp_path, "2026-11-25T12:00:00Z,10,2", header="time,reads_per_s,writes_per_s")
    assert read_trace([path], item_bytes=4_096, strong=True).demand.read.tolist() == [600.0]


def test_a_row_holds_until_the_next(tmp_path: Path) -> None:
    """Hours: 120 minutes of two rows, and that is said."""
    trace = minutes_of(tmp_path, "2026-11-25T12:00:00Z,10,0,1", "2026-11-25T13:00:00Z,20,0,1")
    assert trace.demand.read.tolist() == [300.0] * 60 + [600.0] * 60
    assert trace.notes == ("A row stands for 60 minutes, whose demand is taken to be even.",)


def test_seconds_are_added_up_to_minutes(tmp_path: Path) -> None:
    """Rows 20 s apart from 12:00:40 on: 20 s at 2/s, then 40 s at 4/s and 6/s, half a unit each."""
    trace = minutes_of(
        tmp_path, "2026-11-25T12:00:40Z,2,0,1", "2026-11-25T12:01:00Z,4,0,1", "2026-11-25T12:01:20Z,6,0,1"
    )
    assert trace.demand.read.tolist() == [20.0, 40.0 + 60.0]


def test_a_row_across_a_minutes_end_is_divided(tmp_path: Path) -> None:
    """40 s at 3/s from 12:00:40: 20 s in each minute; 40 s more."""
    trace = minutes_of(tmp_path, "2026-11-25T12:00:40Z,6,0,1", "2026-11-25T12:01:20Z,2,0,1")
    assert trace.demand.read.tolist() == [60.0, 60.0 + 40.0]


def test_times_have_an_offset_or_a_zone_is_given(tmp_path: Path) -> None:
    """13:00+01:00 is noon; 13:00 without is refused, and noon in Berlin when that is said."""
    assert minutes_of(tmp_path, "2026-11-25T13:00:00+01:00,1,1,1").demand.start_s == NOON_S
    said = refused(tmp_path, "2026-11-25 13:00,1,1,1")
    assert said.startswith("trace.csv:2: time: no offset from UTC; write times as")
    berlin = minutes_of(tmp_path, "2026-11-25 13:00,1,1,1", timezone="Europe/Berlin")
    assert berlin.demand.start_s == NOON_S
    assert berlin.notes[0] == "Times without an offset are taken as Europe/Berlin."
    assert "no such time zone" in refused(tmp_path, "2026-11-25 13:00,1,1,1", timezone="Berlin")


def test_an_hour_that_comes_twice_or_never_is_refused(tmp_path: Path) -> None:
    """Berlin's clocks: 02:30 on 25 October comes twice, on 29 March never."""
    rows = ("2026-10-25 01:30,1,1,1", "2026-10-25 02:30,1,1,1")
    assert "trace.csv:3: time: 2026-10-25 02:30:00 comes twice" in refused(tmp_path, *rows, timezone="Europe/Berlin")
    assert "doesn't exist" in refused(tmp_path, "2026-03-29 02:30,1,1,1", timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-11-25T12:01:00Z,-1,1,1", "trace.csv:3: reads_per_s: expected a number of 0 or more, found -1"),
        ("2026-11-25T12:01:00Z,1,,1", "trace.csv:3: writes_per_s: expected a number of 0 or more, found nothing"),
        ("2026-11-25T12:01:00Z,1,nan,1", "trace.csv:3: writes_per_s: expected a number of 0 or more, found nan"),
        ("2026-11-25T12:01:00Z,1,inf,1", "trace.csv:3: writes_per_s: expected a number of 0 or more, found inf"),
        ("2026-11-25T12:01:00Z,1,ten,1", "trace.csv:3: writes_per_s: expected a number of 0 or more, found 'ten'"),
        ("2026-11-25T12:01:00Z,1,1,409601", "trace.csv:3: item_bytes: an item has at most 400 KB, found 409601 bytes"),
        ("2026-11-25T12:01:00Z,1,1", "trace.csv:3: expected 4 fields, found 3"),
        (",1,1,1", "trace.csv:3: time: expected a time, found nothing"),
        ("yesterday,1,1,1", "trace.csv:3: time: expected a time such as 2026-11-25T10:00:00Z, found 'yesterday'"),
        (
            "2026-11-25 12:01,1,1,1",
            "trace.csv:3: time: 2026-11-25 12:01 has no offset from UTC, unlike the rows before",
        ),
        ("2126-11-25T12:01:00Z,1,1,1", "trace.csv:3: the trace spans more than ten years; is a time wrong?"),
    ],
)
def test_a_wrong_row_is_refused_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    """With what was expected and what was found."""
    assert refused(tmp_path, "2026-11-25T12:00:00Z,1,1,1", row) == said


def test_a_wrong_row_far_down_is_found(tmp_path: Path) -> None:
    """Beyond the first block of a file that is read in blocks."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [f"{(start + timedelta(minutes=at)).isoformat()},1,1,1" for at in range(300_000)]
    rows[280_000] = rows[280_000].replace(",1,1,1", ",1,-2,1")
    assert refused(tmp_path, *rows).startswith(
        "trace.csv:280002: writes_per_s: expected a number of 0 or more, found -2"
    )


def test_an_empty_trace_and_missing_columns_are_refused(tmp_path: Path) -> None:
    """Neither is a demand of nothing."""
    assert refused(tmp_path) == "trace.csv: no rows; expected a demand of one minute or more"
    assert "no column writes_per_s" in refused(tmp_path, "x,1,1", header="time,reads_per_s,writes_per_min")
    assert "--item-bytes" in refused(tmp_path, "x,1,1", header="time,reads_per_s,writes_per_s")
    (tmp_path / "none.csv").write_text("")
    with pytest.raises(UsageError, match=r"none\.csv: no column time"):
        read_trace([tmp_path / "none.csv"])
    with pytest.raises(UsageError, match=r"absent\.csv: No such file"):
        read_trace([tmp_path / "absent.csv"])


def hourly(hours: list[int]) -> list[str]:
    """A row for each of these hours since New Year, its own number of reads."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [f"{(start + timedelta(hours=hour)).isoformat()},{hour},0,1" for hour in hours]


def test_over_a_gap_the_row_before_holds_and_that_is_said(tmp_path: Path) -> None:
    """Hour 20 of 40 is missing: 2.5 % of the time."""
    trace = minutes_of(tmp_path, *hourly([*range(20), *range(21, 40)]))
    assert trace.demand.minutes == 40 * 60
    assert trace.demand.read[20 * 60] == 19 * 30
    assert (
        trace.notes[0]
        == "1 gap, 2.50 % of the time: the row before holds on (the widest: trace.csv:22, 120 minutes after the row before)."
    )


def test_a_trace_that_is_mostly_gaps_is_refused(tmp_path: Path) -> None:
    """Hours 4 to 7 of 12 are missing."""
    said = refused(tmp_path, *hourly([0, 1, 2, 3, 8, 9, 10, 11]))
    assert said.startswith(
        "trace.csv:6: 300 minutes after the row before, where rows are 60 apart; for 33 % of the time"
    )


def test_order_is_mended_and_repeated_rows_are_left_out(tmp_path: Path) -> None:
    """Both are said; a time with two demands is refused."""
    rows = hourly([0, 1, 2])
    trace = minutes_of(tmp_path, rows[2], rows[0], rows[1], rows[1])
    assert trace.demand.read.tolist() == [0.0] * 60 + [30.0] * 60 + [60.0] * 60
    assert trace.notes[:2] == (
        "Rows were put in the order of their times.", "1 rows that repeat the one before were left out.",
    )  # fmt: skip
    said = refused(tmp_path, rows[0], rows[1], rows[1].replace(",1,0,1", ",5,0,1"))
    assert said.startswith("trace.csv:4: the time of trace.csv:3 again with another demand")


def test_parquet_has_times_and_numbers_of_its_own(tmp_path: Path) -> None:
    """The same demand; a wrong row is named by its number."""
    path = tmp_path / "trace.parquet"
    times = pa.array([NOON_S, NOON_S + 60], pa.timestamp("s", "UTC"))
    columns = {"time": times, "reads_per_s": [10, 20], "writes_per_s": [1.0, 2.0], "item_bytes": [1, 1]}
    pq.write_table(pa.table(columns), path)
    trace = read_trace([path])
    assert (trace.demand.start_s, trace.demand.read.tolist()) == (NOON_S, [300.0, 600.0])
    pq.write_table(pa.table(columns | {"writes_per_s": [1.0, None]}), path)
    with pytest.raises(UsageError, match="trace.parquet: row 2: writes_per_s: expected a number"):
        read_trace([path])
    pq.write_table(pa.table(columns | {"time": [1, 2]}), path)
    with pytest.raises(UsageError, match="expected times such as"):
        read_trace([path])


def statistics(folder: Path, name: str, label: str, points: dict[str, float], statistic: str = "Sum") -> Path:
    """What `aws cloudwatch get-metric-statistics` prints, in no order."""
    path = folder / name
    document = {"Label": label, "Datapoints": [{"Timestamp": at, statistic: value} for at, value in points.items()]}
    path.write_text(json.dumps(document))
    return path


def test_cloudwatchs_sums_are_units_and_what_is_missing_is_nothing(tmp_path: Path) -> None:
    """Five minutes a point, one of three missing; reads alone, so no writes."""
    points = {"2026-11-25T12:10:00+00:00": 600.0, "2026-11-25T12:00:00Z": 300.0, "2026-11-25T12:15:00Z": 0.0}
    trace = read_trace([statistics(tmp_path, "r.json", "ConsumedReadCapacityUnits", points)])
    assert trace.demand.read.tolist() == [60.0] * 5 + [0.0] * 5 + [120.0] * 5 + [0.0] * 5
    assert not trace.demand.write.any()
    assert "No ConsumedWriteCapacityUnits: taken as 0." in trace.notes


def test_cloudwatchs_two_metrics_may_be_in_one_file_or_two(tmp_path: Path) -> None:
    """GetMetricData has both; of GetMetricStatistics there are two files."""
    stamps = ["2026-11-25T12:00:00Z", "2026-11-25T12:01:00Z"]
    both = tmp_path / "both.json"
    results = [
        {"Label": f"Consumed{kind}CapacityUnits", "Timestamps": stamps, "Values": values}
        for kind, values in (("Read", [1, 2]), ("Write", [3, 4]))
    ]
    both.write_text(json.dumps({"MetricDataResults": results}))
    paths = [
        statistics(tmp_path, f"{kind}.json", f"Consumed{kind}CapacityUnits", dict(zip(stamps, values, strict=True)))
        for kind, values in (("Read", [1, 2]), ("Write", [3, 4]))
    ]
    for demand in (read_trace([both]).demand, read_trace(paths).demand):
        assert (demand.start_s, demand.read.tolist(), demand.write.tolist()) == (NOON_S, [1, 2], [3, 4])


def test_cloudwatchs_other_answers_are_refused(tmp_path: Path) -> None:
    """An average is of requests; another metric isn't a demand; nothing is no demand."""
    now = {"2026-11-25T12:00:00Z": 1.0}
    for path, said in (
        (
            statistics(tmp_path, "a.json", "ConsumedReadCapacityUnits", now, "Average"),
            "a.json: expected the statistic Sum",
        ),
        (statistics(tmp_path, "b.json", "ThrottledRequests", now), "expected ConsumedReadCapacityUnits or"),
        (statistics(tmp_path, "c.json", "ConsumedReadCapacityUnits", {}), "c.json: no points"),
        (statistics(tmp_path, "d.json", "ConsumedReadCapacityUnits", {"2026-11-25T12:00": 1.0}), "has no offset"),
        (
            statistics(tmp_path, "e.json", "ConsumedReadCapacityUnits", {"2026-11-25T12:00Z": -1.0}),
            "0 or more, found -1.0",
        ),
    ):
        with pytest.raises(UsageError, match=said):
            read_trace([path])
    (tmp_path / "f.json").write_text("[]")
    with pytest.raises(UsageError, match="expected what `aws cloudwatch"):
        read_trace([tmp_path / "f.json"])


def test_shares_of_keys_and_a_table_of_hours_are_read_by_the_line(tmp_path: Path) -> None:
    """A wrong line is named."""
    path = tmp_path / "lines.csv"
    path.write_text("0.5\n0.25\n")
    assert read_key_shares(path) == (0.5, 0.25)
    path.write_text("0.5\nhalf\n")
    with pytest.raises(UsageError, match=r"lines\.csv:2: expected a share from 0 to 1, found 'half'"):
        read_key_shares(path)
    path.write_text("0.5\n0.75\n")
    with pytest.raises(UsageError, match=r"add up to 1\.25"):
        read_key_shares(path)
    path.write_text("read,write\n" + "10,2\n" * 24)
    assert read_schedule(path).read == (10,) * 24
    path.write_text("10,2\n" * 23)
    with pytest.raises(UsageError, match="expected 24 lines, one an hour of the UTC day, found 23"):
        read_schedule(path)
    path.write_text("10,0\n" * 24)
    with pytest.raises(UsageError, match=r"lines\.csv:1: expected read,write"):
        read_schedule(path)


def planted_run(folder: Path) -> Path:
    """Two trials of 90 s at speed 60 of one arm, 4 reads of half a unit each every second, and one of another arm."""
    run = PlantedRun(folder / "run")
    trials = [
        {"trial": number, "pair": 0, "arm": arm, "step": "s", "labels": {}, "params": {"speed": 60}, "done": True}
        for number, arm in enumerate(("query", "scan", "query"))
    ]
    run.scenario("query_vs_scan", params={}, trials=trials)
    rows = [
        {"trial": trial["trial"], "t_start": at * 250_000_000, "t_end": at * 250_000_000 + 1, "outcome": "ok", "op": "Query",
         "arm": trial["arm"], "step": "s", "read_units": 0.5}
        for trial in trials
        for at in range(360)
    ]  # fmt: skip
    run.samples("query_vs_scan", rows, {})
    run.load()
    return run.path


def test_a_run_becomes_what_it_consumed_in_service_time(tmp_path: Path) -> None:
    """4 reads in a second of the wall, a minute of service: 2 units a minute, over twice 89.75 minutes whole."""
    run = planted_run(tmp_path)
    trace = read_run(run, arm="query")
    assert trace.demand.minutes == 179
    assert set(np.unique(trace.demand.read[:89])) == {2.0}
    assert not trace.demand.write.any()
    assert trace.demand.start_s == datetime(2026, 11, 24, 12, 50, tzinfo=UTC).timestamp()
    assert trace.notes[0].startswith("2 trials of query_vs_scan, query laid end to end: 179 whole minutes")


def test_a_run_with_several_arms_wants_one_named(tmp_path: Path) -> None:
    """What isn't a run, too, is said."""
    with pytest.raises(UsageError, match="has the arms query, scan: choose one with --arm"):
        read_run(planted_run(tmp_path))
    with pytest.raises(UsageError, match="not a run directory"):
        read_run(tmp_path / "absent")
