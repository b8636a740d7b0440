"""A run copied to S3, as moto serves it on loopback: pyarrow's own S3 client, over HTTP."""

from pathlib import Path

import pytest
from buckets import kept_bucket

from harness.destination import Destination
from harness.errors import CannotMeasure, UsageError
from harness.local.processes import Warden


def test_a_run_goes_to_a_bucket_and_is_kept_where_the_bucket_is_gone(
    warden: Warden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manifest first, then everything, never over another run; a bucket that isn't there is found out before the run."""
    kept = kept_bucket(warden, monkeypatch)
    bucket = kept.objects
    (tmp_path / "samples").mkdir()
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "samples" / "s.0.parquet").write_bytes(b"rows")

    def at(place: str) -> Destination:
        found = Destination.of(kept.url(place))
        assert found is not None
        return found

    at("kept/runs/1").begin(tmp_path)
    assert [one.key for one in bucket.objects.all()] == ["runs/1/manifest.json"]
    assert at("kept/runs/1").send(tmp_path) == 2
    assert {one.key: one.get()["Body"].read() for one in bucket.objects.all()} == {
        "runs/1/manifest.json": b"{}", "runs/1/samples/s.0.parquet": b"rows",
    }  # fmt: skip
    with pytest.raises(UsageError, match="s3://kept/runs/1: holds a run already"):
        at("kept/runs/1").begin(tmp_path)
    with pytest.raises(UsageError, match="s3://absent/runs/1: can't be written"):
        at("absent/runs/1").begin(tmp_path)
    with pytest.raises(CannotMeasure, match=f"s3://absent/runs/1: can't be written: .*; the run is kept in {tmp_path}"):
        at("absent/runs/1").send(tmp_path)
