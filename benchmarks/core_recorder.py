"""What recording costs: CPU an attempt, the load's longest pause, bytes on disk; against the recorder of before.

Three figures:

- *CPU*: an attempt's Observation made, its row appended, and all told: with flushing, in whichever thread, and with
  sketches. The recorder of commit 1b9e9cc, read out of git, is measured in the same process, in turns.
- *gap*: the longest time that a greenlet which wants to run every millisecond waits while 200,000 rows a second are
  appended in another and flushed; in turns with the same load that isn't recorded. What other processes kept the
  thread off its core is taken off, but not what they kept the writing thread off while it held the interpreter's
  lock: on a busy machine the difference says more of that.
- *disk*: a million attempts as streams, as they are while a run goes on, and as Parquet after it.

The rows are like a run's: three operations, log-normal service times, sizes that vary, 2 % throttled with a reason.
"""

import argparse
import gc
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import gevent
import pyarrow as pa

from harness.arrow import keep_pandas_out
from harness.paths import PROJECT_ROOT
from harness.recorder import Observation, Recorder

BEFORE = "1b9e9cc"
ROWS = 200_000
ROUNDS = 5
GAP_ROWS_PER_S = 200_000
DISK_ROWS = 1_000_000
GOAL_ALL_TOLD_US = 2.0
GOAL_DISK_MB_10_M = 1000.0
_FLUSH_EVERY = 50_000
_TRIAL = {"trial": 1, "pair": 0, "client": "lean", "arm": "query", "step": "10000"}


class Row(NamedTuple):
    """What differs from attempt to attempt."""

    op: str
    t_start: int
    t_end: int
    op_id: int
    bytes: int
    throttled: bool


class Way(NamedTuple):
    """One recorder to measure: how it is opened, how a row is added to it, and its Observation."""

    open: Callable[[Path], Any]
    add: Callable[[Any], Callable[[Row, Any], None]]
    observe: Callable[..., Any]


def figures(rounds: int = ROUNDS, *, seconds: float = 2.0) -> dict[str, float]:
    """All three figures; ``before_*`` are missing where this isn't a checkout with its history."""
    return cpu(rounds) | gap(seconds) | disk()


def cpu(rounds: int = ROUNDS) -> dict[str, float]:
    """CPU an attempt in µs, medians over rounds, the empty loop taken off: Observation, append, all told."""
    rows = list(_rows(ROWS))
    ways = {"": _now()} | ({"before_": _before(old)} if (old := _old_recorder()) else {})
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        empty_us = _cpu_us(lambda: _observe(rows, lambda **_: None))
        for name, way in ways.items():
            observed_us = _cpu_us(lambda way=way: _observe(rows, way.observe))  # type: ignore[misc]
            for key, value_us in _recorded(way, rows).items():
                found.setdefault(f"{name}{key}", []).append(value_us - empty_us)
            found.setdefault(f"{name}observation_us", []).append(observed_us - empty_us)
    middle = {name: statistics.median(values) for name, values in found.items()}
    for name in ways:
        middle[f"{name}append_us"] -= middle[f"{name}observation_us"]
    return middle


def gap(seconds: float = 2.0, rounds: int = 3, rows_per_s: int = GAP_ROWS_PER_S) -> dict[str, float]:
    """Gaps in ms between a 1 kHz greenlet's turns, with recording and without: the longest and p99.9, medians of rounds."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, recorded in (("", True), ("unrecorded_", False)):
            gaps_ms = sorted(_gaps_ms(seconds, rows_per_s, recorded=recorded))
            found.setdefault(f"{name}gap_max_ms", []).append(gaps_ms[-1])
            found.setdefault(f"{name}gap_p999_ms", []).append(gaps_ms[int(len(gaps_ms) * 0.999)])
    return {name: statistics.median(values) for name, values in found.items()}


def disk(rows: int = DISK_ROWS) -> dict[str, float]:
    """MB a million attempts as streams and as Parquet, seconds to compact a million, and the memory that took."""
    with _folder() as folder:
        way = _now()
        recorder = way.open(folder)
        add = way.add(recorder)
        for row in _rows(rows):
            add(row, _seen(row, way.observe))
            if row.op_id % _FLUSH_EVERY == 0:
                recorder.flush(wait=True)
        recorder.flush(wait=True)
        streams_bytes, pool = _bytes(folder), pa.proxy_memory_pool(usual := pa.default_memory_pool())
        pa.set_memory_pool(pool)
        begin = time.perf_counter()
        recorder.close()
        took_s = time.perf_counter() - begin
        pa.set_memory_pool(usual)
        millions = rows / 1e6
        return {
            "stream_mb_per_million": streams_bytes / 1e6 / millions,
            "parquet_mb_per_million": _bytes(folder) / 1e6 / millions,
            "compact_s_per_million": took_s / millions,
            "compact_memory_mb": pool.max_memory() / 1e6,
        }


def _recorded(way: Way, rows: list[Row]) -> dict[str, float]:
    """CPU with appending alone, on the load's thread, and with everything in any thread."""
    with _folder() as folder:
        recorder = way.open(folder)
        add = way.add(recorder)

        def append() -> None:
            for row in rows:
                add(row, _seen(row, way.observe))
                if row.op_id % _FLUSH_EVERY == 0:
                    recorder.flush()

        all_begin_ns, thread_begin_ns = time.process_time_ns(), time.thread_time_ns()
        append()
        thread_ns = time.thread_time_ns() - thread_begin_ns
        recorder.flush(wait=True)
        if isinstance(recorder, Recorder):
            recorder.take_sketches()
        all_ns = time.process_time_ns() - all_begin_ns
        recorder.close()
        return {"append_us": thread_ns / len(rows) / 1e3, "all_told_us": all_ns / len(rows) / 1e3}


