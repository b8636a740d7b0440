"""A run is verified: its files are those that were written, and its figures come out of them again."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from rundir import PlantedRun, a_query_and_a_scan, trial

from harness.config import Config, load_prices
from harness.rundir import RunDir
from reports import build
from reports.load import NotARun, Run
from reports.verify import Verified, verify

NAME = "query_vs_scan"
SAMPLES = f"samples/{NAME}.0.parquet"
PARAMS = {"aircraft": 8, "airports": 2, "trial_s": 0.35, "pairs": 6, "warm_up_answers": 1, "engines": ["mysql"]}


def make_report(path: Path) -> None:
    run = Run.load(path)
    build.write(run, build.analyse(run))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    """A Query of 1 unit and a Scan of 30, 100 answers of each in 1 ms and a little: reported and closed."""
    planted = PlantedRun(tmp_path / "run")
    planted.samples(NAME, a_query_and_a_scan(), {"question": "text"})
    planted.scenario(NAME, params=PARAMS, trials=[trial(0, "query", "1000"), trial(1, "scan", "1000")])
    planted.load()
    planted.manifest["hashes"] = {name: digest(planted.path / name) for name in ("events.jsonl", SAMPLES)}
    planted.load()
    make_report(planted.path)
    return planted


def alter_samples(run: Path, column: str, change: Callable[[Any], Any]) -> None:
    """One column written anew, all else as it was."""
    table = pq.read_table(run / SAMPLES)
    values = change(table[column])
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, values), run / SAMPLES)


def alter_findings(run: Path, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The first finding that has a value, changed in findings.json; as it was before."""
    findings = json.loads((run / "findings.json").read_text())
    one = next(finding for finding in findings if finding["value"] is not None)
    before = dict(one)
    change(one)
    (run / "findings.json").write_text(json.dumps(findings))
    return before


