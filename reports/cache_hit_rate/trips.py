"""What a read's trips take, fitted by E1 on every other size; whether that tells the sizes between; and dollars."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from harness.cache.sizing.theory import Trips
from reports import stats
from reports.cache_hit_rate.arms import NAME, SIZE
from reports.cache_hit_rate.cells import Measured, clipped
from reports.cache_hit_rate.sizes import Behind, labels
from reports.findings import Finding
from reports.words import (
    absent,
    count,
    dollars,
    engine_name,
    measured,
    microseconds,
    number,
    percent,
    scaled,
    setting,
    span,
)

NODE = "elasticache.cache_t4g_micro_hour_usd"
INSTANCES = ("rds.db_t3_micro_hour_usd", "rds.db_t3_large_hour_usd", "rds.db_m5_large_hour_usd")
_TRIPS = (("get", "get_us", "a get"), ("db", "db_us", "the database's answer"), ("set", "set_us", "a set"))


def findings(found: Measured, one: Behind) -> list[Finding]:
    """The trips, the held-out sizes, and from which hit rate on the cache pays in dollars."""
    return [*fitted(found, one), *_in_dollars(found, one)]


def fit(rows: pd.DataFrame, db_share: float) -> Trips:
    """The trips for which E1 comes closest to the reads' own times, in the least squares.

    Of a line over reads that are either a miss or not that is the mean of the hits, t_get, and what the misses' mean is above it,
    t_db + t_set, of which ``db_share`` is the database's. The client's own time is in both. Raises ValueError without hits or misses.
    """
    hits = rows["hit"].eq(True)
    if hits.all() or not hits.any():
        raise ValueError("E1 is fitted on hits and misses, and one kind is missing")
    hit_us, miss_us = float(rows.loc[hits, "service_us"].mean()), float(rows.loc[~hits, "service_us"].mean())
    return Trips(get_us=hit_us, db_us=(miss_us - hit_us) * db_share, set_us=(miss_us - hit_us) * (1 - db_share))


def fitted(found: Measured, one: Behind) -> Iterator[Finding]:
    """E1's trips from every other size, and what they say of the sizes between; nothing beyond the largest of those."""
    fitted_on, held_out = one.shares()[::2], one.shares()[1:-1:2]
    told = labels(found, one.engine, "lazy", part=one.part)
    fits = dict(_fits(one, fitted_on))
    if not fits:
        reason = "E1 is fitted on every other size of cache, and that takes hits and misses"
        yield absent(found.run, NAME, _id(one, "trip_us"), "us", "lower", reason, told)
        return
    trials = one.lazy["trial"].unique()
    sizes = " and ".join(percent(float(share)) for share in fitted_on)
    for trip, field, words in _TRIPS:
        time = clipped(stats.mean_of_trials([getattr(trips, field) for trips in fits.values()]))
        sentence = (
            f"Lazy loading in front of {_data(one)}: {words} takes {microseconds(time.value)} by E1 fitted on caches of "
            f"{sizes} of the data ({count(time.n, 'round')}{span(time.low, time.high, microseconds)}; {setting(found.run, NAME, one.engine)})."
        )
        finding = measured(found.run, NAME, _id(one, "trip_us"), sentence, time, "us", "lower", told | {"trip": trip})
        per_round = [getattr(trips, field) for trips in fits.values()]
        yield found.tool.judged(finding, trials=trials, per_trial=per_round, floor=None, statistic="mean")
    for share in held_out:
        yield from _prediction(found, one, share, fits, sizes)


def _fits(one: Behind, steps: list[str]) -> Iterator[tuple[int, Trips]]:
    """E1 fitted in each round, on the reads of these sizes; a round without hits or without misses tells nothing."""
    for round_, rows in one.lazy[one.lazy["step"].isin(steps)].groupby("round"):
        _, db_us, set_us = one.parts_us(rows)
        if rows["hit"].nunique() > 1 and np.isfinite(db_us + set_us):
            yield int(str(round_)), fit(rows, db_us / (db_us + set_us))


