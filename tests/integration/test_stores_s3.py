"""A store of runs in S3, as moto serves it on loopback: pyarrow's own S3 client, over HTTP."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from buckets import kept_bucket
from planted_history import noisy, planted_nights

from harness.errors import CannotMeasure
from harness.local.processes import Warden
from harness.paths import PROJECT_ROOT
from harness.stores import Store


def test_runs_are_added_listed_followed_and_fetched(
    warden: Warden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manifest and findings come to the cache, once as long as they stay the same; a run that is reported again comes again."""
    at = kept_bucket(warden, monkeypatch)  # out of the project's own cache
    bucket = at.objects
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    store = Store.of(at.url("kept/runs"))
    nights = planted_nights(tmp_path / "runs", [*noisy(10, 8), *noisy(14, 8)])
    assert [store.add(night) for night in nights] == [f"s3://kept/runs/{night.name}" for night in nights]
    assert sum(one.key.startswith("runs/night-05/") for one in bucket.objects.all()) == 4

    kept = store.runs()
    assert [path.name for path in kept] == [night.name for night in nights]
    assert sorted(path.name for path in kept[0].iterdir()) == ["findings.json", "manifest.json"]
    read = (kept[0] / "findings.json").stat().st_ino
    changed = (kept[1] / "findings.json").stat().st_ino
    bucket.Object("runs/night-02/findings.json").put(Body=(nights[1] / "findings.json").read_bytes() + b"\n")
    assert store.runs() == kept
    assert (kept[0] / "findings.json").stat().st_ino == read
    assert (kept[1] / "findings.json").stat().st_ino != changed

    asked = [sys.executable, "-m", "harness.cli", "history", at.url("kept/runs"), "--json"]
    done = subprocess.run(asked, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["store"] == "s3://kept/runs"
    assert [point["run"] for point in said["histories"][0]["trends"][0]["change_points"]] == ["night-09"]

    store.fetch(store.entries()[4], tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} >= {"manifest.json", "events.jsonl", "report.html"}
    assert Store.of(at.url("kept/elsewhere")).runs() == []
    with pytest.raises(CannotMeasure, match="s3://absent/runs/night-01: can't be written: "):
        Store.of(at.url("absent/runs")).add(nights[0])
