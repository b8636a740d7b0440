"""What became of every write: counts, held against the rows that are there afterwards (D6), and what they can't tell (F6)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.findings import Better, Finding
from reports.places import is_aws
from reports.rds_failover.arms import (
    ALL,
    BLIND,
    DEFAULT,
    DURABILITY,
    FAULTS,
    KEEPS,
    NAME,
    TUNED,
    client_words,
    in_order,
)  # fmt: skip
from reports.rds_failover.cells import Case, Measured, counted
from reports.words import absent, count, engine_name, measured

# Counts of writes, and how a sentence goes on after the number.
LEDGER: Mapping[str, str] = {
    "lost": "of {acknowledged:,} acknowledged writes lost",
    "phantom": "of {failed:,} refused writes present all the same",
    "duplicate": "writes present more than once",
    "ambiguous": "writes ambiguous, the connection broke before the answer; {ambiguous_present:,} of them are present",
    "acknowledged": "writes acknowledged",
}
COUNTS = (*LEDGER, "failed", "ambiguous_present", "retried")
HOST = "lost_host"
_HOST_REASON = (
    "a killed process leaves the kernel's page cache, so that writes which were never fsynced survive it as they wouldn't survive the loss "
    "of their host; no fault here drops them (F6)"
)
Counts = dict[str, int]
Event = Mapping[str, Any]


def findings(found: Measured, case: Case) -> Iterator[Finding]:
    """Of all clients together, then one by one; then both servers' tables, where they could be held side by side."""
    checks = found.events("ledger_checked", case)
    if not checks:
        for what in LEDGER:
            yield found.absent(case, ALL, f"{what}_writes", "writes", "the ledger wasn't checked")
        return
    for client, those in ({ALL: checks} | by_client(checks)).items():
        yield from _of_client(found, case, client, those)
    yield from _missing(found, case, totals(checks)["lost"])


def totals(checks: Sequence[Event]) -> Counts:
    """Added up; older ledgers don't count what was retried."""
    return {key: sum(int(check.get(key, 0)) for check in checks) for key in COUNTS}


def by_client(checks: Sequence[Event]) -> dict[str, Sequence[Event]]:
    """Ledgers by client arm; older ones are of the tuned client."""
    of: dict[str, list[Event]] = {}
    for check in checks:
        of.setdefault(str(check.get("client_arm", TUNED)), []).append(check)
    return {client: of[client] for client in in_order(list(of))}


def opening(found: Measured, engine: str) -> Iterator[Finding]:
    """What an engine lost in all failovers that may lose nothing, and beside it in those that may."""
    checked = [(case, found.events("ledger_checked", case)) for case in found.of_engine(engine)]
    full = [(case, checks) for case, checks in checked if checks]
    safe = [one for one in full if may_not_lose(one[0])]
    those = safe or full
    if not those:
        return
    sums = totals([check for _, checks in those for check in checks])
    where = ", ".join(dict.fromkeys(case.where for case, _ in those))
    beside = _beside([one for one in full if safe and not may_not_lose(one[0])])
    trials = sum(len({check["trial"] for check in checks}) for _, checks in those)
    sentence = (
        f"{engine_name(engine)}: {sums['lost']:,} {LEDGER['lost'].format(**sums)} in {count(trials, 'failover')} ({where}; every "
        f"write of every client looked up afterwards; {_what_failed(found)}; {found.on(engine)}){beside}."
    )
    labels = {name: text for name, text in those[0][0].labels(ALL).items() if name in _OF_ENGINE}
    yield measured(
        found.run, NAME, f"{NAME}.{engine}.lost_writes", sentence, counted(sums["lost"], trials), "writes", "lower",
        labels, headline=True,
    )  # fmt: skip


_OF_ENGINE = ("engine", "server", "driver", "arm", "client")


def _what_failed(found: Measured) -> str:
    return "what RDS does when it is asked" if is_aws(found.run) else "a process that crashes or hangs, not a lost host"


def may_not_lose(case: Case) -> bool:
    """Whether a lost write there is a broken promise and no finding that was to be expected."""
    return case.topology in KEEPS and case.durability == DEFAULT


_RDS_REASON = "RDS is asked for a fail-over; nobody but AWS can lose one of its hosts"


def lost_hosts(found: Measured, engine: str) -> Iterator[Finding]:
    """Not measured, of each topology that was to be."""
    for topology in dict.fromkeys(case.topology for case in found.of_engine(engine)):
        cases = [case for case in found.of_engine(engine) if case.topology == topology]
        labels = {name: text for name, text in cases[0].labels(ALL).items() if name in _OF_ENGINE}
        about = {"engine": engine, "topology": topology, "fault": HOST} | labels
        yield absent(
            found.run,
            NAME,
            f"{NAME}.{engine}.{topology}.{HOST}.lost_writes",
            "writes",
            "lower",
            _RDS_REASON if is_aws(found.run) else _HOST_REASON,
            about,
        )


