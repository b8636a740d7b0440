"""One operation, attempt by attempt: sends, waits as the policy says, and hides none of it.

A scenario records every attempt as a row of its own; what was throttled and then went through is seen as both.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from harness.dynamodb.client import Client, ConnectionTrouble, Outcome, Response, outcome, trouble_outcome
from harness.dynamodb.retries import Fate, Retries, fate

GAVE_UP, CLIENT_SEND_RATE = "GaveUp", "ClientSendRate"
"""Error code and reason of an attempt that the client's own limit held back for so long that it was never sent."""


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
    turn: AbstractContextManager[object] | None = None,
    patience_ns: int | None = None,
) -> Iterator[DynamoAttempt]:
    """Each attempt as it ends, until one succeeds or ``policy`` gives up; pauses are slept here.

    Whom the policy holds back waits in ``turn``, a lock that all users of the policy share: one at a time asks whether
    it may send. An attempt still held ``patience_ns`` after the first was due is not sent: it ends as throttled, by the
    client itself.
    """
    tries, since_ns = policy.start(), clock_ns()
    if operation == "TransactWriteItems" and isinstance(payload, dict) and "ClientRequestToken" not in payload:
        # As botocore: an attempt that happened after all isn't done twice. Not seeded, or the next run would repeat it.
        payload = payload | {"ClientRequestToken": str(uuid4())}
    pause_s: float | None = 0.0
    while pause_s is not None:
        if pause_s:
            sleep_s(pause_s)
        if not _let_go(policy, turn, sleep_s, lambda: patience_ns is None or clock_ns() - since_ns < patience_ns):
            now_ns = clock_ns()
            yield DynamoAttempt(
                start_ns=now_ns, end_ns=now_ns, response=None, outcome="throttled",
                error_code=GAVE_UP, reason=CLIENT_SEND_RATE, final=True,
            )  # fmt: skip
            return
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


def _let_go(
    policy: Retries,
    turn: AbstractContextManager[object] | None,
    sleep_s: Callable[[float], None],
    patient: Callable[[], bool],
) -> bool:
    """Wait until the policy lets an attempt be sent; False where patience ends before."""
    if not policy.holds:
        return True
    with turn or nullcontext():
        while patient():
            held_s = policy.hold_s()
            if held_s <= 0:
                return True
            sleep_s(held_s)
    return False
