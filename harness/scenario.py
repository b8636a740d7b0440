"""What a scenario is: one question, its settings, its data, and the load of each trial.

A scenario file defines one subclass of ``Scenario`` and passes it to ``harness.execute.locust_user``, which makes it
a locustfile. The harness calls, in this order: ``needs``, ``set_up``, ``plan``, then ``prepare``, ``begin``, ``begun``
and ``end`` for each trial, and ``tear_down``. With several processes all but ``begin`` is called in one of them;
the others call ``attach``.
"""

import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from harness.config import Config, Settings
from harness.errors import CannotMeasure, UsageError
from harness.local.services import LocalServices
from harness.plan import Trial
from harness.recorder import Kind, Observation
from harness.rundir import Events
from harness.services import Needs, Services

SettingsT = TypeVar("SettingsT", bound=Settings)
FaultKind = Literal["crash", "hang", "planned"]
FAULT_KINDS: tuple[FaultKind, ...] = FaultKind.__args__  # type: ignore[attr-defined]
"""What somebody who looks on may let happen."""
MOST_WORKERS = 1000


def numbers(worker: int | None) -> Iterator[int]:
    """Numbers of one process's own: 1, 2, 3 … of one that is alone (None), else worker + 1 and on in steps of MOST_WORKERS.

    Whoever joins later has numbers of its own too.
    """
    return count(1) if worker is None else count(1 + worker, MOST_WORKERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of an operation that was tried again: what came of it, and when it began and ended (monotonic)."""

    seen: Observation
    start_ns: int
    end_ns: int


class Slot:
    """One place for an operation in flight: a Locust user, with the connections it holds."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.earlier: list[Attempt] = []
        self.begins_ns: int | None = None
        self._held: dict[object, Any] = {}

    def attempt(self, seen: Observation, *, start_ns: int, end_ns: int) -> None:
        """Keep an attempt that an act followed by another one; the last is what the act returns."""
        self.earlier.append(Attempt(seen=seen, start_ns=start_ns, end_ns=end_ns))
        self.begins_ns = None

    def attempt_begins(self, now_ns: int) -> None:
        """The attempt that comes begins now, back-off and all that lay behind; CLOCK_MONOTONIC, ns."""
        self.begins_ns = now_ns

    def hold(self, key: object, make: Callable[[], Any]) -> Any:
        """The connection kept under ``key``, made on first use; it needs a ``close``."""
        if key not in self._held:
            self._held[key] = make()
        return self._held[key]

    def drop(self, key: object) -> None:
        """Close and forget the connection kept under ``key``, if there is one."""
        held = self._held.pop(key, None)
        if held is not None:
            try:
                held.close()
            except OSError:  # it was broken already, which is why it is dropped
                return

    def close(self) -> None:
        """Drop all connections."""
        for key in list(self._held):
            self.drop(key)


class Ticket(NamedTuple):
    """One operation to do: ``due_ns`` after the trial began (open loop), or at once (None: closed loop).

    After it its slot rests for ``think_ns``, as a user who reads the answer would.
    A ticket of the warm-up is recorded like any other, in the phase *warm-up* that no figure counts.
    A named tuple, made in a third of the time of a frozen dataclass. Where tickets are ``harness.arrivals.Drawn``, each of several
    processes makes its own only.
    """

    op: str
    act: Callable[[Slot], Observation]
    due_ns: int | None = None
    think_ns: int = 0
    warm_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Operations that share slots: ``slots`` of its own, or None to share what the other streams leave.

    ``backlog`` bounds an open loop: so many operations that are due may wait for a slot; what falls due beyond
    that is *dropped*: not done, but counted (None: everything waits, however long).

    With ``blocked`` (and a backlog of 0) nothing is dropped: what falls due while every slot has an operation under way isn't
    done either, but is a row with that observation, begun and ended at its due moment. What falls due otherwise is done, late
    where the tool itself is: its row says so.
    """

    tickets: Iterator[Ticket]
    slots: int | None = None
    backlog: int | None = None
    blocked: Observation | None = None

    def __post_init__(self) -> None:
        """Nothing waits where what finds no slot is blocked."""
        if self.blocked is not None and self.backlog != 0:
            raise ValueError(f"backlog: 0 where blocked is given, got {self.backlog}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLoad:
    """The load of one trial, which must be over ``deadline_s`` after it began."""

    client: str
    streams: tuple[Stream, ...]
    deadline_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorProbe:
    """One operation whose floor is worth knowing: the same client and bytes, at a responder that does nothing.

    ``client`` and ``op`` are the words its samples carry, ``labels`` tell it apart from others of the same two;
    ``role`` names the service that is stood in for (``dynamodb``, ``cache``, ``postgres``, ``mysql``), ``server`` is
    where that one answers. ``act`` is the scenario's own: what it holds under ``key`` is a connection that ``connect``
    made to the responder's host and port.
    ``slots`` in flight at once: as many as the load's where None; one for an open loop.
    """

    client: str
    op: str
    role: str
    server: tuple[str, int]
    key: object
    connect: Callable[[str, int], Any]
    act: Callable[[Slot], Observation]
    labels: Mapping[str, str] = field(default_factory=dict)
    slots: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a scenario works with; clock and randomness come from here, never from the module.

    ``redact`` goes over a text that a sample is to have and that may name an address. ``worker`` is the number of the process
    that makes the load, None where there is one only; ``shift_ns`` is what moments of its clock lack to those of samples.
    """

    config: Config
    services: Services
    events: Events
    slots: int
    clock_ns: Callable[[], int] = time.monotonic_ns
    sleep_s: Callable[[float], None] = time.sleep
    notes: dict[str, Any] = field(default_factory=dict)
    redact: Callable[[str], str] = str
    worker: int | None = None
    shift_ns: int = 0

    def numbers(self) -> Iterator[int]:
        """Numbers that no other process of this run has."""
        return numbers(self.worker)

    @property
    def on_aws(self) -> bool:
        """Whether services are managed ones, which nobody can start, stop or speed up."""
        return self.config.target == "aws"

    @property
    def local(self) -> LocalServices:
        """The embedded servers, for what can be done to them alone."""
        assert isinstance(self.services, LocalServices), "managed services can't be handled so"
        return self.services

    def rng(self, *names: object) -> random.Random:
        """A generator of its own for each use: the run's seed and ``names`` decide its numbers."""
        return random.Random("/".join(map(str, (self.config.seed, *names))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Settings as far as managed services allow, and what was left out, each with the reason: it reads *not measured*."""

    settings: Settings
    left_out: Mapping[str, str] = field(default_factory=dict)


class Scenario(ABC, Generic[SettingsT]):
    """One question, with the load that answers it."""

    name: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    columns: ClassVar[Mapping[str, Kind]] = {}
    default_slots: ClassVar[int] = 1
    distributable: ClassVar[bool] = False  # whether its load may come from several processes at once
    alone: ClassVar[str] = "is a measurement of one process"  # why it may not, where it may not
    shared: ClassVar[tuple[str, ...]] = ()  # what set_up makes and the load needs: sent to workers, so plain data

    def __init__(self, settings: SettingsT, context: Context) -> None:
        self.settings, self.context = settings, context
        self.tally: Counter[str] = Counter()  # what acts count in one trial; summed over workers before ``end``
        self.handed: Mapping[str, Any] = {}  # what ``hand_out`` said of the trial
        self.part = 0, 1  # which process of how many makes the load of the trial
        self.shares: Sequence[int] = (context.slots,)  # … and how many slots each of them has
        self.tell_load: Callable[[Mapping[str, Any]], None] = self.heard  # … where that is another process

    @classmethod
    @abstractmethod
    def needs(cls, settings: Any) -> Needs:
        """The services this scenario wants with these settings."""

    @classmethod
    def one_process(cls, settings: Any) -> str | None:  # noqa: ARG003 - for those that override it
        """Why the load of these settings must come from one process, where the scenario's may come from several; else None."""
        return None

    @classmethod
    def on_aws(cls, settings: Any, services: Services) -> "Narrowed":  # noqa: ARG003 - for those that override it
        """What of ``settings`` runs on managed services. Raises CannotMeasure where nothing does."""
        raise CannotMeasure(f"{cls.name} measures what is on this machine; --target local does")

    @abstractmethod
    def set_up(self) -> None:
        """Bring the data up; raises CannotMeasure with one line that says why it can't."""

    @abstractmethod
    def plan(self) -> list[Trial]:
        """The trials, in order."""

    def attach(self) -> None:
        """In a worker, instead of ``set_up``: the ``shared`` attributes are there; make what else the load needs."""

    def undivided(self, trial: Trial) -> str | None:  # noqa: ARG002 - for those that override it
        """Why one process must do all of ``trial``, with all slots, though there are several; else None. Words that follow its name."""
        return None

    def prepare(self, trial: Trial) -> None:
        """Bring services and data into the state that ``trial`` begins with: once, however many processes load.

        This and ``end`` may raise TrialFailed: that trial, and those like it, aren't measured; the plan goes on.
        """

    @abstractmethod
    def begin(self, trial: Trial) -> TrialLoad:
        """Give the load of one trial; nothing done here is measured. Every process that makes load calls this.

        It draws the same tickets in each of them: who does which is not the scenario's business.
        """

    def hand_out(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - for those that override it
        """After ``prepare``: what ``begin`` has to know of it, as plain data; it is in ``handed`` of each process that loads."""
        return {}

    def load_begun(self, trial: Trial, begin_ns: int) -> None:
        """In every process that makes load, as it starts at ``begin_ns`` (CLOCK_MONOTONIC of its machine)."""

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """Called when the load of ``trial`` starts, at ``begin_ns``: the place to start a fault."""

    def heard(self, word: Mapping[str, Any]) -> None:
        """In every process that makes load of the trial: what ``tell_load`` was told where the services are, up to its ``end``; plain data."""

    def load_ended(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - for those that override it
        """In every process that makes load, after its last operation, however the trial came to its end: close what ``begin`` opened.

        Returns what ``collect`` has to know, as plain data.
        """
        return {}

    def collect(self, trial: Trial, told: Sequence[Mapping[str, Any]]) -> None:
        """Before ``end``: what ``load_ended`` returned in each process that made load and lived to tell."""

    def end(self, trial: Trial) -> None:
        """Settle one trial after its last operation: check, count, clean."""

    def afterwards(self) -> None:
        """Once the whole plan was walked: note as events what the services tell of it only later."""

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """What the scenario knows now, by feed of ``harness.cockpit.state``, for whoever looks on while it runs.

        Called about once a second beside the load, in the process that has the services, from ``plan`` on. It may wait for an answer, but
        takes at most 2 ms of this process's time; it may be cut short while it waits.
        """
        return {}

    def load_live(self) -> Mapping[str, Mapping[str, float]]:
        """What the load of this process knows now, by feed: what ends in ``_count`` is added up over processes, of all else the largest is shown.

        Called about once a second, while somebody looks on, in every process that makes load; it takes at most 0.5 ms, of what is at
        hand, and asks nobody.
        """
        return {}

    @staticmethod
    def counted(op: str, seen: Observation) -> str | None:  # noqa: ARG004 - for those that override it
        """What an attempt counts as for who looks on, beside its outcome; one word, called for every attempt."""
        return None

    def became(self, trial: Trial) -> Trial:
        """What a trial turned out to be, where that is decided while it goes on; called once it is over, failed or not."""
        return trial

    def fault(self, kind: FaultKind) -> str:
        """Let something fail now, as somebody who looks on asks for: what happened. Raises UsageError where nothing can."""
        raise UsageError(f"{self.name} has nothing that fails by hand ({kind})")

    def floor_probes(self) -> list[FloorProbe]:
        """The operations to calibrate after ``set_up``; none unless a scenario names some."""
        return []

    def tear_down(self) -> None:
        """Undo what set_up did outside the services, which stop by themselves."""
