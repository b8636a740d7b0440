"""A series' findings: how often the same passed for a change, how often a planted change was found, what others would have said.

One operation on two arms that are the same, in pairs; every K pairs in a row are one comparison, judged as any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from harness.series.limits import FALSE_ALARM_SHARE, most_alarms
from reports import stats
from reports.findings import Better, Finding
from reports.load import Run
from reports.section import Section
from reports.series.charts import charts
from reports.series.comparisons import (
    BASE,
    CANDIDATE,
    FIGURES,
    Comparison,
    Figure,
    Series,
    mann_whitney_alarms,
    percent_of,
    series_of,
    words,
)
from reports.stats import Interval
from reports.tool import Tool
from reports.words import absent, count, measured, milliseconds, percent, setting, span, troubles, why_absent

NAME, TITLE = "series", "The same on both sides"
PLANTED = (0.05, 0.10, 0.20)
POWER_PAIRS = (6, 10)
OTHER_PAIRS = (6, 8, 10)
_TIMES: tuple[Literal["p50", "p95"], ...] = ("p50", "p95")
_METHOD = (
    "One operation is asked in turns under two names, in pairs of trials whose order is drawn; K pairs in a row are a comparison, and "
    "no pair is in two. The figure of a trial is that of its own service times (closed loop); its comparison is a t interval of "
    "the mean log ratio over K pairs, as everywhere (docs/method.md). An interval that excludes equal is a false alarm.",
    f"Intervals at 95 % promise {FALSE_ALARM_SHARE:.0%} of them. The interval of a share is Clopper's and Pearson's; more alarms than its limit "
    "come once in a hundred such series by chance alone.",
    "Power: every latency of side b times 1.05, 1.10 or 1.20 makes its percentiles and its mean as many times as large, and so each "
    "comparison's interval; found is one that lies wholly above equal.",
    "Mann–Whitney: the usual test, on all requests of both sides of the same comparisons, at p < 0.05. It takes requests for independent, "
    "which they aren't.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the findings are made from; ``of`` has each figure that is carried, cut by K."""

    run: Run
    tool: Tool
    series: Series
    pairs: int
    on: str
    client: str
    op: str
    of: dict[tuple[Figure, int], list[Comparison]]

    @property
    def trials(self) -> list[int]:
        return [trial for pair in self.series.pairs for trial in pair.trials]

    @property
    def too_few(self) -> str:
        return f"{count(len(self.series.pairs), 'pair')} make no comparison of {min(self.pairs, *OTHER_PAIRS)} or more"

    def share(
        self, id: str, sentence: str, share: Interval, better: Better, headline: bool, **labels: object
    ) -> Finding:
        texts = {name: str(text) for name, text in labels.items()}
        finding = measured(
            self.run, NAME, f"{NAME}.{id}", sentence, share, "share", better, texts, headline=headline
        )  # fmt: skip
        return self.tool.exempt(finding, trials=self.trials)


def analyse(run: Run) -> Section:
    """The section of a series."""
    samples, tool = run.samples(NAME), Tool.of(run, NAME)
    findings: list[Finding] = []
    asked = None
    if len(samples):
        asked = _asked(run, tool, samples)
        findings = [*_false_alarms(asked), *_found(asked), *_mann_whitney(asked), *_detectable(asked), *_times(asked)]
    if asked is None or not asked.of:
        why = why_absent(run, NAME) if asked is None else asked.too_few
        findings = [absent(run, NAME, f"{NAME}.false_alarm_share", "share", "lower", why, headline=True)]
    return Section(
        scenario=NAME, title=TITLE, verdict=tuple(one.sentence for one in findings if one.headline),
        findings=tuple(findings), charts=tuple(charts(asked.of, asked.pairs, findings)) if asked else (),
        tool=tool.rows(findings), method=_METHOD, warnings=troubles(samples),
    )  # fmt: skip


def _asked(run: Run, tool: Tool, samples: pd.DataFrame) -> _Asked:
    series, params = series_of(run, samples, NAME), run.scenario(NAME)["params"]
    of = {
        (figure, pairs): compared
        for pairs in sorted({params["pairs"], *OTHER_PAIRS})
        for figure in FIGURES
        if series.too_few(figure, pairs) is None and (compared := series.compared(figure, pairs))
    }
    server = next(iter(run.scenario(NAME)["servers"]), params["through"])
    return _Asked(
        run=run, tool=tool, series=series, pairs=params["pairs"], on=setting(run, NAME, server),
        client=str(samples["client"].iloc[0]), op=str(samples["op"].iloc[0]), of=of,
    )  # fmt: skip


