"""Findings by id and labels, for the charts; and how arms look in all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from reports.charts import style
from reports.findings import Finding
from reports.sql_vs_nosql.arms import ARMS, NAME, plain
from reports.sql_vs_nosql.cells import Cell


def found_of(findings: Sequence[Finding], id: str, cell: Cell, **also: str) -> Finding | None:
    """The finding of a cell that has a value, None where there is none."""
    wanted = {"part": cell.part, "pattern": cell.pattern, "arm": cell.arm, "step": cell.step} | also
    those = (one for one in findings if one.id == f"{NAME}.{id}" and wanted.items() <= one.labels.items())
    return next((one for one in those if one.value is not None), None)


def figures(finding: Finding | None, name: str) -> dict[str, float | None]:
    """Value and bounds as columns of a table."""
    value, low, high = (None, None, None) if finding is None else (finding.value, finding.low, finding.high)
    return {name: value, f"{name}, low": low, f"{name}, high": high}


def told(findings: Sequence[Finding], *ids: str) -> str:
    """What a chart concludes: the headlines of these ids, else the first of them that have a value."""
    these = [one for one in findings if one.id.removeprefix(f"{NAME}.") in ids and one.value is not None]
    return " ".join(one.sentence for one in [one for one in these if one.headline] or these[:2])


def look(arm: str) -> Mapping[str, Any]:
    """The same colour, dashes and marker wherever an arm is drawn."""
    known = list(ARMS)
    return style(known.index(plain(arm)) if plain(arm) in known else len(known))
