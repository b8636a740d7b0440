"""Base backups: what reads and writes notice of one, how long it takes, and how that grows."""

from collections.abc import Iterator

import numpy as np

from reports import stats
from reports.findings import Finding
from reports.rds_operations import growth, latencies
from reports.rds_operations.arms import BACKUP, BASE_BACKUP, QUIET, READ, WRITE
from reports.rds_operations.cells import Cell, Measured
from reports.words import count, number, seconds, span

WORDS = ("while base backups are made", "without")


def findings(found: Measured, engine: str, *, opens: bool) -> Iterator[Finding]:
    """Size by size; writes beside a backup of the largest open."""
    backups, quiet = found.where(engine, BACKUP, BASE_BACKUP), found.where(engine, BACKUP, QUIET)
    for cell in [*quiet, *backups]:
        yield from latencies.findings(found, cell, (READ, WRITE))
    for cell in backups:
        base = next((one for one in quiet if one.step == cell.step), None)
        for op in (WRITE, READ):
            headline = opens and op == WRITE and cell is backups[-1]
            yield overhead(found, cell, base, op, headline=headline)
        yield from _made(found, cell)
    each_s = {cell.step: by_trial(found, cell) for cell in backups}
    if backups and (grown := growth.exponent(found, backups, "backup_growth_exponent", "a base backup", each_s)):
        yield grown


def overhead(found: Measured, cell: Cell, base: Cell | None, op: str, *, headline: bool) -> Finding:
    """How many times as long an operation takes beside backups; absent where there is nothing to hold it against."""
    ratio = base and latencies.compared(found, cell, base, op, "backup_overhead_ratio", WORDS, headline=headline)
    if ratio:
        return ratio
    reason = f"no round has a {op} both with and without a backup"
    return found.absent(cell, "backup_overhead_ratio", "ratio", reason, op=op, headline=headline)


def by_trial(found: Measured, cell: Cell) -> dict[int, float]:
    """How long a base backup took, s, the median of those of each trial."""
    each: dict[int, list[float]] = {}
    for event in found.events_of(cell, "backup_ended"):
        each.setdefault(int(event["trial"]), []).append(float(event["seconds"]))
    return {trial: float(np.median(those)) for trial, those in sorted(each.items())}


def _made(found: Measured, cell: Cell) -> Iterator[Finding]:
    ended, each = found.events_of(cell, "backup_ended"), by_trial(found, cell)
    if not each:
        yield found.absent(cell, "backup_s", "s", "no base backup ended")
        return
    took, bytes_ = stats.median_of_trials(list(each.values())), stats.median_of_trials([one["bytes"] for one in ended])
    method = ", ".join(dict.fromkeys(str(one["method"]) for one in ended))
    sentence = (
        f"{cell.about}: a base backup of {number(bytes_.value / 1e6)} MB took {seconds(took.value)} by {method} (median; "
        f"{count(len(ended), 'backup')} in {count(took.n, 'trial')}{span(took.low, took.high, seconds)}; {found.on(cell)})."
    )
    yield found.say(cell, "backup_s", sentence, took, "s", "lower")
    sentence = f"{cell.about}: a base backup has {number(bytes_.value / 1e6)} MB (median of {count(len(ended), 'backup')}; {found.on(cell)})."
    yield found.say(cell, "backup_bytes", sentence, bytes_, "bytes", "lower")
