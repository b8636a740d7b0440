"""A store is a folder of run directories, here or elsewhere: listed in order, added to whole, fetched from whole."""

import json
import os
from pathlib import Path

import pytest
from planted_history import planted_nights, planted_run, record

from harness.errors import CannotMeasure, UsageError
from harness.stores import UNREADABLE, Store


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Three nights in a store."""
    return planted_nights(tmp_path / "store", [1.0, 2.0, 3.0])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_runs_of_a_folder_come_in_the_order_they_started_and_are_read_in_place(
    tmp_path: Path, runs: list[Path]
) -> None:
    """By the manifest and not by name; what is no run, and the link to the latest, aren't runs."""
    early = planted_run(tmp_path / "store" / "zz", [record("p", 1.0)], night=-1)
    (tmp_path / "store" / "ab-1" / "a-01").mkdir(parents=True)
    (tmp_path / "store" / "notes.txt").write_text("x")
    (tmp_path / "store" / "latest").symlink_to("night-03")
    store = Store.of(str(tmp_path / "store"))
    assert store.runs() == [early, *runs]
    assert store.runs(last=2) == runs[1:]
    assert store.runs(last=0) == store.runs("rds_failover") == []
    assert store.runs("query_vs_scan", last=1) == [runs[2]]


def test_only_whole_runs_are_given_and_all_are_listed(tmp_path: Path, runs: list[Path]) -> None:
    """Damaged, partial and without a report: listed with what is known, never given as a baseline."""
    (runs[0] / "manifest.json").write_text('{"schema":')
    (runs[1] / "findings.json").unlink()
    planted_run(tmp_path / "store" / "partial", [], night=9, status="partial")
    store = Store.of(str(tmp_path / "store"))
    assert [(entry.name, entry.status, entry.findings) for entry in store.entries()] == [
        ("night-01", UNREADABLE, True), ("night-02", "complete", False), ("night-03", "complete", True),
        ("partial", "partial", True),
    ]  # fmt: skip
    assert store.runs() == [runs[2]]


@pytest.mark.parametrize(
    "manifest", ["[]", "{}", '{"scenarios": []}', '{"scenarios": {}, "git": "x", "status": null}', ""]
)
def test_a_manifest_that_is_none_is_no_error(tmp_path: Path, manifest: str) -> None:
    """Whatever somebody left there, the other runs can be listed."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "manifest.json").write_text(manifest)
    (entry,) = Store.of(str(tmp_path)).entries()
    assert (entry.name, entry.whole, entry.commit) == ("odd", False, "")


def test_a_run_directory_is_a_store_of_itself(runs: list[Path]) -> None:
    """So that a baseline may be one or the other."""
    assert Store.of(str(runs[1])).runs() == [runs[1]]


def test_a_run_is_added_whole_under_its_name_and_never_over_another(tmp_path: Path, runs: list[Path]) -> None:
    """A relative path and a link have the run's own name; a second one of it needs another."""
    kept = tmp_path / "kept"
    (runs[0].parent / "latest").symlink_to("night-01")
    store = Store.of(str(kept))
    assert store.add(runs[0].parent / "latest") == f"{kept}/night-01"
    files = {path.relative_to(runs[0]).as_posix(): path.read_bytes() for path in runs[0].rglob("*") if path.is_file()}
    assert {path.relative_to(kept / "night-01").as_posix(): path.read_bytes() for path in kept.rglob("*.*")} == files
    with pytest.raises(UsageError, match="night-01: holds a run already; give this one another name with --name"):
        store.add(runs[0])
    assert store.add(runs[0], "release-1.0") == f"{kept}/release-1.0"
    assert [path.name for path in store.runs()] == ["night-01", "release-1.0"]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b"])
def test_a_name_that_leads_elsewhere_is_refused(runs: list[Path], tmp_path: Path, name: str) -> None:
    """Nothing is written outside the store. An empty name is none: the run's own."""
    if name:
        with pytest.raises(UsageError, match="--name"):
            Store.of(str(tmp_path / "kept")).add(runs[0], name)
    else:
        assert Store.of(str(tmp_path / "kept")).add(runs[0], name).endswith("night-01")


def test_what_is_no_whole_run_is_not_added(tmp_path: Path, runs: list[Path]) -> None:
    """Each with its way out."""
    store = Store.of(str(tmp_path / "kept"))
    with pytest.raises(UsageError, match="has no manifest.json that can be read; give a folder"):
        store.add(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is partial; a baseline needs a whole run"):
        store.add(planted_run(tmp_path / "cut", [], status="partial"))
    (runs[0] / "findings.json").unlink()
    with pytest.raises(UsageError, match=f"make its report first: dbharness report {runs[0]}"):
        store.add(runs[0])
    assert not (tmp_path / "kept").exists()


def test_a_store_that_isnt_there_says_how_to_make_one(tmp_path: Path) -> None:
    """Under the option that named it."""
    with pytest.raises(
        UsageError, match=r"--baseline .*/none: no such folder; put a run there: dbharness baseline add RUN"
    ):
        Store.of(str(tmp_path / "none"), "--baseline").runs()


def test_a_run_is_fetched_whole_to_a_folder_that_wasnt_there(tmp_path: Path, runs: list[Path]) -> None:
    """With everything in it; never over something."""
    store = Store.of(str(tmp_path / "store"))
    entry = store.entries()[1]
    assert store.fetch(entry, tmp_path / "copy") == 4  # manifest, events, findings, report
    assert json.loads((tmp_path / "copy" / "manifest.json").read_text())["id"] == "night-02"
    with pytest.raises(UsageError, match="copy: exists; name a folder that doesn't"):
        store.fetch(entry, tmp_path / "copy")
    alone = Store.of(str(runs[2]))
    assert alone.fetch(alone.entries()[0], tmp_path / "third") == 4


def test_a_fetch_that_fails_leaves_nothing(tmp_path: Path, runs: list[Path]) -> None:
    """The run went away meanwhile."""
    store = Store.of(str(tmp_path / "store"))
    entry = store.entries()[0]
    for path in sorted(runs[0].rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    runs[0].rmdir()
    with pytest.raises(CannotMeasure, match="night-01 can't be copied to"):
        store.fetch(entry, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_url_of_this_machine_is_read_in_place(runs: list[Path], cache: Path) -> None:
    """No copy is made of what is here."""
    assert Store.of(runs[0].parent.as_uri()).runs() == runs
    assert not cache.exists()


def test_a_key_in_a_url_is_told_to_nobody() -> None:
    """Under the option that was used."""
    with pytest.raises(UsageError, match="STORE s3://host/x: a key in the URL") as refused:
        Store.of("s3://id:SECRET@host/x", "STORE")
    assert "SECRET" not in str(refused.value)


def test_a_place_that_cant_be_written_is_one_line(tmp_path: Path, runs: list[Path]) -> None:
    """A file stands where the store would be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotMeasure, match=r"file/night-01: can't be written: ") as refused:
        Store.of(str(tmp_path / "file")).add(runs[0])
    assert os.linesep not in str(refused.value)
