"""The ledger by client arm: every arm's own writes against what is there."""

import json
from itertools import count

from harness.sql.failover.ledgers import ArmLedgers


def test_each_arm_answers_for_its_own_writes_alone() -> None:
    """tuned: 1 acknowledged and there, 3 acknowledged and lost. naive: 2 failed and there all the same, 4 ambiguous and there."""
    numbers = count(1)
    ledgers = ArmLedgers(("tuned", "naive"), lambda: next(numbers))
    for arm, outcome in (("tuned", "ok"), ("naive", "error"), ("tuned", "ok"), ("naive", "ambiguous")):
        ledgers.note(arm, ledgers.begin(arm), outcome)
    checked = ledgers.check({1: 1, 2: 1, 4: 1})
    nothing = dict.fromkeys(
        ("acknowledged", "failed", "ambiguous", "lost", "phantom", "duplicate", "ambiguous_present", "retried"), 0
    )
    assert checked == {
        "tuned": nothing | {"acknowledged": 2, "lost": 1},
        "naive": nothing | {"failed": 1, "ambiguous": 1, "phantom": 1, "ambiguous_present": 1},
    }


def test_a_write_that_was_tried_again_and_is_there_twice_is_its_arms_duplicate() -> None:
    """Retried blindly after an ambiguous attempt: acknowledged, present twice."""
    ledgers = ArmLedgers(("pool",), lambda: 7)
    write_id = ledgers.begin("pool")
    ledgers.note("pool", write_id, "ambiguous")
    ledgers.retried("pool")
    ledgers.note("pool", write_id, "ok")
    (checked,) = ledgers.check({7: 2}).values()
    assert (checked["acknowledged"], checked["duplicate"], checked["retried"], checked["ambiguous"]) == (1, 1, 1, 0)


def test_a_write_nobody_could_note_any_more_is_ambiguous() -> None:
    """Its client was cut off at the trial's end between sending and hearing; only its id tells whose it was."""
    ledgers = ArmLedgers(("naive",), lambda: 5)
    ledgers.begin("naive")
    (checked,) = ledgers.check({5: 1}).values()
    assert (checked["ambiguous"], checked["ambiguous_present"]) == (1, 1)


def test_rows_that_only_the_failed_writer_has_are_told_by_whether_they_were_acknowledged() -> None:
    """Three missing on the new writer; one of them was acknowledged, one refused, one isn't ours."""
    numbers = count(1)
    ledgers = ArmLedgers(("tuned",), lambda: next(numbers))
    ledgers.note("tuned", ledgers.begin("tuned"), "ok")
    ledgers.note("tuned", ledgers.begin("tuned"), "error")
    assert ledgers.acknowledged_of({1, 2, 99}) == 1


def test_the_ledgers_of_two_processes_together_are_that_of_one() -> None:
    """Here 1 is acknowledged; there 2 is failed, 1002 began and was never noted, and one was tried again: all as plain data, all there."""
    here, there, whole = (ArmLedgers(("tuned",), iter(ids).__next__) for ids in ((1,), (2, 1002), ()))
    here.note("tuned", here.begin("tuned"), "ok")
    there.note("tuned", there.begin("tuned"), "error")
    there.begin("tuned")
    there.retried("tuned")
    for process in (here, there):
        whole.merge(json.loads(json.dumps(process.as_record())))
    (checked,) = whole.check({2: 1, 1002: 1}).values()
    assert (checked["acknowledged"], checked["lost"], checked["failed"], checked["phantom"]) == (1, 1, 1, 1)
    assert (checked["ambiguous"], checked["ambiguous_present"], checked["retried"]) == (1, 1, 1)
    assert whole.acknowledged_of({1, 2, 1002}) == 1
