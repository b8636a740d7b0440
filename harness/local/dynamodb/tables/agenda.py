"""What happens to tables later, by the service's clock."""

import heapq
import math
from collections.abc import Callable
from itertools import count


class Agenda:
    """Jobs with the moment at which each is due; those of one moment are done in the order of their coming."""

    def __init__(self) -> None:
        self._jobs: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = count()

    @property
    def due_s(self) -> float:
        """When the next job is due; infinity when there is none."""
        return self._jobs[0][0] if self._jobs else math.inf

    def at(self, due_s: float, job: Callable[[float], None]) -> None:
        """Do a job once that moment has come; it is told the moment at which it is done."""
        heapq.heappush(self._jobs, (due_s, next(self._number), job))

    def run(self, now_s: float) -> None:
        """Do what is due, also what becomes due by it."""
        while self.due_s <= now_s:
            job = heapq.heappop(self._jobs)[2]
            job(now_s)
