"""What people really have in their traces: another unit, another comma, another clock. Refused with its row and a way out, or treated and said."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.demand.files import read_trace
from harness.errors import UsageError

HEADER = "time,reads_per_s,writes_per_s,item_bytes"
NOON = "2026-11-25T12:00:00Z"
NOON_S = 1_795_608_000
RATES: dict[str, Any] = {"reads_per_s": [10, 20], "writes_per_s": [1, 1], "item_bytes": [400, 400]}


def csv_of(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file of this text."""
    path = folder / "trace.csv"
    path.write_bytes(text.encode(encoding))
    return path


def refused(path: Path, **options: Any) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(UsageError) as error:
        read_trace([path], **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("time,reads,writes,item_bytes", "reads isn't known to be a rate; expected are requests a second, so divide what"),
        ("time,reads_per_min,writes_per_s,item_bytes", "reads_per_min isn't known to be a rate"),
        ("time,rcu,wcu,item_bytes", "rcu isn't known to be a rate"),
        ("Time,Reads_per_s,Writes_per_s,item_bytes", "write the names as they stand here, small and without blanks"),
        ("time, reads_per_s, writes_per_s, item_bytes", "found time, ' reads_per_s', ' writes_per_s', ' item_bytes'"),
        (HEADER.replace(",", ";"), "its fields stand between semicolons; put commas, and points in decimals"),
        (HEADER.replace(",", "\t"), "its fields stand between tabs; put commas"),
        (f"{NOON},10,1,400", f"found {NOON}, 10, 1, 400"),
        ("", "found none"),
    ],
)  # fmt: skip
def test_a_heading_that_says_another_unit_or_form_is_refused(tmp_path: Path, header: str, said: str) -> None:
    """Totals and rates a minute aren't guessed at; the columns that are expected are named."""
    found = refused(csv_of(tmp_path, f"{header}\n{NOON},10,1,400\n"))
    assert said in found
    assert "expected time, reads_per_s, writes_per_s and item_bytes" in found


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Which of them would be meant can't be known."""
    path = csv_of(tmp_path, f"time,reads_per_s,reads_per_s,writes_per_s,item_bytes\n{NOON},1,2,3,4\n")
    assert refused(path) == "trace.csv: 2 columns are called reads_per_s; leave one"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1795608000,1,1,1", f"found '1795608000'; counted from 1970 that would be {NOON}: write it so"),
        ("1795608000000,1,1,1", f"found '1795608000000'; counted from 1970 that would be {NOON}: write it so"),
        ("11/25/2026 12:00,1,1,1", "trace.csv:2: time: expected a time such as 2026-11-25T10:00:00Z, found '11/25/2026 12:00'"),
        ("2026-11-25 12:00:00 CET,1,1,1", "found '2026-11-25 12:00:00 CET'"),
        ("0026-11-25T12:00:00Z,1,1,1", "trace.csv:2: time: expected a year from 1970 to 2199"),
        (f"{NOON},1e300,1,1", "trace.csv:2: reads_per_s: expected at most 1e+09, found 1e+300"),
        (f'{NOON},"1,000",1,1', "trace.csv:2: reads_per_s: expected a number of 0 or more, found '1,000'"),
        (f"{NOON},NA,1,1", "trace.csv:2: reads_per_s: expected a number of 0 or more, found 'NA'"),
        (f"{NOON},1,1,-1", "trace.csv:2: item_bytes: expected a number of 0 or more, found -1"),
        (f"{NOON},1,1,409601", "trace.csv:2: item_bytes: an item has at most 400 KB, found 409601 bytes"),
    ],
)  # fmt: skip
def test_a_row_in_another_form_is_refused_by_its_line(tmp_path: Path, row: str, said: str) -> None:
    """Times that count, days before months, names of zones; numbers that aren't."""
    assert said in refused(csv_of(tmp_path, f"{HEADER}\n{row}\n"))


def test_empty_lines_are_counted_in_the_line_that_is_named(tmp_path: Path) -> None:
    """They have no rows, but an editor counts them."""
    path = csv_of(tmp_path, f"{HEADER}\n\n\r\n{NOON},1,1,1\n\n2026-11-25T12:01:00Z,-1,1,1\n")
    assert refused(path).startswith("trace.csv:6: reads_per_s: expected a number of 0 or more, found -1")


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    """What spreadsheets write."""
    trace = read_trace([csv_of(tmp_path, f"\ufeff{HEADER}\r\n{NOON},10,1,400\r\n")])
    assert (trace.demand.start_s, trace.demand.read.tolist()) == (NOON_S, [300.0])


@pytest.mark.parametrize(
    ("encoding", "what"), [("utf-16", "can't be read: 'utf-8' codec"), ("latin-1", "can't be read")]
)
def test_another_encoding_is_refused_with_what_to_do(tmp_path: Path, encoding: str, what: str) -> None:
    """At the heading, and far down, where the line is named."""
    found = refused(csv_of(tmp_path, f"{HEADER},größe\n{NOON},1,1,1,1\n", encoding))
    assert what in found
    assert found.endswith("save it as UTF-8")


def test_a_line_far_down_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    """Beyond what is read with the heading."""
    rows = "".join(f"2026-11-{1 + at // 1_440:02}T{at // 60 % 24:02}:{at % 60:02}:00Z,1,1,1\n" for at in range(20_000))
    path = csv_of(tmp_path, f"{HEADER}\n{rows}")
    path.write_bytes(path.read_bytes() + b"2026-11-25T12:00:00\xfc,1,1,1\n")
    assert refused(path) == "trace.csv:20002: can't be read: not UTF-8; save it as UTF-8"


