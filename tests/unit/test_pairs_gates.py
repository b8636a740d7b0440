"""Gates that a comparison by pairs is given: relative ones."""

import pytest

from harness.errors import UsageError
from harness.pairs.command import relative

P95 = "query_vs_scan.latency_p95_ms{arm=query} no worse than 5%"
LIMIT = "query_vs_scan.latency_p95_ms{arm=query} <= 3 ms"


def test_gates_are_kept_as_they_are_always_written_each_once() -> None:
    """However they were typed."""
    assert relative([P95, "query_vs_scan.latency_p95_ms{ arm = query }  no worse than 5.0 %"]) == (P95,)


def test_a_limit_is_no_gate_of_a_comparison() -> None:
    """With the command that has it."""
    with pytest.raises(UsageError, match=r"held to \*no worse than N%\* alone; a limit is `dbharness gate`'s"):
        relative([LIMIT])


def test_what_is_no_gate_is_named_with_its_option() -> None:
    """And with what the grammar expected."""
    with pytest.raises(UsageError, match=r"^--gate 'faster, please' "):
        relative(["faster, please"])
