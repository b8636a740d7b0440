"""Work that lets others in: a handler that may take long is a generator and yields now and then."""

from collections.abc import Generator
from typing import Any, TypeVar

Outcome = TypeVar("Outcome")
# Yields when others may have a turn, returns the operation's answer.
Work = Generator[None, None, "dict[str, Any] | bytes"]


def finished(work: Generator[None, None, Outcome]) -> Outcome:
    """What the work returns, done in one go."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
