"""Faults for testing clients: errors, latency and answers that never come, at given rates."""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.wire.turns import Answer

_SERVICE, _CORAL = "com.amazonaws.dynamodb.v20120810#", "com.amazon.coral.service#"
_THROUGHPUT = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning "
    "level with the UpdateTable API."
)
# Of each error that can be injected: its namespace, status and message.
ERRORS: Mapping[str, tuple[str, int, str]] = {
    "InternalServerError": (_SERVICE, 500, "Internal server error"),
    "ServiceUnavailable": (_CORAL, 503, "Service is unavailable"),
    "ThrottlingException": ("com.amazon.coral.availability#", 400, "Rate of requests exceeds the allowed throughput."),
    "ProvisionedThroughputExceededException": (_SERVICE, 400, _THROUGHPUT),
    "RequestLimitExceeded": (_SERVICE, 400, "Throughput exceeds the current throughput limit for your account."),
    "LimitExceededException": (_SERVICE, 400, "Too many operations for a given subscriber."),
    "TransactionConflictException": (_SERVICE, 400, "Transaction is ongoing for the item"),
    "AccessDeniedException": (_CORAL, 400, "User is not authorized to perform this operation"),
    "ExpiredTokenException": (_CORAL, 400, "The security token included in the request is expired"),
    "UnrecognizedClientException": (_CORAL, 400, "The security token included in the request is invalid."),
}


class BadFaults(Exception):  # noqa: N818 - the name of what was asked for, not of a failure here
    """What was asked for isn't a fault that can be injected; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """What is to happen, and to which requests: all operations when none is named, for ever when no number is given."""

    error_rate: float = 0.0
    error: str = "InternalServerError"
    latency_ms: float = 0.0
    hang_rate: float = 0.0
    operations: tuple[str, ...] = ()
    for_requests: int | None = None
    seed: int = 0

    @classmethod
    def parse(cls, body: bytes) -> "FaultPlan":
        """From JSON; raises BadFaults with the member, what it must be and what it is."""
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadFaults(f"not JSON: {error}") from error
        if not isinstance(asked, dict):
            raise BadFaults(f"expected an object, found {type(asked).__name__}")
        known = cls.__dataclass_fields__
        for name in asked:
            if name not in known:
                raise BadFaults(f"{name} is unknown; there are {', '.join(known)}")
        plan = cls(**_checked(asked))
        if plan.error_rate + plan.hang_rate > 1:
            raise BadFaults(f"error_rate + hang_rate must be at most 1, got {plan.error_rate + plan.hang_rate:g}")
        return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to one request; nothing, by default. One that fails or hangs isn't carried out."""

    answer: Answer | None = None
    latency_s: float = 0.0
    hangs: bool = False


_NOTHING = Fault()


class Faults:
    """A plan under way: draws what happens to each request, and counts."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._random = random.Random(plan.seed)
        self._seen, self._errors, self._hangs = 0, 0, 0
        kind, status, message = ERRORS[plan.error]
        error = ServiceError(kind + plan.error, message, status=status)
        self._error = Fault(answer=(status, orjson.dumps(error.body())), latency_s=plan.latency_ms / 1e3)
        self._late, self._hang = Fault(latency_s=plan.latency_ms / 1e3), Fault(hangs=True)

    def draw(self, operation: str) -> Fault:
        """What happens to a request of that operation."""
        plan = self.plan
        if (plan.operations and operation not in plan.operations) or self._seen == plan.for_requests:
            return _NOTHING
        self._seen += 1
        drawn = self._random.random()
        if drawn < plan.hang_rate:
            self._hangs += 1
            return self._hang
        if drawn < plan.hang_rate + plan.error_rate:
            self._errors += 1
            return self._error
        return self._late

    def state(self) -> dict[str, Any]:
        """The plan and what came of it so far."""
        return asdict(self.plan) | {"requests": self._seen, "errors": self._errors, "hangs": self._hangs}


def _checked(asked: dict[str, Any]) -> dict[str, Any]:
    for name in ("error_rate", "hang_rate"):
        if not (_is_number(value := asked.get(name, 0)) and 0 <= value <= 1):
            raise BadFaults(f"{name} must be a number from 0 to 1, got {value!r}")
    if not (_is_number(latency := asked.get("latency_ms", 0)) and 0 <= latency <= 3_600_000):
        raise BadFaults(f"latency_ms must be a number from 0 to 3,600,000, got {latency!r}")
    if (error := asked.get("error", "InternalServerError")) not in list(ERRORS):
        raise BadFaults(f"error must be one of {', '.join(ERRORS)}, got {error!r}")
    operations = asked.get("operations", [])
    if not (isinstance(operations, list) and all(isinstance(name, str) for name in operations)):
        raise BadFaults(f"operations must be a list of names, got {operations!r}")
    for name, least in (("for_requests", 1), ("seed", 0)):
        number = asked.get(name, 1)
        unset = name == "for_requests" and number is None
        if not unset and (not isinstance(number, int) or isinstance(number, bool) or number < least):
            raise BadFaults(f"{name} must be a whole number >= {least}, got {number!r}")
    return asked | {"operations": tuple(operations)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
