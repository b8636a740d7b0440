"""What becomes of a write of which nobody knows, on a clock that the test turns."""

import pytest

from harness.recorder import Observation
from harness.scenario import Slot
from harness.sql.clients.retry import Retry

ATTEMPT_NS = 10_000_000


class Write:
    """A write whose attempts come out as told, the last one for ever, and take 10 ms each."""

    def __init__(self, *outcomes):
        self.outcomes, self.attempts, self.now_ns = outcomes, 0, 0
        self.slot = Slot(0)
        self.slept_s = []

    def once(self):
        self.now_ns += ATTEMPT_NS
        self.attempts += 1
        return Observation(outcome=self.outcomes[min(self.attempts, len(self.outcomes)) - 1])

    def sleep_s(self, seconds):
        self.slept_s.append(seconds)
        self.now_ns += round(seconds * 1e9)

    def under(self, retry, over=lambda: False):
        last = retry.carry_out(self.slot, self.once, clock_ns=lambda: self.now_ns, sleep_s=self.sleep_s, over=over)
        return [attempt.seen.outcome for attempt in self.slot.earlier] + [last.outcome]


@pytest.mark.parametrize("kind", ["blind", "token"])
def test_a_doubtful_write_is_tried_until_it_is_acknowledged(kind):
    """What is refused in between doesn't end it: the first attempt may have happened, and nobody knows yet."""
    write = Write("ambiguous", "error", "timeout", "ok")
    assert write.under(Retry(kind=kind)) == ["ambiguous", "error", "timeout", "ok"]
    assert write.slept_s == [0.02, 0.02, 0.02]


def test_each_attempt_has_its_own_beginning_and_end():
    """10 ms each with 20 ms between: 0-10, 30-40, and the last begins at 60 ms."""
    write = Write("ambiguous", "error", "ok")
    write.under(Retry(kind="blind"))
    times = [(attempt.start_ns, attempt.end_ns) for attempt in write.slot.earlier]
    assert times == [(0, 10_000_000), (30_000_000, 40_000_000)]
    assert write.slot.begins_ns == 60_000_000


def test_no_retry_leaves_it_in_doubt():
    """One attempt, whatever came of it."""
    assert Write("ambiguous", "ok").under(Retry(kind="none")) == ["ambiguous"]


@pytest.mark.parametrize("outcome", ["error", "timeout", "ok"])
def test_what_is_not_in_doubt_is_not_tried_again(outcome):
    """A refusal or a time-out before anything was sent is the answer, as a success is."""
    assert Write(outcome, "ok").under(Retry(kind="blind")) == [outcome]


def test_attempts_end_with_the_patience():
    """0.1 s: attempts end at 10, 40, 70 and 100 ms; after the one at 70 the next would begin at 90, after the one at 100 at 120."""
    write = Write("ambiguous")
    assert write.under(Retry(kind="blind", patience_s=0.1)) == ["ambiguous"] * 4


def test_the_end_of_a_trial_ends_it():
    """Cut off after its second attempt, it isn't tried a third time."""
    write = Write("ambiguous")
    assert write.under(Retry(kind="blind"), over=lambda: write.attempts == 2) == ["ambiguous"] * 2


def test_a_retry_without_a_pause_is_refused():
    """It would have no bound but time."""
    with pytest.raises(ValueError, match="back_off_s > 0"):
        Retry(kind="blind", back_off_s=0.0)
