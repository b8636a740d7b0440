"""Connection limits: how many an application gets, what the next one is told, and what those who have one notice."""

from collections.abc import Iterator, Sequence

from reports import stats
from reports.findings import Finding
from reports.rds_operations import latencies
from reports.rds_operations.arms import ABOVE, BELOW, CONNECT, CONNECTIONS, READ, WRITE
from reports.rds_operations.cells import Cell, Event, Measured, counted
from reports.rds_operations.latencies import COARSE
from reports.rds_operations.parameters import waiting
from reports.words import count, engine_name, number, span

WORDS = ("while connections were opened past the limit", "while they were opened to half of it")


def findings(found: Measured, engine: str, *, opens: bool) -> Iterator[Finding]:
    """Limit by limit; the first that was gone past opens where no other part does."""
    below, above = found.where(engine, CONNECTIONS, BELOW), found.where(engine, CONNECTIONS, ABOVE)
    for cell in [*below, *above]:
        yield from latencies.findings(found, cell, (CONNECT, READ, WRITE), COARSE)
        yield _failed(found, cell)
    for cell in above or below:
        yield from waiting(found, cell)
    for cell in above:
        yield _until_refused(found, cell, headline=opens and cell is above[0])
        base = next((one for one in below if one.step == cell.step), None)
        for op in (READ, WRITE):
            if base and (ratio := latencies.compared(found, cell, base, op, "holder_ratio", WORDS)):
                yield ratio


def refusals(found: Measured, cell: Cell) -> list[Event]:
    """Each connection that was refused, with what it was told."""
    return found.events_of(cell, "refused_connection")


def said(refused: Sequence[Event]) -> str:
    """The words of the refusals, each once with its code."""
    return " or ".join(dict.fromkeys(f"{one['error']}: {one['text']}" for one in refused))


def _until_refused(found: Measured, cell: Cell, *, headline: bool) -> Finding:
    refused = refusals(found, cell)
    limit = cell.params.get("max_connections", cell.step)
    first: dict[int, int] = {}
    for one in refused:
        first.setdefault(int(one["trial"]), int(one["number"]))
    had = {int(one["trial"]): int(one["opened"]) for one in found.events_of(cell, "connections")}
    held = int(cell.params.get("held") or 0)
    never = [opened + held for trial, opened in had.items() if trial not in first]
    if not first and not never:
        reason = "nothing was noted of its connections"
        return found.absent(
            cell, "connections_until_refused", "connections", reason, "higher", op=CONNECT, headline=headline
        )
    many = stats.median_of_trials(list(first.values()), never)
    each = set(first.values())
    if len(each) == 1 and not never:
        many = counted(each.pop(), len(first))
    then = f"the next one was refused with {said(refused)}" if first else "none was refused"
    within = "" if many.low == many.high else span(many.low, many.high)
    sentence = (
        f"{engine_name(cell.engine)}: an application got {'at least ' if many.at_least else ''}{number(many.value)} connections of "
        f"max_connections {limit}; {then} ({count(len(refused), 'refusal')} in {count(len(first) + len(never), 'trial')}{within}; "
        f"{found.on(cell)})."
    )
    return found.say(
        cell, "connections_until_refused", sentence, many, "connections", "higher", op=CONNECT, headline=headline
    )


def _failed(found: Measured, cell: Cell) -> Finding:
    """Of those who have a connection: what gave no answer."""
    rows = [rows for op in (READ, WRITE) for rows in found.of_op(cell, op).values()]
    total, failed = sum(map(len, rows)), sum(int((~one["ok"]).sum()) for one in rows)
    sentence = (
        f"{cell.about}: {failed:,} of {total:,} reads and writes of those who had a connection failed ({count(len(cell.trials), 'trial')}; "
        f"{found.on(cell)})."
    )
    return found.say(cell, "failed_operations", sentence, counted(failed, len(cell.trials)), "operations", "lower")
