"""Clocks of another machine are told by messages there and back, no closer than half of the quickest."""

from pathlib import Path

import pyarrow.parquet as pq
from recorders import AtOnce

from harness.clocks import Clocks, Round
from harness.recorder import Observation, Recorder


def there_and_back(*, sent_ns: int, received_ns: int, theirs_ns: int, wall_ns: int) -> Round:
    """Our wall clock shows 5,000 when our monotonic one shows 0."""
    return Round(
        sent_ns=sent_ns, received_ns=received_ns, wall_less_monotonic_ns=5_000, their_monotonic_ns=theirs_ns,
        their_wall_ns=wall_ns,
    )  # fmt: skip


def test_the_quickest_round_tells_and_half_of_it_is_the_error() -> None:
    """Left at 100, back at 140: read at 120 ± 20. Their 1,120 then is 1,000 more than ours; their wall 5,220 is 100 ahead.

    The slower round (200 to 400) would have said 1,150 more.
    """
    slow = there_and_back(sent_ns=200, received_ns=400, theirs_ns=1_450, wall_ns=9_999)
    quick = there_and_back(sent_ns=100, received_ns=140, theirs_ns=1_120, wall_ns=5_220)
    assert Clocks.of([slow, quick]) == Clocks(shift_ns=-1_000, ahead_ns=100, error_ns=20)


def test_what_is_within_the_error_is_no_difference() -> None:
    """19 off with an error of 20 may be nothing at all, as on one machine; 21 is something."""
    same = there_and_back(sent_ns=100, received_ns=140, theirs_ns=101, wall_ns=5_139)
    assert Clocks.of([same]) == Clocks(shift_ns=0, ahead_ns=0, error_ns=20)
    off = there_and_back(sent_ns=100, received_ns=140, theirs_ns=99, wall_ns=5_141)
    assert Clocks.of([off]) == Clocks(shift_ns=21, ahead_ns=21, error_ns=20)


def test_samples_of_another_machine_are_on_the_masters_clock_and_no_intention_stays_none(tmp_path: Path) -> None:
    """A shift of −1,000 ns: from 5,000 to 4,000. What had no intended start still has none; differences are as they were."""
    recorder = Recorder(tmp_path / "s.1.arrows", worker="1", extra={}, submit=AtOnce, shift_ns=-1_000)
    add = recorder.begin_trial(trial=0, pair=0, client="lean", arm="a", step="s")
    add("Get", False, 5_000, 5_010, 5_030, 1, 1, Observation())
    add("Get", False, None, 6_000, 6_030, 2, 1, Observation())
    (file,) = recorder.close()
    rows = pq.read_table(file)
    assert rows["t_intended"].to_pylist() == [4_000, None]
    assert rows["t_start"].to_pylist() == [4_010, 5_000]
    assert rows["t_end"].to_pylist() == [4_030, 5_030]
