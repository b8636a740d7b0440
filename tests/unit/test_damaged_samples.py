"""Samples that are damaged or not all there: one clear sentence, and no figure; told through ``python -m reports``."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rundir import PlantedRun, trial

NAME = "query_vs_scan"
EXTRA: Any = {"question": "text"}
PARAMS = {"aircraft": 8, "airports": 2, "trial_s": 0.35, "pairs": 6, "warm_up_answers": 1, "engines": ["mysql"]}
ROWS = 100
ARMS = ("query", "scan")
OF_WORKER = {"0": f"samples/{NAME}.0.parquet", "1": f"samples/{NAME}.1.parquet"}


def rows_of(arm: str) -> list[dict[str, Any]]:
    number = ARMS.index(arm)
    return [
        {
            "trial": number, "pair": 0, "arm": arm, "step": "1000", "question": "aircraft", "read_units": (1.0, 30.0)[number],
            "pages": 1, "items_returned": 10, "t_start": index * 10**9, "t_end": index * 10**9 + 10**6 + index,
        }
        for index in range(ROWS)
    ]  # fmt: skip


def plant(path: Path, *, noted: bool = True, form: Any = "parquet") -> PlantedRun:
    """A run of two workers, the Query's samples by worker 0 and the Scan's by worker 1; ``noted``: their rows too."""
    planted = PlantedRun(path)
    for worker, arm in enumerate(ARMS):
        planted.samples(NAME, rows_of(arm), EXTRA, worker=str(worker), form=form)
    said = {"rows": 2 * ROWS, "workers": [{"worker": "0", "rows": ROWS}, {"worker": "1", "rows": ROWS}]}
    planted.scenario(
        NAME, params=PARAMS, trials=[trial(0, "query", "1000"), trial(1, "scan", "1000")], **(said if noted else {})
    )
    planted.load()
    return planted


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    return plant(tmp_path / "run")


def report(run: Path) -> tuple[int, str, list[dict[str, Any]]]:
    """The exit code, all that was said, and findings.json."""
    done = subprocess.run(
        [sys.executable, "-m", "reports", str(run)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr, json.loads((run / "findings.json").read_text())


def assert_nothing_but(said: str, run: Path) -> None:
    """The scenario is unknown for that reason, on the terminal and on both pages; there is no other finding, and exit is 3."""
    code, told, findings = report(run)
    (only,) = findings
    assert (only["id"], only["status"], only["value"]) == (f"{NAME}.analysis", "unknown", None)
    assert only["reason"].startswith(said), only["reason"]
    assert only["reason"].endswith("; no figure is made of the rest")
    assert only["sentence"] in told and only["sentence"] in (run / "report.md").read_text()
    assert code == 3


def rewrite(file: Path, table: pa.Table) -> None:
    pq.write_table(table, file)


def with_values(file: Path, column: str, values: Sequence[Any], kind: pa.DataType) -> None:
    """One column of a file replaced."""
    table = pq.read_table(file)
    place = table.schema.get_field_index(column)
    rewrite(file, table.set_column(place, column, pa.array(values, kind)))


def test_the_run_itself_is_well(planted: PlantedRun) -> None:
    """What every other test here damages has figures: a Scan is 30 times a Query."""
    code, _, findings = report(planted.path)
    ratio = next(finding for finding in findings if finding["id"] == f"{NAME}.units_ratio")
    assert ratio["value"] == pytest.approx(30)
    assert code == 0


@pytest.mark.parametrize("noted", [True, False], ids=["new", "old"])
def test_an_empty_file(tmp_path: Path, noted: bool) -> None:
    """No byte of one worker's; an older run that noted no rows says so all the same."""
    planted = plant(tmp_path / "run", noted=noted)
    (planted.path / OF_WORKER["1"]).write_bytes(b"")
    assert_nothing_but(f"{OF_WORKER['1']} can't be read (", planted.path)


