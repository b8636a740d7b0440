"""Locust's workers as a crew: the master has services, data and plan, and tells the workers trial by trial what to do.

One kind of Locust message carries it all, each way with a member ``do``:

    master → worker   clock · set_up · trial · go · stop · close
    worker → master   clock · ready · at_hand · done · closed · event · failed

A trial begins at one moment for all: its wall time is in ``go``, a little ahead. How far the clocks of a worker on another
machine stand from the master's is measured first; the worker then speaks of all times as the master's clocks would give
them, in messages and samples. Sketches and counts come with Locust's own reports. The run counts on every worker: one that
is gone, or one that joins late (Locust then moves users about), ends it with a reason.
"""

import base64
import json
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gevent.event import Event

from harness.clocks import Clocks, Round
from harness.errors import CannotMeasure
from harness.generator import Figures, together
from harness.live import Live
from harness.plan import Trial
from harness.recorder import clock_pair
from harness.rundir import Events
from harness.scenario import Scenario
from harness.sketches import RELATIVE_ERROR, Sketch

MESSAGE = "dbharness"
_LEAD_NS = 20_000_000  # from telling the workers to go until they do
_ANSWER_PATIENCE_S = 60.0
_CLOCK_ROUNDS = 9
_QUANTILES = (0.5, 0.95, 0.99, 0.999)


