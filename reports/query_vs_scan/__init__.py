"""Query or Scan: units, latency and dollars of the same answers, by both, while the table grows."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import stats
from reports.charts import new_axes, style
from reports.findings import Finding
from reports.load import Run
from reports.section import Chart, Section
from reports.tool import Statistic, Tool
from reports.words import absent, count, dollars, milliseconds, number, setting, span, troubles, why_absent

NAME, TITLE = "query_vs_scan", "Query or Scan"
QUESTIONS = {
    "aircraft": ("query", "all flights of one aircraft", "Query"),
    "airport": ("gsi_query", "all flights to one airport", "Query on an index"),
}
OPS = {"query": "Query", "gsi_query": "Query", "scan": "Scan"}
LATENCIES: tuple[tuple[float, Statistic], ...] = ((50.0, "p50"), (95.0, "p95"))
READ_PRICE = "dynamodb.on_demand_read_usd_per_million"


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm asking one question of one table size: its measured, right answers."""

    question: str
    arm: str
    items: int
    rows: pd.DataFrame

    @property
    def labels(self) -> dict[str, str]:
        """What tells this cell's findings apart."""
        client = str(self.rows["client"].iloc[0])
        about = {"arm": self.arm, "question": self.question, "step": str(self.items), "client": client}
        return about | {"op": OPS[self.arm], "loop": "closed"}

    @property
    def trials(self) -> list[int]:
        """The trials it was measured in."""
        return sorted(int(number) for number in self.rows["trial"].unique())

    def by_pair(self, column: str) -> "pd.Series[float]":
        """A column's median in each trial, by the number of its pair."""
        medians: pd.Series[float] = self.rows.groupby("pair")[column].median()
        return medians

    def mean_units(self) -> "pd.Series[float]":
        """Mean units an answer, by the number of the pair."""
        means: pd.Series[float] = self.rows.groupby("pair")["read_units"].mean()
        return means


def analyse(run: Run) -> Section:
    """The section of query_vs_scan."""
    samples = run.samples(NAME)
    cells = _cells(samples) if len(samples) else {}
    if not cells:
        return _nothing(run)
    tool = Tool.of(run, NAME)
    findings = [finding for cell in cells.values() for finding in _of_cell(run, tool, cell)]
    ratios = [finding for pair in _pairs(cells) for finding in _of_pair(run, tool, *pair)]
    headlines = [finding for finding in ratios if finding.headline]
    table = _table(cells)
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in headlines),
        findings=tuple(ratios + findings),
        charts=(
            _chart(table, "units", "Capacity consumed by one answer", "read units an answer", ratios),
            _chart(table, "p50_ms", "Latency of one answer (service time, median)", "milliseconds", ratios),
        ),
        method=_method(run),
        warnings=troubles(samples),
        tool=tool.rows(findings),
    )


def _cells(samples: pd.DataFrame) -> dict[tuple[str, str, int], Cell]:
    good = samples[(samples["phase"] == "measured") & (samples["outcome"] == "ok")].copy()
    good["service_ms"] = (good["t_end"] - good["t_start"]) / 1e6
    groups: Any = good.groupby(["question", "arm", "step"])
    cells = {(question, arm, int(step)): Cell(question, arm, int(step), rows) for (question, arm, step), rows in groups}
    return dict(sorted(cells.items(), key=lambda one: (one[0][0], one[0][2], one[0][1])))


def _pairs(cells: dict[tuple[str, str, int], Cell]) -> list[tuple[Cell, Cell, bool]]:
    """The look-up and the Scan at each question and size, and whether it is the largest size of its question."""
    found = []
    for (question, arm, items), lookup in cells.items():
        scan = cells.get((question, "scan", items))
        if arm != "scan" and scan is not None:
            largest = max(size for q, _, size in cells if q == question)
            found.append((lookup, scan, items == largest))
    return found