def contents(run: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def test_an_untouched_run_is_verified_and_nothing_is_written(planted: PlantedRun) -> None:
    """Two files noted; every figure of findings.json comes out again."""
    before = contents(planted.path)
    figures = len(json.loads((planted.path / "findings.json").read_text()))
    found = verify(planted.path)
    assert found == Verified(run="run", files=2, figures=figures, differences=(), unverifiable=())
    assert found.exit_code == 0
    assert list(found.lines()) == [f"verified: 2 files and {figures} figures of run are as they were written"]
    assert contents(planted.path) == before


def test_one_altered_sample_names_its_file_and_the_figures_that_differ(planted: PlantedRun) -> None:
    """The Scan's first answer cost 31 units instead of 30: a mean of 30.01 instead of 30, ratio 30.01 instead of 30."""
    was = digest(planted.path / SAMPLES)

    def dearer(units: Any) -> Any:
        values = units.to_pylist()
        values[values.index(30.0)] = 31.0
        return pa.array(values, pa.float64())

    alter_samples(planted.path, "read_units", dearer)
    found = verify(planted.path)
    assert found.exit_code == 1
    assert found.differences[0] == (
        f"{SAMPLES} isn't what was written: its SHA-256 is {digest(planted.path / SAMPLES)[:16]}…, and {was[:16]}… was noted"
    )
    (ratio,) = [
        one for one in found.differences if one.startswith("query_vs_scan.units_ratio{") and ": value is" in one
    ]
    assert ratio.endswith("value is 30 in findings.json, and 30.01 by the samples")


def test_a_sample_that_no_figure_uses_is_told_by_the_hash_alone(planted: PlantedRun) -> None:
    """The ids of operations, counted from the other end."""
    alter_samples(planted.path, "op_id", lambda ids: pc.subtract(1000, ids))
    (only,) = verify(planted.path).differences
    assert only.startswith(f"{SAMPLES} isn't what was written")


@pytest.mark.parametrize(
    ("member", "value"),
    [("value", 12.5), ("low", -1.5), ("high", 99.5), ("n", 7), ("status", "tool_bound"), ("sentence", "All is well.")],
)
def test_one_altered_finding_is_named_with_what_it_was_and_what_it_should_be(
    planted: PlantedRun, member: str, value: Any
) -> None:
    """Its value, an end of its interval, what it rests on, its status or its words; the files are as they were."""
    before = alter_findings(planted.path, lambda one: one.update({member: value}))
    (only,) = verify(planted.path).differences
    assert only.startswith(before["id"])
    assert f": {member} is {json.dumps(value)} in findings.json, and " in only
    assert only.endswith(" by the samples")


def test_a_finding_taken_out_and_one_put_in_are_named(planted: PlantedRun) -> None:
    """A label changed does both: the one isn't computed, the other isn't there."""
    before = alter_findings(planted.path, lambda one: one["labels"].update(planted="yes"))
    put_in, taken_out = verify(planted.path).differences
    assert put_in.startswith(before["id"]) and "planted=yes" in put_in
    assert put_in.endswith("stands in findings.json, and the samples don't give it")
    assert taken_out.startswith(before["id"]) and taken_out.endswith(
        "comes out of the samples, and findings.json lacks it"
    )


def test_a_last_digit_that_another_processor_rounds_otherwise_is_no_difference(planted: PlantedRun) -> None:
    """A part in 10¹² isn't told from chance; one in 10⁶ is."""
    alter_findings(planted.path, lambda one: one.update(value=one["value"] * (1 + 1e-12)))
    assert verify(planted.path).differences == ()
    alter_findings(planted.path, lambda one: one.update(value=one["value"] * (1 + 1e-6)))
    assert len(verify(planted.path).differences) == 1


def test_files_that_came_or_went_after_the_run_was_closed_are_named(planted: PlantedRun) -> None:
    """A second worker's samples that nobody noted; events that are gone."""
    planted.samples(NAME, [], {"question": "text"}, worker="1")
    (planted.path / "events.jsonl").unlink()
    assert verify(planted.path).differences[:2] == (
        "events.jsonl is missing: it was there when the run was closed",
        f"samples/{NAME}.1.parquet wasn't there when the run was closed",
    )


@pytest.mark.parametrize(
    ("status", "says"),
    [("complete", "the run is of an older dbharness"), ("running", "the run was never closed")],
)
def test_a_run_without_hashes_has_its_figures_compared_and_says_that_its_files_were_not(
    planted: PlantedRun, status: str, says: str
) -> None:
    """Exit 3; 1 where a figure differs all the same."""
    del planted.manifest["hashes"]
    planted.manifest["status"] = status
    planted.load()
    make_report(planted.path)
    found = verify(planted.path)
    assert found.exit_code == 3
    assert found.unverifiable[0].startswith(says)
    assert list(found.lines())[-1].startswith("figures verified, files not: ")
    assert found.as_record()["verified"] is None
    alter_findings(planted.path, lambda one: one.update(value=12.5))
    assert verify(planted.path).exit_code == 1


def test_a_run_that_was_never_reported_says_how_to_report_it(planted: PlantedRun) -> None:
    """There is nothing to compare with."""
    (planted.path / "findings.json").unlink()
    with pytest.raises(NotARun, match="findings.json: No such file.*dbharness report"):
        verify(planted.path)


def test_the_command_exits_with_what_it_found_and_prints_one_document_for_programs(planted: PlantedRun) -> None:
    """0, then 1 after a finding was altered, 2 for what is no run."""

    def call(*words: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "harness.cli", "report", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    good = call(planted.path, "--verify", "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["verified"] is True
    alter_findings(planted.path, lambda one: one.update(value=12.5))
    bad = call(planted.path, "--verify")
    assert bad.returncode == 1
    assert bad.stdout.splitlines()[0].startswith("differs: query_vs_scan.")
    assert call(planted.path / "samples", "--verify").returncode == 2


def test_a_run_that_is_closed_notes_the_hashes_of_what_figures_are_computed_from(tmp_path: Path) -> None:
    """Samples and events, by hand as sha256sum would; a half-written file isn't one. Closed again, what was noted stands."""
    config = Config()
    run = RunDir.create(tmp_path / "run", config, load_prices(config), source="a test", command=["dbharness", "run"])
    (run.path / "events.jsonl").write_text("{}\n")
    (run.path / "samples" / "s.0.parquet").write_bytes(b"abc")
    (run.path / "samples" / "s.0.001.parquet.partial").write_bytes(b"half")
    run.finish("interrupted")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert run.manifest["hashes"] == {"events.jsonl": digest(run.path / "events.jsonl"), "samples/s.0.parquet": abc}
    (run.path / "samples" / "s.0.parquet").write_bytes(b"abd")
    (run.path / "samples" / "s.1.parquet").write_bytes(b"abc")
    run.note_hashes()
    assert run.manifest["hashes"]["samples/s.0.parquet"] == abc
    assert run.manifest["hashes"]["samples/s.1.parquet"] == abc
