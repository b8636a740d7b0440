"""What Locust's own statistics leave out, live beside them: throttles apart from failures, and units consumed."""

from typing import Any

from harness.plan import Trial
from harness.recorder import Observation

KEY, TITLE = "dbharness", "Units and throttles"
COLUMNS = {
    "op": "Operation", "name": "Arm and step", "ok": "# Answered", "throttled": "# Throttled", "failed": "# Failed",
    "read_units": "Read units", "write_units": "Write units",
}  # fmt: skip
_OUTCOMES = {"ok": 0, "throttled": 1}
_FAILED, _READ, _WRITE = 2, 3, 4


class Live:
    """Counts by operation, arm and step: of this process since the test began, or of all workers together."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], list[float]] = {}

    def note(self, trial: Trial, op: str, seen: Observation) -> None:
        """Count one attempt."""
        key = op, trial.arm, trial.step
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0, 0, 0, 0.0, 0.0]
        counts[_OUTCOMES.get(seen.outcome, _FAILED)] += 1
        if seen.read_units > 0:  # not where it isn't known: NaN
            counts[_READ] += seen.read_units
        if seen.write_units > 0:
            counts[_WRITE] += seen.write_units

    def clear(self) -> None:
        """Begin again."""
        self._counts.clear()

    def take(self) -> list[list[Any]]:
        """What was counted since the last call, to be sent."""
        taken = [[*key, *counts] for key, counts in self._counts.items()]
        self.clear()
        return taken

    def merge(self, taken: list[list[Any]]) -> None:
        """Add what another process has taken."""
        for op, arm, step, *counts in taken:
            mine = self._counts.setdefault((op, arm, step), [0, 0, 0, 0.0, 0.0])
            for place, count in enumerate(counts):
                mine[place] += count

    def rows(self) -> list[dict[str, Any]]:
        """A row for each operation, arm and step, with the members of ``COLUMNS``."""
        return [
            dict(zip(COLUMNS, (op, f"{arm} {step}", *counts), strict=True))
            for (op, arm, step), counts in sorted(self._counts.items())
        ]


def show(web_ui: Any, live: Live) -> None:
    """A table more on Locust's page, and the same rows in ``/stats/requests`` for programs."""
    from flask import json, request

    web_ui.template_args["extended_tabs"] = [{"title": TITLE, "key": KEY}]
    structure = [{"key": key, "title": title} for key, title in COLUMNS.items()]
    web_ui.template_args["extended_tables"] = [{"key": KEY, "structure": structure}]

    @web_ui.app.after_request  # type: ignore[untyped-decorator]
    def add_rows(response: Any) -> Any:
        if request.path.endswith("/stats/requests") and response.is_json:
            extended = [{"key": KEY, "data": live.rows()}]
            response.set_data(json.dumps(response.get_json() | {"extended_stats": extended}))
        return response
