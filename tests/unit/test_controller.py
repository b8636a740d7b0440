"""What a controller notices, what it does then, in which order and how fast: in a time that stands still but for its waits."""

from collections.abc import Callable

import psycopg
import pytest
from scripted_topology import ScriptedCheck, ScriptedTopology, Time

from harness.errors import CannotMeasure, UsageError
from harness.local.controller import Controller
from harness.local.pace import FAST, RDS, Pace, pace_of
from harness.local.topologies.model import ZONES, TopologyName

FIRST, SECOND, _ = ZONES
AFTER_A_FAULT = ["fault_detected", "fenced", "server_started", "server_ready", "dns_moved"]


class Watched:
    """A controller over a scripted topology, and what came of it: (seconds, event, zone), and zones as they were published."""

    def __init__(self, pace: Pace = FAST) -> None:
        self.time, self.topology = Time(), ScriptedTopology()
        self.check = ScriptedCheck(self.topology, self.time, pace.check_timeout_s)
        self.events: list[tuple[float, str, str]] = []
        self.published: list[str] = []
        self.controller = Controller(
            self.topology, self._publish, pace,
            sleep_s=self.time.sleep_s, check=self.check, clock_ns=self.time.clock_ns,
        )  # fmt: skip

    def on_event(self, kind: str, zone: str) -> None:
        self.events.append((self.time.now_ns / 1e9, kind, zone))

    def watch(self, until_s: float) -> None:
        """Watch until then."""
        self.time.at(until_s, self.controller.stop)
        self.controller.watch(self.on_event)

    def at(self, at_s: float, do: Callable[[str], None], zone: str = FIRST) -> None:
        self.time.at(at_s, lambda: do(zone))

    @property
    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.events]

    def when(self, kind: str) -> float:
        return next(at_s for at_s, one, _ in self.events if one == kind)

    def _publish(self, zone: str) -> None:
        self.published.append(zone)
        self.topology.done.append(f"publish {zone}")


def test_a_crash_is_detected_fenced_followed_and_published_in_that_order() -> None:
    """Each event after its deed, but for server_started; crash at 0.25 s, checks every 20 ms: those of 0.26 and 0.28 s fail."""
    seen = Watched()
    seen.at(0.25, seen.topology.crash)
    seen.watch(1.0)
    assert seen.kinds == AFTER_A_FAULT
    assert [zone for _, _, zone in seen.events] == [FIRST, FIRST, SECOND, SECOND, SECOND]
    assert seen.topology.done == [f"fence {FIRST}", f"promote {SECOND}", f"publish {SECOND}"]
    assert seen.when("dns_moved") == pytest.approx(0.28)
    assert seen.controller.failure is None


def test_a_second_fault_is_followed_by_the_zone_that_failed_first() -> None:
    """The watch goes on after a failover, over the new writer."""
    seen = Watched()
    seen.at(0.1, seen.topology.crash, FIRST)
    seen.at(0.5, seen.topology.crash, SECOND)
    seen.watch(1.0)
    assert seen.kinds == AFTER_A_FAULT * 2
    assert seen.published == [SECOND, FIRST]


def test_failed_checks_that_are_not_in_a_row_are_no_fault() -> None:
    """Every third one fails, for a second of 50 checks; two in a row would be a fault."""
    seen = Watched()
    seen.check.missed = set(range(3, 60, 3))
    seen.watch(1.0)
    assert seen.check.asked >= 49
    assert seen.events == [] and seen.published == []


def test_a_check_that_hangs_has_failed_when_its_time_is_over() -> None:
    """Hangs at 0.25 s: the checks begun at 0.26 and, it being overdue, 0.51 s take 0.25 s each. Fenced before anything else."""
    seen = Watched()
    seen.at(0.25, seen.topology.hang)
    seen.watch(2.0)
    assert seen.kinds == AFTER_A_FAULT
    assert seen.when("fault_detected") == pytest.approx(0.76)
    assert seen.topology.done[0] == f"fence {FIRST}"


def test_a_candidate_that_does_not_start_ends_the_watch_with_its_failure_kept() -> None:
    """Nothing is published, and a later watch of the same controller ends at once."""
    seen = Watched()
    seen.topology.unfit.add(SECOND)
    seen.at(0.25, seen.topology.crash)
    seen.watch(100.0)
    assert seen.kinds == ["fault_detected", "fenced", "server_started"]
    assert str(seen.controller.failure) == f"the server in {SECOND} ended with exit code 1"
    assert seen.published == []
    assert seen.time.now_ns < 1e9
    asked = seen.check.asked
    seen.controller.watch(seen.on_event)
    assert seen.check.asked == asked


