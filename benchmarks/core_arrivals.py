"""How punctual an open loop is, and whether a stall comes back in its latencies as arithmetic has it.

- *lateness*: 2,000 arrivals a second on 20 greenlets that do nothing; how long after it was due each one started,
  waited for by ``gevent.sleep``, by ``harness.timing.Waiter``, and performed and recorded as in a trial, in turns.
- *stall*: 1,000 requests a second, in 20 slots, to a server of another process that takes 1 ms but begins nothing
  for 200 ms in the middle; performed and recorded as in a trial, latencies taken from the samples that were
  written. Latency counts from when a request was due, so the stall must be seen whole: the
  latencies are a sawtooth that ``exact_latencies_ns`` works out, and the p99.9 measured must be its p99.9 within 2 %.
"""

import argparse
import asyncio
import gc
import heapq
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import gevent
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from gevent import socket

from harness.arrivals import NS_PER_S, constant
from harness.local.alarms import Alarms
from harness.paths import PROJECT_ROOT
from harness.performer import Performer
from harness.plan import Trial
from harness.recorder import Observation, Recorder
from harness.scenario import Slot, Stream, Ticket, TrialLoad
from harness.sharing import lines_of
from harness.timing import Waiter

SLOTS = 20
LATENESS_PER_S = 2000
ROUNDS = 5
STALL_PER_S = 1000
SERVICE_NS = 1_000_000
STALL_NS = 200_000_000
HEAD_START_NS = 50_000_000
GOAL_LATENESS_P99_MS = 0.5
GOAL_STALL_SHARE = 0.02
WAYS = ("sleep_", "", "trial_")
TRIAL = Trial(trial=0, pair=0, arm="stub", step="stall", labels={}, params={})
Act = Callable[[Slot], Observation]
_REQUEST = struct.Struct("<qq")  # begin and end of the stall, CLOCK_MONOTONIC ns
_ANSWER = b"!"


def figures(seconds: float = 10.0) -> dict[str, float]:
    """Both figures, each over ``seconds``; times in ms.

    ``lateness_*`` is the waiter's over all rounds, ``lateness_p99_median_ms`` the median of the rounds' p99 (a round
    in which the machine was busy with something else weighs no more than another); ``sleep_lateness_*`` is
    gevent.sleep's, ``trial_lateness_*`` that of the harness's whole way with the waiter in it. ``kept_off_core_ms``
    and the same with ``sleep_`` and ``trial_`` is how long other processes had the core while this one wanted it, in
    all: what is late because of that is the machine's. ``p999_ms`` is the stall's p99.9 as measured,
    ``p999_by_hand_ms`` as worked out, and so for ``p50``.
    """
    return lateness(seconds) | stall(seconds)


def lateness(seconds: float = 10.0, rounds: int = ROUNDS) -> dict[str, float]:
    """Lateness of 2,000 arrivals a second over ``seconds`` for each way of waiting, taken in turns."""
    duration_ns = round(seconds / rounds * NS_PER_S)
    found: dict[str, list[list[int]]] = {name: [] for name in WAYS}
    kept_off_ns = dict.fromkeys(WAYS, 0)
    with closing(Waiter()) as waiter:
        ways: tuple[Callable[[], list[int]], ...] = (
            lambda: _late_ns(_sleep_until, duration_ns),
            lambda: _late_ns(waiter.wait_until, duration_ns),
            lambda: _performed_late_ns(duration_ns),
        )
        for number in range(rounds):
            for name, take in list(zip(WAYS, ways, strict=True))[:: 1 if number % 2 else -1]:
                before_ns = _kept_off_core_ns()
                found[name].append(take())
                kept_off_ns[name] += _kept_off_core_ns() - before_ns
    told: dict[str, float] = {}
    for name, late_ns in found.items():
        pooled = [ns for one in late_ns for ns in one]
        told |= {f"{name}lateness_{p}_ms": quantile(pooled, q) / 1e6 for p, q in (("p50", 0.5), ("p99", 0.99))}
        told[f"{name}lateness_p99_median_ms"] = float(np.median([quantile(one, 0.99) for one in late_ns])) / 1e6
        told[f"{name}kept_off_core_ms"] = kept_off_ns[name] / 1e6
    return told


