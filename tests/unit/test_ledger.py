"""The ledger: what the client was told, against what is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sql.ledger import Ledger, LedgerCheck, as_record

OUTCOMES = ("ok", "error", "timeout", "throttled", "ambiguous")


def checked(outcomes, present):
    ledger = Ledger()
    for write_id, outcome in outcomes:
        ledger.note(write_id, outcome)
    return ledger.check(present)


def test_every_kind_of_write_is_told_apart():
    """Acknowledged and lost, failed and phantom, ambiguous present and absent, and a duplicate."""
    outcomes = [
        (1, "ok"),
        (2, "ok"),
        (3, "error"),
        (4, "error"),
        (5, "ambiguous"),
        (6, "ambiguous"),
        (7, "ok"),
    ]
    assert checked(outcomes, {1: 1, 4: 1, 5: 1, 7: 2}) == LedgerCheck(
        acknowledged=3, failed=2, ambiguous=2, lost=1, phantom=1, duplicate=1, ambiguous_present=1
    )


def test_a_retried_ambiguous_write_that_is_acknowledged_counts_as_acknowledged():
    """Tried again after an ambiguous attempt and acknowledged: if it is there twice, it is a duplicate."""
    check = checked([(1, "ambiguous"), (1, "ok")], {1: 2})
    assert (check.acknowledged, check.ambiguous, check.duplicate) == (1, 0, 1)


def test_one_ambiguous_attempt_keeps_failed_ones_from_being_a_failure():
    """The write may have happened in the ambiguous attempt, so its row is no phantom."""
    check = checked([(1, "error"), (1, "ambiguous"), (1, "error")], {1: 1})
    assert (check.failed, check.phantom, check.ambiguous, check.ambiguous_present) == (0, 0, 1, 1)


def test_a_write_that_timed_out_before_it_was_sent_is_failed():
    """A timeout while connecting happened to nothing that was sent; what was sent is told as ambiguous."""
    assert checked([(1, "timeout")], {}).failed == 1


def test_a_row_nobody_noted_is_ambiguous():
    """Its client was stopped between sending and noting."""
    check = checked([(1, "ok")], {1: 1, 2: 1})
    assert (check.acknowledged, check.ambiguous, check.ambiguous_present, check.phantom) == (1, 1, 1, 0)


def test_a_word_that_is_no_outcome_is_refused():
    """A typo must not count as anything."""
    with pytest.raises(KeyError):
        Ledger().note(1, "okay")


def test_a_record_holds_every_count():
    """The event gets all seven counts by name."""
    record = as_record(checked([], {}))
    assert record == dict.fromkeys(
        ("acknowledged", "failed", "ambiguous", "lost", "phantom", "duplicate", "ambiguous_present"), 0
    )


@given(
    outcomes=st.lists(st.tuples(st.integers(0, 8), st.sampled_from(OUTCOMES)), max_size=40),
    present=st.dictionaries(st.integers(0, 10), st.integers(0, 3)),
)
def test_any_history_agrees_with_counting_by_hand(outcomes, present):
    """For any attempts and any rows, each count equals a plain count over write ids, one rule at a time."""
    ids = {write_id for write_id, _ in outcomes} | {write_id for write_id, count in present.items() if count}
    expected = dict.fromkeys(as_record(checked([], {})), 0)
    for write_id in ids:
        attempts = [outcome for other, outcome in outcomes if other == write_id]
        there = present.get(write_id, 0)
        if "ok" in attempts:
            expected["acknowledged"] += 1
            expected["lost"] += there == 0
        elif not attempts or "ambiguous" in attempts:
            expected["ambiguous"] += 1
            expected["ambiguous_present"] += there > 0
        else:
            expected["failed"] += 1
            expected["phantom"] += there > 0
        expected["duplicate"] += there > 1
    assert as_record(checked(outcomes, present)) == expected
