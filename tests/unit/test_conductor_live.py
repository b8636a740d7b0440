"""What stands beside Locust's own statistics: throttles apart from failures, and units."""

from harness.live import Live
from harness.plan import Trial
from harness.recorder import Observation

TRIAL = Trial(trial=0, pair=0, arm="provisioned", step="ramp", labels={}, params={})


def test_a_throttle_is_no_failure_and_unknown_units_add_nothing() -> None:
    """Two answered with 1.5 units in all, one throttled, one timed out."""
    live = Live()
    for seen in (
        Observation(read_units=1.0), Observation(read_units=0.5), Observation(outcome="throttled"),
        Observation(outcome="timeout"),
    ):  # fmt: skip
        live.note(TRIAL, "GetItem", seen)
    assert live.rows() == [
        {
            "op": "GetItem", "name": "provisioned ramp", "ok": 2, "throttled": 1, "failed": 1,
            "read_units": 1.5, "write_units": 0.0,
        }
    ]  # fmt: skip


def test_what_workers_counted_adds_up_and_is_sent_once() -> None:
    """Two workers, one write unit each; a second report has nothing new."""
    whole, worker = Live(), Live()
    for _ in range(2):
        worker.note(TRIAL, "PutItem", Observation(write_units=1.0))
        whole.merge(worker.take())
        whole.merge(worker.take())
    assert [(row["ok"], row["write_units"]) for row in whole.rows()] == [(2, 2.0)]
