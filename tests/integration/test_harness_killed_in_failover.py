"""kill -9 of the harness in the middle of a failover: no server is left, neither one that runs nor one that was stopped."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from whole_runs import until

# The pace leaves a minute between the decision and the fencing: the writer is a stopped tree, and the watch is in the middle.
HARNESS = """
import sys, time
from harness.local.controller import Controller
from harness.local.pace import Pace
from harness.local.processes import Warden
from harness.local.topologies.make import make
warden = Warden.start()
topology = make(warden, sys.argv[1], "multi_az_instance")
topology.create()
pace = Pace(name="rds", check_every_s=0.1, check_timeout_s=0.1, failed_checks=2, {wait}=60.0)
print(warden.scratch, flush=True)
topology.hang(topology.writer)
Controller(topology, lambda zone: None, pace).watch(lambda kind, zone: print(kind, flush=True))
"""


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
@pytest.mark.parametrize(
    ("wait", "reached", "hanging"), [("fencing_s", "fault_detected", True), ("dns_s", "server_ready", False)]
)
def test_no_server_is_left_when_the_harness_is_killed_in_mid_failover(
    engine: str, wait: str, reached: str, hanging: bool
) -> None:
    """Killed between decision and fencing, with a stopped tree, and between the standby's start and the name's move."""
    command = [sys.executable, "-c", HARNESS.format(wait=wait), engine]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout
        scratch = Path(harness.stdout.readline().strip())
        while (line := harness.stdout.readline().strip()) != reached:
            assert line, "the harness ended before it was killed"
        keeper, *servers = psutil.Process(harness.pid).children(recursive=True)
        assert servers and scratch.exists()
        assert any(process.status() == psutil.STATUS_STOPPED for process in servers) == hanging
        harness.kill()
        harness.wait(5)
    until(lambda: not any(alive(process) for process in (keeper, *servers)), 10, "all processes gone")
    until(lambda: not scratch.exists(), 5, "scratch removed")


def alive(process: psutil.Process) -> bool:
    """Whether it runs or is stopped; a zombie that nobody collected is neither."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