def wrong(found: Measured, findings: Sequence[Finding]) -> Iterator[str]:
    """What shouldn't be: lost where nothing may be, phantoms, duplicates of who doesn't retry blindly, tables that say otherwise."""
    cases = {(case.step, case.engine): case for case in found.cases}
    for one in findings:
        case = cases.get((one.labels.get("step", ""), one.labels.get("engine", "")))
        if case is None or not one.value:
            continue
        figure, client = one.id.rsplit(".", 1)[1], one.labels["client"]
        lost = figure == "lost_writes" and client == ALL and may_not_lose(case)
        phantom = figure == "phantom_writes" and client == ALL
        duplicate = figure == "duplicate_writes" and client not in (*BLIND, ALL)
        if lost or phantom or duplicate:
            yield one.sentence
    yield from (text for case in found.cases if (text := _disagrees(found, case)))


def _of_client(found: Measured, case: Case, client: str, checks: Sequence[Event]) -> Iterator[Finding]:
    sums, n = totals(checks), len({check["trial"] for check in checks})
    who = "" if client == ALL else f", {client_words(client, case.engine)}"
    for what, meaning in LEDGER.items():
        retried = f" of {sums['retried']:,} that were retried" if what == "duplicate" and sums["retried"] else ""
        host = "; what a lost host would lose isn't measured" if what == "lost" and case.part == DURABILITY else ""
        sentence = (
            f"{case.about}, {_fault(case)}{who}: {sums[what]:,} {meaning.format(**sums)}{retried} (every write looked up after each of "
            f"{count(n, 'failover')}; {found.on(case.engine)}{host})."
        )
        better: Better = "none" if what == "acknowledged" else "lower"
        finding = found.say(case, client, f"{what}_writes", sentence, counted(sums[what], n), "writes", better)
        yield found.tool.exempt(finding, trials=case.trials)


def _fault(case: Case) -> str:
    return FAULTS.get(case.fault, case.fault).removeprefix("a ")


def _beside(others: Sequence[tuple[Case, Sequence[Event]]]) -> str:
    """What was lost where it may be, by topology or parameter; those that lost nothing are named."""
    of: dict[str, list[Event]] = {}
    for case, checks in others:
        what = f"the {case.where.lower()}" if case.durability == DEFAULT else case.durability
        of.setdefault(what, []).extend(checks)
    sums = {what: totals(checks) for what, checks in of.items()}
    lost = [f"; {what} lost {one['lost']:,} of {one['acknowledged']:,}" for what, one in sums.items() if one["lost"]]
    kept = [what for what, one in sums.items() if not one["lost"]]
    return "".join(lost) + (f"; none were lost with {', '.join(kept)}" if kept else "")


def _missing(found: Measured, case: Case, lost: int) -> Iterator[Finding]:
    compared = found.events("tables_compared", case)
    if not compared:
        return
    missing, acknowledged = (sum(size(event[key]) for event in compared) for key in ("missing", "acknowledged_missing"))
    sentence = (
        f"{case.about}, {_fault(case)}: of the failed writer's rows {missing:,} aren't on the new one, {acknowledged:,} of them "
        f"acknowledged; by the ledger {lost:,} acknowledged ones are lost (both tables held side by side after each of "
        f"{count(len(compared), 'failover')}; {found.on(case.engine)})."
    )
    yield found.say(case, ALL, "missing_rows", sentence, counted(missing, len(compared)), "rows", "lower")


def _disagrees(found: Measured, case: Case) -> str | None:
    """The ledger and the two tables must say the same of the trials that have both."""
    compared = {event["trial"]: size(event["acknowledged_missing"]) for event in found.events("tables_compared", case)}
    lost: dict[int, int] = {}
    for check in found.events("ledger_checked", case):
        lost[check["trial"]] = lost.get(check["trial"], 0) + int(check["lost"])
    wrong_ = [trial for trial, rows in compared.items() if lost.get(trial, rows) != rows]
    if not wrong_:
        return None
    trials = ", ".join(map(str, wrong_))
    return f"{case.about}, {_fault(case)}: ledger and tables disagree about the lost writes of trials {trials}."


def size(rows: Any) -> int:
    """Rows as an event tells them: their ids, or how many."""
    return rows if isinstance(rows, int) else len(rows)


def client_rows(found: Measured, engine: str) -> dict[str, Counts]:
    """What became of each client's writes, over all cases with the parameters that RDS has."""
    checks = [
        check
        for case in found.of_engine(engine)
        if case.durability == DEFAULT
        for check in found.events("ledger_checked", case)
    ]
    return {client: totals(those) for client, those in by_client(checks).items()}