def _prediction(found: Measured, one: Behind, share: str, fits: dict[int, Trips], sizes: str) -> Iterator[Finding]:
    """How far E1's mean at the hit rate of a size that it wasn't fitted on is from the measured one."""
    rows = one.lazy[one.lazy["step"] == share]
    by_round = rows.assign(hits=rows["hit"].eq(True)).groupby("round")[["hits", "service_us"]].mean()
    both = [
        (fits[round_].mean_us(means["hits"]), means["service_us"])
        for round_, means in by_round.iterrows()
        if round_ in fits
    ]
    if not both:
        return
    error = stats.mean_of_trials([predicted / mean - 1 for predicted, mean in both])
    predicted_us, mean_us = (float(np.mean(values)) for values in zip(*both, strict=True))
    sentence = (
        f"E1 fitted on caches of {sizes} of the data says {microseconds(predicted_us)} for the mean read of {_data(one)} "
        f"through a cache of {percent(float(share))}, measured {microseconds(mean_us)}: {_apart(error.value)} "
        f"({count(error.n, 'round')}{span(error.low, error.high, percent)}; {setting(found.run, NAME, one.engine)})."
    )
    told = labels(found, one.engine, "lazy", share, one.part)
    finding = measured(found.run, NAME, _id(one, "e1_error_share"), sentence, error, "share", "none", told)
    yield found.tool.exempt(finding, trials=rows["trial"].unique())


def _data(one: Behind) -> str:
    return engine_name(one.engine) + ("" if one.part == SIZE else " (rows that are alike)")


def _apart(error: float) -> str:
    if error == 0:
        return "the same"
    return f"{percent(abs(error))} {'more' if error > 0 else 'less'}"


def _in_dollars(found: Measured, one: Behind) -> Iterator[Finding]:
    """A node's price ÷ what the database's reads cost that it spares: one finding an instance; unknown prices say so."""
    per_s = _reads_per_s(one)
    for instance in INSTANCES:
        told = labels(found, one.engine, "lazy / no_cache") | {"node": _type(NODE), "instance": _type(instance)}
        prices = found.run.manifest["prices"]["values"]
        missing = [key for key in (NODE, instance) if prices.get(key) is None]
        if missing:
            reason = f"the price {missing[0]} isn't in the price file"
            for id, unit in (("usd_break_even_hit_rate", "share"), ("usd_break_even_reads_per_s", "reads/s")):
                yield absent(found.run, NAME, _id(one, id), unit, "lower", reason, told)
            continue
        node_usd, instance_usd = float(prices[NODE]), float(prices[instance])
        yield from _pays(found, one, per_s, node_usd, instance_usd, told)


def _pays(
    found: Measured, one: Behind, per_s: stats.Numbers, node_usd: float, instance_usd: float, told: dict[str, str]
) -> Iterator[Finding]:
    """c/v spared reads a second pay a node of c dollars, where a read costs v: an instance's hour ÷ the reads it was asked."""
    share, rate = node_usd / instance_usd, clipped(stats.mean_of_trials(per_s))
    spared = scaled(rate, share)
    prices = found.run.manifest["prices"]
    supposed = (
        f"supposed that a {told['instance']} (RDS for MySQL, {dollars(instance_usd)} an hour) is used up by the {number(rate.value)} "
        f"reads a second that {engine_name(one.engine)} was asked here without a cache; {prices['region']} prices of {prices['date']}"
    )
    node = f"a {told['node']} at {dollars(node_usd)} an hour"
    pays = f"from {percent(share)} hits on" if share < 1 else "at no hit rate"
    sentence = f"In dollars {node} in front of {engine_name(one.engine)} pays {pays}, where all those reads come to it ({supposed})."
    exact = stats.Interval(
        value=min(share, 1.0), low=min(share, 1.0), high=min(share, 1.0), n=rate.n, method="prices alone"
    )
    yield measured(
        found.run, NAME, _id(one, "usd_break_even_hit_rate"), sentence, exact, "share", "lower", told, basis="modelled"
    )
    sentence = (
        f"In dollars {node} in front of {engine_name(one.engine)} pays once it spares the database {number(spared.value)} reads a "
        f"second, whatever the hit rate ({count(spared.n, 'round')}{span(spared.low, spared.high)}; {supposed})."
    )
    yield measured(
        found.run, NAME, _id(one, "usd_break_even_reads_per_s"), sentence, spared, "reads/s", "lower", told,
        basis="modelled",
    )  # fmt: skip


def _reads_per_s(one: Behind) -> stats.Numbers:
    """Reads a second that the database answered without a cache, by round."""
    rounds = one.bare.groupby("round")
    lasted_s = (rounds["t_end"].max() - rounds["t_start"].min()) / 1e9
    per_s: stats.Numbers = (rounds.size() / lasted_s).to_numpy()
    return per_s


def _id(one: Behind, figure: str) -> str:
    return f"{NAME}.{one.engine}.{one.part}.{figure}"


def _type(key: str) -> str:
    """``cache.t4g.micro`` of the key of its price."""
    return key.split(".", 1)[1].removesuffix("_hour_usd").replace("_", ".")
