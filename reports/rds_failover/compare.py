"""The worst client against the best: both watched the same failovers, so each trial gives a ratio of its own."""

from collections.abc import Iterator

from reports import stats
from reports.findings import Finding
from reports.rds_failover.arms import REFERENCE, TUNED, WRITE, client_words
from reports.rds_failover.cells import Case, Measured, median_s
from reports.rds_failover.downtime import outages
from reports.stats import Interval
from reports.words import count, number, seconds, span

FIGURE = "client_ratio"


def findings(found: Measured, case: Case, *, opens: bool) -> Iterator[Finding]:
    """One a case, where two clients or more wrote."""
    down = {client: outages(found, case, client, WRITE) for client in found.clients(case) if client != REFERENCE}
    medians = {client: median_s(each) for client, each in down.items() if each}
    if len(medians) < 2:
        return
    best, worst = ranked(medians)[0], ranked(medians)[-1]
    if medians[best].at_least:
        yield found.absent(case, worst, FIGURE, "ratio", "no client came back within the cap", headline=opens)
        return
    both = [trial for trial, outage in down[best].items() if outage.ended and trial in down[worst]]
    ended = {trial: down[worst][trial].ended for trial in both}
    ratios = {trial: down[worst][trial].down_s / down[best][trial].down_s for trial in both}
    ratio = stats.median_of_trials(
        [ratios[trial] for trial in both if ended[trial]], [ratios[trial] for trial in both if not ended[trial]]
    )
    sentence = (
        f"{case.about}, after {case.after}: writes were down "
        f"{'at least ' if ratio.at_least else ''}{number(ratio.value)} times as long for one client as for another: {_said(case, worst, medians[worst])}, "
        f"{_said(case, best, medians[best])}{_others(case, medians, best, worst)} (the worst and the best of "
        f"{count(len(medians), 'client')} that watched the same failovers; median of each trial's ratio, {count(ratio.n, 'trial')}"
        f"{span(ratio.low, ratio.high)}; {found.on(case.engine)})."
    )
    finding = found.say(case, worst, FIGURE, sentence, ratio, "ratio", "lower", headline=opens, about={"against": best})
    yield found.tool.exempt(finding, trials=both, figure_ms=1e3 * medians[best].value)


def ranked(medians: dict[str, Interval]) -> list[str]:
    """Clients by how long they couldn't write, the best first; those that didn't come back are last."""
    return sorted(medians, key=lambda client: (medians[client].at_least, medians[client].value))


def _others(case: Case, medians: dict[str, Interval], best: str, worst: str) -> str:
    """The tuned client where it is neither, and who else isn't back."""
    tuned = f"; {_said(case, TUNED, medians[TUNED])}" if TUNED in medians and TUNED not in (best, worst) else ""
    never = [one for one in ranked(medians) if medians[one].at_least and one not in (worst, TUNED)]
    names = ", ".join(client_words(one, case.engine) for one in never)
    return tuned + (f"; not back within the cap either: {names}" if never else "")


def _said(case: Case, client: str, down: Interval) -> str:
    return f"{client_words(client, case.engine)} {'at least ' if down.at_least else ''}{seconds(down.value)}"
