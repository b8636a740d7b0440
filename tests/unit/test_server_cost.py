"""What a server's processes used, held against what such a process says of itself."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, cast

import pytest

from harness.stores_compared.cost import TICK_S, Meter, ServerProcesses, Used

# Works when told to: alone, in a thread that ends, or in a child that ends or stays; says how long it worked, in processor time.
SERVER = """
import json, os, subprocess, sys, threading, time
BURN = 'import time\\nwhile time.process_time() < {s}: pass\\n'
children = []
def burn(s):
    end = time.thread_time() + s
    while time.thread_time() < end: pass
for line in sys.stdin:
    how, s = json.loads(line)
    before = time.process_time_ns()
    if how == 'alone': burn(s)
    if how == 'thread':
        thread = threading.Thread(target=burn, args=(s,)); thread.start(); thread.join()
    if how == 'child': subprocess.run([sys.executable, '-I', '-S', '-c', BURN.format(s=s)], check=True)
    if how == 'stays':
        child = subprocess.Popen([sys.executable, '-I', '-S', '-c', BURN.format(s=s) + 'print(1, flush=True)\\ninput()'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline(); children.append(child)
    if how == 'write':
        with open(sys.argv[1], 'wb') as file: file.write(bytes(int(s))); file.flush(); os.fsync(file.fileno())
    print(time.process_time_ns() - before, flush=True)
for child in children: child.communicate(b'\\n')
"""


class Worker:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.meter = Meter(ServerProcesses(process.pid))

    def work(self, how: str, amount: float) -> int:
        """Its own processor time meanwhile, ns, without that of children."""
        cast("IO[str]", self._process.stdin).write(json.dumps([how, amount]) + "\n")
        cast("IO[str]", self._process.stdin).flush()
        return int(cast("IO[str]", self._process.stdout).readline())


@pytest.fixture
def worker(tmp_path: object) -> Iterator[Worker]:
    words = [sys.executable, "-I", "-S", "-c", SERVER, f"{tmp_path}/written"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        made = Worker(process)
        made.work("alone", 0.0)
        yield made
        cast("IO[str]", process.stdin).close()


@pytest.mark.parametrize("how", ["alone", "thread"])
def test_a_process_has_used_what_it_says_itself(worker: Worker, how: str) -> None:
    """But for what it takes to hear, and to say so: below a tick of 10 ms. Threads that ended count."""
    worker.meter.start()
    said_ns = worker.work(how, 0.005)
    used = worker.meter.stop()
    assert 5_000_000 <= said_ns <= used.live_ns < said_ns + 5_000_000
    assert used.resolution_s == 0 and used.cpu_s == used.live_ns / 1e9


def test_a_child_that_stays_counts_to_the_nanosecond_and_one_that_ended_in_ticks(worker: Worker) -> None:
    """Each burns 50 ms of its own; starting Python takes some more. What ended is known to within a tick at each end, user and system."""
    worker.meter.start()
    worker.work("stays", 0.05)
    stays = worker.meter.stop()
    assert stays.cpu_s >= 0.05 and stays.resolution_s == 0
    worker.meter.start()
    worker.work("child", 0.05)
    ended = worker.meter.stop()
    assert ended.cpu_s >= 0.05 - 2 * TICK_S and ended.resolution_s == 4 * TICK_S


def test_what_is_done_aside_isnt_counted(worker: Worker) -> None:
    """20 ms aside and 2 ms not."""
    worker.meter.start()
    with worker.meter.aside():
        worker.work("alone", 0.02)
    worker.work("alone", 0.002)
    assert 0.002 <= worker.meter.stop().cpu_s < 0.01


def test_bytes_that_were_written_are_counted(worker: Worker) -> None:
    """A file of 1 MiB, and next to nothing beside it; a few bytes of a file aren't taken for whatever they made dirty."""
    worker.meter.start()
    worker.work("write", 2**20)
    used = worker.meter.stop()
    assert 2**20 <= used.write_bytes < 2**20 + 1000
    worker.meter.start()
    worker.work("write", 10)
    assert 10 <= worker.meter.stop().write_bytes < 1000


def test_figures_add_up() -> None:
    one, other = (
        Used(live_ns=5, ended_ns=3, read_bytes=2, write_bytes=1),
        Used(live_ns=1, ended_ns=3, read_bytes=1, write_bytes=1),
    )
    assert one - other == Used(live_ns=4, ended_ns=0, read_bytes=1, write_bytes=0)
    assert (one - other) + other == one
