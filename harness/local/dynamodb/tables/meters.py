"""Tables and indexes as admission sees them: buckets, and what they have consumed."""

from harness.dynamodb.admission import Admission, Kind, exception_name
from harness.local.dynamodb.errors import ServiceError, throttled


class Metered:
    """A table or an index as admission sees it: buckets, and what it has consumed since it was made."""

    def __init__(self, admission: Admission, arn: str) -> None:
        self.admission, self.arn = admission, arn
        self.consumed: dict[Kind, float] = {"read": 0.0, "write": 0.0}
        self.throttles: dict[Kind, int] = {"read": 0, "write": 0}

    def check(self, kind: Kind, now_s: float, place: int | None = None) -> None:
        """Raise the service's throttling error if a request of this kind is refused now."""
        reason = self.admission.check(kind, now_s, place)
        if reason is not None:
            raise self._refused(kind, reason)

    def account(self, kind: Kind, units: float, now_s: float, place: int | None = None) -> None:
        """Take what a request consumed."""
        self.consumed[kind] += units
        self.admission.account(kind, units, now_s, place)

    def take(self, kind: Kind, units: float, now_s: float, place: int) -> None:
        """Take what a request consumes that is known before it is admitted; or raise the throttling error."""
        reason = self.admission.admit(kind, units, now_s, place)
        if reason is not None:
            raise self._refused(kind, reason)
        self.consumed[kind] += units

    def state(self, kind: Kind, now_s: float) -> dict[str, float]:
        """What it has consumed and refused of a kind since it was made, and what its tightest bucket holds."""
        return {
            "consumed_units": self.consumed[kind],
            "throttled_requests": self.throttles[kind],
            "bucket_units": self.admission.level(kind, now_s),
        }

    def _refused(self, kind: Kind, reason: str) -> ServiceError:
        self.throttles[kind] += 1
        return throttled(exception_name(reason, self.admission.mode), reason, self.arn)
