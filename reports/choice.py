"""Which store a workload should have: the answer of ``dbharness choose``, where it flips, and the figures it stands on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.charts import MUTED, new_axes, points_by_row, style
from reports.findings import Better, Finding
from reports.load import Run
from reports.section import Chart, Section
from reports.words import absent, count, dollars, number

NAME, TITLE = "choice", "Which store for this workload"
_MOST_LINES = 6  # that can be told apart
Choice = Mapping[str, Any]


def analyse(run: Run) -> Section:
    """The section of a choice. Everything in it comes from plan.json."""
    choice = json.loads((run.path / "plan.json").read_text())
    findings = [
        *(_cost(run, choice, one) for one in choice["outcomes"]),
        *(_flip(run, choice, None, way) for way in ("below", "above")),
        *(_flip(run, choice, pattern, way) for pattern in _several(choice) for way in ("below", "above")),
        *_rivals(run, choice),
        *(_variation(run, choice, one) for one in choice["variations"]),
    ]
    return Section(
        scenario=NAME,
        title=f"{TITLE}: {choice['name']}",
        verdict=tuple(finding.sentence for finding in findings if finding.headline) or (_nothing(choice),),
        findings=tuple(findings),
        charts=tuple(_charts(choice, findings)),
        method=_method(choice),
        warnings=tuple(choice["notes"]),
    )


def _finding(
    run: Run, choice: Choice, id: str, sentence: str, value: float, unit: str, better: Better, labels: Mapping[str, str],
    *, headline: bool = False, of: str | None = None,
) -> Finding:  # fmt: skip
    """A modelled finding; ``n`` is the least that any figure of the store stands on, of the cheapest unless ``of`` names another."""
    places: list[int] = next(
        (one["stands_on"] for one in choice["outcomes"] if one["store"] == (of or choice["best"])), []
    )
    n = min((choice["stands_on"][place]["n"] for place in places), default=0)
    return Finding(
        id=f"{NAME}.{id}", scenario=NAME, sentence=sentence, value=value, unit=unit, better=better, n=n, target=run.manifest["target"],
        labels=dict(labels), basis="modelled", headline=headline,
    )  # fmt: skip


def _stands_on(choice: Choice, places: Sequence[int]) -> str:
    prices = choice["prices"]
    measured = count(len(places), "figure")
    return f"modelled on {measured} of run {choice['run']}, a month of 730 hours, {prices['region']} prices of {prices['date']}"


def _several(choice: Choice) -> Sequence[str]:
    """The patterns, where there is more than one: else its rate is that of all."""
    patterns = list(choice["workload"]["patterns"])
    return patterns if len(patterns) > 1 else []


def _cost(run: Run, choice: Choice, one: Choice) -> Finding:
    labels, best = {"store": one["store"]}, one["store"] == choice["best"]
    if one["usd_month"] is None:
        return absent(run, NAME, f"{NAME}.usd_month", "USD", "lower", _against(one), labels)
    helper = "".join(f", with a helper for {each['pattern']}" for each in one["helpers"])
    what = f"{dollars(one['usd_month'])} a month for {number(choice['rate_per_s'])} answers a second ({one['bought']}{helper}"
    said = f"{one['store']} is the cheapest that can be had" if best else f"{one['store']} costs"
    times = "" if best or one["times_best"] is None else f", {number(one['times_best'])} times the cheapest"
    sentence = f"{said}{':' if best else ''} {what}{times}; {_stands_on(choice, one['stands_on'])})."
    return _finding(
        run, choice, "usd_month", sentence, one["usd_month"], "USD", "lower", labels, headline=best, of=one["store"]
    )


def _against(one: Choice) -> str:
    """Why a store isn't ranked."""
    if one["reasons"]:
        return "; ".join(one["reasons"])
    prices = [f"the price of {what} isn't known" for what in one["unknown"]]
    figures = [f"{each['figure']} of {each['pattern']} on {each['arm']} isn't measured" for each in one["lacking"]]
    return "; ".join([*prices, *figures])


def _nothing(choice: Choice) -> str:
    return f"No store can be named for {choice['name']}: of none is everything known and nothing against it."


def _turn(choice: Choice, pattern: str | None, direction: str) -> Choice | None:
    turns = choice["turns"] if pattern is None else choice["own_turns"]
    return next((one for one in turns if one["pattern"] == pattern and one["direction"] == direction), None)


