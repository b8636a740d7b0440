"""The arms of the performance table run in a real Locust process, and in gevent alone; no time is asserted."""

from contextlib import closing
from pathlib import Path

from benchmarks import performance_others as others
from benchmarks import servers
from benchmarks.performance_arms import Servers
from benchmarks.performance_inside import inside_locust
from harness.local.processes import Warden


def test_an_arm_is_recorded_inside_locust_and_runs_without_it(tmp_path: Path) -> None:
    """Every row is ok and Locust counted as many requests, else CannotMeasure; both ways tell operations, CPU and time."""
    with closing(Warden.start()) as warden:
        where = Servers(dynamodb_url=f"http://127.0.0.1:{servers.stub(warden).port}")
        inside = inside_locust(["getitem_lean"], 0.2, where, tmp_path, 1)["getitem_lean"]
        bare = others.bare("getitem_lean", where, 0.2)
    assert inside.operations > 20
    assert bare.operations > 20
    assert inside.cpu_us > 0
    assert bare.cpu_us > 0
    assert inside.p50_us > 0
    assert inside.per_second > 0
