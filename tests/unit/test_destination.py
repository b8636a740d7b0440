"""A run is copied whole to wherever a URL points, its manifest last, and is kept where that fails."""

from pathlib import Path

import pytest

from harness.destination import Destination
from harness.errors import CannotMeasure, UsageError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory with a file that is half written and a folder of samples."""
    folder = tmp_path / "run"
    (folder / "samples").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (folder / "samples" / "s.0.parquet").write_bytes(b"rows")
    (folder / "samples" / "s.1.parquet.partial").write_bytes(b"ha")
    (folder / "events.jsonl").write_text("")
    return folder


def at(place: Path) -> Destination:
    """The destination at a URL of the local file system."""
    found = Destination.of(place.as_uri())
    assert found is not None
    return found


@pytest.mark.parametrize("out", ["runs/x", "/tmp/x", "s3", "a:b/c"])
def test_a_folder_is_no_url(out: str) -> None:
    """It is written to directly, as ever."""
    assert Destination.of(out) is None


def test_a_run_is_copied_whole_without_what_is_half_written(run: Path, tmp_path: Path) -> None:
    """Begun with its manifest alone; sending again goes over what is there."""
    place = tmp_path / "elsewhere" / "prefix"
    destination = at(place)
    destination.begin(run)
    assert [path.name for path in place.rglob("*")] == ["manifest.json"]
    (run / "manifest.json").write_text('{"status": "complete"}')
    assert destination.send(run) == destination.send(run) == 3
    found = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert found == {"manifest.json": b'{"status": "complete"}', "samples/s.0.parquet": b"rows", "events.jsonl": b""}


def test_a_place_that_holds_a_run_is_refused(run: Path, tmp_path: Path) -> None:
    """Two runs are never mixed."""
    at(tmp_path / "there").begin(run)
    with pytest.raises(UsageError, match="there: holds a run already; name a place that doesn't exist"):
        at(tmp_path / "there").begin(run)


def test_a_place_that_cant_be_written_is_found_out_before_anything_is_measured(run: Path, tmp_path: Path) -> None:
    """A file stands where a folder would have to be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--out file:///.*/file/prefix: can't be"):
        at(tmp_path / "file" / "prefix").begin(run)


def test_where_sending_fails_the_run_stays_and_the_manifest_isnt_sent(run: Path, tmp_path: Path) -> None:
    """The folder of samples can't be made; what would say that they are there doesn't come either."""
    place = tmp_path / "there"
    place.mkdir()
    (place / "samples").write_text("in the way")
    with pytest.raises(CannotMeasure, match=f"the run is kept in {run}"):
        at(place).send(run)
    assert not (place / "manifest.json").exists()
    assert (run / "samples" / "s.0.parquet").read_bytes() == b"rows"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nowhere://host/x?key=SECRET", "s3://bucket/prefix"),
        ("s3://id:SECRET@host/x", "a key in the URL would be kept"),
    ],
)
def test_a_url_without_a_file_system_or_with_a_key_in_it_is_refused_and_the_key_isnt_told(url: str, why: str) -> None:
    """The message names scheme, host and path, and says what would do."""
    with pytest.raises(UsageError, match=why) as refused:
        Destination.of(url)
    assert "://host/x: " in str(refused.value)
    assert "SECRET" not in str(refused.value)
