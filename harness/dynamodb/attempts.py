"""One operation, attempt by attempt: sends, waits as the policy says, and hides none of it.

A scenario records every attempt as a row of its own; what was throttled and then went through is seen as both.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from harness.dynamodb.client import Client, ConnectionTrouble, Outcome, Response, outcome, trouble_outcome
from harness.dynamodb.retries import Fate, Retries, fate


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoAttempt:
    """One attempt that ended: with an answer, or (``response`` None) in trouble; ``final``: none comes after it.

    Its times don't contain the pause before it. ``error_code`` is AWS's name, or the trouble's class.
    """

    start_ns: int
    end_ns: int
    response: Response | None
    outcome: Outcome
    error_code: str | None
    reason: str | None
    final: bool


def attempts(
    client: Client,
    operation: str,
    payload: dict[str, Any] | bytes,
    policy: Retries,
    *,
    clock_ns: Callable[[], int] = time.monotonic_ns,
    sleep_s: Callable[[float], None] = time.sleep,
) -> Iterator[DynamoAttempt]:
    """Each attempt as it ends, until one succeeds or ``policy`` gives up; pauses are slept here."""
    tries = policy.start()
    if operation == "TransactWriteItems" and isinstance(payload, dict) and "ClientRequestToken" not in payload:
        # As botocore: an attempt that happened after all isn't done twice. Not seeded, or the next run would repeat it.
        payload = payload | {"ClientRequestToken": str(uuid4())}
    pause_s: float | None = 0.0
    while pause_s is not None:
        if pause_s:
            sleep_s(pause_s)
        while (held_s := policy.hold_s()) > 0:
            sleep_s(held_s)
        start_ns = clock_ns()
        try:
            response = client.call(operation, payload)
        except ConnectionTrouble as trouble:
            end_ns = clock_ns()
            pause_s = tries.ended(fate(None, None))
            yield DynamoAttempt(
                start_ns=start_ns, end_ns=end_ns, response=None, outcome=trouble_outcome(trouble, operation),
                error_code=type(trouble).__name__, reason=None, final=pause_s is None,
            )  # fmt: skip
        else:
            end_ns = clock_ns()
            end: Fate = fate(response.status, response.error_code)
            pause_s = tries.ended(end, response.retry_after_s)
            yield DynamoAttempt(
                start_ns=start_ns, end_ns=end_ns, response=response, outcome=outcome(response),
                error_code=response.error_code, reason=response.throttling_reason, final=pause_s is None,
            )  # fmt: skip
