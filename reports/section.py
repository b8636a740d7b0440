"""What one scenario contributes to a report: findings, charts with the tables they draw, and the method."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from reports.findings import Finding
from reports.tool import ToolRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure and the table it was drawn from; ``draw`` makes the figure anew from that table.

    ``caption`` says how to read it; ``alt`` carries the conclusion for who can't see it. The table's headings have units.
    ``dense`` charts become PNG instead of SVG.
    """

    id: str
    title: str
    caption: str
    alt: str
    table: pd.DataFrame
    draw: Callable[[pd.DataFrame], Figure]
    dense: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One scenario's part: ``verdict`` is its answer in a sentence or two, computed from ``findings``.

    ``tool`` is what is known of the tool's own share in them, empty where that wasn't measured.
    """

    scenario: str
    title: str
    verdict: tuple[str, ...]
    findings: tuple[Finding, ...]
    charts: tuple[Chart, ...]
    method: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    tool: tuple[ToolRow, ...] = ()
