"""Point-in-time restore: whether the rows of the chosen second came back, what the second costs, and how long it took."""

from collections.abc import Iterator, Sequence

from reports import stats
from reports.findings import Finding
from reports.rds_operations.arms import PITR, READ, RESTORE, WRITE
from reports.rds_operations.cells import Cell, Event, Measured, counted
from reports.words import count, engine_name, seconds, span

# What comes before the first answer, in its order; how long each took is `<step>_s` of the event.
STEPS = ("archived", "copied", "prepared", "recovered", "replayed", "started")
STEP_WORDS = {
    "archived": "waiting for the archive", "copied": "copying the base backup", "prepared": "preparing it",
    "recovered": "starting on it and replaying the log" , "replayed": "replaying the binary log", "started": "starting anew",
}  # fmt: skip


def findings(found: Measured, engine: str, *, opens: bool) -> Iterator[Finding]:
    """All restores of an engine; how long writes had to wait opens, with what came back."""
    for cell in found.where(engine, PITR, RESTORE):
        restored = found.events_of(cell, "restored")
        if not restored:
            yield found.absent(cell, "rto_s", "s", "nothing was restored", op=WRITE, headline=opens)
            continue
        yield _rto(found, cell, restored, WRITE, headline=opens)
        yield _rto(found, cell, restored, READ, headline=False)
        yield _rpo(found, cell, restored)
        yield _rows_wrong(found, cell, restored)
        yield _lost(found, cell, restored)
        yield from _steps(found, cell, restored)


def wrong_rows(restored: Sequence[Event]) -> int:
    """Rows that had to be there and weren't, and those that were and hadn't to be."""
    return sum(int(one["missing"]) + int(one["surplus"]) for one in restored)


def unlike(restored: Sequence[Event]) -> int:
    """Restores in which a table that nobody writes to has another size."""
    return sum(not one["others_alike"] for one in restored)


def came_back(restored: Sequence[Event]) -> str:
    """What came back, in words."""
    expected, wrong = sum(int(one["rows_expected"]) for one in restored), wrong_rows(restored)
    if wrong:
        missing, surplus = (sum(int(one[key]) for one in restored) for key in ("missing", "surplus"))
        return f"{missing:,} of {expected:,} rows missing and {surplus:,} too many"
    others = f", but other tables unlike in {unlike(restored)}" if unlike(restored) else ""
    return f"exactly the rows of that second, {expected:,} in {count(len(restored), 'restore')}{others}"


def wrong(found: Measured) -> Iterator[str]:
    """What shouldn't be: rows missing or too many, and other tables that aren't as they were."""
    for engine in found.engines:
        for cell in found.where(engine, PITR, RESTORE):
            restored = found.events_of(cell, "restored")
            if wrong_rows(restored) or unlike(restored):
                yield (
                    f"{engine_name(engine)}, point-in-time restore: {came_back(restored)}, where the rows of the chosen second had to be, and no "
                    "others."
                )  # fmt: skip


def steps_of(event: Event) -> dict[str, float]:
    """How long each step of a restore took, s, those that it has; what comes after them is the first answer's own."""
    known = [step for step in STEPS if event.get(f"{step}_s") is not None]
    return {step: float(event[f"{step}_s"]) for step in known}


def _rto(found: Measured, cell: Cell, restored: Sequence[Event], op: str, *, headline: bool) -> Finding:
    took = stats.median_of_trials([float(one[f"rto_{op}_s"]) for one in restored])
    engine, deleted = engine_name(cell.engine), sum(int(one["rows_deleted"]) for one in restored)
    rpo = stats.median_of_trials([float(one["rpo_s"]) for one in restored])
    what = "first write" if op == WRITE else "first read"
    rows = (
        f", with {came_back(restored)} ({deleted:,} had been deleted); the acknowledged writes of the last {seconds(rpo.value)} before the DELETE "
        "aren't in it"
        if headline
        else ""
    )
    sentence = (
        f"{engine}: restored to the second before a bad DELETE, a new instance took its {what} {seconds(took.value)} after it was asked "
        f"for{rows} (medians, {count(took.n, 'restore')}{span(took.low, took.high, seconds)}; {found.on(cell)})."
    )
    finding = found.say(cell, "rto_s", sentence, took, "s", "lower", op=op, headline=headline)
    return found.tool.exempt(finding, trials=cell.trials, figure_ms=1e3 * took.value)


def _rpo(found: Measured, cell: Cell, restored: Sequence[Event]) -> Finding:
    lost = stats.median_of_trials([float(one["rpo_s"]) for one in restored])
    longest = max(float(one["rpo_s"]) for one in restored)
    sentence = (
        f"{engine_name(cell.engine)}: from the first acknowledged write that the restore hasn't got to the DELETE it was "
        f"{seconds(lost.value)} (median, most {seconds(longest)}; {count(lost.n, 'restore')}{span(lost.low, lost.high, seconds)}; a restore "
        f"is to a whole second, and where in its second the DELETE fell is drawn; {found.on(cell)})."
    )
    return found.say(cell, "rpo_s", sentence, lost, "s", "lower", op=WRITE)


def _rows_wrong(found: Measured, cell: Cell, restored: Sequence[Event]) -> Finding:
    under_way = sum(int(one["under_way"]) for one in restored)
    sentence = (
        f"{engine_name(cell.engine)}: a restore to the second before the DELETE has {came_back(restored)} (sets of rows held against the "
        f"ledger; {count(len(restored), 'restore')}; {count(under_way, 'row')} under way at that second may be there or not; "
        f"{found.on(cell)})."
    )
    return found.say(cell, "rows_wrong", sentence, counted(wrong_rows(restored), len(restored)), "rows", "lower")


def _lost(found: Measured, cell: Cell, restored: Sequence[Event]) -> Finding:
    lost = sum(int(one["lost"]) for one in restored)
    sentence = (
        f"{engine_name(cell.engine)}: {lost:,} writes that were acknowledged before the DELETE aren't in the restored instance, since it is "
        f"restored to the whole second before ({count(len(restored), 'restore')}; {found.on(cell)})."
    )
    return found.say(cell, "lost_writes", sentence, counted(lost, len(restored)), "writes", "lower", op=WRITE)


def _steps(found: Measured, cell: Cell, restored: Sequence[Event]) -> Iterator[Finding]:
    each = [steps_of(one) for one in restored]
    for step in STEPS:
        times = [those[step] for those in each if step in those]
        if times:
            took = stats.median_of_trials(times)
            sentence = (
                f"{engine_name(cell.engine)}, point-in-time restore: {STEP_WORDS[step]} took {seconds(took.value)} (median, "
                f"{count(took.n, 'restore')}{span(took.low, took.high, seconds)}; {found.on(cell)})."
            )
            yield found.say(cell, "restore_step_s", sentence, took, "s", "lower", about={"phase": step})
