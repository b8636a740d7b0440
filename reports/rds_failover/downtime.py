"""Down for reads and for writes, as each client and the server itself saw it, and what that comes to in a month."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from reports.findings import Finding
from reports.outage import Outage
from reports.rds_failover.arms import FAILOVER, PACE_RDS, PROBES, REFERENCE, TUNED, WRITE, client_words
from reports.rds_failover.cells import Case, Measured, median_s
from reports.stats import Interval
from reports.words import count, number, percent, scaled, seconds, span

HOURS_A_MONTH = 730


def findings(found: Measured, case: Case, *, opens: bool) -> Iterator[Finding]:
    """Of every client and probe; what opens the report is for how long the tuned client couldn't write."""
    for client in found.clients(case):
        seen = {op: outages(found, case, client, op) for op in PROBES}
        for op in PROBES:
            if seen[op] or not any(seen.values()):
                yield _downtime(found, case, client, op, seen[op], headline=opens and (client, op) == (TUNED, WRITE))
        if seen[WRITE] and case.part == FAILOVER and client != REFERENCE:
            yield from _minutes(found, case, client, median_s(seen[WRITE]))


def outages(found: Measured, case: Case, client: str, op: str) -> dict[int, Outage]:
    """Each trial's outage as one probe of one client saw it."""
    return {watch.trial: watch.outages[op] for watch in found.of_client(case, client) if op in watch.outages}


def measured_s(found: Measured, case: Case, client: str, op: str) -> Interval | None:
    """The median over trials; the interval reaches two probes lower, since the truth lies that far inside the gap."""
    each = outages(found, case, client, op)
    if not each:
        return None
    median = median_s(each)
    return replace(median, low=None if median.low is None else max(0.0, median.low - 2 * case.interval_s))


def _downtime(
    found: Measured, case: Case, client: str, op: str, each: Mapping[int, Outage], *, headline: bool
) -> Finding:
    kind = PROBES[op]
    down = measured_s(found, case, client, op)
    if down is None:
        reason = f"no {kind} probe of {client_words(client, case.engine)} saw a fault injected"
        return found.absent(case, client, f"{kind}_downtime_s", "s", reason, headline=headline)
    unended = sum(not outage.ended for outage in each.values())
    longest = max(each.values(), key=lambda outage: outage.down_s)
    open_end = f", {unended} of {count(down.n, 'trial')} ended before it was back" if unended else ""
    worst = f", worst {'' if longest.ended else 'at least '}{seconds(longest.down_s)}"
    how = f"{count(down.n, 'trial')}{span(down.low, down.high, seconds)}; {found.on(case.engine)}"
    who, bound = client_words(client, case.engine), "at least " if down.at_least else ""
    if not unended and down.value <= 2 * case.interval_s:
        what = f"{kind}s went on after {case.after}, as seen by {who}: no gap beyond the probes' own, {seconds(down.value)}"
    else:
        what = f"down for {kind}s for {bound}{seconds(down.value)} after {case.after}, as seen by {who}"
    beside = _server(found, case, op) if client == TUNED else ""
    sentence = f"{case.about}: {what} (median{open_end}{worst}; {how}){beside}."
    finding = found.say(case, client, f"{kind}_downtime_s", sentence, down, "s", "lower", headline=headline)
    return found.tool.exempt(finding, trials=each, figure_ms=1e3 * down.value)


def _server(found: Measured, case: Case, op: str) -> str:
    """What of it is the server's own."""
    own = measured_s(found, case, REFERENCE, op)
    if own is None:
        return ""
    return f"; the server itself for {'at least ' if own.at_least else ''}{seconds(own.value)}"


def _minutes(found: Measured, case: Case, client: str, down: Interval) -> Iterator[Finding]:
    """Failovers a month × the median; the target allows so many minutes of 730 hours."""
    told: Any = (case.params.get("failovers_a_month"), case.params.get("availability_target"))
    if any(value is None or pd.isna(value) for value in told):
        return
    failovers, target = map(float, told)
    minutes, allowed = scaled(down, failovers / 60), (1 - target) * HOURS_A_MONTH * 60
    verdict = "within" if minutes.value <= allowed else "beyond"
    if minutes.at_least and verdict == "within":
        verdict = "not yet beyond"
    rds = "" if case.pace == PACE_RDS else "; the seconds that RDS itself takes (D1) aren't in it"
    sentence = (
        f"{case.about}: {count_of(failovers)} a month by {case.after} would cost {client_words(client, case.engine)} "
        f"{'at least ' if minutes.at_least else ''}{number(minutes.value)} minutes of writes, {verdict} the "
        f"{number(allowed)} that a target of {percent_exact(target)} allows (modelled: their number × the median; "
        f"{count(down.n, 'trial')}; {found.on(case.engine)}{rds})."
    )
    yield found.say(
        case, client, "unavailable_minutes_a_month", sentence, minutes, "minutes", "lower", basis="modelled"
    )


def count_of(failovers: float) -> str:
    """``1 failover``, ``0.5 failovers``."""
    return f"{number(failovers)} failover{'' if failovers == 1 else 's'}"


def percent_exact(share: float) -> str:
    """An availability: 99.95 % isn't 100."""
    return percent(share) if share < 0.99 else f"{100 * share:.6f}".rstrip("0").rstrip(".") + " %"
