"""The self-test's table: the same rows in README, in a report's appendix and wherever else it is shown. Pure.

A **record** is what one self-test left: schema, dbharness, commit, dirty, machine, date, took_s, and ``truths``, each with name,
unit, planted, error, status, found, why.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

RECORD_SCHEMA = 1
HEADINGS = ("planted", "value", "error allowed", "found", "came back")
FIGURES_FROM = 2  # the first column of figures, counted from 1
_MACHINE = ("cpu", "cores", "memory_bytes")


def rows(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row a truth, as text."""
    return [_row(truth) for truth in record["truths"]]


def counted(record: Mapping[str, Any]) -> str:
    """``9 of 9``: truths that came back."""
    return f"{sum(truth['why'] is None for truth in record['truths'])} of {len(record['truths'])}"


def markdown(record: Mapping[str, Any]) -> Iterator[str]:
    """The table as lines of Markdown, with what it was measured on beneath."""
    yield from lines_of(HEADINGS, rows(record))
    yield ""
    yield f"*{counted(record)} planted truths came back ({record['date'][:10]}; {made(record)}).*"


def lines_of(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown whose first column is words and whose others are figures."""
    yield f"| {' | '.join(headings)} |"
    yield "|---|" + "---:|" * (len(headings) - 1)
    yield from (f"| {' | '.join(row)} |" for row in rows)


def made(record: Mapping[str, Any]) -> str:
    """By which version, on what and how long: ``dbharness 0.1.0 at commit 1a2b3c4d, AMD EPYC, 2 cores, in 33 s``."""
    machine = record["machine"]
    at = f" at commit {record['commit'][:8]}" if record["commit"] else ""
    altered = " with uncommitted changes" if record["dirty"] else ""
    where = f"{machine['cpu']}, {machine['cores']} cores"
    return f"dbharness {record['dbharness']}{at}{altered}, {where}, in {record['took_s']:.0f} s"


def stale(record: Mapping[str, Any], *, version: str, machine: Mapping[str, Any]) -> str | None:
    """Why a record doesn't speak for a run of that version on that machine; None where it does."""
    if record["dbharness"] != version:
        return f"it was of dbharness {record['dbharness']}, the run of {version}"
    for name in _MACHINE:
        if record["machine"].get(name) != machine.get(name):
            return "it ran on another machine than the run"
    return None


def _row(truth: Mapping[str, Any]) -> tuple[str, ...]:
    error = truth["error"]
    return (
        str(truth["name"]),
        _figure(truth["planted"], truth["unit"]),
        "only the mark" if error is None else f"± {_figure(error, truth['unit'])}" if error else "none",
        "nothing" if truth["found"] is None else _figure(truth["found"], truth["unit"]),
        f"no: {truth['why']}"
        if truth["why"]
        else "yes"
        if truth["status"] == "measured"
        else f"yes, {truth['status'].replace('_', '-')}",
    )


def _figure(value: float, unit: str) -> str:
    """Four significant digits; a share in per cent."""
    return f"{100 * value:.4g} %" if unit == "share" else f"{value:.4g}" if unit == "ratio" else f"{value:.4g} {unit}"
