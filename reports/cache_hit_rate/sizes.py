"""Part ``size``: hit rate and latency as the cache grows, and the hit rate below which it stops paying."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import stats
from reports.cache_hit_rate.arms import NAME, SIZE, TRIPS
from reports.cache_hit_rate.cells import Measured, clipped
from reports.findings import Finding
from reports.samples import by_trial
from reports.tool import Floor, Statistic, Tool
from reports.words import DRIVERS, absent, count, engine_name, measured, microseconds, percent, setting, span

LATENCIES: tuple[tuple[float, Statistic], ...] = ((50.0, "p50"), (95.0, "p95"))


@dataclass(frozen=True, slots=True)
class Behind:
    """The measured reads of one engine: through caches of every size, and without one (part size alone has these)."""

    engine: str
    part: str
    lazy: pd.DataFrame
    bare: pd.DataFrame

    def shares(self) -> list[str]:
        """The cache sizes, as shares of the data, smallest first."""
        return sorted(self.lazy["step"].unique(), key=float)

    def rounds(self) -> list[int]:
        """The rounds that both arms have."""
        return sorted(set(self.lazy["round"].unique()) & set(self.bare["round"].unique()))

    def parts_us(self, rows: pd.DataFrame) -> tuple[float, float, float]:
        """t_get over all of ``rows``, t_db and t_set over their misses: the parts of E1, in µs; NaN where there's no miss."""
        misses = rows[rows["hit"] == False]  # noqa: E712 - a column that may hold None
        return rows["get_ns"].mean() / 1e3, misses["db_ns"].mean() / 1e3, misses["set_ns"].mean() / 1e3


def behind(found: Measured, engine: str) -> Behind | None:
    """The reads of an engine that neither cache nor database failed; None unless both arms have some."""
    cells = found.where(engine, SIZE)
    lazy, bare = ([cell.answered for cell in cells if cell.arm == arm] for arm in ("lazy", "no_cache"))
    if not lazy or not bare:
        return None
    one = Behind(engine, SIZE, *(rows[rows["error_code"].isna()] for rows in (pd.concat(lazy), pd.concat(bare))))
    return one if len(one.lazy) and len(one.bare) else None


def behind_alike(found: Measured, engine: str) -> Behind | None:
    """The same of part trips, whose rows are alike; None where it has no reads."""
    cells = [cell.answered for cell in found.where(engine, TRIPS)]
    rows = pd.concat(cells) if cells else pd.DataFrame()
    return Behind(engine, TRIPS, rows[rows["error_code"].isna()], rows.head(0)) if len(rows) else None


def findings(found: Measured, one: Behind) -> list[Finding]:
    """The break-even, then each size's hit rate and latencies, then those without a cache."""
    made = [_break_even(found, one)]
    for share in one.shares():
        rows = one.lazy[one.lazy["step"] == share]
        made.append(found.tool.exempt(_hit_rate(found, one.engine, share, rows), trials=rows["trial"].unique()))
        made += _latencies(found, one.engine, labels(found, one.engine, "lazy", share), rows, _through(share))
    return made + _latencies(found, one.engine, labels(found, one.engine, "no_cache", "0"), one.bare, "without a cache")


def labels(found: Measured, engine: str, arm: str, share: str | None = None, part: str = SIZE) -> dict[str, str]:
    """What tells this part's findings apart."""
    server = found.run.scenario(NAME).get("servers", {}).get(engine, engine)
    told = {
        "part": part,
        "arm": arm,
        "engine": engine,
        "server": server,
        "client": "lean",
        "op": "read",
        "loop": "closed",
    }
    return told if share is None else told | {"step": share, "cache_share": share}


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


def _hit_rate(found: Measured, engine: str, share: str, rows: pd.DataFrame) -> Finding:
    hits = rows["hit"].eq(True).groupby(rows["trial"])
    rate = stats.share_of_trials(hits.sum().to_numpy(), hits.size().to_numpy())
    sentence = (
        f"A cache of {percent(float(share))} of the data in front of {engine_name(engine)} answered {percent(rate.value)} of "
        f"{len(rows):,} reads ({count(rate.n, 'trial')}{span(rate.low, rate.high, percent)}; {found.cache})."
    )
    told = labels(found, engine, "lazy", share)
    return measured(found.run, NAME, f"{NAME}.{engine}.hit_rate", sentence, rate, "share", "higher", told)


