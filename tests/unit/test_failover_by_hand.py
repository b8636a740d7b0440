"""When a fault may be asked for by hand, and what the trial is called that had it."""

import pytest

from harness.errors import TrialFailed, UsageError
from harness.plan import Trial
from harness.sql.failover.by_hand import ByHand
from harness.sql.failover.cells import cells_of
from harness.sql.failover.managed import for_rds
from harness.sql.failover.plan import trials_of
from harness.sql.failover.settings import RdsFailoverSettings
from scenarios.rds_failover import RdsFailover

S = 10**9
BEGIN = 100 * S


def planned(*words: str, **given: object) -> list[Trial]:
    settings = RdsFailoverSettings.model_validate({"cells": words, "engines": ["mysql"], "trials": 1} | given)
    return trials_of(settings, ("mysql",), lambda *_: True, "a seed", 176)


def waiting(*, on_aws: bool = False, word: str = "multi_az_instance.by_hand") -> ByHand:
    """A trial whose load began at 100 s; it takes a fault from 101 s until 111 s."""
    [trial] = planned(word)
    by_hand = ByHand(trial, before_s=1, waits_s=10, on_aws=on_aws)
    assert by_hand.begun(BEGIN) == 111 * S
    return by_hand


def refusal(by_hand: ByHand, at_s: float, kind: str = "crash") -> str:
    with pytest.raises(UsageError) as refused:
        by_hand.press(kind, round(at_s * S))  # type: ignore[arg-type]
    return str(refused.value)


def test_a_cell_by_hand_is_planned_like_any_other_and_has_its_patience() -> None:
    """The word is the step, the fault isn't known; other cells have no patience."""
    by_hand, crash = sorted(planned("multi_az_instance.by_hand", "single_az.crash", by_hand_s=7), key=lambda t: t.step)
    assert (by_hand.step, by_hand.labels["fault"], by_hand.params["by_hand_s"]) == (
        "multi_az_instance.by_hand", "by_hand", 7.0,
    )  # fmt: skip
    assert "by_hand_s" not in crash.params
    [cell] = cells_of(["multi_az_cluster.by_hand.rds"], ["postgres"])
    assert (cell.fault, cell.pace, cell.step) == ("by_hand", "rds", "multi_az_cluster.by_hand.rds")


@pytest.mark.parametrize("kind", ["crash", "hang", "planned"])
def test_the_kind_asked_for_becomes_the_trials_fault_in_label_and_step(kind: str) -> None:
    """All else of the trial stays."""
    by_hand = waiting(word="multi_az_instance.by_hand.sync_binlog=0")
    [before] = planned("multi_az_instance.by_hand.sync_binlog=0")
    assert by_hand.became() == before
    by_hand.press(kind, 105 * S)  # type: ignore[arg-type]
    by_hand.settle()
    after = by_hand.became()
    assert after.step == f"multi_az_instance.{kind}.sync_binlog=0"
    assert after.labels == before.labels | {"fault": kind}
    assert (after.trial, after.pair, after.arm, after.params) == (before.trial, before.pair, before.arm, before.params)
    assert by_hand.word(106 * S) == kind


def test_a_trial_takes_one_fault() -> None:
    """The first."""
    by_hand = waiting()
    by_hand.press("hang", 101 * S)
    assert refusal(by_hand, 102) == "this trial has had its fault: hang"
    assert by_hand.became().labels["fault"] == "hang"


def test_before_the_load_has_run_for_before_s_nothing_may_fail() -> None:
    """At 100.4 s there are 0.6 s to go; while the topology is made whole nobody knows how long."""
    by_hand = waiting()
    assert refusal(by_hand, 100.4) == "the load has only begun: ask again in 0.6 s"
    assert by_hand.word(round(100.4 * S)) == "not yet"
    [trial] = planned("multi_az_instance.by_hand")
    unbegun = ByHand(trial, before_s=1, waits_s=10, on_aws=False)
    assert refusal(unbegun, 100) == "the next failover is being prepared: its load hasn't begun"
    assert by_hand.word(101 * S) == "waiting"


def test_where_nobody_comes_the_trial_ends_and_is_not_measured() -> None:
    """What is due 10.99 s after the begin is done, what is due at 11 s isn't, and from then on nobody may come."""
    by_hand = waiting()
    assert refusal(by_hand, 111) == "this trial is over: nobody had come in time"
    assert not by_hand.over(round(10.99 * S), 111 * S)
    assert by_hand.over(11 * S, 111 * S)
    assert refusal(by_hand, 110.99) == "this trial is over: nobody had come in time"
    assert by_hand.word(111 * S) == "nobody came"
    with pytest.raises(TrialFailed, match="nobody asked for a fault within the 10 s of by_hand_s"):
        by_hand.settle()
    assert by_hand.became().labels["fault"] == "by_hand"


def test_after_a_fault_the_load_lasts_to_the_end_that_it_has_then() -> None:
    """Asked for at 110 s and watched for 3 s: what is due 12.9 s after the begin is done, at 13 s nothing."""
    by_hand = waiting()
    by_hand.press("crash", 110 * S)
    assert not by_hand.over(round(12.9 * S), 113 * S)
    assert by_hand.over(13 * S, 113 * S)
    by_hand.settle()


def test_rds_is_asked_for_a_planned_failover_alone() -> None:
    """The refusal leaves the trial waiting."""
    by_hand = waiting(on_aws=True)
    assert refusal(by_hand, 102, "crash") == "RDS lets nobody crash its servers: ask for planned"
    by_hand.press("planned", 103 * S)
    assert by_hand.became().labels["fault"] == "planned"


@pytest.mark.parametrize(
    ("asked", "measured"),
    [(["multi_az_instance.by_hand"], ["multi_az_instance.by_hand.rds"]),
     (["multi_az_instance.by_hand", "multi_az_instance.crash"],
      ["multi_az_instance.planned.rds", "multi_az_instance.by_hand.rds"]),
     (["single_az.by_hand"], ["multi_az_instance.planned.rds"])],
)  # fmt: skip
def test_on_aws_a_failover_by_hand_stays_one_at_the_pace_of_rds(asked: list[str], measured: list[str]) -> None:
    """Who asks for nothing else gets nothing else; that of a topology that isn't there is left out, with the reason."""
    settings = RdsFailoverSettings.model_validate({"cells": asked, "engines": ["mysql"]})
    narrowed = for_rds(settings, {"mysql": "multi_az_instance"})
    assert isinstance(narrowed.settings, RdsFailoverSettings)
    assert list(narrowed.settings.cells) == measured
    assert set(narrowed.left_out) == {word for word in asked if word not in ("multi_az_instance.by_hand",)}


def test_a_failover_by_hand_takes_one_process() -> None:
    """Others may have several."""
    by_hand = RdsFailoverSettings.model_validate({"cells": ["single_az.crash", "single_az.by_hand"]})
    assert "cells by_hand, which run in one process" in str(RdsFailover.one_process(by_hand))
    assert RdsFailover.one_process(RdsFailoverSettings()) is None
