"""Every cell with what is told of it, from which headlines and charts choose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.capacity_modes import money, policies, shares
from reports.capacity_modes.onset import onset
from reports.capacity_modes.samples import NAME, Cell
from reports.capacity_modes.wording import Sayer
from reports.findings import Better, Finding

_CORE: tuple[tuple[str, str, Better], ...] = (
    ("throttled_share", "share", "lower"),
    ("goodput_share", "share", "higher"),
    ("usd_per_million_served", "USD", "lower"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """One cell and its findings."""

    cell: Cell
    findings: tuple[Finding, ...]

    def get(self, what: str) -> Finding | None:
        """The finding of this cell whose id ends so, where it has a value."""
        ids = (f"{NAME}.{self.cell.arm}.{what}", f"{NAME}.policy.{what}")
        return next((one for one in self.findings if one.id in ids and one.value is not None), None)

    def bearer(self, what: str) -> Finding | None:
        """The same, with a value or without."""
        return self.get(what) or next((one for one in self.findings if one.id.endswith(f".{what}")), None)


def tell(sayer: Sayer, cell: Cell) -> Told:
    """All that one cell says; where none of its trials ended, that this isn't measured."""
    return Told(cell, tuple(_measured(sayer, cell) if len(cell.ops) else _absent(sayer, cell)))


def chosen(told: Sequence[Told], **wanted: str) -> list[Told]:
    """Those whose cells have these fields, ``part="spike"`` say."""
    return [one for one in told if all(getattr(one.cell, name) == text for name, text in wanted.items())]


def _measured(sayer: Sayer, cell: Cell) -> Iterator[Finding]:
    yield from onset(sayer, cell)
    yield shares.throttled(sayer, cell)
    yield from shares.by_reason(sayer, cell)
    yield shares.goodput(sayer, cell)
    if not cell.on_demand:
        yield shares.headroom(sayer, cell)
    yield money.served(sayer, cell)
    if cell.part == "policy":
        yield from policies.policy(sayer, cell)


def _absent(sayer: Sayer, cell: Cell) -> Iterator[Finding]:
    """Shares and onsets of half a ramp would mislead."""
    reason = f"no {cell.arm} trial of step {cell.step} ran to its end"
    if not cell.on_demand:
        yield sayer.absent(cell, f"{cell.arm}.throttle_onset_s", "s", "higher", reason)
    for what, unit, better in _CORE:
        yield sayer.absent(cell, f"{cell.arm}.{what}", unit, better, reason)
