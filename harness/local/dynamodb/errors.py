"""The service's errors, with its type names, messages and status codes."""

from typing import Any

import orjson

_SERVICE = "com.amazonaws.dynamodb.v20120810#"
_CORAL = "com.amazon.coral.service#"
_VALIDATE = "com.amazon.coral.validate#"

_CAPITAL = (f"{_SERVICE}TransactionCanceledException", f"{_SERVICE}IdempotentParameterMismatchException")


class ServiceError(Exception):
    """An answer that refuses: what the wire carries. ``extra`` are further members of its body."""

    def __init__(self, kind: str, message: str, *, status: int = 400, extra: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.kind, self.status, self.extra = kind, status, extra or {}

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer; coral's own errors and some of the service's spell the message with a capital."""
        name = "Message" if self.kind.startswith((_CORAL, *_CAPITAL)) else "message"
        return {"__type": self.kind, name: str(self), **self.extra}


def validation(message: str) -> ServiceError:
    """A ValidationException."""
    return ServiceError(f"{_VALIDATE}ValidationException", message)


def invalid(message: str) -> ServiceError:
    """A ValidationException of the service's most common kind."""
    return validation(f"One or more parameter values were invalid: {message}")


def serialization(message: str) -> ServiceError:
    """The body isn't JSON, or a member has another type than the service's model says."""
    return ServiceError(f"{_CORAL}SerializationException", message)


def mistyped(raw: Any, wanted: str) -> ServiceError:
    """A member holds another JSON type than the service's model says."""
    if isinstance(raw, dict):
        return serialization("Start of structure or map found where not expected")
    if isinstance(raw, list):
        return serialization("Start of list found where not expected")
    if wanted in ("List", "Map"):
        return serialization("Unexpected field type")
    if wanted == "Structure":
        return serialization("Unexpected value type in payload")
    names = {bool: f"{str(raw).upper()}_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE", str: "STRING_VALUE"}
    return serialization(f"{names.get(type(raw), 'NULL_VALUE')} cannot be converted to {wanted}")


def required(member: str) -> ServiceError:
    """A member that the service asks for before it looks at any other."""
    return validation(f"The parameter '{member}' is required but was not present in the request")


class NotBuiltError(ServiceError):
    """Something of the service that the twin hasn't: refused, since to ignore it would change the answer."""


def not_built(what: str) -> ServiceError:
    """A ValidationException that says so."""
    says = f"This twin of DynamoDB doesn't have {what} yet; docs/twin.md says what it has"
    return NotBuiltError(f"{_VALIDATE}ValidationException", says)


def unknown_operation() -> ServiceError:
    """The target names no operation that is built."""
    return ServiceError(f"{_CORAL}UnknownOperationException", "The operation is not known to this service")


def table_not_found() -> ServiceError:
    """A data operation on a table that isn't there; the service doesn't say which."""
    return ServiceError(f"{_SERVICE}ResourceNotFoundException", "Requested resource not found")


def named_table_not_found(name: str) -> ServiceError:
    """A control operation on a table that isn't there."""
    return ServiceError(
        f"{_SERVICE}ResourceNotFoundException", f"Requested resource not found: Table: {name} not found"
    )


def index_not_found(name: str, table: str) -> ServiceError:
    """A control operation on an index that isn't there."""
    return ServiceError(
        f"{_SERVICE}ResourceNotFoundException", f"Requested resource not found: Index {name} for table {table}"
    )


def table_in_use(name: str) -> ServiceError:
    """CreateTable of a table that is there."""
    return ServiceError(f"{_SERVICE}ResourceInUseException", f"Table already exists: {name}")


def in_use(what: str) -> ServiceError:
    """A table or index is in a state in which it can't be changed that way."""
    return ServiceError(
        f"{_SERVICE}ResourceInUseException", f"Attempt to change a resource which is still in use: {what}"
    )


def limit_exceeded(message: str) -> ServiceError:
    """A quota of the account or of a table."""
    return ServiceError(f"{_SERVICE}LimitExceededException", message)


def condition_failed(found: orjson.Fragment | None) -> ServiceError:
    """A write whose condition didn't hold; ``found`` is the item there is, if the client asked for it."""
    return ServiceError(
        f"{_SERVICE}ConditionalCheckFailedException",
        "The conditional request failed",
        extra={} if found is None else {"Item": found},
    )


def transaction_cancelled(reasons: list[dict[str, Any]]) -> ServiceError:
    """A transaction that wasn't carried out: a reason for each of its items, ``None`` for those that would have done."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    return ServiceError(
        f"{_SERVICE}TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        extra={"CancellationReasons": reasons},
    )


def idempotent_mismatch() -> ServiceError:
    """The token of a transaction that was carried out, on another request."""
    return ServiceError(
        f"{_SERVICE}IdempotentParameterMismatchException",
        "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token "
        "with different requests, unless the requests are identical",
    )


def throttled(exception: str, reason: str, arn: str) -> ServiceError:
    """One of the three throttling exceptions, with the reason and the resource (B9)."""
    if exception == "ProvisionedThroughputExceededException":
        message = (
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing "
            "your provisioning level with the UpdateTable API."
        )
        member = "ThrottlingReasons"
    else:
        message = "Throughput exceeds the current capacity of your table or index. "
        if "MaxOnDemand" in reason:
            message = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
        member = "throttlingReasons" if exception == "ThrottlingException" else "ThrottlingReasons"
    return ServiceError(f"{_SERVICE}{exception}", message, extra={member: [{"reason": reason, "resource": arn}]})
