"""One trial in which something is done to a database while reads and writes go on, evenly spaced."""

from collections.abc import Callable
from typing import Any

import gevent

from harness.plan import Trial
from harness.scenario import Stream
from harness.sql.endpoint import SqlEndpoint
from harness.sql.operations.load import READ, WRITE, Load
from harness.sql.operations.part import Room
from harness.sql.operations.settings import RdsOperationsSettings

SLOTS = 8  # reads, and writes, that may be under way at once; what comes while a server stands still waits


def params_of(settings: RdsOperationsSettings) -> dict[str, float | int | str]:
    """What the cells of such parts say of their load."""
    return {
        "reads_per_s": settings.reads_per_s, "writes_per_s": settings.writes_per_s, "warm_up_s": settings.warm_up_s,
        "before_s": settings.before_s, "after_s": settings.after_s,
    }  # fmt: skip


class UnderLoad:
    """Warm-up, ``before_s`` of load alone, then ``operation`` for as long as it takes, then ``after_s``.

    Events ``operation_began`` and ``operation_ended`` say when. ``load.ledger`` has what writers were told.
    """

    def __init__(self, room: Room, trial: Trial, endpoint: SqlEndpoint, operation: Callable[[], None]) -> None:
        self._room, self._trial, self._operation = room, trial, operation
        self.load = Load(
            trial, endpoint, room.next_id, warm_up_s=float(trial.params["warm_up_s"]), clock_ns=room.context.clock_ns
        )
        self._under_way: Any = None
        self._due_ns = 0

    def streams(self) -> tuple[Stream, ...]:
        """Reads and writes at the trial's rates."""
        load, params = self.load, self._trial.params
        return (
            load.open(READ, load.read, per_s=float(params["reads_per_s"]), slots=SLOTS),
            load.open(WRITE, load.write, per_s=float(params["writes_per_s"]), slots=SLOTS),
        )

    def begun(self, begin_ns: int) -> None:
        """The load runs: the operation comes when it is due."""
        self.load.begun(begin_ns)
        params = self._trial.params
        self._due_ns = begin_ns + int((float(params["warm_up_s"]) + float(params["before_s"])) * 1e9)
        self._under_way = gevent.spawn(self._run)

    def settle(self) -> bool:
        """Wait until the operation is done, and raise what went wrong in it; False where the trial was stopped before it began."""
        try:
            if self._room.context.clock_ns() < self._due_ns:
                self._under_way.kill()
                return False
            self._under_way.get()
            return True
        finally:
            self.load.close()

    def _run(self) -> None:
        context, params, note = self._room.context, self._trial.params, self._room.note
        try:
            context.sleep_s(max(0, self._due_ns - context.clock_ns()) / 1e9)
            note(self._trial, "operation_began")
            self._operation()
            note(self._trial, "operation_ended")
            context.sleep_s(float(params["after_s"]))
        finally:
            self.load.stop()
