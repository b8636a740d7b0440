"""Parameter groups: what each brings or costs, what a process crash loses with it, and which parameters wait for a reboot."""

import math
from collections.abc import Iterator, Mapping, Sequence

from reports import stats
from reports.findings import Finding
from reports.rds_operations import latencies
from reports.rds_operations.arms import DEFAULT, HOST_REASON, PARAMETERS, PENDING, READ, WRITE
from reports.rds_operations.cells import Cell, Event, Measured, counted
from reports.words import count, engine_name, number, seconds, span

COUNTS = ("acknowledged", "failed", "ambiguous", "ambiguous_present", "lost", "phantom", "duplicate")


def findings(found: Measured, engine: str, *, opens: bool) -> Iterator[Finding]:
    """Group by group, and the one that brings most against the default."""
    cells = found.where(engine, PARAMETERS)
    rates = {cell.arm: per_s(found, cell) for cell in cells}
    base = next((cell for cell in cells if cell.arm == DEFAULT), None)
    first = _fastest(rates, base)
    for cell in cells:
        yield from _rate(found, cell, rates[cell.arm], headline=opens and base is None and cell is cells[0])
        if base is not None and cell is not base:
            yield from _against(found, cell, base, rates, headline=opens and cell.arm == first)
        yield from latencies.findings(found, cell, (WRITE, READ))
        yield from _lost(found, cell, headline=opens and cell is base and first is None)
        yield from _recovery(found, cell)
        yield from waiting(found, cell)


def per_s(found: Measured, cell: Cell) -> dict[int, float]:
    """Acknowledged writes a second in each round, from the first that was sent until the server was killed."""
    found_: dict[int, float] = {}
    for trial, rows in found.of_op(cell, WRITE).items():
        killed_ns = found.at_ns(trial, "killed")
        first_ns = int(rows["t_start"].min())
        if killed_ns is not None and killed_ns > first_ns:
            told = int((rows["ok"] & (rows["t_end"] <= killed_ns)).sum())
            found_[cell.trials[trial]] = told / ((killed_ns - first_ns) / 1e9)
    return found_


def totals(found: Measured, cell: Cell) -> tuple[Mapping[str, int], int]:
    """What became of all writes of a cell, and in how many trials that was looked up."""
    checks = found.events_of(cell, "ledger_checked")
    return {key: sum(int(one.get(key, 0)) for one in checks) for key in COUNTS}, len(checks)


def changes(found: Measured, cell: Cell) -> dict[str, list[Event]]:
    """The parameters that were given to the instance, with what was noted of each in every trial."""
    of: dict[str, list[Event]] = {}
    for event in found.events_of(cell, "parameter"):
        of.setdefault(str(event["name"]), []).append(event)
    return of


def waiting(found: Measured, cell: Cell) -> Iterator[Finding]:
    """How many parameters wait for a reboot in RDS's words, how long that takes, and how soon the others are heeded."""
    given = changes(found, cell)
    if not given:
        return
    pending = [name for name, each in given.items() if any(one["status_after"] == PENDING for one in each)]
    applied = {
        name: [one["applied_s"] for one in each if one.get("applied_s") is not None] for name, each in given.items()
    }
    heeded = [name for name, each in applied.items() if each and name not in pending]
    reboots = [float(one["seconds"]) for one in found.events_of(cell, "reboot")]
    says = (
        [f"{', '.join(pending)} {_is(pending)} static and {PENDING} until the instance is rebooted"] if pending else []
    )
    says += [f"{', '.join(heeded)} {_is(heeded)} dynamic and in-sync without a reboot"] if heeded else []
    sentence = f"{cell.about}: {'; '.join(says) or 'nothing waits'} ({found.on(cell)})."
    yield found.say(cell, "pending_reboot", sentence, counted(len(pending), len(cell.trials)), "parameters", "none")
    if reboots:
        took = stats.median_of_trials(reboots)
        sentence = (
            f"{cell.about}: the reboot that applies {', '.join(pending) or 'the group'} took {seconds(took.value)} "
            f"(median, {count(took.n, 'reboot')}{span(took.low, took.high, seconds)}; {found.on(cell)})."
        )
        yield found.say(cell, "reboot_s", sentence, took, "s", "lower")
    each_s = [float(one) for name in heeded for one in applied[name]]
    if each_s:
        took = stats.median_of_trials(each_s)
        sentence = (
            f"{cell.about}: the group was applying for {seconds(took.value)} until the server heeded {', '.join(heeded)} "
            f"(median, {count(took.n, 'modification')}{span(took.low, took.high, seconds)}; {found.on(cell)})."
        )
        yield found.say(cell, "applied_s", sentence, took, "s", "lower")


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _fastest(rates: Mapping[str, Mapping[int, float]], base: Cell | None) -> str | None:
    """The group that brings most against the default."""
    if base is None:
        return None
    ratios = {arm: ratio for arm, each in rates.items() if arm != base.arm and (ratio := _ratio(each, rates[base.arm]))}
    return max(ratios, key=lambda arm: ratios[arm].value, default=None)


