"""What a restored instance has, held against what it must have. Pure: times are of one clock, in nanoseconds."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from harness.sql.ledger import TOLD, Ledger, Told


class TimedLedger(Ledger):
    """A ledger that knows when each write was sent and when its client was told; ``next_id`` is called as it is about to be sent."""

    def __init__(self, next_id: Callable[[], int], clock_ns: Callable[[], int]) -> None:
        super().__init__()
        self.writes: dict[int, Write] = {}
        self._next_id, self._clock_ns = next_id, clock_ns
        self._sent_ns: dict[int, int] = {}

    def next_id(self) -> int:
        """See above."""
        write_id = self._next_id()
        self._sent_ns[write_id] = self._clock_ns()
        return write_id

    def note(self, write_id: int, outcome: str) -> None:
        """See Ledger."""
        super().note(write_id, outcome)
        self.writes[write_id] = Write(sent_ns=self._sent_ns.pop(write_id), told_ns=self._clock_ns(), told=TOLD[outcome])

    def as_record(self) -> dict[str, list[Any]]:
        """Every write whose client was told something, as columns of plain data; see :func:`writes_of`."""
        columns: dict[str, list[Any]] = {"id": list(self.writes), "sent_ns": [], "told_ns": [], "told": []}
        for write in self.writes.values():
            columns["sent_ns"].append(write.sent_ns)
            columns["told_ns"].append(write.told_ns)
            columns["told"].append(write.told)
        return columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """When it was sent, and when its client was told what."""

    sent_ns: int
    told_ns: int
    told: Told


def writes_of(records: Sequence[Mapping[str, Sequence[Any]]]) -> dict[int, Write]:
    """The writes of several ledgers, which have none in common, by id; their processes go by one clock."""
    return {
        write_id: Write(sent_ns=sent_ns, told_ns=told_ns, told=told)
        for record in records
        for write_id, sent_ns, told_ns, told in zip(
            record["id"], record["sent_ns"], record["told_ns"], record["told"], strict=True
        )
    }


def ledger_of(writes: Mapping[int, Write]) -> Ledger:
    """What the clients were told, to be held against the table."""
    ledger = Ledger()
    for write_id, write in writes.items():
        ledger.add(write_id, write.told)
    return ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A second of the server's clock on ours, give or take."""

    at_ns: int
    within_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Counts of rows. What was under way when the second began may be there or not, so it is neither missing nor surplus.

    ``lost``: acknowledged before the delete and not there, which is the price of whole seconds; ``rpo_s``: from the first of these
    acknowledgements to the delete, 0 where none is lost.
    """

    expected: int
    found: int
    missing: int
    surplus: int
    under_way: int
    lost: int
    rpo_s: float


def compare(
    writes: Mapping[int, Write], earlier: Set[int], found: Set[int], second: Moment, deleted_ns: int
) -> Comparison:
    """``found`` must be ``earlier``, which was there before all writes, and what was acknowledged before ``second``.

    ``deleted_ns``: when the bad DELETE was sent.
    """
    begins_ns, over_ns = second.at_ns - second.within_ns, second.at_ns + second.within_ns
    acknowledged = {write_id: write for write_id, write in writes.items() if write.told == "acknowledged"}
    must = earlier | {write_id for write_id, write in acknowledged.items() if write.told_ns < begins_ns}
    may = {
        write_id for write_id, write in writes.items()
        if write.told != "failed" and write.sent_ns <= over_ns and write_id not in must
    }  # fmt: skip
    lost = [write for write_id, write in acknowledged.items() if write.told_ns <= deleted_ns and write_id not in found]
    return Comparison(
        expected=len(must), found=len(found), missing=len(must - found), surplus=len(found - must - may),
        under_way=len(may), lost=len(lost),
        rpo_s=(deleted_ns - min(write.told_ns for write in lost)) / 1e9 if lost else 0.0,
    )  # fmt: skip
