"""What one answer takes, cell by cell: units, dollars, bytes, pages, round trips and time."""

from collections.abc import Iterator

from reports import stats
from reports.findings import Finding
from reports.places import LOCAL, OVERRIDE, words_of
from reports.query_vs_scan.arms import NAME, READ_PRICE, WRITE_PRICE, is_write
from reports.query_vs_scan.cells import Asked, Cell
from reports.samples import by_trial
from reports.tool import Statistic
from reports.words import count, dollars, milliseconds, number, scaled, span

PERCENTILES: tuple[tuple[float, Statistic], ...] = ((50.0, "p50"), (95.0, "p95"), (99.0, "p99"))
# column of the samples -> what an answer does with so many of them
_COUNTED = {"bytes": "received", "round_trips": "made", "pages": "read"}


def findings(asked: Asked) -> list[Finding]:
    """All of every cell. Writes have units and dollars alone: their latencies would tell of the stand-in."""
    return [finding for cell in asked.cells for finding in _of_cell(asked, cell)]


def usd_per_million(asked: Asked, cell: Cell) -> stats.Interval | None:
    """Dollars of a million such answers; None where the price isn't known."""
    price = asked.price(WRITE_PRICE if is_write(cell.question) else READ_PRICE)
    return None if price is None else scaled(stats.mean_of_trials(cell.units().to_numpy()), price)


def _of_cell(asked: Asked, cell: Cell) -> Iterator[Finding]:
    counts = [_units(asked, cell), _dollars(asked, cell)]
    if not is_write(cell.question):
        counts += [_count(asked, cell, column) for column in _COUNTED if len(cell.means(column))]
    yield from (asked.tool.exempt(finding, trials=cell.trials) for finding in counts)
    if not is_write(cell.question):
        yield from _latencies(asked, cell)


def _units(asked: Asked, cell: Cell) -> Finding:
    units, unit = stats.mean_of_trials(cell.units().to_numpy()), cell.units_column.replace("_", " ")
    sentence = (
        f"{cell.about} consumed {number(units.value)} {unit} an answer ({count(units.n, 'trial')}{span(units.low, units.high)}; "
        f"{asked.on}, exact units)."
    )
    return asked.measured("units_per_answer", sentence, units, unit, cell.labels, better="lower")


def _place(asked: Asked) -> str:
    place = words_of(asked.run.manifest, NAME, "dynamodb")
    return {LOCAL: f"the {LOCAL}", OVERRIDE: f"an {OVERRIDE}"}.get(place, place)


def _dollars(asked: Asked, cell: Cell) -> Finding:
    id, cost = "usd_per_million_answers", usd_per_million(asked, cell)
    if cost is None:
        key = WRITE_PRICE if is_write(cell.question) else READ_PRICE
        return asked.unknown(
            id, f"{cell.about}: no dollars", f"the price {key} isn't in the price file", "USD", cell.labels
        )
    sentence = (
        f"{cell.about} costs {dollars(cost.value)} a million answers on demand "
        f"(units measured on {_place(asked)} × {asked.prices_of})."
    )
    return asked.measured(id, sentence, cost, "USD", cell.labels, better="lower", basis="modelled")


def _count(asked: Asked, cell: Cell, column: str) -> Finding:
    unit, figure = column.replace("_", " "), stats.mean_of_trials(cell.means(column).to_numpy())
    noun = unit.removesuffix("s") if figure.value == 1 else unit
    sentence = (
        f"{cell.about} {_COUNTED[column]} {number(figure.value)} {noun} an answer ({count(figure.n, 'trial')}{span(figure.low, figure.high)}; "
        f"{asked.on})."
    )
    return asked.measured(f"{column}_per_answer", sentence, figure, unit, cell.labels, better="lower")


def _latencies(asked: Asked, cell: Cell) -> Iterator[Finding]:
    """Percentiles of the service times of each trial, in the order they were taken."""
    trials = [rows["service_ms"].to_numpy() for _, rows in by_trial(cell.rows)]
    found, of_trials = stats.percentiles(trials, [p for p, _ in PERCENTILES]), count(len(trials), "trial")
    floor = asked.tool.floor(cell.labels["client"], cell.op, cell.labels)
    for p, which in PERCENTILES:
        id, time, n = f"latency_{which}_ms", found.pooled[p], len(cell.rows)
        if time is None:
            reason = (
                f"{count(n, 'answer')} in {of_trials} are worth {found.worth:.0f} independent ones, and a {which} takes "
                f"{stats.LEAST_SAMPLES[p]}"
            )
            yield asked.unknown(id, f"{cell.about}: no {which} can be given", reason, "ms", cell.labels, n)
            continue
        sentence = (
            f"{cell.about} took {milliseconds(time.value)} at {which} (service time, closed loop, {count(time.n, 'answer')} in "
            f"{of_trials}{span(time.low, time.high, milliseconds)}; {asked.on})."
        )
        timed = asked.measured(id, sentence, time, "ms", cell.labels, better="lower")
        yield asked.tool.judged(timed, trials=cell.trials, per_trial=found.each[p], floor=floor, statistic=which)
