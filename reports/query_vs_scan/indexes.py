"""What an index costs: units of every write, storage, and the reads through it that pay for them."""

from dataclasses import dataclass

from reports import stats
from reports.findings import Finding
from reports.query_vs_scan.arms import INDEXES, NAME, NO_INDEX, QUESTIONS, READ_PRICE, STORAGE_PRICE, WRITE_PRICE
from reports.query_vs_scan.cells import Asked, ByRound, Cell, trials_of
from reports.words import count, dollars, number, span

PART = "index_writes"
ENTRY_OVERHEAD_BYTES = 100  # what storage is billed with beside an entry's own bytes: docs/facts.md, section C
_GB = 1e9
_MILLION = 1e6
_HEADLINE = ("all", "new_flight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Reading the same answer through an index and by a Scan: where both were measured."""

    through: Cell
    scan: Cell

    def saved_units(self) -> ByRound:
        """What a read through the index saves, by round."""
        return (self.scan.units() - self.through.units()).dropna()


def findings(asked: Asked) -> list[Finding]:
    """For each index: what pays for it, then its extra units by kind of write, then its storage."""
    pays, extra, storage = [], [], []
    for arm in INDEXES:
        for cell in asked.where(PART, arm=arm):
            base = asked.cell(PART, cell.question, NO_INDEX)
            units = extra_units(base, cell) if base else None
            if base is not None and units is not None and len(units):
                extra.append(_extra(asked, base, cell, units))
                pays += _pays(asked, base, cell, units)
        cells = asked.where(PART, arm=arm)
        storage += [_storage(asked, cells[0])] if cells and "index_entry_bytes" in cells[0].params else []
    return [*pays, *extra, *storage]


def extra_units(base: Cell, cell: Cell) -> ByRound:
    """Write units that the index adds to a write, by round."""
    return (cell.units() - base.units()).dropna()


def reads_of(asked: Asked, arm: str) -> Reads | None:
    """The read through this index and the Scan, of the largest table that both were asked of."""
    for part in ("arms", "table_items"):
        for through in reversed(asked.where(part, "airport", INDEXES[arm][1])):
            scan = next((one for one in asked.where(part, "airport", "scan") if one.step == through.step), None)
            if scan is not None:
                return Reads(through=through, scan=scan)
    return None


def _labels(cell: Cell) -> dict[str, str]:
    names = ("part", "arm", "question", "client", "op")
    return {name: cell.labels[name] for name in names}


def _extra(asked: Asked, base: Cell, cell: Cell, units: ByRound) -> Finding:
    extra = stats.mean_of_trials(units.to_numpy())
    more = "unit" if extra.value == 1 else "units"
    sentence = (
        f"{QUESTIONS[cell.question].capitalize()} takes {number(extra.value)} write {more} more with {INDEXES[cell.arm][0]} "
        f"({count(extra.n, 'pair')}{span(extra.low, extra.high)}; {asked.on}, exact units)."
    )
    finding = asked.measured("index.extra_write_units", sentence, extra, "write units", _labels(cell), better="lower")
    return asked.tool.exempt(finding, trials=trials_of((base, cell)))


def _storage(asked: Asked, cell: Cell) -> Finding:
    id, labels = "index.storage_usd_month_per_million_items", {"part": PART, "arm": cell.arm}
    price, entry_bytes = asked.price(STORAGE_PRICE), float(cell.params["index_entry_bytes"])
    what = INDEXES[cell.arm][0]
    if price is None:
        reason = f"the price {STORAGE_PRICE} isn't in the price file"
        return asked.unknown(id, f"Storage of {what}: no dollars", reason, "USD", labels)
    usd = (entry_bytes + ENTRY_OVERHEAD_BYTES) * _MILLION / _GB * price
    sentence = (
        f"A million entries of {what} cost {dollars(usd)} a month to keep ({number(entry_bytes)} bytes each and the "
        f"{ENTRY_OVERHEAD_BYTES} that are billed besides; {asked.prices_of})."
    )
    figure = stats.Interval(value=usd, low=usd, high=usd, n=1, method="arithmetic")
    return asked.measured(id, sentence, figure, "USD", labels, better="lower", basis="modelled")


def _pays(asked: Asked, base: Cell, cell: Cell, units: ByRound) -> list[Finding]:
    """Dollars of the extra write units ÷ dollars that a read through the index saves, by round; storage aside."""
    reads = reads_of(asked, cell.arm)
    if reads is None:
        return []
    id, labels, what = "index.reads_per_write_to_pay", _labels(cell), INDEXES[cell.arm][0]
    write_usd, read_usd = asked.price(WRITE_PRICE), asked.price(READ_PRICE)
    opens = f"{what.capitalize()} against a Scan, with {QUESTIONS[cell.question]} as the write"
    if write_usd is None or read_usd is None:
        return [asked.unknown(id, opens, "a price of on-demand units isn't in the price file", "reads a write", labels)]
    saved_usd = reads.saved_units() * read_usd
    per_round = (units * write_usd / saved_usd).dropna()
    if not len(per_round) or (saved_usd[per_round.index] <= 0).any():
        reason = "a read through it saves nothing" if len(per_round) else "no round has both the writes and the reads"
        return [asked.unknown(id, opens, reason, "reads a write", labels, len(per_round))]
    figure = stats.mean_of_trials(per_round.to_numpy())
    sentence = (
        f"{what.capitalize()} pays for itself {from_words(figure.value)}, where a write is {QUESTIONS[cell.question]} and a read "
        f"{QUESTIONS[reads.scan.question]}, else by a Scan of {reads.scan.items:,} items ({number(figure.value)} reads a write, "
        f"{count(figure.n, 'round')}{span(figure.low, figure.high)}; storage aside; {asked.prices_of})."
    )
    headline = (cell.arm, cell.question) == _HEADLINE
    finding = asked.measured(
        id, sentence, figure, "reads a write", labels, better="lower", basis="modelled", headline=headline
    )
    return [asked.tool.exempt(finding, trials=trials_of((base, cell, reads.through, reads.scan)))]


def from_words(reads: float) -> str:
    """``from 1 read in 160 writes``, ``from 2.5 reads a write``."""
    if reads <= 0:
        return "from the first read"
    if reads < 0.1:
        return f"from 1 read in {1 / reads:,.0f} writes"
    return f"from 1 read in {number(1 / reads)} writes" if reads < 1 else f"from {number(reads)} reads a write"


def pays_from(found: list[Finding]) -> dict[tuple[str, str], Finding]:
    """What was found to pay for each index under each kind of write."""
    mine = (one for one in found if one.id == f"{NAME}.index.reads_per_write_to_pay" and one.value is not None)
    return {(one.labels["arm"], one.labels["question"]): one for one in mine}
