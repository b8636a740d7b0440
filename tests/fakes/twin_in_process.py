"""The twin asked in its own process, without HTTP: a request in, its status and answer out."""

from itertools import count
from typing import Any

import orjson

from harness.local.dynamodb.service import TARGET, Service

PATIENT_S = 100
"""What the clock of :func:`unhurried` moves at each look: buckets fill again, tokens of transactions are still known."""


def unhurried() -> Service:
    """A twin that never throttles what a test asks of it: time passes between any two requests, partitions are boundless."""
    ticks = count(0, PATIENT_S)
    return Service(clock_s=lambda: float(next(ticks)), partition_limits=False)


def ask(service: Service, operation: str, *, api: bytes = TARGET, **request: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of one answer; ``api`` is DynamoDB's or Application Auto Scaling's."""
    status, body = service.answer(api + operation.encode(), orjson.dumps(request))
    return status, orjson.loads(body)


def done(service: Service, operation: str, *, api: bytes = TARGET, **request: Any) -> dict[str, Any]:
    """The body of an answer that must be a good one."""
    status, body = ask(service, operation, api=api, **request)
    assert status == 200, f"{operation}: {body}"
    return body


def refused(service: Service, operation: str, **request: Any) -> str:
    """The name of the error that a request must get."""
    status, body = ask(service, operation, **request)
    assert status == 400, f"{operation}: {body}"
    return str(body["__type"]).rpartition("#")[2]
