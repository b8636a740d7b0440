"""The appendix: whether what was planted came back, by the self-test that the run's manifest holds."""

from collections.abc import Mapping
from typing import Any

from harness import selftest_table
from reports.render.run import when

TITLE = "Appendix: what the tool was tested with"
WHY = (
    "Servers that behave by a schedule are asked by the load, recorder, statistics and report of any run; what was planted must come back, "
    "each figure within its error."
)
NOT_MEASURED = (
    "Not measured: no self-test had been made before this run; `dbharness selftest` makes one, in about half a minute."
)
HEADINGS, FIGURES_FROM = selftest_table.HEADINGS, selftest_table.FIGURES_FROM


def record(manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The self-test of the manifest; None where there is none that this version can read."""
    kept: Mapping[str, Any] | None = manifest.get("selftest")
    return kept if kept and kept.get("schema") == selftest_table.RECORD_SCHEMA else None


def sentence(kept: Mapping[str, Any]) -> str:
    """How many came back, when, by which version and where."""
    return (
        f"{selftest_table.counted(kept)} planted truths came back ({when(kept['date'])}; {selftest_table.made(kept)})."
    )


def stale(manifest: Mapping[str, Any], kept: Mapping[str, Any]) -> str | None:
    """Why it doesn't speak for this run, as a sentence; None where it does."""
    version, machine = (manifest.get("versions") or {}).get("dbharness", ""), manifest.get("machine") or {}
    why = selftest_table.stale(kept, version=version, machine=machine)
    return f"This self-test is stale: {why}; `dbharness selftest` makes another." if why else None


def rows(kept: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table, as text."""
    return selftest_table.rows(kept)
