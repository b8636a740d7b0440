"""Starts and stops a run as Locust's own page would, and says what there is to choose from."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError

SPAWN_RATE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A scenario of this Locust: the name of its user class, and how many slots it likes."""

    user_class: str
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """What a page can do: begin a run of one of ``offered``, by name, or end the one under way.

    ``under_way`` names the scenario that is running, or being closed and reported; "" where there is none.
    ``given`` are the overrides of the command line, which every run has; ``told`` the options by which it gave them.
    """

    web_ui: Any
    options: Any
    offered: Mapping[str, Offered]
    under_way: Callable[[], str]
    given: tuple[str, ...]
    told: Mapping[str, Any]

    def start(self, scenario: str, *, profile: str, overrides: Sequence[str], slots: int) -> None:
        """Begin one run of one scenario. Raises UsageError where there is one already, or Locust can't."""
        if name := self.under_way():
            raise UsageError(f"{name} is under way; one run at a time")
        if self._waits_for_workers():
            raise UsageError("no worker has joined yet: start one with --worker, or wait for it")
        self.options.harness_profile = profile
        self.options.harness_set = [*self.given, *overrides]
        self.options.harness_target = self.options.harness_seed = ""
        form: dict[str, Any] = {"user_count": slots, "spawn_rate": SPAWN_RATE}
        if self.web_ui.userclass_picker_is_active:
            form["user_classes"] = self.offered[scenario].user_class
        said = self._ask("swarm", form)
        if not said["success"]:
            raise UsageError(str(said["message"]))

    def stop(self) -> None:
        """End the run under way; it is closed and reported."""
        self._ask("stop", {})

    def reset(self) -> None:
        """What our form asked for earlier is no run's any more: the command line's own again, before Locust's form has its say."""
        for name, value in self.told.items():
            setattr(self.options, name, value)

    def _waits_for_workers(self) -> bool:
        runner = self.web_ui.environment.runner
        return hasattr(runner, "worker_count") and not runner.worker_count

    def _ask(self, view: str, form: Mapping[str, Any]) -> dict[str, Any]:
        """Locust's own view, so that its timers and greenlets are those of a start from its page."""
        app = self.web_ui.app
        with app.test_request_context(method="POST", data=form):
            answer: dict[str, Any] = inspect.unwrap(app.view_functions[f"locust.{view}"])().get_json()
        return answer