class Workers:
    """The crew of a Locust master; one object for all tests of its process, made when Locust is initialised."""

    def __init__(self, runner: Any, live: Live) -> None:
        self._runner, self._live = runner, live
        self._test = 0
        self._ids: list[str] = []
        self._said: dict[str, dict[str, dict[str, Any]]] = {}
        self._news, self._idle = Event(), Event()
        self.failure: CannotMeasure | None = None
        self._walking = self._stopping = False
        self._slots: list[int] = []
        self._lead_ns = _LEAD_NS
        runner.register_message(MESSAGE, self._on_message)
        runner.environment.events.worker_report.add_listener(self._on_report)
        runner.environment.events.worker_connect.add_listener(self._on_connect)

    def open(self, scenario: Scenario[Any], events: Events, job: dict[str, Any]) -> list[dict[str, Any]]:
        """Make every connected worker ready for a run; returns what the manifest says of them. Raises CannotMeasure."""
        self._scenario, self._events = scenario, events
        self._test += 1
        self._said, self.failure, self._stopping = {}, None, False
        self._idle.set()
        self.sketches: dict[tuple[int, str], Sketch] = {}
        runner = self._runner
        connected = (*runner.clients.ready, *runner.clients.spawning, *runner.clients.running)
        self._ids = sorted((client.id for client in connected), key=runner.get_worker_index)
        self._walking = True
        clocks = self._measure_clocks()
        self._lead_ns = max([_LEAD_NS, *(20 * one.error_ns for one in clocks)])
        for index, (worker, one) in enumerate(zip(self._ids, clocks, strict=True)):
            part = {"worker": index, "workers": len(self._ids), "host": socket.gethostname(), "clocks": one.as_record()}
            self._send("set_up", [worker], **job, **part)
        answers = self._gather("ready", _ANSWER_PATIENCE_S)
        self._slots = [answer["slots"] for answer in answers]
        return [
            {"worker": str(index), "host": answer["host"], "pid": answer["pid"], "slots": answer["slots"],
             "rows": None, "clocks": one.as_record()}
            for index, (answer, one) in enumerate(zip(answers, clocks, strict=True))
        ]  # fmt: skip

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        """See :class:`harness.conductor.Crew`."""
        self._idle.clear()
        try:
            self._send("trial", trial=asdict(trial), slots=self._slots)
            deadline_s = max(load["deadline_s"] for load in self._gather("at_hand", _ANSWER_PATIENCE_S))
            begin_ns = time.monotonic_ns() + self._lead_ns
            self._send("go", begin_wall_ns=to_wall_ns(begin_ns))
            on_begin(begin_ns)
            parts = self._gather("done", deadline_s + _ANSWER_PATIENCE_S)
        finally:
            self._idle.set()
        for part in parts:
            self._scenario.tally.update(part["tally"])
        return together(figures_of(part["figures"]) for part in parts)

    def stop(self, patience_s: float) -> None:
        """See :class:`harness.conductor.Crew`."""
        self._stopping = True
        self._send("stop")
        self._idle.wait(patience_s)

    def close(self) -> dict[int, int]:
        """Have every worker end its samples and send its last counts; the rows of each that did.

        What went wrong is in ``failure``.
        """
        self._send("close")
        try:
            self._gather("closed", _ANSWER_PATIENCE_S, last=True)
        except CannotMeasure as error:
            self.failure = self.failure or error
        self._walking = False
        closed = self._said.get("closed", {})
        return {index: closed[worker]["rows"] for index, worker in enumerate(self._ids) if worker in closed}

    def write_sketches(self, path: Path) -> None:
        """The merged sketches of every trial and operation, with the quantiles that they give."""
        rows = [
            {
                "trial": trial,
                "op": op,
                "n": sketch.count,
                **{f"p{quantile * 100:g}_ns": sketch.quantile(quantile) for quantile in _QUANTILES},
                "sketch": base64.b64encode(sketch.to_bytes()).decode(),
            }
            for (trial, op), sketch in sorted(self.sketches.items())
        ]
        path.write_text(json.dumps({"relative_error": RELATIVE_ERROR, "sketches": rows}, indent=1) + "\n")

    def _measure_clocks(self) -> list[Clocks]:
        """Each worker's clocks, by a few messages to all of them and back."""
        rounds: dict[str, list[Round]] = {worker: [] for worker in self._ids}
        for _ in range(_CLOCK_ROUNDS):
            sent_ns = {}
            for worker in self._ids:
                sent_ns[worker] = time.monotonic_ns()
                self._send("clock", [worker])
            monotonic, wall = clock_pair()
            for worker, said in zip(self._ids, self._gather("clock", _ANSWER_PATIENCE_S), strict=True):
                rounds[worker].append(
                    Round(sent_ns=sent_ns[worker], received_ns=said["received_ns"], wall_less_monotonic_ns=wall - monotonic,
                          their_monotonic_ns=said["monotonic_ns"], their_wall_ns=said["wall_ns"])
                )  # fmt: skip
        return [Clocks.of(rounds[worker]) for worker in self._ids]

    def _send(self, do: str, to: Iterable[str] | None = None, **members: Any) -> None:
        for worker in self._ids if to is None else to:
            self._runner.send_message(MESSAGE, {"do": do, "test": self._test, **members}, worker)

    def _gather(self, what: str, patience_s: float, *, last: bool = False) -> list[dict[str, Any]]:
        """One answer of each worker, in their order; raises CannotMeasure for the first that can't be had.

        What failed before doesn't keep the ``last`` answers from being waited for.
        """
        answers = self._said.setdefault(what, {})
        deadline_s = time.monotonic() + patience_s
        while missing := [worker for worker in self._ids if worker not in answers]:
            if self.failure and not last:
                raise self.failure
            for worker in missing:
                if not self._is_there(worker) or (worker in self._said.get("closed", {}) and not self._stopping):
                    raise CannotMeasure(
                        f"{self._name(worker)} is gone: its part of the load is missing, so this run isn't valid; "
                        "what was measured until then is kept"
                    )
            if time.monotonic() > deadline_s:
                raise CannotMeasure(f"{self._name(missing[0])} didn't say {what!r} in {patience_s:g} s")
            self._news.wait(0.2)
            self._news.clear()
        return [answers.pop(worker) for worker in self._ids] if not last else list(answers.values())

    def _is_there(self, worker: str) -> bool:
        client = self._runner.clients.get(worker)
        return client is not None and client.state != "missing"

    def _name(self, worker: str) -> str:
        return f"worker {self._ids.index(worker)} of {len(self._ids)} ({worker})"

    def _on_message(self, msg: Any, **_: Any) -> None:
        said = dict(msg.data)
        if said.pop("test") != self._test or msg.node_id not in self._ids:
            return
        what = said.pop("do")
        if what == "clock":
            said["received_ns"] = time.monotonic_ns()
        if what == "event":
            t_ns = to_monotonic_ns(said.pop("wall_ns"))
            self._events.add(said.pop("kind"), trial=said.pop("trial"), t_ns=t_ns, **said["fields"])
        elif what == "failed":
            self.failure = self.failure or CannotMeasure(f"{self._name(msg.node_id)}: {said['reason']}")
        else:
            self._said.setdefault(what, {})[msg.node_id] = said
        self._news.set()

    def _on_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        """A worker's sketches and counts since its last report, which come along with Locust's own statistics."""
        report = data.get(MESSAGE)
        if not report or report["test"] != self._test or client_id not in self._ids:
            return
        self._live.merge(report["live"], client_id)
        for trial, op, packed in report["sketches"]:
            part = Sketch.from_bytes(packed)
            self._live.merge_sketch(op, part)
            whole = self.sketches.get((trial, op))
            if whole is None:
                self.sketches[trial, op] = part
            else:
                whole.merge(part)

    def _on_connect(self, client_id: str, **_: Any) -> None:
        if self._walking and not self._stopping and client_id not in self._ids:
            self.failure = self.failure or CannotMeasure(
                "a worker joined while trials ran: Locust moves users to it then; start all workers before the test"
            )
            self._news.set()


def to_wall_ns(monotonic_ns: int) -> int:
    """The wall time of a moment of this machine's monotonic clock."""
    monotonic, wall = clock_pair()
    return monotonic_ns - monotonic + wall


def to_monotonic_ns(wall_ns: int) -> int:
    """The moment of this machine's monotonic clock at a wall time."""
    monotonic, wall = clock_pair()
    return wall_ns - wall + monotonic


def figures_message(figures: Figures, *, ahead_ns: int = 0) -> dict[str, Any]:
    """A worker's figures of a trial to send: times on the master's wall, which this one's is ahead of."""
    times = {name: to_wall_ns(getattr(figures, name)) - ahead_ns for name in ("begin_ns", "end_ns")}
    return asdict(figures) | times


def figures_of(message: dict[str, Any]) -> Figures:
    """A worker's figures as they were sent, times on this machine's clock."""
    times = {name: to_monotonic_ns(message[name]) for name in ("begin_ns", "end_ns")}
    return Figures(**(message | times))
