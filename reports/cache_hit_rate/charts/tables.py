"""Tables of findings: a row a cell, a column a figure with its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.cache_hit_rate.arms import NAME, arm_words
from reports.cache_hit_rate.cells import Cell, Measured, full_id
from reports.findings import Finding
from reports.words import engine_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A figure: the finding's id without scenario, engine and part, its labels, its heading with the unit, and a factor."""

    id: str
    heading: str
    factor: float = 1.0
    labels: Mapping[str, str] | None = None

    @property
    def bounds(self) -> tuple[str, str]:
        """The headings of its interval."""
        return f"{self.heading} from", f"{self.heading} to"


def of_cells(cells: Sequence[Cell], findings: Sequence[Finding], columns: Sequence[Column]) -> pd.DataFrame:
    """A row a cell, named by arm (and engine where there are several), with step and figures; absent ones are empty."""
    several = len({cell.engine for cell in cells}) > 1
    rows = []
    for cell in cells:
        row: dict[str, Any] = {"arm": named(cell, several), "step": cell.step}
        for column in columns:
            one = finding_of(cell, findings, column)
            for heading, value in zip(
                (column.heading, *column.bounds), (one.value, one.low, one.high) if one else (None,) * 3, strict=True
            ):
                row[heading] = None if value is None else value * column.factor
        rows.append(row)
    return pd.DataFrame(rows)


def finding_of(cell: Cell, findings: Sequence[Finding], column: Column) -> Finding | None:
    """A cell's finding of one figure."""
    wanted = {"arm": cell.arm, "step": cell.step, **(column.labels or {})}
    id = full_id(cell, column.id)
    return next((one for one in findings if one.id == id and wanted.items() <= one.labels.items()), None)


def named(cell: Cell, several: bool) -> str:
    """The arm in words, with its engine where there are several."""
    return f"{arm_words(cell.arm)}, {engine_name(cell.engine)}" if several else arm_words(cell.arm)


def cells_of(found: Measured, part: str) -> list[Cell]:
    """The measured cells of a part, of every engine."""
    return [cell for engine in found.engines for cell in found.where(engine, part)]


def told(findings: Sequence[Finding], part: str, *ids: str) -> str:
    """The sentences of a part's findings of these ids, the headline alone where there is one."""
    mine = [
        one for one in findings
        if one.labels.get("part") == part and one.value is not None and one.id.rsplit(".", 1)[1] in ids
    ]  # fmt: skip
    opening = [one for one in mine if one.headline]
    return " ".join(one.sentence for one in opening or mine) or f"Not measured: {NAME}, {part}."
