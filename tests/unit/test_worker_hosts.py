"""A worker on another host than its master's: refused where the databases are on loopback, and not before."""

from types import SimpleNamespace
from typing import Any

import pytest
from locust.event import Events as LocustEvents

from harness import config as configuration
from harness import worker as module
from harness.live import Live
from harness.messages import MESSAGE
from harness.paths import PROJECT_ROOT
from harness.registry import load_scenario, settings_models
from harness.worker import Worker


def said_after_set_up(
    monkeypatch: pytest.MonkeyPatch, *, target: str, scenario: str = "query_vs_scan"
) -> list[dict[str, Any]]:
    """What a worker on host *there* says to a master on host *here*."""
    said: list[dict[str, Any]] = []
    runner = SimpleNamespace(
        environment=SimpleNamespace(events=LocustEvents()), user_count=1,
        register_message=lambda *_: None, send_message=lambda _, data: said.append(data),
    )  # fmt: skip
    monkeypatch.setattr(module.socket, "gethostname", lambda: "there")
    kind = load_scenario("query_vs_scan")
    worker = Worker(runner, kind, lambda *_: None, Live())
    config = configuration.load(PROJECT_ROOT / "config.yaml", settings_models(), target=target)
    job = {
        "do": "set_up", "test": 1, "worker": 0, "workers": 1, "host": "here", "scenario": scenario, "slots": 1,
        "config": config.as_used(), "clocks": {"shift_ns": 0, "ahead_ns": 0, "error_ns": 1}, "services": {}, "shared": {},
        "samples": "/nowhere",
    }  # fmt: skip
    worker._on_message(SimpleNamespace(data=job))
    return said


def test_stand_ins_on_loopback_can_be_reached_on_their_own_host_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Target local: one line with both names."""
    (answer,) = said_after_set_up(monkeypatch, target="local")
    assert answer["do"] == "failed"
    assert answer["reason"] == "runs on there, and the local stand-ins of here can be reached there only"


def test_target_aws_does_not_ask_for_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on, to the services that this test hasn't."""
    (answer,) = said_after_set_up(monkeypatch, target="aws")
    assert "can be reached there only" not in answer["reason"]


def test_a_worker_with_another_scenarios_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left over from the scenario before, say."""
    (answer,) = said_after_set_up(monkeypatch, target="aws", scenario="cache_hit_rate")
    assert answer["reason"] == "has the file of query_vs_scan, and the master measures cache_hit_rate"


def test_a_clock_is_told_before_anything_is_set_up() -> None:
    """The answer carries both clocks, and the test it was asked for."""
    said: list[dict[str, Any]] = []
    runner = SimpleNamespace(
        environment=SimpleNamespace(events=LocustEvents()), register_message=lambda *_: None,
        send_message=lambda kind, data: said.append(data | {"kind": kind}),
    )  # fmt: skip
    worker = Worker(runner, load_scenario("query_vs_scan"), lambda *_: None, Live())
    worker._on_message(SimpleNamespace(data={"do": "clock", "test": 7}))
    (answer,) = said
    assert (answer["kind"], answer["do"], answer["test"]) == (MESSAGE, "clock", 7)
    assert {"monotonic_ns", "wall_ns"} <= answer.keys()
