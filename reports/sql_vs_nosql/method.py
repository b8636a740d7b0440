"""How it was measured and how far it reaches, in sentences; and what wasn't checked or asked."""

from collections.abc import Iterator

from reports.places import is_aws
from reports.sql_vs_nosql.arms import BUSY, BUSY_LEAST, BUSY_MOST, GROWTH, INSTANCE, MONTH_HOURS, NAME, VCPU
from reports.sql_vs_nosql.cells import Measured
from reports.words import count, percent, seconds


def method(found: Measured) -> tuple[str, ...]:
    """Paragraphs: what was asked, the answers' check, figures, money, how far all that reaches."""
    return (_asked(found), _right(found), _figures(found), _money(found), _reach(found))


def warnings(found: Measured) -> Iterator[str]:
    """Answers that are others than pandas', and those that nobody checked."""
    check = found.checked
    for (arm, pattern), one in check.held.items():
        if one.wrong:
            yield f"{arm} {check.why_wrong(arm, pattern)}, pattern {pattern}: none of its figures of this pattern is given."
    if check.why_not is not None:
        yield f"Not checked: no answer was held against pandas on the raw CSV, for {check.why_not}."
        return
    asked = dict.fromkeys((cell.arm, cell.pattern) for cell in found.cells)
    missing = [f"{arm} {pattern}" for arm, pattern in asked if (arm, pattern) not in check.held]
    if missing:
        yield f"Not checked, for the run has no answer of theirs to hold against pandas: {', '.join(missing)}."


def _asked(found: Measured) -> str:
    params = found.run.scenario(NAME)["params"]
    growth = (
        " While the table grows the questions stay the same, and so do their answers where these are of some aircraft, airports or flights."
        if any(cell.part == GROWTH for cell in found.cells)
        else ""
    )
    return (
        f"Every arm is asked the same questions in the same order, drawn by the data's own skew; a sample is one whole answer, all its requests. "
        f"Trials of {seconds(params['trial_s'])}, and {count(params['least_answers'], 'answer')} at least, all arms of a pattern side by side in "
        f"{count(params['rounds'], 'round')}, in seeded order; one answer in flight. What was written is undone outside the measured time.{growth}"
    )


def _right(found: Measured) -> str:
    check = found.checked
    if check.why_not is not None:
        return f"Answers weren't checked: {check.why_not}."
    right = "all are the same" if not check.wrong else f"{check.answers - check.wrong:,} are the same"
    return (
        f"{check.answers:,} answers of the warm-up were held against pandas on the raw CSV files, a path of its own, by their digest in one "
        f"canonical form: {right}. What update_if and move_flight wrote was read back, and is held against pandas too. An arm that gave other "
        "rows has no figure of that pattern."
    )


def _figures(found: Measured) -> str:
    cached = (
        " A cache begins each trial empty, so hit rates are those of trials as short as these, not of a cache that is warm."
        if any(cell.rows["served_from"].eq("cache").any() for cell in found.cells)
        else ""
    )
    return (
        "Latency is service time, the client's own share included. Processor time is that of the server's whole process tree over the measured "
        "answers, its background work too; bytes are those its processes read from the disk and wrote by calls. Units are the ConsumedCapacity "
        "that each answer tells, indexes included; reads are eventually consistent. Exponents are slopes of logarithms: of time and processor "
        f"time by round, of units by question.{cached}"
    )


def _money(found: Measured) -> str:
    return (
        f"DynamoDB costs units × the on-demand price, whatever the capacity of the twin's tables. SQL costs processor time: a {INSTANCE} has {VCPU} vCPU, planned to be {percent(BUSY)} busy, and a "
        f"month has {MONTH_HOURS} hours; a million answers is their share of it, a month at a rate is whole instances, one at least, with "
        f"{percent(BUSY_MOST)} and {percent(BUSY_LEAST)} busy as its bounds. Each instance is supposed to answer reads and writes alike, as replicas or parts "
        f"of the data. Storage, a standby, backups, caches and traffic aren't in it: `dbharness choose` has them. {found.prices_of}."
    )


def _reach(found: Measured) -> str:
    if is_aws(found.run):
        return "Measured where the manifest says; processor time of managed servers isn't known, and what rests on it is absent."
    return (
        "How far this reaches: servers and client share one machine, without a network. Units are DynamoDB's rules, the same on the service; the "
        "twin's latency isn't the service's, and no store's has a network in it. That a core here does "
        "what an RDS vCPU does is an assumption, and all dollars of SQL stand on it; all data were in memory. Answers, round trips, "
        "units and their growth carry over; latencies compare arms of one engine, and say no more than orders of magnitude between stores."
    )
