"""What the servers of the comparison do, for whoever looks on: looked at between two answers, so that no measured one waits for it."""

import time
from collections.abc import Callable, Mapping

from harness.local.twin_control import TwinGauge
from harness.stores_compared.cost import ServerProcesses, Used

Told = dict[str, dict[str, float]]


class Looks:
    """Processor time of ``processes`` by what each server is called, and what the twin's own page says where there is one.

    Reading the processes' clocks costs their servers nothing. The twin answers for itself while nobody else asks it.
    """

    def __init__(
        self, processes: Mapping[str, ServerProcesses], twin: TwinGauge | None, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:  # fmt: skip
        self._processes, self._twin, self._clock_ns = processes, twin, clock_ns
        self._before: tuple[int, dict[str, Used]] | None = None
        self._wanted = False
        self._found: Told = {}

    def ask(self) -> Told:
        """What was found since this was last called, by feed; the next pause looks anew."""
        found, self._found, self._wanted = self._found, {}, True
        return found

    def pause(self) -> int:
        """Nobody is being answered: look, if that was asked for. Returns what it took, ns."""
        if not self._wanted:
            return 0
        began_ns, self._wanted = self._clock_ns(), False
        self._found = {"servers": self._cpu(began_ns)}
        if self._twin is not None:
            self._found["capacity"] = {name: float(value) for name, value in self._twin.look().items()}
        return self._clock_ns() - began_ns

    def _cpu(self, at_ns: int) -> dict[str, float]:
        used = {name: server.used() for name, server in self._processes.items()}
        before, self._before = self._before, (at_ns, used)
        if before is None or at_ns <= before[0]:
            return {}
        return {
            f"cpu_ms_per_s|{name}": max(0.0, 1e12 * (used[name] - before[1][name]).cpu_s / (at_ns - before[0])) for name in used
        }  # fmt: skip
