"""What AWS answers instead of a result, as one error that says what was tried and the way out. Pure."""

import re
from typing import Literal

from harness.aws.calls import TAG, Call
from harness.errors import HarnessError

Trouble = Literal[
    "denied", "expired", "credentials", "throttled", "quota", "capacity", "missing", "conflict", "parameters",
    "unreachable", "refused",
]  # fmt: skip

POLICY = "docs/iam-policy.json"
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_CREDENTIALS = frozenset({
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
    "AuthFailure", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidAccessKeyId",
    "OptInRequired", "SubscriptionRequiredException",
})  # fmt: skip
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "403"})
_THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled",
    "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "EC2ThrottledException", "SlowDown",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException",
})  # fmt: skip
_BY_CODE: tuple[tuple[frozenset[str], Trouble], ...] = (
    (_EXPIRED, "expired"), (_CREDENTIALS, "credentials"), (_DENIED, "denied"), (_THROTTLED, "throttled"),
)  # fmt: skip
_QUOTA = re.compile(r"(Quota|Limit)Exceeded")
_CAPACITY = re.compile(r"^Insufficient.*Capacity")
_MISSING = re.compile(r"NotFound|^NoSuch|DoesNotExist|^404$")
_CONFLICT = re.compile(
    r"AlreadyExists|InUse|^Invalid.*State|OperationInProgress|DeleteConflict|DependencyViolation|NotEmpty|AlreadyOwned"
)
_PERFORM = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")


class AwsError(HarnessError):
    """A call that didn't give its result. ``trouble`` is for programs, the message for people; ``code`` is AWS's own."""

    def __init__(self, message: str, *, trouble: Trouble, code: str = "", call: str = "", said: str = "") -> None:
        super().__init__(message)
        self.trouble, self.code, self.call, self.said = trouble, code, call, said


def trouble_of(code: str, said: str = "") -> Trouble:
    """Which trouble an error code of AWS's is, with what the message says where a code has several meanings."""
    for codes, trouble in (
        (_EXPIRED, "expired"),
        (_CREDENTIALS, "credentials"),
        (_DENIED, "denied"),
        (_THROTTLED, "throttled"),
    ):
        if code in codes:
            return trouble  # type: ignore[return-value]
    if _CAPACITY.search(code):
        return "capacity"
    if _QUOTA.search(code):
        return "quota"
    if _MISSING.search(code) or (code == "ValidationError" and "does not exist" in said):
        return "missing"
    if _CONFLICT.search(code):
        return "conflict"
    return "refused"


def refused(call: Call, code: str, said: str, *, region: str) -> AwsError:
    """The error for a code and message that AWS answered a call with."""
    name = f"{call.service}:{call.operation}"
    trouble = trouble_of(code, said)
    message = f"{name} in {region}: {code}: {' '.join(said.split()).rstrip('.')}"
    if way_out := _way_out(trouble, call, said):
        message += f"; {way_out}"
    return AwsError(message, trouble=trouble, code=code, call=name, said=said)


def _way_out(trouble: Trouble, call: Call, said: str) -> str:
    """What to do about it."""
    match trouble:
        case "denied":
            return _permission(call, said)
        case "expired":
            return "the credentials have expired: sign in again (`aws sso login`) and run the command again, nothing is lost"
        case "credentials":
            return "AWS doesn't take these credentials: sign in again, or set AWS_PROFILE"
        case "throttled":
            return "AWS's control plane is busy with this account: wait a minute and run the command again"
        case "quota":
            return (
                "a quota of the account is used up: take down what isn't needed (`dbharness aws sweep`), or ask for "
                f"more under Service Quotas, {call.service}"
            )
        case "capacity":
            return "AWS has none of this class left in this place: choose another class or other availability zones"
        case _:
            return ""


def _permission(call: Call, said: str) -> str:
    """Which permission is missing, by AWS's message or else by what the call takes."""
    named = _PERFORM.search(said)
    actions = [named[1]] if named else sorted({grant.action for grant in call.grants})
    tagged = any(grant.tagged != "no" for grant in call.grants if grant.action in actions)
    condition = f", and only on what is tagged {TAG}" if tagged else ""
    return f"these credentials need {' and '.join(actions)}, which {POLICY} grants{condition}"