def _of_pair(run: Run, tool: Tool, lookup: Cell, scan: Cell, largest: bool) -> list[Finding]:
    _, what, how = QUESTIONS[lookup.question]
    labels = {
        "question": lookup.question,
        "step": str(lookup.items),
        "arm": f"scan / {lookup.arm}",
        "client": lookup.labels["client"],
    }
    on = setting(run, NAME, "dynamodb")
    common: dict[str, Any] = {
        "scenario": NAME,
        "better": "none",
        "target": run.manifest["target"],
        "labels": labels,
        "unit": "ratio",
    }
    units = _ratio(lookup.mean_units(), scan.mean_units())
    latency = _ratio(lookup.by_pair("service_ms"), scan.by_pair("service_ms"))
    if units is None or latency is None:
        reason = "no pair has both arms"
        return [
            absent(run, NAME, f"{NAME}.{name}", "ratio", "none", reason, labels)
            for name in ("units_ratio", "latency_ratio")
        ]
    trials = [*lookup.trials, *scan.trials]
    ratios = [
        Finding(
            id=f"{NAME}.units_ratio", value=units.ratio, low=units.low, high=units.high, n=units.n, headline=largest,
            sentence=f"To list {what}, a Scan of {lookup.items:,} items consumed {number(units.ratio)} times the read "
            f"units of a {how} ({count(units.n, 'pair')}{span(units.low, units.high)}; {on}, exact units).",
            **common,
        ),
        Finding(
            id=f"{NAME}.latency_ratio", value=latency.ratio, low=latency.low, high=latency.high, n=latency.n,
            sentence=f"To list {what}, a Scan of {lookup.items:,} items took {number(latency.ratio)} times as long as a "
            f"{how} (service time, {count(latency.n, 'pair')}{span(latency.low, latency.high)}; {on}).",
            **common,
        ),
    ]  # fmt: skip
    shorter_ms = min(float(cell.rows["service_ms"].median()) for cell in (lookup, scan))
    return [
        tool.exempt(ratios[0], trials=trials),
        tool.compared(ratios[1], trials=trials, figure_ms=shorter_ms),
    ]


def _ratio(base: "pd.Series[float]", candidate: "pd.Series[float]") -> stats.PairedRatio | None:
    both = base.index.intersection(candidate.index)
    if not len(both):
        return None
    return stats.paired_ratio(base[both].to_numpy(), candidate[both].to_numpy())


def _of_cell(run: Run, tool: Tool, cell: Cell) -> list[Finding]:
    on = setting(run, NAME, "dynamodb")
    _, what, _ = QUESTIONS[cell.question]
    arm = {"scan": "Scan", "query": "Query", "gsi_query": "Query on an index"}[cell.arm]
    about = f"{arm} for {what} from {cell.items:,} items"
    units = stats.mean_of_trials(cell.mean_units().to_numpy())
    common: dict[str, Any] = {
        "scenario": NAME,
        "better": "lower",
        "target": run.manifest["target"],
        "labels": cell.labels,
    }
    findings = [
        Finding(
            id=f"{NAME}.units_per_answer", value=units.value, low=units.low, high=units.high, n=units.n, unit="read units",
            sentence=f"{about} consumed {number(units.value)} read units an answer ({count(units.n, 'trial')}{span(units.low, units.high)}; {on}, exact units).",
            **common,
        )
    ]  # fmt: skip
    findings.append(_dollars(run, units, about, common))
    exempt = [tool.exempt(finding, trials=cell.trials) for finding in findings]
    return exempt + _latencies(tool, cell, about, on, common)


def _latencies(tool: Tool, cell: Cell, about: str, on: str, common: dict[str, Any]) -> list[Finding]:
    n, floor = len(cell.rows), tool.floor(cell.labels["client"], OPS[cell.arm], cell.labels)
    trials = [rows["service_ms"].to_numpy() for _, rows in cell.rows.groupby("trial")]
    findings = []
    for p, which in LATENCIES:
        time, id = stats.percentile(trials, p), f"{NAME}.latency_{which}_ms"
        if time is None:
            reason = f"{count(n, 'answer')} in {count(len(trials), 'trial')} are worth {sum(map(stats.effective_n, trials)):.0f} independent ones, and a {which} takes {stats.LEAST_SAMPLES[p]}"
            findings.append(
                Finding(
                    id=id, value=None, unit="ms", n=n, status="unknown", reason=reason,
                    sentence=f"{about}: no {which} can be given: {reason}.", **common,
                )
            )  # fmt: skip
            continue
        found = Finding(
            id=id, value=time.value, low=time.low, high=time.high, n=time.n, unit="ms",
            sentence=f"{about} took {milliseconds(time.value)} at {which} (service time, closed loop, {count(time.n, 'answer')} in "
            f"{count(len(trials), 'trial')}{span(time.low, time.high, milliseconds)}; {on}).", **common,
        )  # fmt: skip
        per_trial = [float(np.percentile(trial, p)) for trial in trials]
        findings.append(tool.judged(found, trials=cell.trials, per_trial=per_trial, floor=floor, statistic=which))
    return findings