def _flip(run: Run, choice: Choice, pattern: str | None, direction: str) -> Finding:
    labels, headline = {"direction": direction}, pattern is None
    if pattern is not None:
        labels["pattern"] = pattern
    turn = _turn(choice, pattern, direction)
    if choice["best"] is None or turn is None:
        reason = (
            "no store can be named" if choice["best"] is None else f"no rate {direction} today's changes the answer"
        )
        return absent(run, NAME, f"{NAME}.flip_rate_per_s", "answers/s", "none", reason, labels)
    of = (
        "answers a second in all, the mix as it is"
        if pattern is None
        else f"{pattern} a second, the others as they are"
    )
    then = f"{turn['store']} is the cheapest" if turn["store"] else "nothing that was compared can be had"
    word = f"at and {direction}" if turn["included"] else direction
    sentence = (
        f"The answer flips {word} {number(turn['rate_per_s'])} {of} ({number(turn['factor'])} times today's): there {then} "
        f"(solved over every step of the instances; {_stands_on(choice, _best(choice)['stands_on'])})."
    )
    return _finding(
        run, choice, "flip_rate_per_s", sentence, turn["rate_per_s"], "answers/s", "none", labels, headline=headline
    )


def _best(choice: Choice) -> Choice:
    best: Choice = choice["outcomes"][0]
    return best


def _rivals(run: Run, choice: Choice) -> Iterator[Finding]:
    """From which rate each other store would cost less than the answer."""
    for one in choice["outcomes"]:
        for turn in one["turns"]:
            if turn["store"] is None:
                continue
            labels = {"store": one["store"], "direction": turn["direction"]}
            sentence = (
                f"{one['store']} takes over from {choice['best']} {turn['direction']} {number(turn['rate_per_s'])} answers a second in all "
                f"({_stands_on(choice, one['stands_on'])})."
            )
            yield _finding(
                run, choice, "takes_over_rate_per_s", sentence, turn["rate_per_s"], "answers/s", "none", labels, of=one["store"]
            )  # fmt: skip


def _variation(run: Run, choice: Choice, one: Choice) -> Finding:
    labels = {"supposed": one["name"]}
    if one["cheapest"] is None:
        return absent(run, NAME, f"{NAME}.varied.usd_month", "USD", "lower", "no store can be had then", labels)
    usd = one["usd_month"][one["cheapest"]]
    same = "still" if one["cheapest"] == choice["best"] else "another,"
    turns = [
        f"{turn['direction']} {number(turn['rate_per_s'])} to {turn['store'] or 'nothing'}" for turn in one["turns"]
    ]
    flips = f"it flips {' and '.join(turns)} answers a second" if turns else "no rate flips it"
    sentence = f"With {one['name']} the cheapest is {same} {one['cheapest']}, {dollars(usd)} a month; {flips}."
    return _finding(run, choice, "varied.usd_month", sentence, usd, "USD", "lower", labels, of=one["cheapest"])


def _charts(choice: Choice, findings: Sequence[Finding]) -> Iterator[Chart]:
    headlines = " ".join(one.sentence for one in findings if one.headline)
    if choice["best"] is not None:
        yield _rate_chart(choice, headlines)
    if choice["best"] is not None and len(choice["months"]) > 1:
        yield _month_chart(choice, findings)
    if choice["stands_on"]:
        yield _figures_chart(choice)


def _shown(choice: Choice) -> list[str]:
    """The stores that are drawn: the cheapest, those the answer flips to, the cheapest of the other kind, then as ranked."""
    curves = [one["store"] for one in choice["outcomes"] if one["store"] in choice["chart"]["usd_month"]]
    flipped = [turn["store"] for turn in choice["turns"] if turn["store"]]
    other = [name for name in curves if name.startswith("dynamodb") != choice["best"].startswith("dynamodb")][:1]
    wanted = list(dict.fromkeys([choice["best"], *flipped, *other, *curves]))[:_MOST_LINES]
    return [name for name in curves if name in wanted]


def _rate_chart(choice: Choice, alt: str) -> Chart:
    chart = choice["chart"]
    table = pd.DataFrame({"answers a second in all": chart["rate_per_s"]})
    for name in _shown(choice):
        table[f"{name}, USD a month"] = np.array(chart["usd_month"][name], dtype=float)
    flips = [turn["rate_per_s"] for turn in choice["turns"] if turn["rate_per_s"] > 0]
    return Chart(
        id=f"{NAME}-rate",
        title="Cost a month against rate, the mix as it is",
        caption="Solid grey: today's rate. Dotted: where the answer flips. A line ends where no number of instances that may be had is enough.",
        alt=alt,
        table=table,
        draw=partial(_draw_rates, today=choice["rate_per_s"], flips=flips),
    )


