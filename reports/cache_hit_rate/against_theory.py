"""Parts ``ttl`` and ``skew``: measured hit rates against what arithmetic says of these keys (E2, E3)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.cache.sizing.theory import Floats, characteristic_time, che_hit_rate, random_hit_rate, ttl_hit_rate, zipf
from reports import stats
from reports.cache_hit_rate import figures
from reports.cache_hit_rate.arms import NAME
from reports.cache_hit_rate.cells import Cell, Measured
from reports.findings import Finding
from reports.samples import by_trial
from reports.stats import Interval
from reports.words import count, number, percent, seconds, span

PARTS = ("skew", "ttl")
POINT = 0.01
CLOCK_S = 2.0  # an entry that stays for less can't be told from its neighbours by a clock that ticks once a second (E2)

LEAST_READS_A_KEY = 20  # where the keys' shares are taken from the reads themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Theory:
    """One trial: what was measured, and what arithmetic says for its keys, its entries and its rate.

    ``said`` is Che's hit rate (part skew) or E3's (part ttl); ``random`` what random replacement would give, and ``stays_s``
    how long an entry that isn't asked for again stays, None in part ttl.
    """

    measured: float
    said: float
    random: float | None
    stays_s: float | None


def findings(found: Measured, engine: str) -> list[Finding]:
    """Hit rates with theory beside them."""
    return [finding for part in PARTS for cell in found.where(engine, part) for finding in _of_cell(found, cell)]


def theories(found: Measured, cell: Cell) -> list[Theory]:
    """One a trial; none where the keys' shares, or how much the cache held, weren't recorded."""
    shares, _ = key_shares(found, cell)
    held = found.events("cache_stats", cell)
    if shares is None or cell.hit_rate() is None:
        return []
    made = []
    for trial, rows in by_trial(cell.answered):
        hit = float(rows["hit"].eq(True).mean())
        per_s = len(rows) / ((rows["t_end"].max() - rows["due_ns"].min()) / 1e9)
        if cell.part == "ttl":
            said = ttl_hit_rate(shares * per_s, float(cell.params["ttl_s"]))
            made.append(Theory(measured=hit, said=said, random=None, stays_s=None))
        elif trial in held and held[trial].get("keys") is not None:
            entries = float(held[trial]["keys"])
            made.append(
                Theory(
                    measured=hit,
                    said=che_hit_rate(shares, entries),
                    random=random_hit_rate(shares, entries),
                    stays_s=characteristic_time(shares, entries) / per_s,
                )
            )
    return made


def key_shares(found: Measured, cell: Cell) -> tuple[Floats | None, str]:
    """How often each key is asked for, and how that is known: by Zipf's law, as the load says, or as the reads were drawn.

    None where reads are too few to tell: a rare key that was drawn once by chance would pass for one that comes often.
    """
    keys, alpha = int(cell.params.get("keys") or 0), float(cell.params.get("alpha") or 0)
    if keys and alpha:
        return zipf(keys, alpha), "by Zipf's law"
    skew = str(cell.params.get("skew", cell.step))
    told = [event for event in found.run.events_of(NAME, "key_shares") if event.get("skew") == skew]
    if told:
        shares = np.asarray(told[-1]["shares"], dtype=np.float64)
        return shares / shares.sum(), "by the data"
    drawn = _drawn(found, skew)
    if drawn.sum() < LEAST_READS_A_KEY * max(len(drawn), keys, 1):
        return None, ""
    return drawn / drawn.sum(), "as the reads were drawn"


def _drawn(found: Measured, skew: str) -> Floats:
    """How often each key was read in all trials of this skew."""
    mine = {trial for cell in found.cells if str(cell.params.get("skew")) == skew for trial in cell.trials}
    reads = found.run.samples(NAME, ("trial", "phase", "op", "key"))
    if "key" not in reads:  # a run older than the column
        return np.array([])
    drawn = reads["trial"].isin(mine) & (reads["phase"] == "measured") & (reads["op"] == "read") & (reads["key"] >= 0)
    keys = reads.loc[drawn, "key"].to_numpy()
    counts: Floats = np.unique(keys, return_counts=True)[1].astype(np.float64)
    return counts


def _of_cell(found: Measured, cell: Cell) -> Iterator[Finding]:
    theory = theories(found, cell)
    if not theory:
        yield figures.hit_rate(found, cell)
        reason = "how often each key is asked for, or how many entries the cache held, isn't known"
        yield found.absent(cell, "deviation_share", "share", "none", reason)
        return
    _, how = key_shares(found, cell)
    said = stats.mean_of_trials([one.said for one in theory])
    apart = stats.mean_of_trials([one.measured - one.said for one in theory])
    name, rule = ("E3", "e3_hit_rate") if cell.part == "ttl" else ("Che", "che_hit_rate")
    stays_s = [one.stays_s for one in theory if one.stays_s is not None]
    judged = not stays_s or min(stays_s) >= CLOCK_S
    beside = f"; {name} (keys {how}): {percent(said.value)}"
    yield figures.hit_rate(found, cell, beside)
    yield _said(found, cell, rule, f"{name} says", said)
    randoms = [one.random for one in theory if one.random is not None]
    if randoms:
        yield _said(found, cell, "random_hit_rate", "random replacement would give", stats.mean_of_trials(randoms))
    yield found.tool.exempt(_deviation(found, cell, apart, name, stays_s, judged, theory), trials=cell.trials)


def _said(found: Measured, cell: Cell, id: str, name: str, said: Interval) -> Finding:
    sentence = f"{cell.about}: {name} {percent(said.value)} hits ({count(said.n, 'trial')}{span(said.low, said.high, percent)}; modelled)."
    return found.say(cell, id, sentence, said, "share", "none", basis="modelled")


def _deviation(
    found: Measured,
    cell: Cell,
    apart: Interval,
    name: str,
    stays_s: Sequence[float],
    judged: bool,
    theory: Sequence[Theory],
) -> Finding:
    opens = f"{cell.about}: the measured hit rate is {_points(apart.value)} {name}'s"
    grounds = f"({count(apart.n, 'trial')}{span(apart.low, apart.high, _plain_points)}; {found.on(cell)})"
    about = {"judged": "yes" if judged else "no"}
    if not judged:
        random = percent(float(np.mean([one.random for one in theory])))
        stays = seconds(min(stays_s))
        sentence = (
            f"{opens} {grounds}. Not judged: an entry stays {stays} and Valkey's LRU clock ticks once a second, so it can't tell "
            f"the order of accesses; random replacement would give {random}."
        )
    else:
        finite = [one for one in stays_s if math.isfinite(one)]
        stays = f"; an entry stays {seconds(min(finite))}" if finite else ""
        sentence = f"{opens}, {_verdict(apart)} {grounds[:-1]}{stays})."
    return found.say(cell, "deviation_share", sentence, apart, "share", "none", about=about)


def _verdict(apart: Interval) -> str:
    """Whether theory is met within a point; where the interval doesn't tell, nor does the sentence."""
    if apart.low is not None and apart.high is not None:
        if apart.low >= -POINT and apart.high <= POINT:
            return "within one point"
        if apart.high < -POINT or apart.low > POINT:
            return "more than one point apart"
    return f"and whether that is within one point can't be told from {count(apart.n, 'trial')}"


def _points(share: float) -> str:
    if round(share, 9) == 0:
        return "exactly"
    return f"{_plain_points(abs(share))} {'above' if share > 0 else 'below'}"


def _plain_points(share: float) -> str:
    return f"{number(100 * share)} points"
