"""How a plan is shown and kept, whatever it plans: sentences and tables, and a directory with its report."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.config import Config
from harness.dynamodb.pricing import Prices
from harness.errors import UsageError
from harness.report_child import make_report
from harness.rundir import RunDir, command_line

Rows = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""A table: its title, its headings, its rows; what a row is about comes first."""


def usd(value: float) -> str:
    """Dollars to the cent."""
    return f"{'−' if value < 0 else ''}${abs(value):,.2f}"


def refuse_used(out: Path | None) -> None:
    """Raises UsageError where there is something at ``out`` already."""
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: exists and isn't an empty directory; name one that doesn't exist")


def show(first: Sequence[str], tables: Sequence[Rows], last: Sequence[str], console: Console) -> None:
    """Sentences for people; tables between them on a terminal, a line for each row elsewhere."""
    for line in first:
        console.print(line, markup=False)
    for title, headings, rows in tables:
        if console.is_terminal:
            table = Table(*headings, title=title, title_justify="left")
            for row in rows:
                table.add_row(*row)
            console.print(table)
        else:
            console.print(f"{title}:", markup=False)
            for row in rows:
                cells = (f"{name} {text}" for name, text in zip(headings[1:], row[1:], strict=True))
                console.print(f"  {row[0]}: {', '.join(cells)}", markup=False)
    for line in last:
        console.print(line, markup=False)


def write_report(
    scenario: str, record: Mapping[str, Any], config: Config, prices: Prices, out: Path, console: Console | None
) -> int:
    """A directory that ``dbharness report`` reads: manifest, plan.json, and the report. The report's exit code.

    ``scenario`` is the name under which the plan stands in the manifest, and of its analysis in reports.
    """
    run = RunDir.create(out, config, prices, source="command line", command=command_line())
    (run.path / "plan.json").write_text(json.dumps(record, allow_nan=False) + "\n")
    run.update(profile="plan", target="model")
    run.update_scenario(scenario, status="complete", reason=None, trials=[], servers={}, params={})
    run.finish()
    code = make_report(run.path, quiet=True)
    if console is not None and code == 0:
        console.print(f"report: {run.path / 'report.html'}", markup=False)
    return code
