"""One arm under gevent and nothing else: no Locust, no conductor, no recorder; what the client itself costs.

``python -m gevent.monkey --module benchmarks.performance_bare ARM WARM_UP_S MEASURED_S`` patches first (F4) and ends with one
JSON object on stdout. A slot looks round after each operation: one whose answers are always there already would never let the
others run.
"""

import json
import sys
import time

import gevent

from benchmarks.performance_arms import Act, Arms, Servers
from harness.scenario import Slot


def main() -> int:
    """Warm up, measure, tell."""
    act, count = Arms(Servers.from_environment()).of(sys.argv[1])
    slots = [Slot(index) for index in range(count)]
    _run(act, slots, float(sys.argv[2]))
    began_cpu_s, began_s = time.process_time(), time.monotonic()
    operations = _run(act, slots, float(sys.argv[3]))
    told = {"operations": operations, "cpu_s": time.process_time() - began_cpu_s, "wall_s": time.monotonic() - began_s}
    print(json.dumps(told))
    return 0


def _run(act: Act, slots: list[Slot], seconds: float) -> int:
    """Each slot in a closed loop; returns how many operations they did."""
    end_s = time.monotonic() + seconds

    def loop(slot: Slot) -> int:
        done = 0
        while time.monotonic() < end_s:
            act(slot)
            done += 1
            gevent.sleep(0)
        return done

    greenlets = [gevent.spawn(loop, slot) for slot in slots]
    gevent.joinall(greenlets, raise_error=True)
    return sum(greenlet.value for greenlet in greenlets)


if __name__ == "__main__":
    sys.exit(main())
