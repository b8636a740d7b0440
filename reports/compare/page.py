"""comparison.html: one self-contained page, read without scripts, in the order of docs/method.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.compare import charts, latencies, told, verdict_line
from reports.compare.changes import Change
from reports.compare.compared import Compared
from reports.compare.comparison import Comparison
from reports.compare.designs import WORDS, Sides
from reports.records import Figure, told_apart
from reports.render import page, run
from reports.render.figures import NONE
from reports.render.gates import SHAPES
from reports.section import Chart

MOST_SENTENCES = 12  # of the family, the worst first; the table under them has all
_TEMPLATES = Path(__file__).parent / "templates"
FAMILY_HEADINGS = ("Figure", "Verdict", "Change", "Interval", "at", "Margin", "Base → candidate", "What it could find")
CHANGE_HEADINGS = ("Figure", "Verdict", "Change", "95 % interval", "Base → candidate", "n", "Why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One scenario of the page: its charts, its changes by id, and what of it wasn't compared."""

    name: str
    title: str
    verdict: str
    charts: tuple[Chart, ...]
    changes: Mapping[str, tuple[tuple[str, ...], ...]]
    count: int
    not_compared: tuple[tuple[str, str], ...]


def html(of: Compared) -> str:
    """The page. Latencies are read from the runs' samples, all else from their findings."""
    comparison, sides = of.comparison, of.sides
    names = told.names(comparison.changes)
    family = told.worst_first(comparison.family)
    return page.written(
        "comparison.html.j2",
        _TEMPLATES,
        comparison=comparison,
        sides=sides,
        found=of.differences,
        command=of.command,
        gates=of.gates,
        gate_shapes=SHAPES,
        told=told,
        run=run,
        title=f"{sides.candidate.name} against {sides.base.name}",
        design=WORDS[comparison.design],
        summary=verdict_line.summary(of),
        word=of.word,
        family=[(change, names[change.figure]) for change in family],
        most_sentences=MOST_SENTENCES,
        forest=_forest(comparison),
        family_headings=FAMILY_HEADINGS,
        family_rows=[_family_row(change, names[change.figure]) for change in family],
        parts=[_part(comparison, sides, name, names) for name in comparison.scenarios],
        change_headings=CHANGE_HEADINGS,
        run_headings=("Pair" if comparison.design == "interleaved_pairs" else "No.", *_run_headings(sides)),
        run_rows=_run_rows(sides),
        manifest=sides.candidate.runs[-1].manifest,
    )


def drawn(of: Compared) -> list[Chart]:
    """Every chart of the page, in its order."""
    names = told.names(of.comparison.changes)
    parts = (_part(of.comparison, of.sides, name, names) for name in of.comparison.scenarios)
    forest = _forest(of.comparison)
    return [*([] if forest is None else [forest]), *(chart for part in parts for chart in part.charts)]


def _forest(comparison: Comparison) -> Chart | None:
    family = told.worst_first(comparison.family)
    return charts.forest(
        family, told.names(comparison.changes), "What was declared, against its margin", _alone(comparison)
    )


def _alone(comparison: Comparison) -> str | None:
    """The scenario, where there is only one: its name needn't stand in every row."""
    return comparison.scenarios[0] if len(comparison.scenarios) == 1 else None


def _part(comparison: Comparison, sides: Sides, name: str, names: dict[Figure, Figure]) -> Part:
    those = [change for change in comparison.changes if change.figure.id.startswith(f"{name}.")]
    compared = [change for change in those if change.word != "not compared"]
    by_id: dict[str, list[tuple[str, ...]]] = {}
    for change in compared:
        by_id.setdefault(change.figure.id, []).append(_change_row(change, names[change.figure]))
    return Part(
        name=name,
        title=name.replace("_", " ").capitalize(),
        verdict=f"{len(compared)} figures compared: {told.counted(compared)}.",
        charts=tuple(_charts(comparison, sides, name, compared, names)),
        changes={id: tuple(rows) for id, rows in by_id.items()},
        count=len(compared),
        not_compared=tuple((str(names[one.figure]), str(one.reason)) for one in those if one.word == "not compared"),
    )


def _charts(
    comparison: Comparison, sides: Sides, scenario: str, compared: Sequence[Change], names: dict[Figure, Figure]
) -> list[Chart]:
    """All ratios, and of some latencies both distributions and their quantiles divided."""
    matches = {one.figure: one for one in comparison.matching.matches}
    drawn = [charts.ratios(compared, names, scenario, f"{scenario}: every figure that both sides have")]
    base, candidate = sides.base, sides.candidate
    those = latencies.chosen(compared, scenario, matches)
    cells = list(latencies.read(those, scenario, base.runs, candidate.runs))
    for place, (cell, short) in enumerate(
        zip(cells, told_apart([cell.name for cell in cells]) if cells else [], strict=True)
    ):
        id, name = f"{scenario}-latency-{place + 1}", told.subject(short, cell.unit)
        drawn.append(charts.distributions(cell, base.name, candidate.name, id=id, name=name))
        drawn.append(charts.quantile_ratio(cell, comparison.design, id=id, name=name))
    return [chart for chart in drawn if chart is not None]


def _family_row(change: Change, name: Figure) -> tuple[str, ...]:
    return (
        str(name), _word(change), told.effect(change), told.interval(change), NONE if change.exact else told.level(change.confidence),
        told.margin(change), told.levels(change), told.power(change) or (change.reason or ""),
    )  # fmt: skip


def _change_row(change: Change, name: Figure) -> tuple[str, ...]:
    about = ", ".join(f"{label} {text}" for label, text in name.labels) or name.id
    why = "; ".join(filter(None, (change.reason, "tool-bound" if change.tool_bound else None)))
    return (
        about, _word(change), told.effect(change), told.interval(change), told.levels(change), str(change.n), why,
    )  # fmt: skip


def _word(change: Change) -> str:
    return f"{told.SHAPES[change.word]} {change.word}"


def _run_headings(sides: Sides) -> tuple[str, ...]:
    return sides.base.name, "started", sides.candidate.name, "started", "first"


def _run_rows(sides: Sides) -> list[tuple[str, ...]]:
    """The runs side by side, of interleaved pairs a row a pair."""
    rows = []
    for place in range(max(len(sides.base.runs), len(sides.candidate.runs))):
        row = [str(place + 1)]
        for side in (sides.base, sides.candidate):
            there = side.runs[place] if place < len(side.runs) else None
            row += [there.id, run.when(there.manifest.get("started"))] if there else ["", ""]
        first = sides.order[place] if place < len(sides.order) else ""
        rows.append((*row, {"base": sides.base.name, "candidate": sides.candidate.name}.get(first, first)))
    return rows