def test_what_a_driver_raises_in_a_failover_is_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The candidate started, and broke when it was asked to write."""

    def broken(*_: object) -> None:
        raise psycopg.OperationalError("server closed the connection\n")

    seen = Watched()
    monkeypatch.setattr(seen.topology, "promote", broken)
    seen.at(0.25, seen.topology.crash)
    seen.watch(100.0)
    assert isinstance(seen.controller.failure, CannotMeasure)
    assert str(seen.controller.failure) == "server closed the connection"


def test_a_planned_failover_stops_the_writer_cleanly_and_is_no_fault() -> None:
    """Asked for while the watch goes on, which sees a writer that answers before and another after."""
    seen = Watched()
    seen.time.at(0.25, lambda: seen.controller.fail_over_planned(seen.on_event))
    seen.watch(1.0)
    assert seen.kinds == ["failover_asked", "fenced", "server_started", "server_ready", "dns_moved"]
    assert seen.topology.done == [f"stop {FIRST}", f"promote {SECOND}", f"publish {SECOND}"]
    assert seen.controller.topology.writer == SECOND


def test_a_check_begins_anew_after_a_failover_and_after_a_watch() -> None:
    """What was known of a server that has ended must not count against the one that follows in its place."""
    seen = Watched()
    seen.time.at(0.25, lambda: seen.controller.fail_over_planned(seen.on_event))
    seen.time.at(0.3, lambda: seen.events.append((0.3, str(seen.check.closed), "")))
    seen.watch(1.0)
    assert seen.kinds[-1] == "1"
    assert seen.check.closed == 2


def test_a_stop_in_the_middle_of_a_failover_has_the_rest_done_without_waiting() -> None:
    """RDS's pace, crash at 0.5 s, stopped at 60 s while it recovers: there is a writer again, published, within a look-up."""
    seen = Watched(RDS["multi_az_instance"])
    seen.at(0.5, seen.topology.crash)
    seen.watch(60.0)
    assert seen.kinds == AFTER_A_FAULT
    assert seen.when("fenced") < 60.0 <= seen.when("server_started")
    assert 60.0 <= seen.when("dns_moved") == seen.time.now_ns / 1e9 <= 60.1
    assert seen.published == [SECOND]


def test_a_stop_before_any_fault_ends_the_watch_within_a_look_up() -> None:
    """Although the next check is due a second later."""
    seen = Watched(RDS["multi_az_cluster"])
    seen.watch(10.05)
    assert seen.time.now_ns / 1e9 <= 10.15
    assert seen.events == []


@pytest.mark.parametrize("topology", ["multi_az_instance", "multi_az_cluster"])
@pytest.mark.parametrize("fault_s", [20.001, 20.5, 20.999])
def test_a_failover_at_the_pace_of_rds_takes_what_the_pace_says(topology: TopologyName, fault_s: float) -> None:
    """Servers take no time here: total_s after the last answered check, that of 20 s, whenever in that second the fault is."""
    pace = pace_of("rds", topology)
    seen = Watched(pace)
    seen.at(fault_s, seen.topology.crash)
    seen.watch(400.0)
    assert seen.when("fault_detected") == pytest.approx(20 + pace.detection_s)
    assert seen.when("fenced") - seen.when("fault_detected") == pytest.approx(pace.fencing_s)
    assert seen.when("server_ready") - seen.when("fenced") == pytest.approx(pace.recovery_s)
    assert seen.when("dns_moved") - seen.when("server_ready") == pytest.approx(pace.dns_s)
    assert seen.when("dns_moved") == pytest.approx(20 + pace.total_s)


def test_a_planned_failover_at_the_pace_of_rds_has_all_but_the_detection() -> None:
    """10 + 45 + 5 s of the instance's 90."""
    seen = Watched(RDS["multi_az_instance"])
    seen.time.at(20.0, lambda: seen.controller.fail_over_planned(seen.on_event))
    seen.watch(200.0)
    assert seen.when("dns_moved") - seen.when("failover_asked") == pytest.approx(60.0)


def test_the_pace_of_rds_has_the_published_totals() -> None:
    """D1: 60 to 120 s for an instance, a cluster within 35 s; 30 × 1 + 10 + 45 + 5 = 90, 10 × 1 + 3 + 17 + 5 = 35."""
    assert RDS["multi_az_instance"].total_s == 90.0
    assert RDS["multi_az_cluster"].total_s == 35.0


@pytest.mark.parametrize("topology", ["single_az", "async_replica"])
def test_there_is_no_pace_of_rds_where_nothing_is_published(topology: TopologyName) -> None:
    """A made-up duration would look like a published one."""
    with pytest.raises(UsageError, match=f"no duration is published for {topology}; .* or use pace fast"):
        pace_of("rds", topology)
    assert pace_of("fast", topology) is FAST
