"""Locust's workers as a crew: the master has services, data and plan, and tells the workers trial by trial what to do.

A trial begins at one moment for all: its wall time is in ``go``, a little ahead. How far the clocks of a worker on another
machine stand from the master's is measured first; the worker then speaks of all times as the master's clocks would give
them, in messages and samples. Sketches and counts come with Locust's own reports, once a second.

A worker that is gone takes with it the trial under way, which breaks off and is done again by the others; one that comes
later is made ready, and given its share, between trials.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import gevent
from gevent.event import Event

from harness.clocks import Clocks, Round
from harness.errors import CannotMeasure, TrialBroken, TrialFailed
from harness.generator import Figures, together
from harness.live import Live
from harness.members import Member, host_of, name_of
from harness.messages import MESSAGE, figures_of, to_monotonic_ns, to_wall_ns
from harness.plan import Trial
from harness.recorder import clock_pair
from harness.rundir import Events
from harness.samples.parts import rows_kept
from harness.scenario import MOST_WORKERS, Scenario
from harness.sketches import Merged, Sketch

logger = logging.getLogger(__name__)
_LEAD_NS = 20_000_000  # from telling the workers to go until they do
_ANSWER_PATIENCE_S = 60.0
_SPREAD_PATIENCE_S = 5.0
_CLOCK_ROUNDS = 9
_LOADING = (
    "spawning",
    "running",
)  # states of Locust's master; what it would do to a test that is over is to begin it again


class Dispatcher(Protocol):
    """What :class:`harness.dispatching.StandingDispatcher` adds to Locust's own."""

    def spread_over(self, workers: Iterable[Any]) -> bool:
        """All users over these workers; whether that changes anything."""

    def shares(self) -> dict[str, int]:
        """How many users each is to have, by its id."""


class _Gone(Exception):  # noqa: N818 - who is gone, not what went wrong
    """A worker is there no more; the message names it."""