def test_a_file_without_rows(planted: PlantedRun) -> None:
    """Parquet, whole and well, of no rows: 100 of 200 are there."""
    file = planted.path / OF_WORKER["1"]
    rewrite(file, pq.read_table(file).slice(0, 0))
    assert_nothing_but("the samples have 100 rows, and 200 were written: ", planted.path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_truncated_parquet(planted: PlantedRun, share: float) -> None:
    """Cut early, in the middle, and in its footer."""
    file = planted.path / OF_WORKER["1"]
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    assert_nothing_but(f"{OF_WORKER['1']} can't be read (", planted.path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_arrow_stream_of_a_run_that_came_to_its_end(tmp_path: Path, share: float) -> None:
    """Nothing of it, no whole batch, or all but the last bytes: 100 rows of 200. A killed run's is read as far as it goes."""
    planted = plant(tmp_path / "run", form="arrows")
    file = planted.path / f"samples/{NAME}.1.arrows"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    assert_nothing_but("the samples have 100 rows, and 200 were written: ", planted.path)


def test_samples_of_a_newer_schema(planted: PlantedRun) -> None:
    """The file says so itself, whatever the manifest does."""
    file = planted.path / OF_WORKER["1"]
    rewrite(file, pq.read_table(file).replace_schema_metadata({"samples_schema": "2"}))
    assert_nothing_but(
        f"{OF_WORKER['1']} is of a newer dbharness (samples schema 2); report it with that one", planted.path
    )


def test_nan_where_a_number_should_be(planted: PlantedRun) -> None:
    """Units of three answers; the recorder writes null for what it wasn't told, and never NaN."""
    units = [float("nan")] * 3 + [30.0] * (ROWS - 3)
    with_values(planted.path / OF_WORKER["1"], "read_units", units, pa.float64())
    assert_nothing_but(f"{OF_WORKER['1']}: column read_units is not a number (NaN) in 3 of 100 rows", planted.path)


def test_a_time_that_is_no_number(planted: PlantedRun) -> None:
    """NaN among ends makes the column floating; null among them is no time either."""
    file = planted.path / OF_WORKER["1"]
    with_values(file, "t_end", [float("nan")] + [1e6] * (ROWS - 1), pa.float64())
    assert_nothing_but(f"{OF_WORKER['1']}: column t_end is double, and must be whole numbers", planted.path)
    with_values(file, "t_end", [None, None] + [1_000_000] * (ROWS - 2), pa.int64())
    assert_nothing_but(f"{OF_WORKER['1']}: column t_end has no number in 2 of 100 rows", planted.path)


def test_one_arm_missing(tmp_path: Path) -> None:
    """An older run, whose rows nobody counted: the other arm keeps its figures, no ratio is made, and the arm is named."""
    planted = plant(tmp_path / "run", noted=False)
    (planted.path / OF_WORKER["1"]).unlink()
    code, told, findings = report(planted.path)
    sentence = "Not measured: query_vs_scan.samples, arm scan: 1 trial of it ended, and there are no samples of them."
    assert sentence in told and sentence in (planted.path / "report.md").read_text()
    with_value = {finding["id"]: finding for finding in findings if finding["value"] is not None}
    assert f"{NAME}.units_ratio" not in with_value and f"{NAME}.units_per_answer" in with_value
    assert {finding["labels"]["arm"] for finding in with_value.values()} == {"query"}
    assert code == 0


def test_rows_of_an_arm_missing_from_a_run_that_counted_them(planted: PlantedRun) -> None:
    """Taken out of the file: 100 of 200 are there."""
    file = planted.path / OF_WORKER["1"]
    rewrite(file, pq.read_table(file).slice(0, 40))
    assert_nothing_but("the samples have 140 rows, and 200 were written: ", planted.path)


def test_one_workers_file_missing(planted: PlantedRun) -> None:
    """Told by the manifest's list of workers."""
    (planted.path / OF_WORKER["1"]).unlink()
    assert_nothing_but("the samples of worker 1 are missing: it wrote 100 rows", planted.path)


def test_a_file_missing_that_was_there_when_the_run_was_closed(planted: PlantedRun) -> None:
    """Told by its hash; so is that of a run which was cut short, whose rows nobody knows."""
    planted.manifest |= {"hashes": dict.fromkeys(OF_WORKER.values(), "0" * 64), "status": "partial"}
    planted.manifest["scenarios"][NAME]["status"] = "partial"
    planted.load()
    (planted.path / OF_WORKER["0"]).unlink()
    assert_nothing_but(f"{OF_WORKER['0']} is missing: it was there when the run was closed", planted.path)


def test_a_damaged_file_of_a_killed_run(tmp_path: Path) -> None:
    """Which trials ended is told from the rows there; where they can't be read, none did, and why is said."""
    planted = PlantedRun(tmp_path / "run", status="running")
    planted.samples(NAME, rows_of("query"), EXTRA)
    trials = [trial(number, arm, "1000", done=False) for number, arm in enumerate(ARMS)]
    planted.scenario(NAME, params=PARAMS, trials=trials, status="running")
    planted.load()
    (planted.path / OF_WORKER["0"]).write_bytes(b"PAR1")
    assert_nothing_but(f"{OF_WORKER['0']} can't be read (", planted.path)
