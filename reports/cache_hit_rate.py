"""Cached or not: hit rate and latency as the cache grows, and the hit rate below which it stops paying."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from reports.tool import Floor, Statistic, Tool
from reports.words import (
    DRIVERS,
    absent,
    count,
    engine_name,
    measured,
    microseconds,
    number,
    percent,
    setting,
    span,
    troubles,
    why_absent,
)

NAME, TITLE = "cache_hit_rate", "Cached or not"
LATENCIES: tuple[tuple[float, Statistic], ...] = ((50.0, "p50"), (95.0, "p95"))


@dataclass(frozen=True, slots=True)
class Behind:
    """The measured reads of one engine: through caches of every size, and without one."""

    engine: str
    lazy: pd.DataFrame
    bare: pd.DataFrame

    def shares(self) -> list[str]:
        """The cache sizes, as shares of the data, smallest first."""
        return sorted(set(self.lazy["step"]), key=float)

    def parts_us(self, rows: pd.DataFrame) -> tuple[float, float, float]:
        """t_get over all of ``rows``, t_db and t_set over their misses: the parts of E1, in µs; NaN where there's no miss."""
        misses = rows[rows["hit"] == False]  # noqa: E712 - a column that may hold None
        return rows["get_ns"].mean() / 1e3, misses["db_ns"].mean() / 1e3, misses["set_ns"].mean() / 1e3


def analyse(run: Run) -> Section:
    """The section of cache_hit_rate."""
    engines: list[str] = list(run.scenario(NAME)["params"]["engines"])
    samples = run.samples(NAME)
    behind = _by_engine(run, samples) if len(samples) else {}
    tool = Tool.of(run, NAME)
    findings: list[Finding] = []
    for engine in engines:
        if engine in behind:
            findings += _of_engine(run, tool, behind[engine])
        else:
            findings += _nothing(run, engine)
    headlines = [finding for finding in findings if finding.headline]
    table = pd.concat([_table(one) for one in behind.values()], ignore_index=True) if behind else pd.DataFrame()
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in headlines),
        findings=tuple(findings),
        charts=_charts(table, findings) if behind else (),
        method=_method(run) if behind else (),
        warnings=(*troubles(samples), *_miscounted(run)),
        tool=tool.rows(findings),
    )


def _by_engine(run: Run, samples: pd.DataFrame) -> dict[str, Behind]:
    """Reads of trials that ran to their end, warm-up aside; an engine needs both arms."""
    trials = run.trials(NAME)
    good = samples[
        samples["trial"].isin(trials.loc[trials["done"], "trial"])
        & (samples["phase"] == "measured")
        & (samples["outcome"] == "ok")
        & samples["error_code"].isna()
    ].copy()
    good["service_us"] = (good["t_end"] - good["t_start"]) / 1e3
    found = {}
    for engine, rows in good.groupby("engine"):
        lazy, bare = rows[rows["arm"] == "lazy"], rows[rows["arm"] == "no_cache"]
        if len(lazy) and len(bare):
            found[str(engine)] = Behind(str(engine), lazy, bare)
    return found


def _cache(run: Run) -> str:
    """The cache that it was measured on: Valkey, or the Redis that stands in where TLS is asked for."""
    servers = run.scenario(NAME).get("servers", {})
    return setting(run, NAME, "redis" if "redis" in servers else "valkey")


def _labels(run: Run, engine: str, arm: str, share: str | None = None) -> dict[str, str]:
    server = run.scenario(NAME).get("servers", {}).get(engine, engine)
    labels = {"arm": arm, "engine": engine, "server": server, "client": "lean", "op": "read", "loop": "closed"}
    return labels if share is None else labels | {"step": share, "cache_share": share}


def _of_engine(run: Run, tool: Tool, one: Behind) -> list[Finding]:
    findings = [_break_even(run, tool, one), _counted_alike(run, one.engine)]
    for share in one.shares():
        rows = one.lazy[one.lazy["step"] == share]
        findings.append(tool.exempt(_hit_rate(run, one.engine, share, rows), trials=rows["trial"].unique()))
        findings += _latencies(run, tool, one.engine, _labels(run, one.engine, "lazy", share), rows, _through(share))
    labels = _labels(run, one.engine, "no_cache", "0")
    return findings + _latencies(run, tool, one.engine, labels, one.bare, "without a cache")


