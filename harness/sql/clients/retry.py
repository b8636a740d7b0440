"""What a client does about a write of which nobody knows whether it happened (D6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from harness.recorder import Observation
    from harness.scenario import Slot

RetryKind = Literal["none", "blind", "token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """``none``: leaves it. ``blind``: sends it again. ``token``: sends it again with the token that it had before.

    A write becomes doubtful with its first ambiguous attempt and is then tried until one is acknowledged, ``back_off_s`` after
    each attempt and none begun later than ``patience_s`` after the first. What was refused from the start isn't tried again.
    """

    kind: RetryKind
    back_off_s: float = 0.02
    patience_s: float = 5.0

    def __post_init__(self) -> None:
        """A back-off of nothing would have no bound to its attempts."""
        if self.back_off_s <= 0 or self.patience_s < 0:
            raise ValueError(f"retry: back_off_s > 0 and patience_s >= 0, got {self.back_off_s} and {self.patience_s}")

    def carry_out(
        self,
        slot: "Slot",
        once: "Callable[[], Observation]",
        *,
        clock_ns: Callable[[], int],
        sleep_s: Callable[[float], None],
        over: Callable[[], bool] = lambda: False,
    ) -> "Observation":
        """Attempts of one write: the earlier ones are left with ``slot``, the last is returned. ``over`` ends it early."""
        first_ns = start_ns = clock_ns()
        doubtful = False
        while True:
            seen = once()
            end_ns = clock_ns()
            doubtful = doubtful or seen.outcome == "ambiguous"
            late = end_ns + self.back_off_s * 1e9 > first_ns + self.patience_s * 1e9
            if self.kind == "none" or seen.outcome == "ok" or not doubtful or late or over():
                return seen
            slot.attempt(seen, start_ns=start_ns, end_ns=end_ns)
            sleep_s(self.back_off_s)
            start_ns = clock_ns()
            slot.attempt_begins(start_ns)