def _dollars(run: Run, units: stats.Interval, about: str, common: dict[str, Any]) -> Finding:
    price, id = run.manifest["prices"]["values"].get(READ_PRICE), f"{NAME}.usd_per_million_answers"
    prices = run.manifest["prices"]
    if price is None:
        reason = f"the price {READ_PRICE} isn't in the price file"
        return Finding(
            id=id, value=None, unit="USD", n=units.n, status="unknown", reason=reason,
            sentence=f"{about}: no dollars, since {reason}.", **common,
        )  # fmt: skip
    low, high = (None if bound is None else bound * price for bound in (units.low, units.high))
    return Finding(
        id=id, value=units.value * price, low=low, high=high, n=units.n, unit="USD", basis="modelled",
        sentence=f"A million times {about[0].lower()}{about[1:]} costs {dollars(units.value * price)} on demand "
        f"(units measured on the local model × {prices['region']} prices of {prices['date']}).", **common,
    )  # fmt: skip


def _table(cells: dict[tuple[str, str, int], Cell]) -> pd.DataFrame:
    rows = []
    for cell in cells.values():
        time = cell.rows["service_ms"]
        rows.append(
            {
                "question": QUESTIONS[cell.question][1], "arm": cell.arm, "items in table": cell.items,
                "units": cell.rows["read_units"].mean(), "pages": cell.rows["pages"].mean(),
                "flights returned": cell.rows["items_returned"].mean(), "p50_ms": time.median(), "answers": len(time),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _chart(table: pd.DataFrame, column: str, title: str, axis: str, ratios: list[Finding]) -> Chart:
    wanted = "units_ratio" if column == "units" else "latency_ratio"
    largest = str(table["items in table"].max())
    conclusions = [
        finding.sentence for finding in ratios if finding.id.endswith(wanted) and finding.labels["step"] == largest
    ]
    return Chart(
        id=f"{NAME}-{column.replace('_', '-')}",
        title=title,
        caption="Both axes are logarithmic; the answer stays the same while the table grows.",
        alt=" ".join(conclusions),
        table=table,
        draw=partial(_draw, column=column, axis=axis),
    )


def _draw(table: pd.DataFrame, *, column: str, axis: str) -> Figure:
    figure, axes = new_axes()
    for index, ((question, arm), rows) in enumerate(table.groupby(["question", "arm"], sort=True)):
        axes.plot(rows["items in table"], rows[column], label=f"{arm}: {question}", **style(index))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("items in the table")
    axes.set_ylabel(axis)
    axes.legend()
    return figure


def _method(run: Run) -> tuple[str, ...]:
    params = run.scenario(NAME)["params"]
    slots = run.scenario(NAME).get("slots", 1)
    return (
        f"Each size of table holds all flights of the {params['aircraft']} aircraft and {params['airports']} airports that are asked "
        "for, so the answer stays the same while the table grows. A sample is one whole answer, all its pages.",
        f"Trials of {params['trial_s']} s, look-up and Scan side by side in {count(params['pairs'], 'pair')}, their order drawn by the run's "
        f"seed; both arms of a pair ask for the same keys. {params['warm_up_answers']} answer(s) at the start of each trial "
        "don't count. Answers of the wrong length are errors.",
        f"Closed loop with {slots} in flight, so latency is service time: from sending to the last page parsed, the client's own "
        "share included. Reads are eventually consistent. Units are the ConsumedCapacity that each answer tells. The twin throttles by tables here, not by "
        "single partitions (B1): one client on the same machine asks faster than any over a network.",
        "Ratios are means of the log ratios of pairs, with a t interval; the price is the on-demand one.",
    )


def _nothing(run: Run) -> Section:
    reason = why_absent(run, NAME)
    ids = (("units_ratio", "ratio"), ("latency_ratio", "ratio"), ("latency_p95_ms", "ms"))
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=(f"Not measured: {reason}.",),
        findings=tuple(absent(run, NAME, f"{NAME}.{id}", unit, "none", reason) for id, unit in ids),
        charts=(),
        method=(),
    )