def _floor(tool: Tool, engine: str, rows: pd.DataFrame, statistic: Statistic) -> Floor | None:
    """The floor of what these reads do: the database alone without a cache; with one a get, and on a miss read and set too.

    Of a percentile that hits alone reach it is a get's, of any other a miss's whole way; of the mean by the share of misses.
    """
    read = tool.floor(DRIVERS[engine], "read", {"engine": engine})
    get, put = tool.floor("lean", "get"), tool.floor("lean", "set")
    if rows["hit"].isna().all():
        return read
    hits = float(rows["hit"].eq(True).mean())
    misses = 1 - hits if statistic == "mean" else float(hits < float(statistic[1:]) / 100)
    if get is None or misses == 0:
        return get
    return None if read is None or put is None else get.plus(read, misses).plus(put, misses)


def _through(share: str) -> str:
    return f"through a cache of {percent(float(share))} of the data"


def _hit_rate(run: Run, engine: str, share: str, rows: pd.DataFrame) -> Finding:
    hits = rows["hit"].eq(True).groupby(rows["trial"])
    rate = stats.share_of_trials(hits.sum().to_numpy(), hits.size().to_numpy())
    sentence = (
        f"A cache of {percent(float(share))} of the data in front of {engine_name(engine)} answered {percent(rate.value)} of "
        f"{len(rows):,} reads ({count(rate.n, 'trial')}{span(rate.low, rate.high, percent)}; {_cache(run)})."
    )
    return measured(
        run, NAME, f"{NAME}.{engine}.hit_rate", sentence, rate, "share", "higher", _labels(run, engine, "lazy", share)
    )


def _latencies(
    run: Run, tool: Tool, engine: str, labels: Mapping[str, str], rows: pd.DataFrame, how: str
) -> list[Finding]:
    on = f"service time, closed loop; {setting(run, NAME, engine)}"
    trials = {int(str(trial)): reads["service_us"].to_numpy() for trial, reads in rows.groupby("trial")}
    about = f"A read of {engine_name(engine)} {how}"

    def judged(finding: Finding, statistic: Statistic, per_trial: list[float]) -> Finding:
        floor = _floor(tool, engine, rows, statistic)
        return tool.judged(finding, trials=trials, per_trial=per_trial, floor=floor, statistic=statistic)

    means = [float(times.mean()) for times in trials.values()]
    mean = stats.mean_of_trials(means)
    mean = mean if mean.low is None else replace(mean, low=max(0.0, mean.low))  # no time is below 0, whatever t says
    sentence = f"{about} took {microseconds(mean.value)} on average ({count(mean.n, 'trial')}{span(mean.low, mean.high, microseconds)}; {on})."
    found = measured(run, NAME, f"{NAME}.{engine}.latency_mean_us", sentence, mean, "us", "lower", labels)
    findings = [judged(found, "mean", means)]
    for p, which in LATENCIES:
        id, time = f"{NAME}.{engine}.latency_{which}_us", stats.percentile(list(trials.values()), p)
        if time is None:
            reason = f"{count(len(rows), 'read')} are too few or too alike: a {which} takes {stats.LEAST_SAMPLES[p]} independent ones"
            findings.append(absent(run, NAME, id, "us", "lower", reason, labels))
            continue
        sentence = f"{about} took {microseconds(time.value)} at {which} ({count(time.n, 'read')} in "
        sentence += f"{count(mean.n, 'trial')}{span(time.low, time.high, microseconds)}; {on})."
        found = measured(run, NAME, id, sentence, time, "us", "lower", labels)
        findings.append(judged(found, which, [float(np.percentile(times, p)) for times in trials.values()]))
    return findings


def break_even(bare_us: float, get_us: float, db_us: float, set_us: float) -> float:
    """The hit rate above which lazy loading is faster than no cache: E1's mean below the bare read's, solved for h."""
    return 1 - (bare_us - get_us) / (db_us + set_us)


