"""What the servers of the comparison use, for whoever looks on: looked at between two answers, so that no measured one waits for it."""

import time
from collections.abc import Callable, Mapping

from harness.stores_compared.cost import ServerProcesses

Told = dict[str, dict[str, float]]


class Looks:
    """Processor time of ``processes`` by what each server is called. Reading a process's clock costs its server nothing."""

    def __init__(
        self, processes: Mapping[str, ServerProcesses], clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._processes, self._clock_ns = processes, clock_ns
        self._before: tuple[int, dict[str, int]] | None = None
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
        used_ns = {name: server.cpu_ns() for name, server in self._processes.items()}
        before, self._before = self._before, (began_ns, used_ns)
        if before is not None and began_ns > before[0]:
            since_ns = began_ns - before[0]
            self._found["servers"] = {
                f"cpu_ms_per_s|{name}": max(0.0, 1000 * (used_ns[name] - before[1][name]) / since_ns) for name in used_ns
            }  # fmt: skip
        return self._clock_ns() - began_ns
