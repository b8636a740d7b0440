"""`dbharness plan-cache` as a user starts it: January's flights, packed, by their aircraft; its report made again; a wrong row."""

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness import dataset
from harness.paths import PROJECT_ROOT


def dbharness(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "harness.cli", *map(str, words)]
    return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """27,004 flights in the order of their departure, each a read of its aircraft."""
    path = tmp_path_factory.mktemp("trace") / "flights.csv.gz"
    table = dataset.load((1,)).flights.sort_by("sched_dep")
    with gzip.open(path, "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "key"])
        rows.writerows(zip(table["sched_dep"].to_pylist(), table["aircraft_key"].to_pylist(), strict=True))
    return path


def test_the_flights_are_sized_and_reported(flights: Path, tmp_path: Path) -> None:
    """Hit rates are those of the data: every aircraft's first flight is a miss, and a micro node holds all of them."""
    out = tmp_path / "plan"
    done = dbharness(
        "plan-cache", flights, "--item-bytes", "2000", "--reads-per-s", "500", "--check", "--json", "--out", out
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    keys = dataset.load((1,)).flights["aircraft_key"].to_pylist()
    assert plan["trace"]["reads"] == len(keys) == 27_004
    assert plan["trace"]["entries"] == len(set(keys))
    assert plan["best"]["name"] == "cache.t4g.micro"
    assert plan["best"]["hit_rate"] == pytest.approx(1 - len(set(keys)) / len(keys))
    assert "over 27,004 accesses, read by read the same" in plan["checked"]
    assert json.loads((out / "plan.json").read_text()) == plan
    (out / "report.html").unlink()
    again = dbharness("report", out)
    assert again.returncode == 0, again.stderr
    assert "• cache.t4g.micro pays:" in again.stdout
    assert "cache_planner-curve" in (out / "report.html").read_text()


def test_a_wrong_row_ends_in_one_line(tmp_path: Path) -> None:
    """Exit 2, the file and the row, no traceback."""
    path = tmp_path / "trace.csv"
    path.write_text("key,bytes\na,1\nb,-1\n")
    done = dbharness("plan-cache", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "trace.csv:3: bytes: expected a number of 0 or more, found -1\n"