def _false_alarms(asked: _Asked) -> Iterator[Finding]:
    for (figure, pairs), compared in asked.of.items():
        alarms, most = sum(one.alarm for one in compared), most_alarms(len(compared))
        share = stats.binomial_share(alarms, len(compared))
        limit = f"chance gives up to {most}" if alarms <= most else f"more than the {most} that chance gives"
        sentence = (
            f"At {words(figure)}, {alarms:,} of {count(len(compared), 'comparison')} of an operation with itself told it apart: "
            f"{percent(share.value)}{span(share.low, share.high, percent)}; {limit} ({count(pairs, 'pair')} each; {asked.on})."
        )
        headline = pairs == asked.pairs
        yield asked.share("false_alarm_share", sentence, share, "lower", headline, figure=figure, pairs=pairs)
    for figure in FIGURES:
        if (why := asked.series.too_few(figure, asked.pairs)) is not None:
            labels = {"figure": figure, "pairs": str(asked.pairs)}
            yield absent(asked.run, NAME, f"{NAME}.false_alarm_share", "share", "lower", why, labels)


def _found(asked: _Asked) -> Iterator[Finding]:
    for (figure, pairs), compared in asked.of.items():
        for planted in PLANTED if pairs in POWER_PAIRS else ():
            share = stats.binomial_share(sum(one.finds(planted) for one in compared), len(compared))
            sentence = (
                f"{percent(planted)} more, planted into one side, was found at {words(figure)} in {percent(share.value)} of "
                f"{count(len(compared), 'comparison')}{span(share.low, share.high, percent)} ({count(pairs, 'pair')} each; {asked.on})."
            )
            headline = planted == 0.10 and figure in ("p50", "p95")
            yield asked.share(
                "found_share", sentence, share, "higher", headline, figure=figure, pairs=pairs, planted=planted
            )


def _mann_whitney(asked: _Asked) -> Iterator[Finding]:
    parts = asked.series.parts(asked.pairs)
    if not parts:
        return
    share = stats.binomial_share(mann_whitney_alarms(asked.series, asked.pairs), len(parts))
    sentence = (
        f"A Mann–Whitney test on all requests would have told the same apart in {percent(share.value)} of the same "
        f"{count(len(parts), 'comparison')}{span(share.low, share.high, percent)} ({asked.on})."
    )
    yield asked.share("mann_whitney_alarm_share", sentence, share, "none", True, pairs=asked.pairs)


def _detectable(asked: _Asked) -> Iterator[Finding]:
    for (figure, pairs), compared in asked.of.items():
        each = [one.verdict.detectable for one in compared if one.verdict.detectable is not None]
        middle = stats.median_of_trials(each)
        sentence = (
            f"The least change at {words(figure)} that {count(pairs, 'pair')} find with 80 % power was {percent(middle.value)} in the median "
            f"comparison{span(middle.low, middle.high, percent)} ({asked.on})."
        )
        yield asked.share("detectable_change", sentence, middle, "lower", False, figure=figure, pairs=pairs)


def _times(asked: _Asked) -> Iterator[Finding]:
    """What the operation took, by arm: what all the shares above are about."""
    floor = asked.tool.floor(asked.client, asked.op)
    for arm, statistic in product((BASE, CANDIDATE), _TIMES):
        trials_ms = [pair.a_ms if arm == BASE else pair.b_ms for pair in asked.series.pairs]
        p = percent_of(statistic)
        time = stats.percentile(trials_ms, p)
        if time is None:
            continue
        sentence = (
            f"Under the name {arm}, {asked.op} took {milliseconds(time.value)} at {statistic}"
            f"{span(time.low, time.high, milliseconds)} (service time, closed loop, {count(time.n, 'answer')}; {asked.on})."
        )
        labels = {"arm": arm, "client": asked.client, "op": asked.op}
        finding = measured(asked.run, NAME, f"{NAME}.service_{statistic}_ms", sentence, time, "ms", "lower", labels)
        each = [float(np.percentile(trial, p)) for trial in trials_ms]
        yield asked.tool.judged(finding, trials=asked.trials, per_trial=each, floor=floor, statistic=statistic)
