"""The ledger of one trial, by client arm: who wrote what, what each was told, and what became of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Set
from typing import Any

from harness.sql.ledger import Ledger, LedgerCheck, Told, as_record


class ArmLedgers:
    """One ledger an arm; write ids come from ``next_id`` and are unique over the run, so that they tell the arm."""

    def __init__(self, arms: tuple[str, ...], next_id: Callable[[], int]) -> None:
        self._next_id = next_id
        self._ledgers = {arm: Ledger() for arm in arms}
        self._ids: dict[str, set[int]] = {arm: set() for arm in arms}
        self._acknowledged: set[int] = set()
        self._retried: Counter[str] = Counter()

    def begin(self, arm: str) -> int:
        """A new write of ``arm``: its id."""
        write_id = self._next_id()
        self._ids[arm].add(write_id)
        return write_id

    def note(self, arm: str, write_id: int, outcome: str) -> None:
        """What one attempt of a write came to."""
        self._ledgers[arm].note(write_id, outcome)
        if outcome == "ok":
            self._acknowledged.add(write_id)

    def retried(self, arm: str) -> None:
        """A write of ``arm`` is tried again after an attempt whose outcome is unknown; once a write."""
        self._retried[arm] += 1

    def as_record(self) -> dict[str, dict[str, Any]]:
        """What was noted, as plain data by arm: every id, what each write that was noted came to, and how many were retried."""
        return {
            arm: {"ids": sorted(self._ids[arm]), "told": list(ledger.told.items()), "retried": self._retried[arm]}
            for arm, ledger in self._ledgers.items()
        }

    def merge(self, record: Mapping[str, Mapping[str, Any]]) -> None:
        """Add what another process noted, of writes of its own."""
        for arm, noted in record.items():
            self._ids[arm].update(noted["ids"])
            self._retried[arm] += noted["retried"]
            for write_id, told in noted["told"]:
                self._ledgers[arm].add(write_id, told)
                if told == "acknowledged":
                    self._acknowledged.add(write_id)

    def check(self, present: Mapping[int, int]) -> dict[str, dict[str, Any]]:
        """Each arm's counts as its event ``ledger_checked`` has them; ``present``: write id -> how often it is there."""
        return {arm: as_record(self._check(arm, present)) | {"retried": self._retried[arm]} for arm in self._ledgers}

    def told(self) -> dict[str, float]:
        """How many writes of all arms were acknowledged, ambiguous or failed so far."""
        counts = sum((ledger.counts for ledger in self._ledgers.values()), Counter[Told]())
        return {
            "acknowledged_count": counts["acknowledged"], "ambiguous_count": counts["ambiguous"],
            "failed_count": counts["failed"],
        }  # fmt: skip

    def acknowledged_of(self, write_ids: Set[int]) -> int:
        """How many of ``write_ids`` were acknowledged, whoever wrote them."""
        return len(self._acknowledged & write_ids)

    def _check(self, arm: str, present: Mapping[int, int]) -> LedgerCheck:
        ids = self._ids[arm]
        return self._ledgers[arm].check({write_id: count for write_id, count in present.items() if write_id in ids})
