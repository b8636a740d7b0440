"""Long work in turns: a Scan's page is made a few milliseconds at a time, and others are served in between.

An answer that takes long comes as a generator: it yields now and then and returns the answer. All such works share one
queue and one budget of time for each round of the event loop, however many connections have one.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Generator

logger = logging.getLogger(__name__)

Answer = tuple[int, bytes]
LongWork = Generator[None, None, Answer]
# What others wait at most for all long works together, but for the time between two yields of one of them.
SLICE_S = 0.002
DEFECT = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"a defect of the twin"}'


class Work:
    """One long work, and who waits for its answer."""

    __slots__ = ("_answered", "_steps")

    def __init__(self, steps: LongWork, answered: Callable[[Answer], None]) -> None:
        self._steps, self._answered = steps, answered

    def drop(self) -> None:
        """Nobody waits any more: what is left undone stays undone."""
        try:
            self._steps.close()
        except Exception:
            logger.exception("a work that was dropped didn't end well")

    def run(self, until_s: float, clock_s: Callable[[], float]) -> bool:
        """Work until that time; whether it is over: answered, failed or dropped."""
        try:
            while True:
                next(self._steps)
                if clock_s() >= until_s:
                    return False
        except StopIteration as end:
            answer: Answer | None = end.value
        except Exception:
            logger.exception("a long work failed")
            answer = 500, DEFECT
        if answer is not None:  # of one that was dropped there is none
            self._answered(answer)
        return True


class Turns:
    """Runs the long works of all connections, in turn and a slice at a time."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        slice_s: float = SLICE_S,
        clock_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._loop, self._slice_s, self._clock_s = loop, slice_s, clock_s
        self._waiting: deque[Work] = deque()
        self._until_s, self._in_round = 0.0, False

    def begin(self, steps: LongWork, answered: Callable[[Answer], None]) -> Work:
        """Begin at once if this round has time left, else stand in line; ``answered`` is called with the answer.

        It may be called before this returns.
        """
        work = Work(steps, answered)
        if not self._in_round:
            self._open_round()
        if self._waiting or not work.run(self._until_s, self._clock_s):
            self._waiting.append(work)
        return work

    def _open_round(self) -> None:
        self._in_round, self._until_s = True, self._clock_s() + self._slice_s
        self._loop.call_soon(self._next_round)

    def _next_round(self) -> None:
        """The loop has seen to everybody else: on with the first in line, for one slice."""
        self._in_round = False
        if not self._waiting:
            return
        self._open_round()
        while self._waiting:
            work = self._waiting.popleft()
            if not work.run(self._until_s, self._clock_s):
                self._waiting.append(work)
            if self._clock_s() >= self._until_s:
                return
