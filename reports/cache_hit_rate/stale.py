"""Part ``stale``: how many reads were older than what the database had, by how much, and which stale values stayed."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from reports import stats
from reports.cache_hit_rate import figures
from reports.cache_hit_rate.arms import NAME, arm_words
from reports.cache_hit_rate.cells import Cell, Measured, clipped
from reports.findings import Finding
from reports.words import count, engine_name, number, percent, seconds, span

PART = "stale"
EVENT = "cache_checked"


def findings(found: Measured, engine: str) -> list[Finding]:
    """By strategy and write rate; lazy loading at the most writes opens."""
    cells = found.where(engine, PART)
    lazy = [cell for cell in cells if cell.arm == "lazy"]
    first = lazy[-1] if lazy else None
    return [
        finding
        for cell in cells
        for finding in _of_cell(found, cell, [one for one in cells if one.step == cell.step] if cell is first else ())
    ]


def versioned(found: Measured, cell: Cell) -> pd.DataFrame:
    """The answered reads whose versions are known, with ``behind``, the versions that they lacked.

    Which version was the newest is known to the process that writes. What another process read is held against the writes
    that had been committed when it began; its own ``version_current`` is what the trial began with.
    """
    known = cell.answered.dropna(subset=["version_read", "version_current"])
    newest = known["version_current"]
    if len(found.run.scenario(NAME).get("workers", ())) > 1 and not known.empty:
        newest = newest.where(newest > (heard := _committed_before(found, cell, known)), heard)
    return known.assign(behind=(newest - known["version_read"]).clip(lower=0))


def ages(found: Measured, cell: Cell) -> pd.DataFrame:
    """The stale reads whose first newer version has a known commit, ``latency_us`` holding how long ago that was."""
    reads, newer = versioned(found, cell), _commits(found, cell)
    stale = reads[reads["behind"] > 0].assign(version=lambda rows: rows["version_read"] + 1)
    both = stale.merge(newer, on=["trial", "key", "version"])
    return both.assign(latency_us=((both["t_start"] - both["committed_ns"]) / 1e3).clip(lower=0.0))


def _commits(found: Measured, cell: Cell) -> pd.DataFrame:
    """When each version of a key was committed, by trial.

    A write is committed once the database has answered it: at ``t_start + db_ns``, or where that isn't known at its end. Those
    of the warm-up count too, or the oldest values would have no age.
    """
    writes = found.writes_of(cell).dropna(subset="version_current")
    committed = (writes["t_start"] + writes["db_ns"]).fillna(writes["t_end"])
    return pd.DataFrame(
        {
            "trial": writes["trial"],
            "key": writes["key"],
            "version": writes["version_current"],
            "committed_ns": committed,
        }
    )


def _committed_before(found: Measured, cell: Cell, reads: pd.DataFrame) -> "pd.Series[float]":
    """For each read, the newest version of its key that was committed in its trial before it began; 0 where none was."""
    each = ["trial", "key"]
    commits = _commits(found, cell).assign(at_ns=lambda rows: rows["committed_ns"].astype("int64"))
    commits = commits.astype(dict.fromkeys(each, "int64")).sort_values("at_ns")[[*each, "at_ns", "version"]]
    asked = reads[each].astype("int64").assign(at_ns=reads["t_start"].astype("int64"), place=np.arange(len(reads)))
    both = pd.merge_asof(asked.sort_values("at_ns"), commits, on="at_ns", by=each).sort_values("place")
    return pd.Series(both["version"].fillna(0).to_numpy(dtype=float), index=reads.index)


def left(found: Measured, cell: Cell) -> tuple[list[float], list[float]]:
    """By trial: the values in the cache that were stale at the end, and those that were there."""
    events = [event for event in found.events(EVENT, cell).values() if event.get("cached")]
    return [float(event["stale"]) for event in events], [float(event["cached"]) for event in events]


def _of_cell(found: Measured, cell: Cell, others: Sequence[Cell]) -> Iterator[Finding]:
    reads = versioned(found, cell)
    if reads.empty:
        yield found.absent(cell, "stale_share", "share", "lower", "no read's version was recorded")
        return
    share = figures.share_of(reads["behind"] > 0, reads["trial"])
    grounds = (
        f"({len(reads):,} reads, {count(share.n, 'trial')}{span(share.low, share.high, percent)}; {found.on(cell)})"
    )
    if others:
        told = "; ".join(f"{arm_words(one.arm)} {_outcome(found, one)}" for one in others)
        sentence = f"Beside {number(float(cell.step))} writes a second to {engine_name(cell.engine)}: {told} {grounds}."
    else:
        sentence = f"{cell.about}: {percent(share.value)} of reads were older than what was committed when they began {grounds}."
    finding = found.say(cell, "stale_share", sentence, share, "share", "lower", headline=bool(others))
    yield found.tool.exempt(finding, trials=cell.trials)
    if (reads["behind"] > 0).any():
        yield _behind(found, cell, reads)
        for which in ("p50", "p95"):
            yield figures.percentile_ms(
                found, cell, ages(found, cell), which, f"stale_age_{which}_ms", "a stale read was out of date for"
            )
    yield _left(found, cell)


def _outcome(found: Measured, cell: Cell) -> str:
    """A strategy's stale reads, and the stale values that it left."""
    reads = versioned(found, cell)
    if reads.empty:
        return "wasn't measured"
    stale, keys = left(found, cell)
    kept = f", {number(sum(stale))} of {sum(keys):,.0f} cached values stale at the end" if keys else ""
    return f"{percent(float((reads['behind'] > 0).mean()))} stale reads{kept}"


def _behind(found: Measured, cell: Cell, reads: pd.DataFrame) -> Finding:
    stale = reads[reads["behind"] > 0]
    versions = clipped(stats.mean_of_trials(stale.groupby("trial")["behind"].mean().to_numpy()))
    sentence = (
        f"{cell.about}: a stale read was {number(versions.value)} version{'' if versions.value == 1 else 's'} behind on average, {number(float(np.max(stale['behind'])))} "
        f"at most ({count(versions.n, 'trial')}{span(versions.low, versions.high)}; {found.on(cell)})."
    )
    finding = found.say(cell, "stale_versions", sentence, versions, "versions", "lower")
    return found.tool.exempt(finding, trials=cell.trials)


def _left(found: Measured, cell: Cell) -> Finding:
    """What the race of a read's set against a write left behind: nothing but a TTL or the next write takes it away."""
    stale, keys = left(found, cell)
    if not keys:
        return found.absent(cell, "left_stale_share", "share", "lower", "the cache wasn't checked at the end")
    share = stats.share_of_trials(stale, keys)
    ttl_s = float(cell.params.get("ttl_s") or 0)
    lasting = f", until their TTL of {seconds(ttl_s)} ends" if ttl_s else ", until they are written again or evicted"
    sentence = (
        f"{cell.about}: at the end {number(sum(stale))} of {sum(keys):,.0f} values in the cache were stale{lasting} "
        f"({count(share.n, 'trial')}{span(share.low, share.high, percent)}; {found.on(cell)})."
    )
    return found.tool.exempt(found.say(cell, "left_stale_share", sentence, share, "share", "lower"), trials=cell.trials)
