"""200 real comparisons of an operation with itself, cut from one long series: 5 % of false alarms, and the power there really is.

45 minutes, by ``make test-long``; printed with ``-s``: the tables of docs/false-alarms.md.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scipy import stats as scipy_stats

from benchmarks.false_alarms import page

ROOT = Path(__file__).resolve().parents[2]
COMPARISONS = 200

pytestmark = [pytest.mark.slow, pytest.mark.timeout(5_400)]


def test_real_comparisons_of_the_same_raise_no_more_false_alarms_than_they_promise(tmp_path: Path) -> None:
    """Were it 5 %, more than this many of 200 would come once in a hundred series (18); every figure stays at or below it."""
    run = tmp_path / "series"
    command = [sys.executable, "-m", "harness.cli", "aa", "--comparisons", str(COMPARISONS), "--pairs", "6"]
    done = subprocess.run(
        [*command, "--trial-s", "1", "--out", str(run), "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    print(page(json.loads((run / "manifest.json").read_text()), document["findings"]))
    alarms = {one["figure"]: one["alarms"] for one in document["alarms"]}
    assert alarms.keys() >= {"p50", "p95", "mean"}
    assert {one["comparisons"] for one in document["alarms"]} == {COMPARISONS}
    most = scipy_stats.binom.ppf(0.99, COMPARISONS, 0.05)
    assert all(count <= most for count in alarms.values()), alarms
    assert done.returncode == 0
