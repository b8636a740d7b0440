"""The report as Markdown, for a pull request or a terminal: findings, tables, method; charts stay in the page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import selftest_table
from reports.findings import Finding
from reports.render import figures, gates, run, selftest, tool
from reports.section import Section

MOST_CHARACTERS = 65_000  # what a comment on a pull request holds
_MOST_FINDINGS = (10_000, 200, 100, 60, 40, 20)  # a section's rows: the most that let the whole report fit


def markdown(
    manifest: Mapping[str, Any], partial: bool, sections: Sequence[Section], judged: Mapping[str, Any] | None = None
) -> str:
    """The report of one run; where it would not fit a comment, each section keeps its first findings, and that is said.

    ``judged`` is the document of gates.json, where gates were judged.
    """
    text = ""
    for most in _MOST_FINDINGS:
        text = "\n".join(_lines(manifest, partial, sections, most)) + "\n"
        text = gates.placed(text, gates.markdown(judged))
        if len(text) <= MOST_CHARACTERS:
            return text
    return cut(text)


def cut(text: str, whole: str = "report.html and findings.json") -> str:
    """As much of a report in Markdown as a comment holds, and that it was cut; ``whole`` has the rest."""
    if len(text) <= MOST_CHARACTERS:
        return text
    rest = f"\n\nCut here: the rest is in {whole}.\n"
    return text[: text.rfind("\n", 0, MOST_CHARACTERS - len(rest))] + rest


def _lines(manifest: Mapping[str, Any], partial: bool, sections: Sequence[Section], most: int) -> Iterator[str]:
    yield f"# dbharness: run {manifest.get('id', '')}"
    yield ""
    standings = [run.scenario_standing(record) for record in (manifest.get("scenarios") or {}).values()]
    yield run.verdict(figures.headlines(sections), standings)
    yield ""
    yield run.lead(manifest, len(sections))
    yield ""
    if standing := run.standing(manifest, partial=partial):
        yield from (f"> **{standing}**", "")
    for finding in figures.headlines(sections):
        yield f"- {finding.sentence}"
    yield from ("", gates.BEGIN, gates.END)
    for section in sections:
        yield from _section(manifest, section, most)
    if own := tool.rows(sections):
        yield from ("", f"## {tool.TITLE}", "", figures.markdown_row(tool.HEADINGS), "|---" * len(tool.HEADINGS) + "|")
        yield from map(figures.markdown_row, own)
        yield from ("", tool.METHOD)
    yield from ("", "## What it was measured on", "")
    for name, text in run.environment(manifest):
        yield f"- {name}: {text}"
    for note in (manifest.get("dataset") or {}).get("notes") or []:
        yield f"- {note}"
    yield from ("", "## How to repeat it", "", "```", run.command(manifest), "```")
    yield from _appendix(manifest)


def _appendix(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"## {selftest.TITLE}", "")
    kept = selftest.record(manifest)
    if kept is None:
        yield selftest.NOT_MEASURED
        return
    yield from (f"{selftest.WHY} {selftest.sentence(kept)}", "")
    if why := selftest.stale(manifest, kept):
        yield from (f"> {why}", "")
    yield from selftest_table.lines_of(selftest.HEADINGS, selftest.rows(kept))


def _section(manifest: Mapping[str, Any], section: Section, most: int) -> Iterator[str]:
    yield from ("", f"## {section.title} ({section.scenario})", "")
    record = (manifest.get("scenarios") or {}).get(section.scenario)
    if record and (standing := run.scenario_standing(record)):
        yield from (f"> {standing}", "")
    for warning in section.warnings:
        yield from (f"> {warning}", "")
    yield "| finding | value | 95 % interval | n | basis | status |"
    yield "|---|---:|---:|---:|---|---|"
    yield from map(_row, section.findings[:most])
    yield ""
    if (left := len(section.findings) - most) > 0:
        yield from (f"And {left:,} more findings, in report.html and findings.json.", "")
    for paragraph in section.method:
        yield from (paragraph, "")


def _row(finding: Finding) -> str:
    about = f"`{finding.id}` {figures.labels(finding)}".strip()
    cells = (
        about,
        figures.value(finding),
        figures.interval(finding),
        figures.number(finding.n),
        figures.basis(finding),
        figures.status(finding) + (f": {finding.reason}" if finding.reason else ""),
    )
    return figures.markdown_row(cells)
