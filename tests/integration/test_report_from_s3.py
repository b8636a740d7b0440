"""A run at an s3:// URL is reported and verified in place, as moto serves it on loopback."""

import json
from hashlib import sha256
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from buckets import kept_bucket
from planted_cache import EXTRA, NAME, PlantedParts
from rundir import PlantedRun
from typer.testing import CliRunner

from harness.cli import app
from harness.local.processes import Warden

MADE = ("findings.json", "report.html", "report.md")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What two workers of a distributed test wrote: one's compacted file, the other's stream, with a column of its own."""
    parts = PlantedParts(PlantedRun(tmp_path / "run"))
    for _ in range(2):
        parts.trial(
            "policy", "lazy", "allkeys-lru", ({"at_ms": at, "hit": at % 3 > 0, "ms": 1 + at % 7} for at in range(300))
        )
    parts.write()
    planted, rows = parts.planted, parts.rows
    fewer = {name: kind for name, kind in EXTRA.items() if name != "waited_ns"}
    planted.samples(NAME, rows[::2], EXTRA, worker="0")
    planted.samples(NAME, rows[1::2], fewer, worker="1", form="arrows")
    return planted.load().path


@pytest.mark.timeout(500)
def test_a_run_in_a_bucket_is_reported_as_the_same_run_in_a_folder(
    run: Path, warden: Warden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report of either is the same, byte by byte; nothing is written to the bucket; a place for it must be named."""
    kept = kept_bucket(warden, monkeypatch)
    bucket = kept.objects
    files = [path for path in sorted(run.rglob("*")) if path.is_file()]
    for path in files:
        bucket.upload_file(str(path), f"runs/1/{path.relative_to(run).as_posix()}")

    def report(*words: str) -> int:
        return CliRunner().invoke(app, ["report", *words]).exit_code

    assert report(kept.url("kept/runs/1"), "--out", str(tmp_path / "out")) == 0
    assert report(str(run)) == 0
    for name in MADE:
        assert (tmp_path / "out" / name).read_bytes() == (run / name).read_bytes(), name
    assert len(list(bucket.objects.all())) == len(files)
    assert report(kept.url("kept/runs/1")) == 2
    assert report(kept.url("kept/runs/2"), "--out", str(tmp_path / "none")) == 2
    assert report(kept.url("absent/runs/1"), "--out", str(tmp_path / "none")) == 2
    assert not (tmp_path / "none").exists()


@pytest.mark.timeout(300)
def test_a_run_in_a_bucket_is_verified_there(
    run: Path, warden: Warden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its files against their hashes, its figures against findings.json; nothing is written, and one altered sample is found."""
    CliRunner().invoke(app, ["report", str(run)])
    files = [path for path in sorted(run.rglob("*")) if path.is_file()]
    noted = {str(path.relative_to(run)): sha256(path.read_bytes()).hexdigest() for path in run.glob("samples/*")}
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"hashes": noted}))
    kept = kept_bucket(warden, monkeypatch)
    for path in files:
        kept.objects.upload_file(str(path), f"runs/1/{path.relative_to(run).as_posix()}")

    def verified(place: str) -> tuple[int, str]:
        capfd.readouterr()
        code = CliRunner().invoke(app, ["report", place, "--verify"]).exit_code
        out, err = capfd.readouterr()
        return code, out + err

    code, said = verified(kept.url("kept/runs/1"))
    assert code == 0 and said.startswith("verified: 2 files and ")
    assert len(list(kept.objects.objects.all())) == len(files)
    altered = next(run.glob("samples/*.parquet"))
    rows = pq.read_table(altered)
    at = rows.schema.get_field_index("op_id")
    pq.write_table(rows.set_column(at, rows.schema.field(at), pc.subtract(1000, rows["op_id"])), altered)
    kept.objects.upload_file(str(altered), f"runs/1/samples/{altered.name}")
    code, said = verified(kept.url("kept/runs/1"))
    assert code == 1 and f"differs: samples/{altered.name} isn't what was written" in said
    kept.objects.Object("runs/1/findings.json").delete()
    code, said = verified(kept.url("kept/runs/1"))
    assert code == 2 and said.count("\n") == 1
    assert "s3://kept/runs/1: findings.json: " in said and "make its report first: dbharness report, of a copy" in said
