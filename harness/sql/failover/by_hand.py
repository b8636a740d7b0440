"""A failover that waits for somebody: when a fault may be asked for, which one was, and when nobody comes any more. Pure."""

from dataclasses import replace

from harness.errors import TrialFailed, UsageError
from harness.plan import Trial
from harness.scenario import FaultKind
from harness.sql.failover.cells import BY_HAND

WAITING, TOO_EARLY, NOBODY_CAME = "waiting", "not yet", "nobody came"


class ByHand:
    """What one trial of fault ``by_hand`` knows of its fault. Moments are CLOCK_MONOTONIC, ns.

    A fault may be asked for once the load has run for ``before_s``, for ``waits_s``; ``on_aws`` only a planned one can be had.
    """

    def __init__(self, trial: Trial, *, before_s: float, waits_s: float, on_aws: bool) -> None:
        self._trial, self._waits_s, self._on_aws = trial, waits_s, on_aws
        self._before_ns, self._waits_ns = int(before_s * 1e9), int(waits_s * 1e9)
        self._begin_ns: int | None = None
        self._kind: FaultKind | None = None
        self._closed = False

    def begun(self, begin_ns: int) -> int:
        """The load begins, as whoever must know of it says: when the trial ends unless somebody comes."""
        self._begin_ns = begin_ns
        return begin_ns + self._before_ns + self._waits_ns

    def press(self, kind: FaultKind, now_ns: int) -> None:
        """Somebody asks for a fault. Raises UsageError with the reason why it can't be had."""
        if self._kind is not None:
            raise UsageError(f"this trial has had its fault: {self._kind}")
        if self._begin_ns is None:
            raise UsageError("the next failover is being prepared: its load hasn't begun")
        if self._closed or now_ns >= self._begin_ns + self._before_ns + self._waits_ns:
            raise UsageError("this trial is over: nobody had come in time")
        if now_ns < self._begin_ns + self._before_ns:
            wait_s = (self._begin_ns + self._before_ns - now_ns) / 1e9
            raise UsageError(f"the load has only begun: ask again in {wait_s:.1f} s")
        if self._on_aws and kind != "planned":
            raise UsageError(f"RDS lets nobody {kind} its servers: ask for planned")
        self._kind = kind

    def over(self, due_ns: int, ends_ns: int) -> bool:
        """Whether what is due so long after the begin comes after the trial's end; if nobody has come by then, nobody may any more.

        Operations are given out ahead of their time, so this closes the trial a little before its end.
        """
        if self._begin_ns is None or self._begin_ns + due_ns < ends_ns:
            return False
        self._closed = True
        return True

    def settle(self) -> None:
        """The trial is over. Raises TrialFailed where nobody came."""
        self._closed = True
        if self._kind is None:
            raise TrialFailed(f"nobody asked for a fault within the {self._waits_s:g} s of by_hand_s")

    def word(self, now_ns: int) -> str:
        """For who looks on: the fault that was asked for, or whether it may be."""
        if self._kind is not None:
            return self._kind
        if self._closed:
            return NOBODY_CAME
        early = self._begin_ns is None or now_ns < self._begin_ns + self._before_ns
        return TOO_EARLY if early else WAITING

    def became(self) -> Trial:
        """The trial, of the fault that was asked for in label and step, as if it had been planned; as it was, where none was."""
        if self._kind is None:
            return self._trial
        step = self._trial.step.replace(f".{BY_HAND}", f".{self._kind}", 1)
        return replace(self._trial, step=step, labels=self._trial.labels | {"fault": self._kind})
