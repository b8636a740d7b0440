"""The section *the tool's own share*: what of the latencies is the client's, and how the generator fared."""

from collections.abc import Sequence

from reports.render.figures import NONE
from reports.section import Section
from reports.tool import ToolRow
from reports.words import microseconds, percent

TITLE = "The tool's own share"
HEADINGS = (
    "Scenario", "Client, operation", "Verdict", "Floor p50", "Floor p95", "Excess", "Core", "Late, queued (p99)",
)  # fmt: skip
FIGURES_FROM = 4  # the first column of figures, counted from 1
METHOD = (
    "The floor is what the same client takes for the same bytes from a responder that does nothing, measured before the trials; "
    "the excess is a latency less its floor, smallest and largest of the row's figures (mean, p50, p95). A latency is tool-bound where the interval of its excess, or of "
    "the difference between arms, includes 0, where the generator's core was above 80 % busy, or where the tool was late by "
    "more than 1 ms and 10 % of the figure at p99. Late is the tool's own, from when a request was due and a slot was free; queued has the wait for "
    "a slot in it, which an open loop's latency counts. Core (the generator's, how busy it was) and lateness are of the worst trial. Units, shares, hit rates and downtime are exempt "
    "unless requests were dropped or the schedule was missed."
)
NOT_MEASURED = "not measured"
_CLOSED = "closed loop"


def rows(sections: Sequence[Section]) -> list[tuple[str, ...]]:
    """The table, as text; a scenario with figures and without a floor has a row that says so."""
    found = []
    for section in sections:
        if section.tool:
            found += [_cells(section.scenario, row) for row in section.tool]
        elif any(finding.value is not None for finding in section.findings):
            found.append((section.scenario, NONE, NOT_MEASURED, NONE, NONE, NONE, NONE, NONE))
    return found


def _cells(scenario: str, row: ToolRow) -> tuple[str, ...]:
    return (
        scenario,
        f"{row.client}, {row.op}",
        row.verdict,
        _time(row.floor_p50_us),
        _time(row.floor_p95_us),
        _excess(row),
        NOT_MEASURED if row.cpu_share is None else percent(row.cpu_share),
        _waited(row),
    )


def _time(value_us: float | None) -> str:
    return NOT_MEASURED if value_us is None else microseconds(value_us)


def _waited(row: ToolRow) -> str:
    if row.cpu_share is None:
        return NOT_MEASURED
    waits_ms = [wait for wait in (row.lateness_p99_ms, row.queued_p99_ms) if wait is not None]
    return ", ".join(microseconds(1e3 * wait) for wait in waits_ms) or _CLOSED


def _excess(row: ToolRow) -> str:
    if row.excess_us is None:
        return NONE
    low, high = row.excess_us
    return microseconds(low) if low == high else f"{microseconds(low)} to {microseconds(high)}"
