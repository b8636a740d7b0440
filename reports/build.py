"""Makes a report of a run: analyses, then findings.json, report.html and report.md, each written whole or not at all."""

import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reports import crew
from reports.cloudwatch import COLUMNS, against_cloudwatch, warnings
from reports.damage import Damaged
from reports.files import write_whole
from reports.findings import Finding, to_json
from reports.gates import files as gates
from reports.left_out import left_out, lost_arms
from reports.load import Run
from reports.places import at_its_place, is_aws
from reports.render.html import html
from reports.render.markdown import markdown
from reports.section import Section

Analysis = Callable[[Run], Section]
# The order of the page; a scenario's analysis has its name.
ORDER = ("query_vs_scan", "capacity_modes", "cache_hit_rate", "rds_failover", "sql_vs_nosql", "rds_operations")
_log = logging.getLogger(__name__)


def analyse(run: Run) -> list[Section]:
    """A section for every scenario of the manifest. An analysis that fails becomes an unknown finding; the others go on."""
    return [_section(run, name, _analysis(name)) for name in _in_order(run.manifest["scenarios"])]


def write(run: Run, sections: Sequence[Section], out: Path | None = None) -> Path:
    """The report's three files, in the run's own directory or in ``out``; the path of the page.

    Gates that were judged on these findings are shown again.
    """
    findings = [finding for section in sections for finding in section.findings]
    partial = run.partial is not None
    manifest = run.manifest if run.partial is None else {**run.manifest, "reason": run.partial}
    record, place = to_json(findings), out or run.path
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / "findings.json", record)
    judged = gates.read(run.path, record)
    write_whole(place / "report.md", markdown(manifest, partial, sections, judged))
    page = place / "report.html"
    write_whole(page, html(manifest, partial, sections, judged))
    return page


def _in_order(scenarios: Mapping[str, object]) -> list[str]:
    return sorted(scenarios, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def _analysis(name: str) -> Analysis:
    analysis: Analysis = importlib.import_module(f"reports.{name}").analyse
    return analysis


def _section(run: Run, name: str, analysis: Analysis) -> Section:
    try:
        return _completed(run, analysis(run))
    except Damaged as error:
        return _unknown(run, name, f"{error}; no figure is made of the rest")
    except Exception as error:  # noqa: BLE001 - one analysis must not cost the others
        _log.exception("the analysis of %s failed", name)
        return _unknown(run, name, f"the analysis failed ({type(error).__name__}: {error}); the samples are kept")


def _unknown(run: Run, name: str, reason: str) -> Section:
    """The section of a scenario that has samples and no figure."""
    unknown = Finding(
        id=f"{name}.analysis", scenario=name, sentence=f"Unknown: {name}: {reason}.", value=None, unit="", better="none",
        n=0, target=run.manifest["target"], status="unknown", reason=reason, headline=True,
    )  # fmt: skip
    return Section(
        scenario=name, title=name, verdict=(unknown.sentence,), findings=(at_its_place(run, unknown),), charts=(), method=()
    )  # fmt: skip


def _completed(run: Run, section: Section) -> Section:
    """The section with what holds for every scenario: where it was measured, what was left out, what CloudWatch counted."""
    name = section.scenario
    counted = against_cloudwatch(run, name, run.samples(name, COLUMNS)) if is_aws(run) else []
    findings = (*section.findings, *counted, *left_out(run, name), *lost_arms(run, name))
    return replace(
        section, findings=tuple(at_its_place(run, finding) for finding in findings),
        warnings=(*section.warnings, *warnings(counted), *crew.warnings(run, name)),
    )  # fmt: skip
