"""One trial in which something is done to a database while reads and writes go on, evenly spaced."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gevent

from harness.plan import Trial
from harness.sql.endpoint import SqlEndpoint
from harness.sql.operations.load import handed_out
from harness.sql.operations.part import Room
from harness.sql.operations.settings import RdsOperationsSettings
from harness.sql.recovery.held_against import Write, writes_of


def params_of(settings: RdsOperationsSettings) -> dict[str, float | int | str]:
    """What the cells of such parts say of their load."""
    return {
        "reads_per_s": settings.reads_per_s, "writes_per_s": settings.writes_per_s, "warm_up_s": settings.warm_up_s,
        "before_s": settings.before_s, "after_s": settings.after_s,
    }  # fmt: skip


class UnderLoad:
    """Warm-up, ``before_s`` of load alone, then ``operation`` for as long as it takes, then ``after_s``.

    Events ``operation_began`` and ``operation_ended`` say when. ``writes`` has what writers were told, once it is over.
    """

    def __init__(self, room: Room, trial: Trial, endpoint: SqlEndpoint, operation: Callable[[], None]) -> None:
        self._room, self._trial, self._operation = room, trial, operation
        self.endpoint = endpoint
        self.writes: dict[int, Write] = {}
        self._under_way: Any = None
        self._due_ns = 0

    def hand_out(self) -> dict[str, Any]:
        """What the load has to know."""
        return {"endpoint": handed_out(self.endpoint)}

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """The writes of all processes."""
        self.writes = writes_of([one["writes"] for one in told])

    def begun(self, begin_ns: int) -> None:
        """The load runs: the operation comes when it is due."""
        params = self._trial.params
        self._due_ns = begin_ns + int((float(params["warm_up_s"]) + float(params["before_s"])) * 1e9)
        self._under_way = gevent.spawn(self._run)

    def settle(self) -> bool:
        """Wait until the operation is done, and raise what went wrong in it; False where the trial was stopped before it began."""
        if self._room.context.clock_ns() < self._due_ns:
            self._under_way.kill()
            return False
        self._under_way.get()
        return True

    def _run(self) -> None:
        context, params, note = self._room.context, self._trial.params, self._room.note
        try:
            context.sleep_s(max(0, self._due_ns - context.clock_ns()) / 1e9)
            note(self._trial, "operation_began")
            self._operation()
            note(self._trial, "operation_ended")
            context.sleep_s(float(params["after_s"]))
        finally:
            self._room.stop_load()
