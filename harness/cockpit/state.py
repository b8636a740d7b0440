"""What is live: bounded rings of seconds by feed, and how far the plan is. One object of the process that has the web UI."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FEEDS = ("capacity", "cache", "failover", "servers", "truth")
KEPT_S = 1800  # seconds that a feed holds; older ones are in the samples

Value = float | str | None
Row = dict[str, Any]  # ``second``, and a Value of each name


class Feed:
    """A row of named values for each of the last seconds; a second that nobody told of has no row."""

    def __init__(self, kept_s: int = KEPT_S) -> None:
        self._rows: deque[Row] = deque(maxlen=kept_s)

    def put(self, second: int, /, **values: Value) -> None:
        """Say what was so in a second (Unix time), beside what was said of it before. Seconds come in order.

        Raises ValueError for one before the last, where the clock was set back.
        """
        last = self._rows[-1]["second"] if self._rows else None
        if last is not None and second < last:
            raise ValueError(f"expected second {last} or a later one, found {second}")
        if second != last:
            self._rows.append({"second": second})
        self._rows[-1].update(values)

    def rows(self, since: int) -> list[Row]:
        """The rows of all seconds after ``since``, the oldest first."""
        newer = []
        for row in reversed(self._rows):
            if row["second"] <= since:
                break
            newer.append(row)
        return newer[::-1]

    def clear(self) -> None:
        """Begin again."""
        self._rows.clear()


@dataclass(slots=True)
class LiveState:
    """Everything the page shows. ``tests`` counts the tests of this process, by which a page sees that another has begun."""

    feeds: Mapping[str, Feed] = field(default_factory=lambda: {name: Feed() for name in FEEDS})
    tests: int = 0
    scenario: str | None = None
    going_on: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    run: Path | None = None
    runs: dict[str, Path] = field(default_factory=dict)

    def feed(self, name: str) -> Feed:
        """The feed of that name, one of ``FEEDS``."""
        return self.feeds[name]

    def begin(self, scenario: str, run: Path) -> None:
        """A test begins: nothing of the one before is shown any more, but its report can still be read."""
        for feed in self.feeds.values():
            feed.clear()
        self.tests += 1
        self.scenario, self.going_on, self.run = scenario, True, run
        self.progress, self.failure = {"state": "beginning"}, None
        self.runs[run.name] = run

    def end(self, failure: str | None) -> None:
        """The test is over, for this reason where it isn't that the plan was done."""
        self.going_on, self.failure = False, failure
        self.progress = self.progress | {"state": "over"}

    @property
    def report(self) -> str | None:
        """Where below /dbharness/ the present run's report is, once there is one."""
        if self.run is None or not (self.run / "report.html").is_file():
            return None
        return f"report/{self.run.name}/report.html"

    def since(self, second: int) -> dict[str, Any]:
        """What ``GET /dbharness/live`` answers: all feeds after ``second``, and how far the plan is."""
        return {
            "test": self.tests, "scenario": self.scenario, "going_on": self.going_on, "failure": self.failure,
            "report": self.report, "progress": self.progress,
            "feeds": {name: feed.rows(second) for name, feed in self.feeds.items()},
        }  # fmt: skip
