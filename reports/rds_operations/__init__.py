"""Day-two operations: what each takes on real servers, what it loses, and what clients notice meanwhile.

A room for each part: ``parameters``, ``backup``, ``pitr``, ``snapshots``, ``lag``, ``connections``; ``cells`` what was read,
``latencies`` and ``growth`` what several parts say alike, ``charts``, ``method``.
"""

from collections.abc import Iterator

from reports.findings import Better, Finding
from reports.load import Run
from reports.rds_operations import backup, connections, lag, parameters, pitr, snapshots
from reports.rds_operations.arms import (
    BACKUP,
    CONNECTIONS,
    FIRST,
    LAG,
    NAME,
    OPENING,
    PARAMETERS,
    PITR,
    SNAPSHOTS,
    TITLE,
    WRITE,
)  # fmt: skip
from reports.rds_operations.cells import Measured
from reports.rds_operations.charts import charts
from reports.rds_operations.method import method
from reports.section import Section
from reports.words import absent, engine_name

__all__ = ["NAME", "TITLE", "analyse"]

_ROOMS = {
    PARAMETERS: parameters, BACKUP: backup, PITR: pitr, SNAPSHOTS: snapshots, LAG: lag, CONNECTIONS: connections,
}  # fmt: skip


def analyse(run: Run) -> Section:
    """The section of rds_operations."""
    found = Measured.of(run)
    opening = [part for part in found.parts if part in OPENING] or found.parts
    findings = tuple(
        finding for part in found.parts for engine in found.engines
        for finding in _of_part(found, engine, part, opens=part in opening)
    )  # fmt: skip
    measured = any(cell.trials for cell in found.cells)
    return Section(
        scenario=NAME, title=TITLE, verdict=tuple(finding.sentence for finding in findings if finding.headline),
        findings=findings, charts=charts(found, findings) if measured else (), method=method(found) if measured else (),
        warnings=(*_wrong(found), *pitr.wrong(found), *snapshots.wrong(found)), tool=found.tool.rows(findings),
    )  # fmt: skip


def _of_part(found: Measured, engine: str, part: str, *, opens: bool) -> Iterator[Finding]:
    if found.where(engine, part):
        yield from _ROOMS[part].findings(found, engine, opens=opens)
        return
    figure, unit = FIRST[part]
    better: Better = "higher" if part in (PARAMETERS, CONNECTIONS) else "lower"
    labels = {"engine": engine, "part": part} | ({"op": WRITE} if part in (BACKUP, PITR, PARAMETERS) else {})
    id, reason = f"{NAME}.{engine}.{part}.{figure}", found.why_absent(engine, part)
    yield absent(found.run, NAME, id, unit, better, reason, labels, headline=opens)


def _wrong(found: Measured) -> Iterator[str]:
    """What no parameter may do: a refused write that is there, or one that is there twice."""
    for engine in found.engines:
        for cell in found.where(engine, PARAMETERS):
            sums, _ = parameters.totals(found, cell)
            if sums["phantom"] or sums["duplicate"]:
                yield (
                    f"{engine_name(engine)}, {cell.row}: {sums['phantom']:,} of {sums['failed']:,} refused writes are present all the same, and "
                    f"{sums['duplicate']:,} writes more than once."
                )  # fmt: skip
