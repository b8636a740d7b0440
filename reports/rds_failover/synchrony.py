"""What synchronous replication costs before anything fails: commits of topologies in one round, by the delay between zones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from reports import stats
from reports.findings import Basis, Finding
from reports.rds_failover.arms import NAME, SYNCHRONY, TOPOLOGIES
from reports.rds_failover.cells import Measured
from reports.samples import by_trial
from reports.stats import Interval
from reports.tool import Floor, Statistic
from reports.words import DRIVERS, absent, count, engine_name, measured, milliseconds, number, span

BASE, MODELLED = "single_az", "multi_az_instance"
PERCENTILES: Mapping[Statistic, float] = {"p50": 50.0, "p99": 99.0}
# Flushes that a commit waits for: PostgreSQL's log; MySQL's redo log and then its binary log (sync_binlog = 1, which RDS has with backups).
FLUSHES = {"postgres": 1, "mysql": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """One topology's measured commits at one delay, that of each direction; ``rows`` has ``time_ms`` and the round as ``pair``."""

    engine: str
    topology: str
    step: str
    inter_az_ms: float
    server: str
    rows: pd.DataFrame

    @property
    def trials(self) -> list[int]:
        """The trials it was measured in."""
        return sorted(int(number_) for number_ in self.rows["trial"].unique())

    @property
    def about(self) -> str:
        """Engine, topology and delay in words."""
        return said(self.engine, self.topology, self.inter_az_ms)

    @property
    def labels(self) -> dict[str, str]:
        """What tells its findings apart."""
        return labels(self.engine, self.server, self.topology, self.step, self.inter_az_ms)

    def times_ms(self) -> list[stats.Numbers]:
        """How long they took in each trial, in the order they ended."""
        return [rows["time_ms"].to_numpy() for _, rows in by_trial(self.rows)]

    def by_round(self) -> "pd.Series[float]":
        """The median of each round, ms."""
        medians: pd.Series[float] = self.rows.groupby("pair")["time_ms"].median()
        return medians


def said(engine: str, topology: str, inter_az_ms: float) -> str:
    """Engine, topology and delay in words."""
    apart = f", zones {number(inter_az_ms)} ms apart each way" if inter_az_ms else ", no delay between zones"
    return f"{engine_name(engine)}, {TOPOLOGIES.get(topology, topology)}{apart}"


def labels(engine: str, server: str, topology: str, step: str, inter_az_ms: float) -> dict[str, str]:
    """What tells findings of commits apart."""
    driver = DRIVERS.get(engine, engine)
    return {
        "engine": engine, "arm": topology, "topology": topology, "inter_az_ms": f"{inter_az_ms:g}", "server": server,
        "driver": driver, "client": driver, "op": "commit", "loop": "closed", "step": step,
    }  # fmt: skip


def commits(found: Measured, engine: str) -> list[Commits]:
    """Of an engine by delay and topology, single-AZ first; none where the part wasn't planned."""
    plan = found.planned
    if plan.empty:
        return []
    mine = plan[(plan["label_part"] == SYNCHRONY) & (plan["label_engine"] == engine)]
    if mine.empty:
        return []
    server = str(found.run.scenario(NAME).get("servers", {}).get(engine, engine))
    order = (BASE, *TOPOLOGIES)
    made = []
    by_arm: Any = mine.groupby(["label_topology", "step", "param_inter_az_ms"], sort=False)
    for (topology, step, delay_ms), trials in by_arm:
        rows = found.commits
        if len(rows):
            rows = rows[rows["trial"].isin(trials["trial"]) & rows["ok"]]
            rows = rows.assign(time_ms=(rows["t_end"] - rows["t_start"]) / 1e6)
        made.append(
            Commits(
                engine=engine, topology=str(topology), step=str(step), inter_az_ms=float(delay_ms), server=server, rows=rows
            )
        )  # fmt: skip
    return sorted(made, key=lambda one: (one.inter_az_ms, order.index(one.topology)))


def findings(found: Measured, engine: str) -> Iterator[Finding]:
    """Each topology at each delay, what it takes more than single-AZ, and the Multi-AZ instance as a model."""
    those = commits(found, engine)
    for one in those:
        if one.rows.empty:
            id = f"{NAME}.{engine}.synchrony.commit_p50_ms"
            yield absent(found.run, NAME, id, "ms", "lower", "no trial of it ran to its end", one.labels)
            continue
        yield from _percentiles(found, one)
        base = next((other for other in those if (other.topology, other.step) == (BASE, one.step)), None)
        if base is None or base.rows.empty:
            continue
        if one is not base:
            yield from _extra(found, one, base)
        elif not any((other.topology, other.step) == (MODELLED, one.step) for other in those):
            yield from _modelled(found, base)


