"""What is seen of DynamoDB's answers, as rows of samples: whole answers, and single attempts."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.dynamodb.answers import Answer, consumed_units
from harness.dynamodb.attempts import DynamoAttempt
from harness.recorder import Observation
from harness.scenario import Slot

NAN = float("nan")


def retried(slot: Slot, tries: Iterable[DynamoAttempt], observe: Callable[[DynamoAttempt], Observation]) -> Observation:
    """Go through the attempts of one operation, at least one; each is a row, and the last is returned."""
    for attempt in tries:
        seen = observe(attempt)
        if not attempt.final:
            slot.attempt(seen, start_ns=attempt.start_ns, end_ns=attempt.end_ns)
    slot.attempt_begins(attempt.start_ns)
    return seen


def of_attempt(attempt: DynamoAttempt, extra: Mapping[str, Any], *, wrote: bool = False) -> Observation:
    """One attempt of one request; what it consumed is write units where it ``wrote``, else read units."""
    response = attempt.response
    if response is None or attempt.outcome != "ok":
        return Observation(outcome=attempt.outcome, error_code=attempt.error_code, reason=attempt.reason, extra=extra)
    body = response.body
    units, of_index = consumed_units(body)
    consumed, found = NAN if units is None else units, -1 if wrote else body.get("Count", int("Item" in body))
    return Observation(
        read_units=NAN if wrote else consumed, write_units=consumed if wrote else NAN,
        index_units=NAN if of_index is None else of_index,
        items_returned=found, items_scanned=body.get("ScannedCount", found), bytes=response.bytes_count, pages=1,
        extra=extra,
    )  # fmt: skip


def of_answer(answer: Answer, extra: Mapping[str, Any], *, wrong: str | None) -> Observation:
    """A whole answer; one that is ``wrong`` is an error, whatever its speed."""
    failed = wrong is not None and answer.outcome == "ok"
    return Observation(
        outcome="error" if failed else answer.outcome,
        error_code="WrongAnswer" if failed else answer.error_code,
        reason=wrong if failed else answer.reason,
        read_units=answer.read_units,
        index_units=NAN if answer.index_units is None else answer.index_units,
        items_returned=answer.items_returned, items_scanned=answer.items_scanned, bytes=answer.bytes_count,
        pages=answer.pages, extra=extra,
    )  # fmt: skip
