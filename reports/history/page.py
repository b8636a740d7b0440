"""The trend page: one file, no script, nothing fetched."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.history import words
from reports.history.charts import chart, step_numbers
from reports.history.runs import LeftOut, name_of
from reports.history.trends import History, Trend
from reports.render import figures, page
from reports.section import Chart

MOST_CHARTS = 24  # a scenario; the tables have all figures
HEADINGS = ("Figure", "Change", "Level, before → after", "p")
STEADY_HEADINGS = ("Figure", "Runs", "Smallest", "Mean", "Largest")
METHOD = (
    "A change point is where E-divisive (Matteson & James, arXiv 1306.4933) splits windows of 50 runs best and Student's t-test between the "
    "levels on both sides has p of at most 0.001 (Hunter: Fleming et al., 10.1145/3578244.3583719); a level lasts three runs at least. The split "
    "was searched for, so p ranks changes and isn't the chance of a false alarm: of series without a change at most about one in "
    "1,000 a run shows one all the same, of 50 runs one in 20. Runs that are like their neighbours, as on a shared machine, show far more.",
    "A figure that is exact in every run, such as units of the same questions, changes wherever its value does. A label with one value "
    "in each run and another in others, such as the client that was configured, tells runs apart and not figures. What has no plain "
    "value in a run (not measured, unknown, at least) has no point there.",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One figure in a table: its id, its labels, and cells of text."""

    id: str
    labels: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where figures changed: the run, what changed there, and a row for each."""

    title: str
    words: str
    rows: list[_Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One scenario on the page: rows of text and charts."""

    one: History
    lead: str
    summary: str
    places: list[_Place]
    steps: list[tuple[str, ...]]
    steady: list[_Row]
    untested: list[_Row]
    charts: list[Chart]
    without_chart: int


def html(store: str, histories: Sequence[History], unread: Sequence[LeftOut], *, chosen: bool) -> str:
    """The page; ``chosen``: the figures were selected, so that those without a change have their charts too."""
    return page.written(
        "history.html.j2", store=store, parts=[_part(one, chosen=chosen) for one in histories], unread=unread, words=words, method=METHOD,
        headings=HEADINGS, steady_headings=STEADY_HEADINGS,
    )  # fmt: skip


def _part(one: History, *, chosen: bool) -> _Part:
    changed, steady = one.changed, one.steady
    drawn = [*changed, *(trend for trend in [*steady, *(one.untested if chosen else [])] if chosen or trend.headline)]
    numbers = step_numbers(one)
    return _Part(
        one=one,
        lead=words.lead(one),
        summary=words.summary(one),
        places=[_place(one, place) for place in words.places(changed)],
        steps=[
            (str(numbers[run]), f"{run + 1}: {name_of(one.series.runs[run])}", words.step_words(found))
            for run, found in sorted(one.steps.items())
        ],
        steady=[_row(trend, _smallest_to_largest(trend)) for trend in steady],
        untested=[_row(trend, (str(len(trend.points)),)) for trend in one.untested],
        charts=[chart(one, trend, number) for number, trend in enumerate(drawn[:MOST_CHARTS], 1)],
        without_chart=max(0, len(changed) - MOST_CHARTS),
    )


def _place(one: History, place: words.Place) -> _Place:
    run = one.series.runs[place.run]
    return _Place(
        title=f"Run {place.run + 1}: {name_of(run)}, {words.day(run)}",
        words=place.words,
        rows=[
            _row(trend, (words.relative(change), words.levels(trend, change), words.chance(trend, change)))
            for trend, change in place.changes
        ],
    )


def _row(trend: Trend, cells: tuple[str, ...]) -> _Row:
    return _Row(id=trend.figure.id, labels=words.labels(trend.figure), cells=cells)


def _smallest_to_largest(trend: Trend) -> tuple[str, ...]:
    values = [point.value for point in trend.points]
    shown = (min(values), sum(values) / len(values), max(values))
    return (str(len(values)), *(figures.quantity(value, trend.unit) for value in shown))
