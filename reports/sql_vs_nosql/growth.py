"""How an answer's time, processor time and units grow while the table grows under the same questions."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np

from reports import stats
from reports.findings import Finding
from reports.sql_vs_nosql.arms import DYNAMODB, GROWTH, KINDS, OPENING, Kind, arm_words, is_sql, sentence_of, server_of
from reports.sql_vs_nosql.cells import Cell, Measured, trials_of
from reports.stats import Interval
from reports.words import count, span

Of = Literal["latency", "cpu", "units"]
WORDS = {"latency": "its time at the median", "cpu": "the server's processor time"}
Curve = tuple[list[float], list[float]]


def findings(found: Measured) -> Iterator[Finding]:
    """Of every arm without a cache that was asked at two sizes or more."""
    for pattern in dict.fromkeys(cell.pattern for cell in found.where(GROWTH)):
        for arm in found.plain_arms:
            cells = found.where(GROWTH, pattern, arm)
            if len(cells) > 1:
                yield from _of_arm(found, cells)


def exponent(cells: Sequence[Cell], of: Of, kind: Kind = "read") -> Interval | None:
    """Latency and processor time: a slope for each round that has every size. Units: one for each question that was asked at every size,
    for they are exact, and what a trial happened to draw oftener would look like growth. None where no round or question is whole."""
    curves = _by_question(cells, kind) if of == "units" else _by_round(cells, _latency if of == "latency" else _cpu)
    whole = [(xs, ys) for xs, ys in curves if len(xs) == len(cells) and min(ys) > 0]
    return stats.growth_exponent(whole) if whole else None


def shown(value: float) -> str:
    """Two decimals, and no sign before a zero."""
    text = f"{value:.2f}".replace("-", "−")
    return text.removeprefix("−") if text == "−0.00" else text


def _of_arm(found: Measured, cells: Sequence[Cell]) -> Iterator[Finding]:
    first, last = cells[0], cells[-1]
    labels = {name: text for name, text in last.labels.items() if name != "step"}
    about = (
        f"{sentence_of(first.pattern)}, {arm_words(first.arm)}: while the table grew from {first.flights:,} to {last.flights:,} flights under "
        "the same questions"
    )
    for of, kind, words in _grown(cells):
        told = labels | {"of": of} | ({"kind": kind} if kind else {})
        figure = exponent(cells, of, kind or "read")
        if figure is None:
            reason = "no question was asked" if of == "units" else "no round has a figure"
            yield found.unknown(
                "growth_exponent", f"{about}: no exponent of {words}", f"{reason} at every size", "exponent", told
            )
            continue
        rests = count(figure.n, "question" if of == "units" else "round")
        sentence = f"{about}, {words} grew with exponent {shown(figure.value)} ({rests}{span(figure.low, figure.high, shown)}; {found.on(first.arm)})."
        opens = of == "units" and first.pattern == OPENING[-1]
        finding = found.measured("growth_exponent", sentence, figure, "", told, headline=opens)
        yield found.tool.exempt(finding, trials=trials_of(cells))


def _grown(cells: Sequence[Cell]) -> Iterator[tuple[Of, Kind | None, str]]:
    arm = cells[0].arm
    if arm == DYNAMODB:
        yield from (
            ("units", kind, f"its {kind} units") for kind in KINDS if cells[0].every[f"{kind}_units"].gt(0).any()
        )
    if is_sql(arm) and all(cell.costs for cell in cells):
        yield "cpu", None, WORDS["cpu"]
    yield "latency", None, WORDS["latency"]


def _by_round(cells: Sequence[Cell], figure: Callable[[Cell], dict[int, float]]) -> list[Curve]:
    each = [{cell.round_of(trial): value for trial, value in figure(cell).items()} for cell in cells]
    rounds = sorted(set().union(*each))
    return [_curve(cells, [of_cell.get(number) for of_cell in each]) for number in rounds]


def _by_question(cells: Sequence[Cell], kind: Kind) -> list[Curve]:
    each = [cell.every.groupby("question")[f"{kind}_units"].mean().dropna() for cell in cells]
    questions = sorted({int(question) for of_cell in each for question in of_cell.index})
    return [_curve(cells, [of_cell.get(question) for of_cell in each]) for question in questions]


def _curve(cells: Sequence[Cell], values: Sequence[float | None]) -> Curve:
    known = [
        (float(cell.flights), float(value)) for cell, value in zip(cells, values, strict=True) if value is not None
    ]
    return [x for x, _ in known], [y for _, y in known]


def _latency(cell: Cell) -> dict[int, float]:
    return {trial: float(np.median(times)) for trial, times in zip(cell.trials, cell.times_ms(), strict=True)}


def _cpu(cell: Cell) -> dict[int, float]:
    return {cost.trial: cost.cpu_s / cost.answers for cost in cell.costs_of(server_of(cell.arm))}
