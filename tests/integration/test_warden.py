"""Whatever happens to the harness, its servers go, and so does their scratch directory."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from whole_runs import until

from harness.errors import CannotMeasure, ServerFailed
from harness.local import warden as warden_program
from harness.local.processes import Warden, held_port

SLEEPER = ["sh", "-c", "setsid sleep 600 & sleep 600 & sleep 600"]


def gone(pids: list[int], within_s: float = 10.0) -> bool:
    """Whether none of the processes runs any more; a zombie that nobody collected doesn't run."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
            return True
        time.sleep(0.02)
    return False


def tree(pid: int) -> list[int]:
    """A process and all below it, once it has its three children."""
    for _ in range(200):
        below = psutil.Process(pid).children(recursive=True)
        if len(below) >= 3:
            return [pid, *(child.pid for child in below)]
        time.sleep(0.01)
    raise AssertionError("the sleeper didn't start its children")


def test_a_server_and_its_children_in_other_sessions_die_with_close(warden: Warden) -> None:
    """setsid takes a child out of its parent's group and session; it is found all the same."""
    pids = tree(warden.spawn("sleeper", SLEEPER, log=warden.scratch / "log"))
    scratch = warden.scratch
    warden.close()
    assert gone(pids, 0.5)
    assert not scratch.exists()


def test_a_stopped_tree_is_killed_too(warden: Warden) -> None:
    """SIGSTOP holds a process against everything but SIGKILL."""
    pids = tree(warden.spawn("sleeper", SLEEPER, log=warden.scratch / "log"))
    warden.signal("sleeper", signal.SIGSTOP, tree=True)
    warden.kill("sleeper")
    assert gone(pids, 0.5)
    assert warden.exit_code("sleeper") == -signal.SIGKILL


def test_a_tree_that_was_signalled_to_death_is_gone_when_kill_returns(warden: Warden) -> None:
    """Its children are nobody's below it any more, and may still hold what it held."""
    pids = tree(warden.spawn("sleeper", SLEEPER, log=warden.scratch / "log"))
    warden.signal("sleeper", signal.SIGKILL, tree=True)
    warden.kill("sleeper")
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_stopped_tree_goes_on_when_it_is_told_to(warden: Warden) -> None:
    """Parent and children alike."""
    pids = tree(warden.spawn("sleeper", SLEEPER, log=warden.scratch / "log"))
    warden.signal("sleeper", signal.SIGSTOP, tree=True)
    until(lambda: {psutil.Process(pid).status() for pid in pids} == {psutil.STATUS_STOPPED}, 5, "all stopped")
    warden.signal("sleeper", signal.SIGCONT, tree=True)
    until(lambda: {psutil.Process(pid).status() for pid in pids} == {psutil.STATUS_SLEEPING}, 5, "all going on")


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(warden: Warden, tmp_path: Path) -> None:
    """The kernel gives the numbers of processes that have ended to others."""
    said = subprocess.run(
        ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
    ).stdout
    stranger = psutil.Process(int(said))  # an orphan: not below this process
    keeper = warden_program.Warden(tmp_path)
    keeper.pids["ended"], keeper.trees["ended"] = stranger.pid, {stranger.pid}
    keeper.exit_codes[stranger.pid] = 0
    try:
        keeper.do_signal("ended", signal.SIGTERM, tree=True)
        keeper.do_signal("ended", signal.SIGTERM, tree=False)
        keeper.do_kill("ended")
        assert stranger.is_running() and stranger.status() == psutil.STATUS_SLEEPING
    finally:
        stranger.kill()


def test_servers_run_unprivileged_when_we_are_root(warden: Warden) -> None:
    """As nobody where we are root, as ourselves otherwise; never with root's rights."""
    warden.spawn("who", ["id", "-u"], log=warden.scratch / "who.log")
    assert warden.wait("who", 5) == 0
    expected = 65534 if os.geteuid() == 0 else os.geteuid()
    assert (warden.scratch / "who.log").read_text().strip() == str(expected)


def test_a_program_that_does_not_exist_is_a_failed_server_with_its_name(warden: Warden) -> None:
    """Not an exit code to be guessed at."""
    with pytest.raises(ServerFailed, match="nothing can't be started.*No such file"):
        warden.spawn("nothing", ["/does/not/exist"], log=warden.scratch / "log")


def test_waiting_for_a_server_that_stays_says_so(warden: Warden) -> None:
    """In bounded time."""
    warden.spawn("sleeper", ["sleep", "600"], log=warden.scratch / "log")
    with pytest.raises(CannotMeasure, match="sleeper didn't end in 0.05 s"):
        warden.wait("sleeper", 0.05)


HARNESS = """
import sys, time
from harness.local.processes import Warden, held_port
warden = Warden.start()
pid = warden.spawn("sleeper", {argv!r}, log=warden.scratch / "log")
print(pid, warden.scratch, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_killing_the_harness_leaves_no_server_and_no_scratch(signum: int) -> None:
    """kill -9 gives the harness no chance to clean up; its warden does."""
    code = HARNESS.format(argv=SLEEPER)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout
        pid, scratch = harness.stdout.readline().split()
        pids = tree(int(pid))
        for stopped in pids[1:]:
            os.kill(stopped, signal.SIGSTOP)
        harness.send_signal(signum)
        harness.wait(5)
    assert gone(pids)
    deadline = time.monotonic() + 5
    while Path(scratch).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(scratch).exists()


def test_who_reads_what_a_command_says_does_not_wait_for_the_servers_it_leaves_running() -> None:
    """``services up 2>&1 | tail`` ends: a detached warden holds neither the output nor the errors of who started it."""
    program = "from harness.local.processes import Warden; warden = Warden.start_detached(); print(warden.scratch)"
    said = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=True
    )  # fmt: skip
    Warden.attach(Path(said.stdout.strip()) / "control").close()


def test_a_port_of_servers_is_given_to_nobody_else_whether_they_run_or_not(warden: Warden) -> None:
    """Nobody listens at it: refused. Who says so may listen there; the system's choice never falls on it. Free at the end."""
    with held_port() as one, held_port("127.0.1.1", "127.0.1.2") as both:
        port = warden.room("of-its-own").port()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", one), 1)
        for host, held in (("127.0.0.1", one), ("127.0.1.1", both), ("127.0.1.2", both), ("127.0.0.1", port)):
            with socket.create_server((host, held)) as server, socket.create_connection(server.getsockname()):
                pass
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind((host, held))
    for host, held in (("127.0.0.1", one), ("127.0.1.1", both)):
        socket.create_server((host, held)).close()
    warden.close()
    socket.create_server(("127.0.0.1", port)).close()


def test_an_address_of_another_machine_has_no_port_of_ours() -> None:
    """Said in one line: it is no matter of trying again."""
    with pytest.raises(CannotMeasure, match="no port can be had on 192.0.2.1: Cannot assign"), held_port("192.0.2.1"):
        pass