def _break_even(run: Run, tool: Tool, one: Behind) -> Finding:
    """One break-even a round of trials, all times in µs; the headline of the engine. It is 1 where a hit takes as long as
    no cache, so an interval around 1 says that the arms can't be told apart."""
    id, labels = f"{NAME}.{one.engine}.break_even_hit_rate", _labels(run, one.engine, "lazy / no_cache")
    lazy, bare = _rounds(one.lazy), _rounds(one.bare)
    per_round = []
    for number_of_round in sorted(set(lazy) & set(bare)):
        get_us, db_us, set_us = one.parts_us(one.lazy[lazy == number_of_round])
        bare_us = one.bare.loc[bare == number_of_round, "service_us"].mean()
        if np.isfinite(db_us):
            per_round.append(break_even(bare_us, get_us, db_us, set_us))
    if not per_round:
        return absent(
            run, NAME, id, "share", "lower", "no read missed, so what a miss costs is unknown", labels, headline=True
        )
    raw = stats.mean_of_trials(per_round)
    rate = _within_0_and_1(raw)
    shown = next((share for share in reversed(one.shares()) if float(share) < 1), one.shares()[-1])
    rows = one.lazy[one.lazy["step"] == shown]
    if rate.value <= 0:
        end = "at any hit rate the cache pays"
    elif rate.value >= 1:
        end = "at no hit rate the cache pays"
    else:
        end = f"the cache stops paying below {percent(rate.value)} hits"
    sentence = (
        f"A cache of {percent(float(shown))} of the data gave {percent(rows['hit'].eq(True).mean())} hits and brought the mean read "
        f"of {engine_name(one.engine)} from {microseconds(one.bare['service_us'].mean())} to {microseconds(rows['service_us'].mean())}; "
        f"{end} ({count(rate.n, 'round')}{span(rate.low, rate.high, percent)}; {setting(run, NAME, one.engine)})."
    )
    found = measured(run, NAME, id, sentence, rate, "share", "lower", labels, headline=True)
    trials = {*one.lazy["trial"], *one.bare["trial"]}
    shorter_ms = min(one.lazy["service_us"].mean(), one.bare["service_us"].mean()) / 1e3
    return tool.compared(found, trials=trials, figure_ms=shorter_ms, bounds=(raw.low, raw.high))


def _rounds(rows: pd.DataFrame) -> "pd.Series[int]":
    """For each row, which trial of its step it belongs to, from 0: the k-th trials of all steps make round k."""
    order = rows[["step", "trial"]].drop_duplicates().sort_values("trial")
    place = dict(zip(order["trial"], order.groupby("step").cumcount(), strict=True))
    return rows["trial"].map(place)


def _within_0_and_1(rate: stats.Interval) -> stats.Interval:
    low, high = (None if bound is None else min(1.0, max(0.0, bound)) for bound in (rate.low, rate.high))
    return stats.Interval(value=min(1.0, max(0.0, rate.value)), low=low, high=high, n=rate.n, method=rate.method)


def _differences(run: Run, engine: str | None = None) -> list[int]:
    """By trial: reads that client and server count differently, hits and misses added up."""
    return [
        abs(event["client_hits"] - event["keyspace_hits"]) + abs(event["client_misses"] - event["keyspace_misses"])
        for event in run.events_of(NAME, "cache_stats")
        if engine in (None, event["engine"])
    ]


def _counted_alike(run: Run, engine: str) -> Finding:
    id, labels = f"{NAME}.{engine}.miscounted_reads", _labels(run, engine, "lazy")
    differences = _differences(run, engine)
    if not differences:
        return absent(run, NAME, id, "reads", "lower", "the cache's counters weren't recorded", labels)
    total = float(sum(differences))
    alike = sum(difference == 0 for difference in differences)
    sentence = (
        f"Client and server counted the same hits and misses in {alike} of {len(differences)} trials in front of "
        f"{engine_name(engine)}; {number(total)} reads differ ({_cache(run)}, warm-up included)."
    )
    exact = stats.Interval(value=total, low=total, high=total, n=len(differences), method="counted")
    return measured(run, NAME, id, sentence, exact, "reads", "lower", labels)


def _miscounted(run: Run) -> tuple[str, ...]:
    if any(_differences(run)):
        return ("The cache's own counters and ours differ, so the hit rates are not to be trusted.",)
    return ()


