"""Gates of a comparison by pairs: relative ones, from the command line or the candidate's configuration."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.pairs.gates import in_file, relative_ones, typed

P95 = "query_vs_scan.latency_p95_ms{arm=query} no worse than 5%"
HITS = "cache_hit_rate.mysql.hit_rate no worse than 2%"
LIMIT = "query_vs_scan.latency_p95_ms{arm=query} <= 3 ms"


def test_gates_are_kept_as_they_are_always_written_each_once() -> None:
    """However they were typed."""
    assert typed([P95, "query_vs_scan.latency_p95_ms{ arm = query }  no worse than 5.0 %"]) == (P95,)


def test_a_limit_is_no_gate_of_a_comparison() -> None:
    """With the command that has it."""
    with pytest.raises(UsageError, match=r"held to \*no worse than N%\* alone; a limit is `dbharness gate`'s"):
        typed([LIMIT])


def test_what_is_no_gate_is_named_with_its_option() -> None:
    """And with what the grammar expected."""
    with pytest.raises(UsageError, match=r"^--gate 'faster, please' "):
        typed(["faster, please"])


def test_of_a_configuration_s_gates_those_that_compare_what_is_run_are_judged() -> None:
    """A limit is about one run; another scenario isn't run."""
    gates = (LIMIT, P95, HITS)
    assert relative_ones(gates, "query_vs_scan") == (P95,)
    assert relative_ones(gates, None) == (P95, HITS)


def test_the_gates_of_a_configuration_that_other_code_will_read_are_looked_up_in_it(tmp_path: Path) -> None:
    """An override goes over the file; what can't be read is that code's to complain of."""
    file = tmp_path / "config.yaml"
    file.write_text(f"gates:\n  - {P95}\n")
    assert in_file(file, ["seed=1"]) == (P95,)
    assert in_file(file, ["gates=[]"]) == ()
    assert in_file(file, [f"gates=['{HITS}']"]) == (HITS,)
    file.write_text("seed: 1\n")
    assert in_file(file, []) == ()
    file.write_text("seed: [1\n")
    assert in_file(file, []) == ()
    assert in_file(tmp_path / "none.yaml", []) == ()
