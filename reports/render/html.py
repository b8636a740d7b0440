"""One self-contained page: no network, no script, light and dark, wide and narrow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reports.findings import Finding
from reports.render import figures, gates, page, run, selftest, steps, tool
from reports.section import Section

OPEN_ROWS = 16  # longer tables of findings start folded
MOST_ROWS = 100  # more findings than these are folded by figure, since nobody reads so long a table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A scenario on the page: its section, or only why there is none."""

    name: str
    title: str
    standing: str | None
    section: Section | None


def html(
    manifest: Mapping[str, Any], partial: bool, sections: Sequence[Section], judged: Mapping[str, Any] | None = None
) -> str:
    """The report of one run as one HTML file. The same input gives the same text.

    ``manifest`` is the run's own, ``partial`` says that it ended early, ``sections`` come in the order of the page. A chart
    that cannot be drawn is replaced by its reason; its table and all else stay. ``judged`` is the document of gates.json, where gates
    were judged.
    """
    parts = _parts(manifest, sections)
    return page.written(
        "report.html.j2",
        manifest=manifest,
        lead=run.lead(manifest, len(parts)),
        standing=run.standing(manifest, partial=partial),
        verdict=run.verdict(figures.headlines(sections), [part.standing for part in parts]),
        headlines=figures.headlines(sections),
        missing=[part for part in parts if part.standing],
        parts=parts,
        gates=Markup(gates.html(judged)),  # noqa: S704 - the template escapes what it is given
        run=run,
        tool=tool,
        selftest=selftest,
        steps=steps,
        tool_rows=tool.rows(sections),
        open_rows=OPEN_ROWS,
        by_figure=by_figure,
    )


def by_figure(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """The findings of a section as the page folds them: in one table, or under their ids where there are too many for one."""
    if len(findings) <= MOST_ROWS:
        return [("", list(findings))]
    folds: dict[str, list[Finding]] = {}
    for finding in findings:
        folds.setdefault(finding.id, []).append(finding)
    return list(folds.items())


def _parts(manifest: Mapping[str, Any], sections: Sequence[Section]) -> list[_Part]:
    """The scenarios of the manifest in its order, each with its section if it has one; then sections it doesn't name."""
    records: Mapping[str, Mapping[str, Any]] = manifest.get("scenarios") or {}
    by_name = {section.scenario: section for section in sections}
    names = [*records, *(name for name in by_name if name not in records)]
    return [
        _Part(
            name=name,
            title=section.title if (section := by_name.get(name)) else name.replace("_", " ").capitalize(),
            standing=run.scenario_standing(records[name]) if name in records else None,
            section=section,
        )
        for name in names
    ]
