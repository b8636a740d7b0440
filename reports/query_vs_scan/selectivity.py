"""Break-even: the share of the table above which one Scan consumes less than Queries, or Gets, of the same items."""

import math
from dataclasses import replace

import pandas as pd

from reports import stats
from reports.findings import Basis, Finding
from reports.query_vs_scan.arms import NAME
from reports.query_vs_scan.cells import Asked, ByRound, Cell, trials_of, units_for_each
from reports.stats import ALWAYS, NEVER
from reports.words import count, percent, span

PART, QUESTION = "answer_share", "range"
GETS = ("get_item", "batch_get")
_INSTEAD = {
    "query": "one Query an aircraft",
    "get_item": "a GetItem of each key",
    "batch_get": "BatchGetItem of the keys",
    "gets": "Gets of its keys",
}


def findings(asked: Asked) -> list[Finding]:
    """Against Query first: it tells what was found of Gets too, and opens the report."""
    if not asked.where(PART, QUESTION, "scan"):
        return []
    gets = [_finding(asked, arm) for arm in GETS if asked.where(PART, QUESTION, arm)]
    found = [_finding(asked, "query", _told(gets))] if asked.where(PART, QUESTION, "query") else []
    return found + gets


def _told(gets: list[Finding]) -> str:
    """What was found of Gets, in words; both kinds in one where they read the same."""
    above = {one.labels["against"]: _above(one) for one in gets if one.value is not None}
    if len(above) > 1 and len(set(above.values())) == 1:
        above = {"gets": above["get_item"]}
    return "".join(f", than {_INSTEAD[arm]} {share}" for arm, share in above.items())


def units_a_key(asked: Asked, arm: str) -> ByRound:
    """Units a Get takes for one key, by round, over all shares that were asked for by it."""
    return units_for_each(
        pd.concat([cell.rows[["round", "read_units", "items_returned"]] for cell in asked.where(PART, QUESTION, arm)]),
        "items_returned",
    )


def _finding(asked: Asked, against: str, told: str = "") -> Finding:
    scans, others = asked.where(PART, QUESTION, "scan"), asked.where(PART, QUESTION, against)
    most = 1.0 if against in GETS else max(cell.share for cell in scans)
    crossings = _of_gets(asked, scans, against) if against in GETS else _of_curves(scans, others)
    labels = {"part": PART, "question": QUESTION, "against": against, "client": scans[0].labels["client"]}
    opens, of = f"A Scan against {_INSTEAD[against]}", f"{scans[0].items:,} items"
    if not crossings:
        reason = "no round has every share by both, of two shares at least"
        return asked.unknown("break_even_share", opens, reason, "share", labels)
    if ALWAYS in crossings:
        least = min(cell.share for cell in scans)
        reason = f"the Scan consumed less at the smallest share already, {percent(least)} of {of}"
        return asked.unknown("break_even_share", opens, reason, "share", labels, len(crossings))
    share = stats.crossing_of_rounds(crossings, most)
    assert share is not None, "a crossing before the first share was told above"
    share = _within_the_table(share)
    how = "units a key × keys" if against in GETS else _between(scans, others, share)
    grounds = f"({count(share.n, 'round')}{span(share.low, share.high, percent)}; {how}; {of}; {asked.on})"
    if share.at_least:
        flips = f"more than {_INSTEAD[against]} up to {percent(share.value)} of the table"
    else:
        flips = f"less than {_INSTEAD[against]} once more than {percent(share.value)} of the table is asked for"
    sentence = f"A Scan consumes {flips} {grounds}{told}."
    basis: Basis = "modelled" if against in GETS else "local_model"
    finding = asked.measured(
        "break_even_share", sentence, share, "share", labels, basis=basis, headline=against == "query"
    )
    return asked.tool.exempt(finding, trials=trials_of([*scans, *others]))


def _of_curves(scans: list[Cell], others: list[Cell]) -> list[float]:
    """Where the measured curves cross, in each round that has every share at which both were measured."""
    by_step = {cell.step: cell for cell in others}
    both = [(cell.share, by_step[cell.step].units(), cell.units()) for cell in scans if cell.step in by_step]
    both.sort(key=lambda one: one[0])
    if len(both) < 2:
        return []
    whole = set.intersection(*(set(units.index) for _, *of_share in both for units in of_share))
    shares = [share for share, _, _ in both]
    return [
        stats.crossing(shares, [lookup[number] for _, lookup, _ in both], [scan[number] for _, _, scan in both])
        for number in sorted(whole)
    ]


def _of_gets(asked: Asked, scans: list[Cell], against: str) -> list[float]:
    """A Scan's units ÷ the units of Gets of all keys, in each round that has both; never where the table has too few."""
    scan = pd.concat([cell.rows[["round", "read_units"]] for cell in scans]).groupby("round")["read_units"].mean()
    whole_table = units_a_key(asked, against) * scans[0].items
    shares = (scan / whole_table).dropna()
    return [float(share) if share < 1 else NEVER for share in shares]


def _between(scans: list[Cell], others: list[Cell], share: stats.Interval) -> str:
    """The shares measured on both sides of a crossing: between them the curves are taken for straight."""
    measured = sorted({cell.share for cell in scans} & {cell.share for cell in others})
    below = [percent(one) for one in measured if one <= share.value][-1:]
    above = [percent(one) for one in measured if one > share.value][:1]
    return f"measured at {' and '.join(below + above)}"


def _within_the_table(share: stats.Interval) -> stats.Interval:
    """No interval goes beyond all items."""
    high = share.high if share.high is None else min(share.high, 1.0)
    return replace(share, high=high)


def _above(finding: Finding) -> str:
    return f"{'nowhere below' if finding.at_least else 'above'} {percent(finding.value or math.nan)}"


def break_evens(found: list[Finding]) -> dict[str, Finding]:
    """The break-even that was found against each arm."""
    mine = (one for one in found if one.id == f"{NAME}.break_even_share" and one.value is not None)
    return {one.labels["against"]: one for one in mine}
