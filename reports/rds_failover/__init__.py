"""Failover: down for how long, by whose clock, where the time goes, and whether a write was lost.

A room for each: ``arms`` the words, ``cells`` what was read, ``downtime``, ``compare``, ``errors``, ``brown_out``, ``phases``, ``ledger``,
``synchrony``, ``charts``, ``method``.
"""

from collections.abc import Iterator

from reports.findings import Finding
from reports.load import Run
from reports.rds_failover import brown_out, compare, downtime, errors, ledger, phases, synchrony
from reports.rds_failover.arms import ALL, FAILOVER, NAME, PROBES, TITLE, TUNED
from reports.rds_failover.cells import Case, Labels, Measured
from reports.rds_failover.charts import charts
from reports.rds_failover.ledger import LEDGER
from reports.rds_failover.method import method
from reports.section import Section
from reports.words import absent, why_absent

__all__ = ["LEDGER", "NAME", "PROBES", "TITLE", "analyse"]


def analyse(run: Run) -> Section:
    """The section of rds_failover."""
    found = Measured.of(run)
    findings = tuple(finding for engine in found.engines for finding in _of_engine(found, engine))
    measured = bool(found.watches) or len(found.commits) > 0
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in findings if finding.headline),
        findings=findings,
        charts=charts(found, findings) if measured else (),
        method=method(found) if measured else (),
        warnings=tuple(ledger.wrong(found, findings)),
        tool=found.tool.rows(findings),
    )


def _of_engine(found: Measured, engine: str) -> Iterator[Finding]:
    """What opens the report first: the first case of ``cells`` (a Multi-AZ instance that crashes, where that is there)."""
    cases = found.of_engine(engine)
    if not cases and not synchrony.commits(found, engine):
        labels = {"engine": engine, "topology": "multi_az_instance", "fault": "crash"}
        yield from _nothing(found, labels, labels, headline=True)
    first = next((case for case in cases if case.trials), cases[0] if cases else None)
    for case in cases:
        yield from _of_case(found, case, opens=case is first)
    yield from ledger.opening(found, engine)
    yield from synchrony.findings(found, engine)
    yield from ledger.lost_hosts(found, engine)


def _of_case(found: Measured, case: Case, *, opens: bool) -> Iterator[Finding]:
    if not case.trials:
        why = found.why_absent(case)
        yield from _nothing(found, case.labels(TUNED), case.labels(ALL), why, headline=opens)
        return
    yield from downtime.findings(found, case, opens=opens)
    if case.part == FAILOVER:
        yield from compare.findings(found, case, opens=opens)
        for room in (errors, brown_out, phases):
            yield from room.findings(found, case)
    yield from ledger.findings(found, case)


def _nothing(
    found: Measured, of_tuned: Labels, of_all: Labels, why: str | None = None, *, headline: bool
) -> Iterator[Finding]:
    """The figures that people ask for first, absent; an engine in no plan has the labels of this version's first case."""
    engine = of_all["engine"]
    reason = why or found.run.scenario(NAME).get("unavailable", {}).get(engine) or why_absent(found.run, NAME)
    case = f"{NAME}.{engine}.{of_all['topology']}.{of_all['fault']}"
    for figure, unit, labels in (
        ("write_downtime_s", "s", of_tuned), ("read_downtime_s", "s", of_tuned), ("lost_writes", "writes", of_all),
    ):  # fmt: skip
        opens = headline and figure == "write_downtime_s"
        yield absent(found.run, NAME, f"{case}.{figure}", unit, "lower", reason, labels, headline=opens)
