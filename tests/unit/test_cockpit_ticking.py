"""Who looks once a second at a run: what it tells, and what it does when a server doesn't answer."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from harness.cockpit import ticking
from harness.cockpit.ticking import Cockpit
from harness.errors import CannotMeasure
from harness.generator import Pulse
from harness.live import Live


class Session:
    """A run under way whose scenario says what it is told to say."""

    scenario_name = "rds_failover"

    def __init__(self, run: Path) -> None:
        self.run_dir: Any = SimpleNamespace(path=run)
        self.progress: dict[str, Any] = {"state": "measuring", "done": 1, "planned": 4}
        self.says: Any = {}

    def pulse(self) -> Pulse | None:
        return None

    def load_live(self) -> Mapping[str, Mapping[str, float]]:
        return {}

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        if isinstance(self.says, Exception):
            raise self.says
        if self.says == "hangs":
            time.sleep(60)
        told: Mapping[str, Mapping[str, float | str]] = self.says
        return told

    def fault(self, kind: str) -> str:
        return kind


def test_a_look_tells_samples_and_scenario_of_the_same_second(tmp_path: Path) -> None:
    """And how far the plan is."""
    cockpit, session = Cockpit(Live()), Session(tmp_path)
    session.says = {"failover": {"zone|zone 1": "writer"}}
    cockpit.look(session, 7)
    told = cockpit.state.since(0)
    assert told["feeds"]["failover"] == [{"second": 7, "zone|zone 1": "writer"}]
    assert [row["second"] for row in told["feeds"]["truth"]] == [7]
    assert told["progress"] == session.progress


def test_nothing_is_told_before_the_first_trial_or_after_the_last(tmp_path: Path) -> None:
    """What is going on is said, and no zeros."""
    cockpit, session = Cockpit(Live()), Session(tmp_path)
    session.progress = {"state": "loading data"}
    cockpit.look(session, 7)
    assert cockpit.state.since(0)["feeds"]["truth"] == []
    assert cockpit.state.progress == {"state": "loading data"}


@pytest.mark.parametrize("trouble", [CannotMeasure("gone"), OSError("gone"), "hangs"], ids=str)
def test_a_server_that_does_not_answer_costs_its_figures_of_that_second_only(
    trouble: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What samples tell is there all the same."""
    monkeypatch.setattr(ticking, "LOOK_PATIENCE_S", 0.02)
    monkeypatch.setattr(time, "sleep", gevent.sleep)
    cockpit, session = Cockpit(Live()), Session(tmp_path)
    session.says = trouble
    cockpit.look(session, 7)
    feeds = cockpit.state.since(0)["feeds"]
    assert (feeds["failover"], [row["second"] for row in feeds["truth"]]) == ([], [7])


def test_a_defect_in_what_a_scenario_says_is_logged_and_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The page lacks a figure; nobody else notices."""
    cockpit, session = Cockpit(Live()), Session(tmp_path)
    session.says = KeyError("zone")
    with caplog.at_level(logging.ERROR):
        cockpit.look(session, 7)
    assert "what is live couldn't be asked" in caplog.text
    assert [row["second"] for row in cockpit.state.since(0)["feeds"]["truth"]] == [7]


def test_the_end_of_a_run_that_is_not_the_present_one_ends_nothing(tmp_path: Path) -> None:
    """A late word of the first test doesn't stop the second."""
    cockpit, first, second = Cockpit(Live()), Session(tmp_path / "a"), Session(tmp_path / "b")
    cockpit.begin(first)
    cockpit.begin(second)
    cockpit.end(first, None)
    assert cockpit.state.going_on
    cockpit.end(second, "stopped")
    assert (cockpit.state.going_on, cockpit.state.failure, cockpit.session) == (False, "stopped", None)
