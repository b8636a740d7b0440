"""A failover that waited for somebody: with a fault it reads as any other, without one it isn't measured, with the reason."""

from pathlib import Path

import pytest
from planted_failovers import Meets, PlantedFailovers
from rundir import PlantedRun, finding_of

from reports import rds_failover

REASON = "nobody asked for a fault within the 60 s of by_hand_s"


@pytest.fixture
def failovers(tmp_path: Path) -> PlantedFailovers:
    return PlantedFailovers(PlantedRun(tmp_path / "run"))


def test_a_crash_by_hand_is_one_more_trial_of_the_planned_crashes(failovers: PlantedFailovers) -> None:
    """Writes are away for 400, 440 and, by hand, 420 ms: the median is 0.42 s of n = 3; rows of its wait have the word's own step."""
    for write_ms in (400, 440):
        failovers.trial(clients={"tuned": Meets(write_ms=write_ms)})
    number = failovers.trial(clients={"tuned": Meets(write_ms=420)}, before_ms=3000, before_s=0.5, by_hand_s=60.0)
    for row in failovers.rows:
        if row["trial"] == number:
            row["step"] = "multi_az_instance.by_hand"
    failovers.write()
    section = rds_failover.analyse(failovers.planted.load())
    found = finding_of(section, "rds_failover.mysql.multi_az_instance.crash.write_downtime_s", client="tuned")
    assert (found.value, found.n) == (pytest.approx(0.42), 3)
    assert not [one.id for one in section.findings if "by_hand" in one.id]


def test_where_nobody_came_the_case_is_not_measured_and_says_why(failovers: PlantedFailovers) -> None:
    """The other trial of the same cell was a hang, and is measured."""
    failovers.trial(fault="hang", clients={"tuned": Meets(write_ms=500)}, by_hand_s=60.0)
    number = failovers.trial(fault="by_hand", clients={"tuned": Meets()}, done=False, by_hand_s=60.0)
    failovers.planted.events = [event for event in failovers.planted.events if event["trial"] != number]
    failovers.rows = [row for row in failovers.rows if row["trial"] != number]
    failovers.event("trial_failed", number, reason=REASON)
    failovers.write()
    section = rds_failover.analyse(failovers.planted.load())
    hang = finding_of(section, "rds_failover.mysql.multi_az_instance.hang.write_downtime_s", client="tuned")
    nobody = finding_of(section, "rds_failover.mysql.multi_az_instance.by_hand.write_downtime_s", client="tuned")
    assert hang.value == pytest.approx(0.5)
    assert (nobody.value, nobody.status) == (None, "not_measured")
    assert REASON in str(nobody.reason)