def stall(seconds: float = 10.0) -> dict[str, float]:
    """The p99.9 of 1,000 requests a second over ``seconds`` with one stall of 200 ms, measured and worked out."""
    due_ns = list(constant(rate_per_s=STALL_PER_S, duration_ns=round(seconds * NS_PER_S)))
    # Half an interval after an arrival, so that no request arrives at the very moment at which the stall begins.
    stall_ns = due_ns[len(due_ns) // 3] + NS_PER_S // STALL_PER_S // 2
    with _stub() as port:
        rows = perform(due_ns, lambda begin_ns: _asking(port, begin_ns + stall_ns))
    measured_ns = [end - due for due, _, end in rows]
    exact_ns = exact_latencies_ns(due_ns, stall_ns)
    return {
        "p999_ms": quantile(measured_ns, 0.999) / 1e6,
        "p999_by_hand_ms": quantile(exact_ns, 0.999) / 1e6,
        "p50_ms": quantile(measured_ns, 0.5) / 1e6,
        "p50_by_hand_ms": quantile(exact_ns, 0.5) / 1e6,
    }


def exact_latencies_ns(due_ns: Iterable[int], stall_ns: int, slots: int = SLOTS) -> list[int]:
    """What latencies would be if nothing but the server took time: due to answered, in the order of arrival.

    A request is sent when it is due or, later, when the first of the slots is free; what the server gets in the
    stall it begins at the stall's end.
    """
    free_ns = [0] * slots
    latencies_ns = []
    for due in due_ns:
        sent = max(due, free_ns[0])
        answered = answer_due(sent, stall_ns, stall_ns + STALL_NS)
        heapq.heapreplace(free_ns, answered)
        latencies_ns.append(answered - due)
    return latencies_ns


def answer_due(received_ns: int, stall_begin_ns: int, stall_end_ns: int) -> int:
    """When the server answers what it got at ``received_ns``."""
    return (stall_end_ns if stall_begin_ns <= received_ns < stall_end_ns else received_ns) + SERVICE_NS


def quantile(values: Iterable[int], q: float) -> float:
    """By linear interpolation between order statistics, for what is measured and what is worked out alike."""
    return float(np.quantile(np.fromiter(values, np.int64), q))


def perform(due_ns: Iterable[int], make_act: Callable[[int], Act]) -> list[tuple[int, int, int]]:
    """Do one operation at each offset as a trial does, in 20 slots; its rows' intended, start and end, in ns.

    ``make_act`` is given the moment at which the trial begins, a little before it does.
    """
    slots = [Slot(index) for index in range(SLOTS)]
    gc.collect()
    with TemporaryDirectory() as folder:
        submit = gevent.get_hub().threadpool.spawn
        recorder = Recorder(Path(folder) / "stall.0.arrows", worker="0", extra={}, submit=submit)
        with closing(Performer(recorder, lambda *_: None)) as performer:
            serving = [gevent.spawn(performer.serve, slot) for slot in slots]
            begin_ns = time.monotonic_ns() + HEAD_START_NS
            act = make_act(begin_ns)
            tickets = (Ticket(op="ask", act=act, due_ns=due) for due in due_ns)
            load = TrialLoad(client="stub", streams=(Stream(tickets=tickets),))
            lines = lines_of(load.streams, [SLOTS], 0)
            performer.perform(TRIAL, load, lines, on_begin=lambda _: None, begin_ns=begin_ns)
            gevent.joinall(serving, raise_error=True)
        for slot in slots:
            slot.close()
        names = ["t_intended", "t_start", "t_end"]
        files = [pq.read_table(path, columns=names) for path in recorder.close()]
        columns = pa.concat_tables(files).select(names).to_pydict()
    return list(zip(*columns.values(), strict=True))


def _kept_off_core_ns() -> int:
    """How long this thread has been ready to run and wasn't let, so far (/proc's schedstat)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1])


def _late_ns(wait_until: Callable[[int], None], duration_ns: int) -> list[int]:
    offsets_ns = constant(rate_per_s=LATENESS_PER_S, duration_ns=duration_ns)
    late_ns: list[int] = []
    gc.collect()
    gc.disable()  # as in a trial
    begin_ns = time.monotonic_ns() + HEAD_START_NS

    def slot() -> None:
        for offset_ns in offsets_ns:
            wait_until(begin_ns + offset_ns)
            late_ns.append(time.monotonic_ns() - begin_ns - offset_ns)

    try:
        gevent.joinall([gevent.spawn(slot) for _ in range(SLOTS)], raise_error=True)
    finally:
        gc.enable()
    return late_ns


def _sleep_until(due_ns: int) -> None:
    if (ahead_ns := due_ns - time.monotonic_ns()) > 0:
        gevent.sleep(ahead_ns / NS_PER_S)


def _performed_late_ns(duration_ns: int) -> list[int]:
    nothing = Observation()
    rows = perform(constant(rate_per_s=LATENESS_PER_S, duration_ns=duration_ns), lambda _: lambda _slot: nothing)
    return [start - due for due, start, _ in rows]


def _asking(port: int, stall_ns: int) -> Act:
    """An operation that asks the stub, which stalls from ``stall_ns`` of CLOCK_MONOTONIC on."""
    request, answered = _REQUEST.pack(stall_ns, stall_ns + STALL_NS), Observation()

    def connect() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def act(slot: Slot) -> Observation:
        connection = slot.hold("stub", connect)
        connection.sendall(request)
        assert connection.recv(1) == _ANSWER
        return answered

    return act


@contextmanager
def _stub() -> Iterator[int]:
    """The server's port; its process ends when its standard input does, however this one ends."""
    command = [sys.executable, "-m", "benchmarks.core_arrivals", "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


class _Connection(asyncio.Protocol):
    """Answers each request when it is due."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        due_ns = answer_due(time.monotonic_ns(), *_REQUEST.unpack(data))
        self._alarms.at(due_ns / NS_PER_S, self._answer)

    def _answer(self) -> None:
        self._transport.write(_ANSWER)  # type: ignore[attr-defined]


async def _serve() -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    alarms = Alarms(loop)
    server = await loop.create_server(lambda: _Connection(alarms), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin.fileno(), over.set)  # nothing is ever written to it: it is at its end
    await over.wait()
    server.close()
    alarms.close()


def main() -> int:
    """Measure, tell, and fail when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(_serve())
        return 0
    got = figures(arguments.seconds)
    print(f"lateness at {LATENESS_PER_S:,}/s, {SLOTS} greenlets, {arguments.seconds:g} s in {ROUNDS} rounds")
    print(f"{'':16}{'p50':>10}{'p99':>10}{'median p99 of the rounds':>28}{'kept off the core':>20}")
    for label, name in zip(("gevent.sleep", "Waiter", "a whole trial"), WAYS, strict=True):
        p50, p99, median = (got[f"{name}lateness_{p}_ms"] for p in ("p50", "p99", "p99_median"))
        off_core = got[f"{name}kept_off_core_ms"]
        print(f"{label:16}{p50:7.3f} ms{p99:7.3f} ms{median:25.3f} ms{off_core:17.0f} ms")
    off = got["p999_ms"] / got["p999_by_hand_ms"] - 1
    print(f"a stall of {STALL_NS / 1e6:g} ms under {STALL_PER_S:,}/s to a server of {SERVICE_NS / 1e6:g} ms")
    print(f"p99.9 {got['p999_ms']:.3f} ms, worked out {got['p999_by_hand_ms']:.3f} ms: {off:+.2%}")
    print(f"p50   {got['p50_ms']:.3f} ms, worked out {got['p50_by_hand_ms']:.3f} ms")
    return 0 if got["lateness_p99_ms"] <= GOAL_LATENESS_P99_MS and abs(off) <= GOAL_STALL_SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