def test_offsets_that_differ_are_read_and_offsets_that_are_missing_are_not(tmp_path: Path) -> None:
    """14:01+02:00 is 12:01 UTC; a block whose times have none, after one whose times have, is refused, zone or not."""
    mixed = csv_of(tmp_path, f"{HEADER}\n{NOON},10,1,400\n2026-11-25T14:01:00+02:00,20,1,400\n")
    assert read_trace([mixed]).demand.read.tolist() == [300.0, 600.0]
    rows = 1 << 17  # are read at a time
    times = pa.array([NOON] * rows + [NOON.removesuffix("Z")])
    columns = {"time": times} | {name: [1] * (rows + 1) for name in RATES}
    pq.write_table(pa.table(columns), tmp_path / "trace.parquet")
    found = refused(tmp_path / "trace.parquet", timezone="UTC")
    assert found == "trace.parquet: row 131073: time: has no offset from UTC, unlike the rows before"


def test_a_zone_that_no_row_needed_is_not_said_to_have_been_used(tmp_path: Path) -> None:
    """Times with offsets mean themselves."""
    path = csv_of(tmp_path, f"{HEADER}\n{NOON},10,1,400\n2026-11-25T12:01:00Z,10,1,400\n")
    assert read_trace([path], timezone="Europe/Berlin").notes == ()


def test_items_of_no_size_count_as_the_smallest_and_that_is_said(tmp_path: Path) -> None:
    """10 reads/s are 300 units a minute, 1 write/s 60: what isn't there costs as the smallest (A1, A2)."""
    path = csv_of(tmp_path, f"{HEADER}\n{NOON},10,1,0\n2026-11-25T12:01:00Z,0,0,0\n")
    trace = read_trace([path])
    assert (trace.demand.read.tolist(), trace.demand.write.tolist()) == ([300.0, 0.0], [60.0, 0.0])
    assert "Requests whose item_bytes are 0 count as of the smallest item." in trace.notes
    idle = csv_of(tmp_path, f"{HEADER}\n{NOON},0,0,0\n")
    assert read_trace([idle]).notes == ("The only row is taken to hold for one minute.",)


def test_parquet_without_a_zone_wants_one_named(tmp_path: Path) -> None:
    """13:00 is noon in Berlin when that is said; a zone in the file needs no saying."""
    path = tmp_path / "trace.parquet"
    at = pa.array([NOON_S + 3_600, NOON_S + 3_660], pa.timestamp("s"))
    pq.write_table(pa.table({"time": at} | RATES), path)
    assert refused(path).startswith("trace.parquet: row 1: time: no offset from UTC; write times as")
    assert read_trace([path], timezone="Europe/Berlin").demand.start_s == NOON_S
    pq.write_table(pa.table({"time": at.cast(pa.timestamp("ns", "America/New_York"))} | RATES), path)
    assert read_trace([path]).demand.start_s == NOON_S + 3_600


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("reads_per_s", ["10", "x"], "trace.parquet: row 2: reads_per_s: expected a number of 0 or more, found 'x' (string)"),
        ("reads_per_s", [True, False], "trace.parquet: row 1: reads_per_s: expected a number of 0 or more, found True (bool)"),
        ("time", [NOON_S * 1_000] * 2, f"that would be {NOON}: write it so"),
        ("time", pa.array([20_782, 20_783], pa.date32()), "found 2026-11-25 of type date32[day]"),
    ],
)  # fmt: skip
def test_parquet_of_another_type_is_refused_by_its_row(tmp_path: Path, column: str, values: Any, said: str) -> None:
    """Texts that are numbers are read; what isn't one is named."""
    path = tmp_path / "trace.parquet"
    times = pa.array([NOON_S, NOON_S + 60], pa.timestamp("s", "UTC"))
    pq.write_table(pa.table({"time": times} | RATES | {column: values}), path)
    assert said in refused(path)


def test_parquet_with_texts_as_categories_is_read(tmp_path: Path) -> None:
    """As pandas writes them."""
    path = tmp_path / "trace.parquet"
    times = pa.array([NOON, "2026-11-25T12:01:00Z"]).dictionary_encode()
    pq.write_table(pa.table({"time": times} | RATES), path)
    assert read_trace([path]).demand.read.tolist() == [300.0, 600.0]


def test_the_step_of_few_rows_is_one_that_they_have(tmp_path: Path) -> None:
    """A minute and nineteen: rows are one minute apart and eighteen are missing, not ten minutes apart."""
    path = csv_of(tmp_path, f"{HEADER}\n{NOON},1,1,1\n2026-11-25T12:01:00Z,1,1,1\n2026-11-25T12:20:00Z,1,1,1\n")
    assert refused(path).startswith("trace.csv:4: 19 minutes after the row before, where rows are 1 apart; for 86 %")


def test_an_answer_of_cloudwatch_that_ends_in_between_is_refused(tmp_path: Path) -> None:
    """`--max-items` leaves a NextToken."""
    path = tmp_path / "part.json"
    path.write_text('{"MetricDataResults": [], "NextToken": "more"}')
    assert refused(path) == "part.json: the answer isn't whole, it ends with a NextToken; ask without --max-items"
    again = '{"Label": "ConsumedReadCapacityUnits", "Datapoints": [{"Timestamp": "%s", "Sum": 1}, {"Timestamp": "%s", "Sum": 2}]}'
    path.write_text(again % (NOON, NOON))
    assert "point 2: 2026-11-25T12:00:00Z again with another value" in refused(path)


def test_a_demand_of_nothing_has_a_plan(tmp_path: Path) -> None:
    """On demand costs nothing then, and that is said without dividing by it."""
    path = csv_of(tmp_path, f"{HEADER}\n{NOON},0,0,400\n2026-11-25T12:01:00Z,0,0,400\n")
    result = CliRunner().invoke(app, ["plan", str(path)])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Set on demand: $0.00 a month")
