"""A recorder under gevent, killed with SIGKILL in the middle of its work."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from rundir import PlantedRun

_LINES = 250  # one every 10 ms or so
_RECORDS_UNTIL_KILLED = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, sys, time
from pathlib import Path
from harness.arrow import keep_pandas_out
from harness.recorder import Observation, Recorder
keep_pandas_out()
recorder = Recorder(Path(sys.argv[1]), worker="0", extra={}, submit=gevent.get_hub().threadpool.spawn)
add = recorder.begin_trial(trial=1, pair=0, client="lean", arm="query", step="10")
seen, flushed_ns = Observation(read_units=0.5), time.monotonic_ns()
while recorder.rows < 10_000_000:
    for _ in range(200):
        number, now_ns = recorder.rows, time.monotonic_ns()
        add("Get", False, None, now_ns, now_ns + 5, number, 1, seen)
    if now_ns - flushed_ns > 500_000_000:
        recorder.flush()
        flushed_ns = now_ns
    print(now_ns, recorder.rows, flush=True)
    gevent.sleep(0.01)
"""


def test_after_kill_9_all_but_the_last_second_is_readable(tmp_path: Path) -> None:
    """Some 20,000 rows a second, flushed twice a second as the conductor does it; killed after two to three seconds."""
    planted = PlantedRun(tmp_path / "run", status="running")
    planted.scenario("s", params={}, trials=[])
    run = planted.load()
    child = subprocess.Popen(
        [sys.executable, "-c", _RECORDS_UNTIL_KILLED, str(run.path / "samples" / "s.0.arrows")],
        env={"PYTHONPATH": ":".join(sys.path)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert child.stdout
        appended = np.array([[int(word) for word in child.stdout.readline().split()] for _ in range(_LINES)])
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=10)
    assert child.returncode == -signal.SIGKILL
    times_ns, rows = appended[:, 0], appended[:, 1]
    must = rows[times_ns <= times_ns[-1] - 1_000_000_000].max()
    found = run.samples("s")["op_id"].tolist()
    assert found == list(range(len(found)))
    assert len(found) >= must > 0