def _gaps_ms(seconds: float, rows_per_s: int, *, recorded: bool) -> list[float]:
    rows, way = list(_rows(int(rows_per_s * seconds))), _now()
    gaps_ms: list[float] = []
    gc.collect()
    gc.freeze()  # as a session does: a collection would be taken for a pause of the recorder's
    with _folder() as folder:
        recorder = way.open(folder)
        add: Callable[[Row, Any], None] = way.add(recorder) if recorded else _forget
        ticking = gevent.spawn(_tick, gaps_ms)
        begin_ns, flushed_ns, slice_rows = time.monotonic_ns(), time.monotonic_ns(), rows_per_s // 2000
        for start in range(0, len(rows), slice_rows):
            for row in rows[start : start + slice_rows]:
                add(row, _seen(row, way.observe))
            now_ns = time.monotonic_ns()
            if recorded and now_ns - flushed_ns > 500_000_000:
                recorder.flush()
                flushed_ns = now_ns
            due_ns = begin_ns + (start + slice_rows) * 1_000_000_000 // rows_per_s
            gevent.sleep(max(due_ns - now_ns, 0) / 1e9)
        ticking.kill()
        recorder.close()
    gc.unfreeze()
    return gaps_ms


def _forget(_row: Row, _seen: Any) -> None:
    pass


def _tick(gaps_ms: list[float]) -> None:
    last_ns, last_off_ns = time.monotonic_ns(), _kept_off_core_ns()
    while True:
        gevent.sleep(0.001)
        now_ns, off_ns = time.monotonic_ns(), _kept_off_core_ns()
        gaps_ms.append((now_ns - last_ns - (off_ns - last_off_ns)) / 1e6)
        last_ns, last_off_ns = now_ns, off_ns


def _kept_off_core_ns() -> int:
    """How long this thread was ready to run and another process had the core: no pause of ours (/proc's schedstat)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1])


def _now() -> Way:
    def adding(recorder: Recorder) -> Callable[[Row, Any], None]:
        append = recorder.begin_trial(**_TRIAL)  # type: ignore[arg-type]
        return lambda row, seen: append(row.op, False, row.t_start, row.t_start, row.t_end, row.op_id, 1, seen)

    def opened(folder: Path) -> Recorder:
        spawn = gevent.get_hub().threadpool.spawn
        return Recorder(folder / "s.0.arrows", worker="0", extra={}, submit=spawn, sketches=True)

    return Way(opened, adding, Observation)


def _before(module: ModuleType) -> Way:
    def adding(recorder: Any) -> Callable[[Row, Any], None]:
        def add(row: Row, seen: Any) -> None:
            recorder.append(
                **_TRIAL, phase="measured", t_intended=row.t_start, t_start=row.t_start, t_end=row.t_end,
                op_id=row.op_id, attempt=1, op=row.op, seen=seen,
            )  # fmt: skip

        return add

    def opened(folder: Path) -> Any:
        return module.Recorder(folder / "s.0.arrows", worker="0", extra={}, submit=gevent.get_hub().threadpool.spawn)

    return Way(opened, adding, module.Observation)


def _old_recorder() -> ModuleType | None:
    """The recorder of BEFORE as a module; None where git hasn't got it."""
    shown = subprocess.run(
        ["git", "show", f"{BEFORE}:harness/recorder.py"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if shown.returncode:
        return None
    module = ModuleType("recorder_before")
    sys.modules[module.__name__] = module  # its dataclasses look themselves up
    exec(compile(shown.stdout, "recorder_before.py", "exec"), module.__dict__)
    return module


def _rows(count: int) -> Iterator[Row]:
    rng, start_ns = random.Random(5), 1_000_000_000_000
    for number in range(count):
        start_ns += int(rng.expovariate(1 / 50_000))
        service_ns = int(rng.lognormvariate(12.9, 0.4))
        op, size = rng.choice(("get", "put", "query")), rng.randint(380, 460)
        yield Row(op, start_ns, start_ns + service_ns, number, size, rng.random() < 0.02)


def _seen(row: Row, observe: Callable[..., Any]) -> Any:
    if row.throttled:
        return observe(outcome="throttled", error_code="ThrottlingException", reason="TableReadProvisionedThroughput")
    return observe(read_units=0.5, items_returned=1, bytes=row.bytes, pages=1)


def _observe(rows: list[Row], observe: Callable[..., Any]) -> None:
    for row in rows:
        _seen(row, observe)


def _cpu_us(work: Callable[[], None]) -> float:
    begin_ns = time.process_time_ns()
    work()
    return (time.process_time_ns() - begin_ns) / ROWS / 1e3


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="recorder-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Print the figures; 1 where a goal isn't reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round of the gap")
    parser.add_argument("--rows", type=int, help="write so many rows to disk and measure nothing else")
    arguments = parser.parse_args()
    keep_pandas_out()
    found = disk(arguments.rows) if arguments.rows else figures(arguments.rounds, seconds=arguments.seconds)
    for name, value in found.items():
        print(f"{name:28} {value:10.3f}")
    reached = found.get("all_told_us", 0.0) <= GOAL_ALL_TOLD_US
    reached &= found["parquet_mb_per_million"] * 10 <= GOAL_DISK_MB_10_M
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
