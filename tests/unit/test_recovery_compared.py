"""What a restore brought back, held against what it must: the second's edge, lost acknowledgements, rows that nobody wrote."""

from itertools import count

from harness.sql.recovery.held_against import Comparison, Moment, TimedLedger, Write, compare

MS = 1_000_000
SECOND = Moment(at_ns=1000 * MS, within_ns=1 * MS)  # begins between 999 and 1001 ms
DELETED_NS = 1600 * MS


def a_write(sent_ms: int, told_ms: int, told: str = "acknowledged") -> Write:
    return Write(sent_ns=sent_ms * MS, told_ns=told_ms * MS, told=told)  # type: ignore[arg-type]


WRITES = {
    1: a_write(100, 110),  # before the second: must be back
    2: a_write(996, 998),  # just before
    3: a_write(997, 1003),  # under way when it began
    4: a_write(1002, 1004),  # in it: mustn't be back
    5: a_write(1500, 1590),  # in it, acknowledged before the delete
    6: a_write(1595, 1605),  # acknowledged after the delete was sent
    7: a_write(500, 520, "ambiguous"),  # nobody knows
    8: a_write(500, 520, "failed"),  # isn't there
}


def test_what_was_acknowledged_before_the_second_is_back_and_nothing_later() -> None:
    """Rows 90 and 91 are from before. Lost are 3, 4 and 5, acknowledged at 1003, 1004 and 1590: 1600 - 1003 = 597 ms of work."""
    assert compare(WRITES, {90, 91}, {90, 91, 1, 2}, SECOND, DELETED_NS) == Comparison(
        expected=4, found=4, missing=0, surplus=0, under_way=2, lost=3, rpo_s=0.597
    )


def test_what_was_under_way_when_the_second_began_may_be_there_or_not() -> None:
    """Row 3, and 7 of which nobody knows; with row 3 back, the first loss is row 4's: 596 ms."""
    assert compare(WRITES, set(), {1, 2, 3, 7}, SECOND, DELETED_NS) == Comparison(
        expected=2, found=4, missing=0, surplus=0, under_way=2, lost=2, rpo_s=0.596
    )


def test_a_row_that_is_not_back_is_missing_whoever_wrote_it() -> None:
    """Row 1 of this trial, 91 of an earlier one. The first lost acknowledgement is row 1's: 1600 - 110 = 1490 ms."""
    compared = compare(WRITES, {90, 91}, {90, 2}, SECOND, DELETED_NS)
    assert (compared.expected, compared.missing, compared.surplus, compared.rpo_s) == (4, 2, 0, 1.49)


def test_a_row_of_the_second_itself_a_failed_one_and_one_that_nobody_wrote_are_surplus() -> None:
    """Rows 4, 8 and 77: a restore that went too far, or elsewhere."""
    assert compare(WRITES, set(), {1, 2, 4, 8, 77}, SECOND, DELETED_NS).surplus == 3


def test_nothing_is_lost_where_nothing_was_written_since_the_second() -> None:
    """And then there is no time that was lost either."""
    compared = compare({1: WRITES[1]}, set(), {1}, SECOND, DELETED_NS)
    assert (compared.lost, compared.rpo_s) == (0, 0.0)


def test_a_ledger_times_each_write_from_when_its_id_is_drawn_until_its_client_is_told() -> None:
    """Ids 1 and 2 are drawn at 10 and 20, told at 30 and 40; the counts stay a ledger's."""
    clock = iter([10, 20, 30, 40])
    timed = TimedLedger(count(1).__next__, clock.__next__)
    assert [timed.next_id(), timed.next_id()] == [1, 2]
    timed.note(1, "ok")
    timed.note(2, "timeout")
    assert timed.writes == {
        1: Write(sent_ns=10, told_ns=30, told="acknowledged"),
        2: Write(sent_ns=20, told_ns=40, told="failed"),
    }
    assert timed.check({1: 1}).acknowledged == 1