def _table(one: Behind) -> pd.DataFrame:
    """One row a size of cache, 0 for none; ``E1 µs`` is what E1 makes of the row's own hit rate and the engine's parts."""
    get_us, db_us, set_us = one.parts_us(one.lazy)
    rows = []
    for share, reads in [("0", one.bare), *((share, one.lazy[one.lazy["step"] == share]) for share in one.shares())]:
        hit_rate = float(reads["hit"].eq(True).mean()) if share != "0" else float("nan")
        rows.append(
            {
                "engine": one.engine, "cache, % of data": 100 * float(share), "hit rate, %": 100 * hit_rate,
                "mean µs": reads["service_us"].mean(), "p50 µs": reads["service_us"].median(),
                "p95 µs": reads["service_us"].quantile(0.95), "E1 µs": get_us + (1 - hit_rate) * (db_us + set_us),
                "E1 at no hit µs": get_us + db_us + set_us, "E1 at all hits µs": get_us, "reads": len(reads),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _charts(table: pd.DataFrame, findings: list[Finding]) -> tuple[Chart, ...]:
    return (
        Chart(
            id=f"{NAME}-hit-rate",
            title="Share of reads the cache answered, as it grows",
            caption="Keys drawn by the data's own skew; the cache's size by its own accounting of memory.",
            alt=" ".join(finding.sentence for finding in findings if finding.id.endswith(".hit_rate")),
            table=table,
            draw=_draw_hit_rate,
        ),
        Chart(
            id=f"{NAME}-latency",
            title="Mean read against hit rate, measured and by E1",
            caption="Where a line crosses the dotted level of the same colour, the cache stops paying.",
            alt=" ".join(finding.sentence for finding in findings if finding.headline),
            table=table,
            draw=_draw_latency,
        ),
    )


def _draw_hit_rate(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=3.0)
    for index, (engine, rows) in enumerate(table[table["cache, % of data"] > 0].groupby("engine")):
        axes.plot(rows["cache, % of data"], rows["hit rate, %"], label=engine_name(str(engine)), **style(index))
    axes.set_xscale("log")
    axes.set_ylim(0, 103)
    axes.set_xlabel("cache size, % of the data")
    axes.set_ylabel("hit rate, %")
    axes.legend()
    return figure


def _draw_latency(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes()
    for index, (engine, rows) in enumerate(table.groupby("engine")):
        look, name = style(index), engine_name(str(engine))
        bare, lazy = rows[rows["cache, % of data"] == 0].iloc[0], rows[rows["cache, % of data"] > 0]
        line = partial(axes.plot, color=look["color"], linewidth=1.3)
        axes.plot(lazy["hit rate, %"], lazy["mean µs"], label=f"{name}, measured", **look | {"linestyle": ""})
        line([0, 100], [bare["E1 at no hit µs"], bare["E1 at all hits µs"]], linestyle="-", label=f"{name}, E1")
        line([0, 100], [bare["mean µs"]] * 2, linestyle=(0, (2, 2)), label=f"{name}, no cache")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("hit rate, %")
    axes.set_ylabel("mean service time, µs")
    axes.legend(fontsize=8, ncols=2)
    return figure


def _method(run: Run) -> tuple[str, ...]:
    scenario = run.scenario(NAME)
    params: Any = scenario["params"]
    return (
        "A read is one aircraft with its latest flights, as JSON; which aircraft is drawn as often as each flies in the data. Lazy "
        "loading: ask the cache, on a miss ask the database and put the answer into the cache.",
        f"The cache (allkeys-lru) holds a share of all answers by its own accounting of memory and is filled before each trial; "
        f"{params['warm_up_s']} s of warm-up don't count, {params['measured_s']} s do. {count(params['trials'], 'round')}, every engine and "
        "size once in each, in seeded order.",
        f"Closed loop with {scenario.get('slots', 1)} in flight, so latency is service time, the client's own share included. Hits and "
        "misses are compared with the server's keyspace_hits and keyspace_misses over each whole trial.",
        "E1: mean = t_get + (1 − h)(t_db + t_set), its three times measured on the reads themselves. Break-even is the h at which that "
        "equals the mean without a cache, one value a round, mean and t interval over rounds.",
    )


def _nothing(run: Run, engine: str) -> list[Finding]:
    reason = run.scenario(NAME).get("unavailable", {}).get(engine) or why_absent(run, NAME)
    ids = (("break_even_hit_rate", "share"), ("hit_rate", "share"), ("latency_mean_us", "us"), ("latency_p95_us", "us"))
    labels = {"engine": engine}
    return [
        absent(run, NAME, f"{NAME}.{engine}.{id}", unit, "none", reason, labels, headline=place == 0)
        for place, (id, unit) in enumerate(ids)
    ]
