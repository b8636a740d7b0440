"""Arms held against each other by pairs: Scan and look-up, strong and eventual reads, and what is tried to save units."""

from reports import stats
from reports.findings import Finding
from reports.query_vs_scan.arms import LOOKUPS, QUESTIONS, saves_nothing_against
from reports.query_vs_scan.cells import Asked, ByRound, Cell, trials_of
from reports.words import count, number, percent, span

_NO_CHANGE = 0.005  # what a change of less is called: nothing


def findings(asked: Asked) -> list[Finding]:
    """Scan ÷ look-up at each size of table, then strong ÷ eventual, then what saves nothing."""
    part = "table_items" if asked.where("table_items") else "arms"
    pairs = [one for question in LOOKUPS for one in _pairs(asked, part, question)]
    found = [finding for lookup, scan, largest in pairs for finding in _scan_to_lookup(asked, lookup, scan, largest)]
    return [*found, *_strong(asked), *_saves_nothing(asked)]


def _pairs(asked: Asked, part: str, question: str) -> list[tuple[Cell, Cell, bool]]:
    """The look-up and the Scan at each step where both were measured, and whether it is the largest table measured."""
    scans = {cell.step: cell for cell in asked.where(part, question, "scan")}
    largest = max((cell.items for cell in asked.where(part, question)), default=0)
    lookups = asked.where(part, question, LOOKUPS[question][0])
    return [(cell, scans[cell.step], cell.items == largest) for cell in lookups if cell.step in scans]


def _scan_to_lookup(asked: Asked, lookup: Cell, scan: Cell, largest: bool) -> list[Finding]:
    what, how = QUESTIONS[lookup.question], LOOKUPS[lookup.question][1]
    labels = {
        "part": lookup.part, "question": lookup.question, "step": lookup.step, "arm": f"scan / {lookup.arm}",
        "client": lookup.labels["client"],
    }  # fmt: skip
    units = paired(lookup.units(), scan.units())
    latency = paired(lookup.medians("service_ms"), scan.medians("service_ms"))
    opens = f"To list {what}, a Scan of {lookup.items:,} items"
    if units is None or latency is None:
        return [
            asked.unknown(id, opens, "no pair has both arms", "ratio", labels)
            for id in ("units_ratio", "latency_ratio")
        ]
    consumed = (
        f"{opens} consumed {number(units.ratio)} times the read units of a {how} "
        f"({count(units.n, 'pair')}{span(units.low, units.high)}; {asked.on}, exact units)."
    )
    took = (
        f"{opens} took {number(latency.ratio)} times as long as a {how} "
        f"(service time, {count(latency.n, 'pair')}{span(latency.low, latency.high)}; {asked.on})."
    )
    trials = trials_of((lookup, scan))
    shorter_ms = min(float(cell.rows["service_ms"].median()) for cell in (lookup, scan))
    return [
        asked.tool.exempt(
            asked.measured("units_ratio", consumed, as_interval(units), "ratio", labels, headline=largest),
            trials=trials,
        ),
        asked.tool.compared(
            asked.measured("latency_ratio", took, as_interval(latency), "ratio", labels),
            trials=trials,
            figure_ms=shorter_ms,
        ),
    ]


def _strong(asked: Asked) -> list[Finding]:
    found = []
    for cell in asked.where("arms"):
        base = asked.cell("arms", cell.question, cell.how.plain) if cell.how.strong else None
        ratio = paired(*_same_answers(base, cell)) if base else None
        if base is None or ratio is None:
            continue
        sentence = (
            f"Strongly consistent, {base.about} consumed {number(ratio.ratio)} times the read units "
            f"({count(ratio.n, 'pair')}{span(ratio.low, ratio.high)}; {asked.on}, exact units)."
        )
        labels = cell.labels | {"against": base.arm}
        finding = asked.measured("strong.units_ratio", sentence, as_interval(ratio), "ratio", labels)
        found.append(asked.tool.exempt(finding, trials=trials_of((base, cell))))
    return found


def _same_answers(one: Cell, other: Cell) -> tuple[ByRound, ByRound]:
    """Mean units of both by round, over the answers that both gave: the n-th of a round is for the same keys in either.

    A faster arm gives more answers in the time of a trial, and those for other keys would blur what is exact.
    """
    both = one.rows.merge(other.rows, on=["round", "nth"], suffixes=("_one", "_other")).groupby("round")
    return both["read_units_one"].mean(), both["read_units_other"].mean()


def _as_many_evaluated(base: Cell, cell: Cell) -> tuple[ByRound, ByRound]:
    """Mean units by round of ``base`` and ``cell``, of those answers of ``cell`` that ``base`` has evaluated as many items for.

    A filter's question isn't its plain arm's: their answers differ, what they evaluate for the same aircraft doesn't.
    """
    plain = cell.rows["items_scanned"].map(base.rows.groupby("items_scanned")["read_units"].mean())
    both = cell.rows.assign(plain=plain).dropna(subset="plain").groupby("round")
    return both["plain"].mean(), both["read_units"].mean()


def _saves_nothing(asked: Asked) -> list[Finding]:
    """Against the plain arm, evaluating as many items."""
    found = []
    for cell in asked.where("arms"):
        against = saves_nothing_against(cell.arm)
        if against is None:
            continue
        plain, tried = against
        base = asked.cell("arms", cell.question, plain) or asked.cell("arms", "aircraft", plain)
        ratio = paired(*_as_many_evaluated(base, cell)) if base else None
        if base is None or ratio is None:
            continue
        returned = cell.rows["items_returned"].sum() / cell.rows["items_scanned"].sum()
        sentence = (
            f"{tried} {_change(ratio)} what is consumed: {cell.about} returned {percent(returned)} of the items it evaluated and "
            f"consumed {number(ratio.ratio)} times the read units of a plain {base.how.words} that evaluates as many "
            f"({count(ratio.n, 'pair')}{span(ratio.low, ratio.high)}; {asked.on}, exact units)."
        )
        finding = asked.measured(
            "saves_nothing.units_ratio", sentence, as_interval(ratio), "ratio", cell.labels | {"against": plain}
        )
        found.append(asked.tool.exempt(finding, trials=trials_of((base, cell))))
    return found


def _change(ratio: stats.PairedRatio) -> str:
    """What a ratio is called; a change that can't be told from none isn't one."""
    if abs(ratio.ratio - 1) < _NO_CHANGE:
        return "changes nothing of"
    if ratio.low is not None and ratio.high is not None and ratio.low <= 1 <= ratio.high:
        return "can't be told to change"
    return f"changes by {percent(ratio.ratio - 1)}"


def paired(base: ByRound, candidate: ByRound) -> stats.PairedRatio | None:
    """candidate ÷ base over the rounds that have both, and something to compare; None where there is none."""
    both = base.index[base > 0].intersection(candidate.index[candidate > 0])
    return stats.paired_ratio(base[both].to_numpy(), candidate[both].to_numpy()) if len(both) else None


def as_interval(ratio: stats.PairedRatio) -> stats.Interval:
    """A paired ratio as the estimate it is."""
    return stats.Interval(value=ratio.ratio, low=ratio.low, high=ratio.high, n=ratio.n, method="paired t on log ratios")