def _ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> stats.Interval | None:
    """Of the rounds in which both wrote anything."""
    some = [{pair: rate for pair, rate in each.items() if rate > 0} for each in (ours, theirs)]
    return latencies.ratio_of(some[0], some[1])


def _rate(found: Measured, cell: Cell, rates: Mapping[int, float], *, headline: bool) -> Iterator[Finding]:
    if not rates:
        yield found.absent(
            cell, "writes_per_s", "writes/s", "no trial of it was killed while its writers wrote", "higher", op=WRITE,
            headline=headline,
        )  # fmt: skip
        return
    each = list(rates.values())
    rate = stats.geometric_mean_of_trials(each) if min(each) > 0 else stats.mean_of_trials(each)
    writers = cell.params.get("writers")
    sentence = (
        f"{cell.about}: {number(rate.value)} writes a second were acknowledged ({_writers(writers)}{count(rate.n, 'trial')}"
        f"{span(rate.low, rate.high)}; {found.on(cell)})."
    )
    finding = found.say(cell, "writes_per_s", sentence, rate, "writes/s", "higher", op=WRITE, headline=headline)
    took_ms = _took_ms(cell, rate.value)
    yield found.tool.compared(
        finding, trials=cell.trials, figure_ms=took_ms, bounds=(None, None)
    )  # a busy tool writes less


def _took_ms(cell: Cell, per_s: float) -> float:
    """What one of so many writes a second took its writer."""
    return 1e3 * float(cell.params.get("writers") or 1) / per_s if per_s else math.inf


def _writers(writers: object) -> str:
    return f"{count(int(writers), 'writer')}, closed loop; " if isinstance(writers, int | float) else ""


def _against(
    found: Measured, cell: Cell, base: Cell, rates: Mapping[str, Mapping[int, float]], *, headline: bool
) -> Iterator[Finding]:
    ratio = _ratio(rates[cell.arm], rates[base.arm])
    if ratio is None:
        return
    engine = engine_name(cell.engine)
    sentence = (
        f"{engine}: parameter group {cell.arm} took {number(ratio.value)} times as many writes a second as {base.arm} (paired, "
        f"{latencies.of_rounds(ratio)}; {found.on(cell)}), and kill -9 lost {_losses(found, cell)} with it, "
        f"{_losses(found, base)} with {base.arm}; what a lost host would lose isn't measured."
    )
    finding = found.say(
        cell,
        "writes_ratio",
        sentence,
        ratio,
        "ratio",
        "higher",
        op=WRITE,
        headline=headline,
        about={"against": base.arm},
    )
    most_per_s = max(rate for arm in (cell.arm, base.arm) for rate in rates[arm].values())
    yield found.tool.compared(finding, trials=[*cell.trials, *base.trials], figure_ms=_took_ms(cell, most_per_s))


def _losses(found: Measured, cell: Cell) -> str:
    sums, n = totals(found, cell)
    return f"{sums['lost']:,} of {sums['acknowledged']:,} acknowledged writes" if n else "an unknown number of writes"


def _lost(found: Measured, cell: Cell, *, headline: bool) -> Iterator[Finding]:
    sums, n = totals(found, cell)
    if n:
        sentence = (
            f"{cell.about}: {sums['lost']:,} of {sums['acknowledged']:,} acknowledged writes lost (every write looked up after "
            f"{f'each of {n:,} crashes' if n > 1 else 'a crash'} by kill -9; {sums['ambiguous']:,} more were ambiguous, of which "
            f"{sums['ambiguous_present']:,} are present; {found.on(cell)})."
        )
        yield found.say(
            cell, "lost_writes", sentence, counted(sums["lost"], n), "writes", "lower", op=WRITE, headline=headline
        )
    else:
        reason = "the ledger wasn't checked"
        yield found.absent(cell, "lost_writes", "writes", reason, op=WRITE, headline=headline)
    yield found.absent(cell, "lost_host_writes", "writes", HOST_REASON, op=WRITE)


def _recovery(found: Measured, cell: Cell) -> Iterator[Finding]:
    each = [float(one["seconds"]) for one in found.events_of(cell, "recovered")]
    if each:
        took = stats.median_of_trials(each)
        sentence = (
            f"{cell.about}: started again after kill -9, it answered within {seconds(took.value)} (median, {count(took.n, 'trial')}"
            f"{span(took.low, took.high, seconds)}; {found.on(cell)})."
        )
        yield found.say(cell, "recovery_s", sentence, took, "s", "lower")