def _say(found: Measured, one: Commits, figure: str, sentence: str, interval: Interval, basis: Basis) -> Finding:
    id = f"{NAME}.{one.engine}.synchrony.{figure}"
    return measured(found.run, NAME, id, sentence, interval, "ms", "lower", one.labels, basis=basis)


def _percentiles(found: Measured, one: Commits) -> Iterator[Finding]:
    trials = one.times_ms()
    of_commits = stats.percentiles(trials, list(PERCENTILES.values()))
    for which, p in PERCENTILES.items():
        time, figure = of_commits.pooled[p], f"commit_{which}_ms"
        if time is None:
            least = stats.LEAST_SAMPLES[p]
            reason = (
                f"{count(len(one.rows), 'commit')} are too few or too alike: a {which} takes {least} independent ones"
            )
            yield absent(found.run, NAME, f"{NAME}.{one.engine}.synchrony.{figure}", "ms", "lower", reason, one.labels)
            continue
        sentence = (
            f"{one.about}: a commit took {milliseconds(time.value)} at {which} ({count(time.n, 'commit')} in "
            f"{count(len(trials), 'trial')}{span(time.low, time.high, milliseconds)}; closed loop; {found.on(one.engine)})."
        )
        timed = _say(found, one, figure, sentence, time, "local_model")
        yield found.tool.judged(
            timed, trials=one.trials, per_trial=of_commits.each[p], floor=_floor(found, one), statistic=which
        )


def _floor(found: Measured, one: Commits) -> Floor | None:
    """A commit's floor; where it wasn't probed, that of the failover's write, which is the same statement by the same driver."""
    about = one.labels | {"client_arm": "tuned"}
    driver = one.labels["driver"]
    return found.tool.floor(driver, "commit", about) or found.tool.floor(driver, "write_probe", about)


def _extra(found: Measured, one: Commits, base: Commits) -> Iterator[Finding]:
    """Round by round: each has both topologies once."""
    differences = (one.by_round() - base.by_round()).dropna()
    if differences.empty:
        return
    extra = stats.mean_of_trials(differences.to_numpy())
    sentence = (
        f"{one.about}: a commit takes {milliseconds(extra.value)} more than on Single-AZ (mean difference of the medians, paired, "
        f"{count(extra.n, 'round')}{span(extra.low, extra.high, milliseconds)}; {found.on(one.engine)})."
    )
    finding = _say(found, one, "commit_extra_ms", sentence, extra, "local_model")
    yield found.tool.exempt(finding, trials=[*one.trials, *base.trials], figure_ms=abs(extra.value))


def _modelled(found: Measured, base: Commits) -> Iterator[Finding]:
    """A standby that is a copy of the blocks makes each flush wait for one round trip; here both zones share one volume."""
    flushes = FLUSHES.get(base.engine, 1)
    extra_ms = 2 * base.inter_az_ms * flushes
    of_base = stats.percentile(base.times_ms(), 50.0)
    if of_base is None:
        return
    time = replace(of_base, value=of_base.value + extra_ms)
    time = replace(time, low=_plus(of_base.low, extra_ms), high=_plus(of_base.high, extra_ms))
    one = replace(base, topology=MODELLED)
    each = "its flush" if flushes == 1 else f"each of its {flushes} flushes"
    why = (
        f"modelled: Single-AZ's commit and a round trip of {milliseconds(2 * base.inter_az_ms)} for {each}, since the stand-in's two "
        "zones share one volume"
    )
    grounds = f"({why}; {count(time.n, 'commit')}{span(time.low, time.high, milliseconds)}; {found.on(base.engine)})"
    sentence = f"{one.about}: a commit would take {milliseconds(time.value)} at p50 {grounds}."
    yield _say(found, one, "commit_p50_ms", sentence, time, "modelled")
    more = Interval(value=extra_ms, low=extra_ms, high=extra_ms, n=time.n, method="modelled")
    sentence = f"{one.about}: a commit would take {milliseconds(extra_ms)} more than on Single-AZ ({why}; {found.on(base.engine)})."
    yield _say(found, one, "commit_extra_ms", sentence, more, "modelled")


def _plus(bound: float | None, extra_ms: float) -> float | None:
    return None if bound is None else bound + extra_ms