def _draw_rates(table: pd.DataFrame, *, today: float, flips: Sequence[float]) -> Figure:
    figure, axes = new_axes(height=4.4)
    x = table["answers a second in all"]
    for index, column in enumerate(table.columns[1:]):
        look = style(index) | {"marker": "", "linewidth": 1.6}
        axes.plot(x, table[column], label=column.removesuffix(", USD a month"), **look)
    axes.axvline(today, color=MUTED, linewidth=1.2)
    for rate in flips:
        axes.axvline(rate, color=MUTED, linewidth=1.4, linestyle=":")
        axes.annotate(
            f"{number(rate)}/s", (rate, 1.0), xycoords=axes.get_xaxis_transform(), rotation=90, fontsize=8, ha="right", va="top"
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("answers a second in all")
    axes.set_ylabel("USD a month")
    axes.legend(loc="upper left")
    return figure


def _month_chart(choice: Choice, findings: Sequence[Finding]) -> Chart:
    table = pd.DataFrame({"month": [one["month"] + 1 for one in choice["months"]]})
    for name in _shown(choice):
        table[f"{name}, USD"] = [one["usd_month"].get(name, np.nan) for one in choice["months"]]
    table["cheapest"] = [one["cheapest"] or "none" for one in choice["months"]]
    return Chart(
        id=f"{NAME}-months",
        title="Cost of each month, as rates and data grow",
        caption="The answer is the cheapest over all of these months; that of a single month may be another.",
        alt=" ".join(one.sentence for one in findings if one.id == f"{NAME}.usd_month" and one.value is not None),
        table=table,
        draw=_draw_months,
    )


def _draw_months(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=3.4)
    for index, column in enumerate(table.columns[1:-1]):
        axes.plot(
            table["month"], table[column], label=column.removesuffix(", USD"), **style(index) | {"markersize": 3.5}
        )
    axes.set_yscale("log")
    axes.set_xlabel("month")
    axes.set_ylabel("USD in the month")
    axes.legend(loc="upper left")
    return figure


def _compared(choice: Choice) -> list[Choice]:
    """The cheapest, the next, and the cheapest of the other kind."""
    ranked = [one for one in choice["outcomes"] if one["usd_month"] is not None]
    other = [one for one in ranked if one["store"].startswith("dynamodb") != choice["best"].startswith("dynamodb")]
    return [*ranked[:2], *other[:1]]


def _figures_chart(choice: Choice) -> Chart:
    rows = choice["stands_on"]
    ids = [one["id"].rpartition(".")[2] for one in rows]
    table = pd.DataFrame(
        {
            "figure": [
                f"{one['store']} {one['pattern']} {id}{' ' + one['kind'] if one['kind'] else ''}"
                for one, id in zip(rows, ids, strict=True)
            ],
            "value": [one["value"] for one in rows],
            "low": [np.nan if one["low"] is None else one["low"] for one in rows],
            "high": [np.nan if one["high"] is None else one["high"] for one in rows],
            "unit": [one["unit"] for one in rows],
            "n": [one["n"] for one in rows],
            "basis": [one["basis"].replace("_", " ") for one in rows],
            "items": [one["items"] for one in rows],
        }
    )
    compared = {place for one in _compared(choice) for place in one["stands_on"]}
    costs = [place in compared and id != "growth_exponent" for place, id in enumerate(ids)]
    drawn = (table["value"] > 0) & pd.Series(costs)
    return Chart(
        id=f"{NAME}-figures",
        title="The measured figures that it stands on",
        caption="Each in its own unit, with its 95 % interval: of the cheapest store, the next, and the cheapest of the other kind. The table has "
        "all that the ranking stands on, growth too.",
        alt=f"{count(len(table), 'figure')} of run {choice['run']}.",
        table=table,
        draw=partial(_draw_figures, drawn=drawn),
    )


def _draw_figures(table: pd.DataFrame, *, drawn: "pd.Series[bool]") -> Figure:
    rows = table[drawn]
    figure, axes = new_axes(height=0.9 + 0.24 * len(rows))
    points_by_row(axes, rows, "value", ("low", "high"), number, names="figure")
    axes.set_xscale("log")
    axes.set_xlabel("value, each in its own unit")
    return figure


def _method(choice: Choice) -> tuple[str, ...]:
    sql, dynamodb = choice["workload"]["sql"], choice["workload"]["dynamodb"]
    capacity = (
        "on demand"
        if dynamodb["capacity"] == "on_demand"
        else f"provisioned, used to {100 * dynamodb['utilisation']:g} %"
    )
    lacks = (f"What lacks is measured by: {choice['measure']}",) if choice["measure"] else ()
    return (
        f"Instances: ceil(rate × CPU seconds an answer / (vCPU × {sql['busy_share']:g})) of each class, a burstable class by its baseline; the "
        "cheapest class whose memory holds the hot data. One instance takes the writes and what is asked for strongly consistent; up to "
        "fifteen read replicas take the rest. Multi-AZ prices where two zones are asked for.",
        f"DynamoDB: units an answer × price, {capacity}, and storage with 100 bytes more an item. A cache answers its measured hit rate of the "
        "reads that may be stale; its nodes are those that hold the hot items.",
        "Figures are taken to the workload's number of items by their measured growth exponent. Flips are solved exactly, on every step. Backups, "
        "traffic between zones, and people's work are left out.",
        *lacks,
    )
