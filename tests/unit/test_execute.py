"""Two ends of a run at once: the plan's own, and one that came from outside."""

from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from locust.runners import STATE_RUNNING, STATE_STOPPING

from harness import execute
from harness.scenario import Scenario


class FakeMaster:
    """Stops and quits as Locust's master does: a second stop returns at once; who quits no longer hears workers."""

    def __init__(self, hooks: Any) -> None:
        self.hooks, self.state, self.listening = hooks, STATE_RUNNING, True
        self.environment = SimpleNamespace(
            runner=self, process_exit_code=None, stats=None, user_classes=[hooks.user],
            events=SimpleNamespace(request=SimpleNamespace(fire=None)),
            parsed_options=SimpleNamespace(
                headless=True, harness_out=None, harness_profile=None, harness_set=[], harness_target="", harness_seed="",
                harness_baseline=[], harness_allow=[], harness_inconclusive="pass",
            ),
        )  # fmt: skip

    def stop(self) -> None:
        if self.state == STATE_STOPPING:
            return
        self.hooks.on_test_stopping()
        self.state = STATE_STOPPING
        self.hooks.on_test_stop(self.environment)

    def quit(self) -> None:
        self.stop()
        self.listening = False


class FakeSession:
    """Walks trials until it is stopped; is closed once the workers have said their last words."""

    def __init__(self) -> None:
        self.stopped, self.closing, self.last_words = Event(), Event(), Event()

    def run(self, on_measuring: Any) -> None:
        self.stopped.wait()

    def stop(self) -> None:
        self.stopped.set()

    def close(self, requests: Any) -> int:
        self.closing.set()
        self.last_words.wait()
        return 0


def test_a_master_that_is_interrupted_hears_its_workers_until_the_run_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C stops the trials, so that the plan's end comes while the interrupt's waits for a slow worker."""
    session = FakeSession()
    monkeypatch.setattr(execute, "launch_from_environment", lambda *_, **__: None)
    monkeypatch.setattr(execute, "Session", lambda *_: session)
    hooks = execute._Hooks(SimpleNamespace(name="fake", counted=Scenario.counted), Any)  # type: ignore[arg-type]
    hooks.user = SimpleNamespace()  # type: ignore[assignment]
    master = FakeMaster(hooks)
    hooks.on_test_start(master.environment)
    with gevent.Timeout(5):
        gevent.sleep(0)
        interrupt = gevent.spawn(master.quit)
        session.closing.wait()
        gevent.sleep(0.05)  # the plan's end has come by now
        assert master.listening
        session.last_words.set()
        interrupt.join()
    assert master.environment.process_exit_code == 0
    assert hooks.session is None
    assert not master.listening


def test_of_several_scenarios_none_is_begun_unless_one_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in Locust's terminal starts whatever there is: one line says no, and the test ends; the others keep still."""
    first, second = (
        execute._Hooks(SimpleNamespace(name=name, counted=Scenario.counted), object()) for name in ("a", "b")
    )  # type: ignore[arg-type]
    ended: list[tuple[str, int | None]] = []
    for hooks in (first, second):
        monkeypatch.setattr(hooks, "_end", lambda _, code=None, name=hooks.scenario.name: ended.append((name, code)))
    environment = SimpleNamespace(user_classes=[first.user, second.user])
    for hooks in (first, second):
        hooks.on_test_start(environment)
    assert ended == [("a", 2)]
    assert first.session is None and second.session is None