class Workers:
    """The crew of a Locust master; one object for all tests of its process, made when Locust is initialised.

    Its runner dispatches by a :class:`Dispatcher`. Nothing here imports Locust, which would patch whoever imports this.
    """

    def __init__(self, runner: Any, live: Live) -> None:
        self._runner, self._live = runner, live
        self._test = 0
        self._members: list[Member] = []
        self._said: dict[str, dict[str, dict[str, Any]]] = {}
        self._closed: dict[str, int] = {}
        self._news, self._idle = Event(), Event()
        self.failure: CannotMeasure | None = None
        self._trial_failure: TrialFailed | None = None
        self._stopping = False
        self._trial: Trial | None = None
        self._doing: list[Member] = []  # those who do the trial
        self._turned_away: set[str] = set()
        self._said_why: set[str] = set()
        self._lead_ns = _LEAD_NS
        runner.register_message(MESSAGE, self._on_message)
        runner.environment.events.worker_report.add_listener(self._on_report)

    @property
    def records(self) -> list[dict[str, Any]]:
        """What the manifest says of every worker that the run had."""
        return [member.as_record() for member in self._members]

    @property
    def lost(self) -> list[dict[str, Any]]:
        """What the manifest says of those that were lost."""
        return [member.as_lost() for member in self._members if member.lost]

    def open(self, scenario: Scenario[Any], events: Events, job: dict[str, Any]) -> None:
        """Make every connected worker ready for a run. Raises CannotMeasure."""
        self._scenario, self._events, self._job = scenario, events, job
        scenario.tell_load = lambda word: self._send("word", self._left, word=dict(word))
        self._test += 1
        self._members, self._said, self._closed, self._turned_away = [], {}, {}, set()
        self._doing, self._said_why = [], set()
        self.failure = self._trial_failure = self._trial = None
        self._stopping, self._lead_ns = False, _LEAD_NS
        self._idle.set()
        self.sketches = Merged()
        try:
            self._set_up(self._newcomers())
        except _Gone as gone:
            raise CannotMeasure(f"{gone} left before the first trial") from gone
        self._spread()

    def muster(self, trial: Trial) -> None:
        """See :class:`harness.conductor.Crew`: shares of those that are gone go to the others, newcomers are made ready."""
        self._note_lost()
        for worker in () if self._stopping else self._newcomers():
            self._welcome(worker, trial)
        self._spread()

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        """See :class:`harness.conductor.Crew`."""
        self._idle.clear()
        self._trial, self._trial_failure, self._doing = trial, None, []
        self._said.clear()
        try:
            parts = self._performed(trial, on_begin)
        finally:
            self._trial = None
            self._idle.set()
        for part in parts:
            self._scenario.tally.update(part["tally"])
        return together(figures_of(part["figures"]) for part in parts)

    def stop(self, patience_s: float) -> None:
        """See :class:`harness.conductor.Crew`."""
        self._stopping = True
        self._send("stop")
        self._idle.wait(patience_s)

    def close(self) -> None:
        """Have every worker end its samples and send its last counts; what went wrong is in ``failure``."""
        self._send("close")
        deadline_s = time.monotonic() + _ANSWER_PATIENCE_S
        while any(member.id not in self._closed and self._is_there(member) for member in self._there):
            if time.monotonic() > deadline_s:
                break
            self._wait()
        for member in self._there:
            if member.id not in self._closed:
                self._lose(member, "it told no rows at the end")
        for member in self._members:
            member.rows = self._closed.get(member.id)
            if member.rows is None:
                member.kept = rows_kept(Path(self._job["samples"]), f"{self._scenario.name}.{member.index}")

    def rows(self) -> int | None:
        """Rows that are kept, on whichever machine; None where nobody knows."""
        counts = [member.kept if member.rows is None else member.rows for member in self._members]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def _there(self) -> list[Member]:
        return [member for member in self._members if member.lost is None]

    @property
    def _left(self) -> list[Member]:
        """Those who do the trial and are there still."""
        return [member for member in self._doing if member.lost is None]

    def _performed(self, trial: Trial, on_begin: Callable[[int], None]) -> list[dict[str, Any]]:
        handed = self._scenario.hand_out(trial)
        while True:
            try:
                deadline_s = self._ready(trial, handed)
                break
            except _Gone:  # nothing has begun: the others take its share at once
                self._note_lost()
                self._spread()
        begin_ns = time.monotonic_ns() + self._lead_ns
        self._send("go", self._doing, begin_wall_ns=to_wall_ns(begin_ns))
        parts: list[dict[str, Any]] = []
        try:
            on_begin(begin_ns)
            parts = self._gather("done", deadline_s + _ANSWER_PATIENCE_S, of=self._doing)
        except _Gone as gone:
            parts = self._abandon(deadline_s)
            raise TrialBroken(f"{gone} was lost, and its part of the load with it") from gone
        finally:
            self._scenario.collect(trial, [part["told"] for part in parts])
        return parts

    def _ready(self, trial: Trial, handed: dict[str, Any]) -> float:
        """Everybody has its part of the trial at hand; until when it must be over, in seconds."""
        there = self._there
        slots = [member.slots for member in there]
        if why := self._scenario.undivided(trial) if len(there) > 1 else None:
            there, slots = there[:1], [sum(slots)]
            self._say_undivided(trial, there[0], why)
        self._doing = there
        for rank, member in enumerate(there):
            part = {"slots": slots, "rank": rank, "handed": handed}
            self._send("trial", [member], trial=asdict(trial), **part)
        return max(float(load["deadline_s"]) for load in self._gather("at_hand", _ANSWER_PATIENCE_S, of=there))

    def _say_undivided(self, trial: Trial, member: Member, why: str) -> None:
        """Event: ``done_by_one``, with the reason; in the log once for each reason."""
        self._events.add("done_by_one", trial=trial.trial, worker=str(member.index), reason=why)
        if why not in self._said_why:
            self._said_why.add(why)
            logger.info("trials that %s are done by %s, with all slots", why, name_of(member))

    def _abandon(self, patience_s: float) -> list[dict[str, Any]]:
        """End the trial at those that are left, and wait until they have."""
        while True:
            self._note_lost()
            left = self._left
            self._send("abandon", left)
            with suppress(_Gone):
                return self._gather("done", patience_s + _ANSWER_PATIENCE_S, of=left)

    def _spread(self) -> None:
        """All slots over those that are there; asked of them, since Locust moves users by messages. Raises CannotMeasure."""
        deadline_s = time.monotonic() + _SPREAD_PATIENCE_S
        while not self._stopping:
            self._note_lost()
            shares = self._move_users()
            try:
                self._send("slots")
                for member, answer in zip(self._there, self._gather("slots", _ANSWER_PATIENCE_S), strict=True):
                    member.slots = answer["slots"]
            except _Gone:
                continue
            if all(member.slots == shares.get(member.id) for member in self._there):
                return
            if time.monotonic() > deadline_s:
                told = {name_of(member): member.slots for member in self._there}
                logger.warning("workers have slots as follows, and were to have %s: %s", shares, told)
                return
            gevent.sleep(0.02)

    def _move_users(self) -> dict[str, int]:
        """Have Locust give all users to those that are there, where others have some; how many each is to have."""
        runner = self._runner
        dispatcher: Dispatcher | None = runner._users_dispatcher
        if dispatcher is None:  # Locust is stopping
            return {}
        nodes = [runner.clients[member.id] for member in self._there if member.id in runner.clients]
        if runner.state in _LOADING and dispatcher.spread_over(nodes):
            runner.start(runner.target_user_count, runner.spawn_rate)
        return dispatcher.shares()

    def _newcomers(self) -> list[Any]:
        """Locust's workers that are connected and not of this run yet."""
        known = {member.id for member in self._members} | self._turned_away
        clients = self._runner.clients
        connected = [one for one in (*clients.ready, *clients.spawning, *clients.running) if one.id not in known]
        return sorted(connected, key=lambda one: self._runner.get_worker_index(one.id))

    def _set_up(self, workers: Sequence[Any]) -> None:
        """Measure the clocks of connected workers, and give them all they need for the run. Raises CannotMeasure, _Gone."""
        first = len(self._members)
        if first + len(workers) > MOST_WORKERS:
            raise CannotMeasure(f"{MOST_WORKERS} workers are the most that one run may have; start fewer")
        new = [Member(id=one.id, index=first + place) for place, one in enumerate(workers)]
        self._members += new
        self._measure_clocks(new)
        self._lead_ns = max([self._lead_ns, *(20 * member.clocks.error_ns for member in new)])
        for member in new:
            own = {"worker": member.index, "host": socket.gethostname(), "clocks": member.clocks.as_record()}
            own["watched"] = self._live.keeps_latencies
            self._send("set_up", [member], **self._job, **own)
        for member, answer in zip(new, self._gather("ready", _ANSWER_PATIENCE_S, of=new), strict=True):
            member.host, member.pid, member.slots = answer["host"], answer["pid"], answer["slots"]

    def _welcome(self, worker: Any, trial: Trial) -> None:
        """Take in one that came late; where that can't be, the run goes on without it. Events: ``worker_joined``, ``worker_refused``."""
        before, members = self.failure, list(self._members)
        try:
            self._set_up([worker])
        except (_Gone, CannotMeasure) as error:
            self.failure, self._members = before, members
            self._turned_away.add(worker.id)
            self._dismiss(worker.id)
            logger.warning("worker %s came late and can't be used: %s", worker.id, error)
            self._events.add("worker_refused", trial=trial.trial, host=host_of(worker.id), reason=str(error))
            return
        member = self._members[-1]
        member.joined_before = trial.trial
        logger.warning("%s joined: it is used from trial %d on", name_of(member), trial.trial)
        self._events.add("worker_joined", trial=trial.trial, worker=str(member.index), host=member.host)

    def _note_lost(self) -> None:
        """Those that are there no more are lost. Raises CannotMeasure where nobody is left."""
        for member in self._there:
            if not self._is_there(member):
                left = member.id in self._closed
                self._lose(member, "it took its leave" if left else "nothing was heard of it any more")
        if not self._there:
            self.failure = self.failure or CannotMeasure(
                "every worker is gone, so nobody is left to make the load; what was measured until then is kept"
            )
            raise self.failure

    def _lose(self, member: Member, reason: str) -> None:
        """Event: ``worker_lost``. One that was only silent ends by itself, since nobody would count what it does."""
        member.lost, member.lost_in = reason, self._trial.trial if self._trial else None
        logger.warning("%s is lost: %s", name_of(member), reason)
        self._events.add("worker_lost", trial=member.lost_in, worker=str(member.index), host=member.host, reason=reason)
        self._dismiss(member.id)

    def _dismiss(self, worker: str) -> None:
        """Have a worker quit, and Locust forget it: a minute later it would begin anew with those that are left."""
        self._runner.send_message("quit", None, worker)
        self._runner.clients.pop(worker, None)

    def _measure_clocks(self, members: Sequence[Member]) -> None:
        """Each one's clocks, by a few messages to all of them and back."""
        rounds: dict[str, list[Round]] = {member.id: [] for member in members}
        for _ in range(_CLOCK_ROUNDS):
            sent_ns = {}
            for member in members:
                sent_ns[member.id] = time.monotonic_ns()
                self._send("clock", [member])
            monotonic, wall = clock_pair()
            for member, said in zip(members, self._gather("clock", _ANSWER_PATIENCE_S, of=members), strict=True):
                rounds[member.id].append(
                    Round(sent_ns=sent_ns[member.id], received_ns=said["received_ns"], wall_less_monotonic_ns=wall - monotonic,
                          their_monotonic_ns=said["monotonic_ns"], their_wall_ns=said["wall_ns"])
                )  # fmt: skip
        for member in members:
            member.clocks = Clocks.of(rounds[member.id])

    def _send(self, do: str, to: Iterable[Member] | None = None, **members: Any) -> None:
        for member in self._there if to is None else to:
            self._runner.send_message(MESSAGE, {"do": do, "test": self._test, **members}, member.id)

    def _gather(self, what: str, patience_s: float, *, of: Sequence[Member] | None = None) -> list[dict[str, Any]]:
        """One answer of each of these workers (of all), in their order. Raises _Gone, what failed, CannotMeasure after so long."""
        members = self._there if of is None else of
        answers = self._said.setdefault(what, {})
        deadline_s = time.monotonic() + patience_s
        while missing := [member for member in members if member.id not in answers]:
            if failure := self.failure or self._trial_failure:
                raise failure
            for member in missing:
                if not self._is_there(member):
                    raise _Gone(name_of(member))
            if time.monotonic() > deadline_s:
                raise CannotMeasure(f"{name_of(missing[0])} didn't say {what!r} in {patience_s:g} s")
            self._wait()
        return [answers.pop(member.id) for member in members]

    def _wait(self) -> None:
        self._news.wait(0.2)
        self._news.clear()

    def _is_there(self, member: Member) -> bool:
        client = self._runner.clients.get(member.id)
        if member.id in self._closed and not self._stopping:
            return False
        return client is not None and client.state != "missing"

    def _on_message(self, msg: Any, **_: Any) -> None:
        said = dict(msg.data)
        member = next((one for one in self._members if one.id == msg.node_id), None)
        if said.pop("test") != self._test or member is None:
            return
        what = said.pop("do")
        if what == "clock":
            said["received_ns"] = time.monotonic_ns()
        if what == "event":
            t_ns = to_monotonic_ns(said.pop("wall_ns"))
            self._events.add(said.pop("kind"), trial=said.pop("trial"), t_ns=t_ns, **said["fields"])
        elif what == "closed":
            self._closed[member.id] = said["rows"]
        elif what == "failed":
            self._note_failed(member, said)
        else:
            self._said.setdefault(what, {})[member.id] = said
        self._news.set()

    def _note_failed(self, member: Member, said: dict[str, Any]) -> None:
        if member.lost is not None:
            return
        reason = f"{name_of(member)}: {said['reason']}"
        if said.get("trial_only"):
            self._trial_failure = self._trial_failure or TrialFailed(reason)
        else:
            self.failure = self.failure or CannotMeasure(reason)

    def _on_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """A worker's sketches and counts since its last report, which come along with Locust's own statistics."""
        report = data.get(MESSAGE)
        if report and report["test"] == self._test and any(member.id == client_id for member in self._members):
            self._live.merge(report["live"], client_id)
            for trial, op, packed in report["sketches"]:
                part = Sketch.from_bytes(packed)
                self._live.merge_sketch(op, part)
                self.sketches.add(trial, op, part)