def _latencies(found: Measured, engine: str, told: Mapping[str, str], rows: pd.DataFrame, how: str) -> list[Finding]:
    run, tool = found.run, found.tool
    on = f"service time, closed loop; {setting(run, NAME, engine)}"
    trials = {trial: reads["service_us"].to_numpy() for trial, reads in by_trial(rows)}
    about = f"A read of {engine_name(engine)} {how}"

    def judged(finding: Finding, statistic: Statistic, per_trial: list[float]) -> Finding:
        floor = _floor(tool, engine, rows, statistic)
        return tool.judged(finding, trials=trials, per_trial=per_trial, floor=floor, statistic=statistic)

    means = [float(times.mean()) for times in trials.values()]
    mean = clipped(stats.mean_of_trials(means))
    sentence = f"{about} took {microseconds(mean.value)} on average ({count(mean.n, 'trial')}{span(mean.low, mean.high, microseconds)}; {on})."
    timed = measured(run, NAME, f"{NAME}.{engine}.latency_mean_us", sentence, mean, "us", "lower", told)
    made = [judged(timed, "mean", means)]
    of_reads = stats.percentiles(list(trials.values()), [p for p, _ in LATENCIES])
    for p, which in LATENCIES:
        id, time = f"{NAME}.{engine}.latency_{which}_us", of_reads.pooled[p]
        if time is None:
            reason = f"{count(len(rows), 'read')} are too few or too alike: a {which} takes {stats.LEAST_SAMPLES[p]} independent ones"
            made.append(absent(run, NAME, id, "us", "lower", reason, told))
            continue
        sentence = f"{about} took {microseconds(time.value)} at {which} ({count(time.n, 'read')} in "
        sentence += f"{count(mean.n, 'trial')}{span(time.low, time.high, microseconds)}; {on})."
        timed = measured(run, NAME, id, sentence, time, "us", "lower", told)
        made.append(judged(timed, which, of_reads.each[p]))
    return made


def mean_us(rows: pd.DataFrame) -> float:
    """The mean over trials of each one's mean read: a slow trial of a closed loop has fewer reads, and counts no less."""
    return float(rows.groupby("trial")["service_us"].mean().mean())


def break_even(bare_us: float, get_us: float, db_us: float, set_us: float) -> float:
    """The hit rate above which lazy loading is faster than no cache: E1's mean below the bare read's, solved for h."""
    return 1 - (bare_us - get_us) / (db_us + set_us)


def _break_even(found: Measured, one: Behind) -> Finding:
    """One break-even a round of trials, all times in µs; the headline of the engine. It is 1 where a hit takes as long as
    no cache, so an interval around 1 says that the arms can't be told apart."""
    run, engine = found.run, engine_name(one.engine)
    id, told = f"{NAME}.{one.engine}.break_even_hit_rate", labels(found, one.engine, "lazy / no_cache")
    per_round = []
    for round_ in one.rounds():
        get_us, db_us, set_us = one.parts_us(one.lazy[one.lazy["round"] == round_])
        bare_us = one.bare.loc[one.bare["round"] == round_, "service_us"].mean()
        if np.isfinite(db_us):
            per_round.append(break_even(bare_us, get_us, db_us, set_us))
    if not per_round:
        return absent(
            run, NAME, id, "share", "lower", "no read missed, so what a miss costs is unknown", told, headline=True
        )
    raw = stats.mean_of_trials(per_round)
    rate = clipped(raw, most=1.0)
    shown = next((share for share in reversed(one.shares()) if float(share) < 1), one.shares()[-1])
    rows = one.lazy[one.lazy["step"] == shown]
    hits = float(rows["hit"].eq(True).mean())
    if rate.value <= 0:
        end = "at any hit rate the cache pays"
        if rate.high:  # by the mean of rounds that differ
            end += f" by the mean of the rounds, and it may take up to {percent(rate.high)} hits"
    elif rate.value >= 1:
        end = "at no hit rate the cache pays"
    elif rate.low is not None and rate.high is not None and rate.low < hits < rate.high:
        end = f"the break-even of {percent(rate.value)} hits can't be told from that"
    else:
        end = f"the cache stops paying below {percent(rate.value)} hits"
    sentence = (
        f"A cache of {percent(float(shown))} of the data gave {percent(hits)} hits and brought the mean read "
        f"of {engine} from {microseconds(mean_us(one.bare))} to {microseconds(mean_us(rows))}; "
        f"{end} ({count(rate.n, 'round')}{span(rate.low, rate.high, percent)}; {setting(run, NAME, one.engine)})."
    )
    finding = measured(run, NAME, id, sentence, rate, "share", "lower", told, headline=True)
    trials = {*one.lazy["trial"].unique(), *one.bare["trial"].unique()}
    shorter_ms = min(one.lazy["service_us"].mean(), one.bare["service_us"].mean()) / 1e3
    return found.tool.compared(finding, trials=trials, figure_ms=shorter_ms, bounds=(raw.low, raw.high))
