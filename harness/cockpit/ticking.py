"""Looks once a second at the run under way and tells the feeds; a greenlet of its own beside the load."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Protocol

import gevent

from harness.cockpit.feeds import together
from harness.cockpit.state import LiveState
from harness.errors import HarnessError
from harness.generator import Pulse
from harness.live import Live
from harness.rundir import RunDir
from harness.scenario import FaultKind

logger = logging.getLogger(__name__)
MEASURING = "measuring"
LOOK_PATIENCE_S = 0.5  # a scenario whose servers don't answer by then has nothing to say of this second


class Watched(Protocol):
    """The session of a test, as far as it is looked at."""

    progress: dict[str, Any]

    @property
    def scenario_name(self) -> str:
        """Whose run it is."""

    @property
    def run_dir(self) -> RunDir:
        """Where it is written."""

    def pulse(self) -> Pulse | None:
        """How its load fares."""

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """What the scenario knows now, by feed."""

    def load_live(self) -> Mapping[str, Mapping[str, float]]:
        """What the load of this process knows now."""

    @property
    def on_aws(self) -> bool:
        """Whether what fails is somebody's on AWS."""

    def fault(self, kind: FaultKind) -> str:
        """Let something fail; what happened. Raises UsageError where nothing can now."""


class Cockpit:
    """What a process with Locust's web UI shows of its tests, one after the other."""

    def __init__(self, live: Live) -> None:
        self.state, self.live = LiveState(), live
        self.session: Watched | None = None
        self._looking: Any = None
        live.keeps_latencies = True

    def begin(self, session: Watched) -> None:
        """A test begins; everything starts anew."""
        self._stop()
        self.session = session
        self.live.pulse, self.live.levels = session.pulse, session.load_live
        self.state.begin(session.scenario_name, session.run_dir.path)
        self._looking = gevent.spawn(self._look_on, session)

    def refuse(self, why: str) -> None:
        """A test can't begin."""
        self.state.failure = why

    def end(self, session: Watched, failure: str | None) -> None:
        """The run is closed, and reported where it is one of this process."""
        if session is self.session:
            self._stop()
            self.session, self.live.pulse, self.live.levels = None, None, None
            self.state.end(failure)

    def look(self, session: Watched, second: int) -> None:
        """Tell the feeds of this second, if something is being measured."""
        self.state.progress = session.progress
        if session.progress["state"] != MEASURING:
            return
        for name, row in together(self.live.lately(), _told(session)).items():
            self.state.feed(name).put(second, **row)

    def _look_on(self, session: Watched) -> None:
        """At every whole second by the clock as it was when the test began: it may be set meanwhile."""
        ahead_s = time.time() - time.monotonic()
        while True:
            gevent.sleep(1 - (time.monotonic() + ahead_s) % 1)
            self.look(session, round(time.monotonic() + ahead_s))

    def _stop(self) -> None:
        if self._looking is not None:
            self._looking.kill()
            self._looking = None


def _told(session: Watched) -> Mapping[str, Mapping[str, float | str]]:
    """What the scenario says, nothing where its servers don't answer in time."""
    try:
        with gevent.Timeout(LOOK_PATIENCE_S, exception=False):
            return session.live()
    except (HarnessError, OSError) as error:
        logger.debug("nothing live this second: %s", error)
    except Exception:  # the page may lack a figure; the run goes on
        logger.exception("what is live couldn't be asked")
    return {}
