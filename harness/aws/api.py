"""What the rooms of this package ask of AWS: one call, or every page of one. :class:`harness.aws.gateway.Aws` is it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from harness.aws.calls import Kind
from harness.aws.safety import Resource

Answer = dict[str, Any]
Progress = Callable[[str], None]


class Api(Protocol):
    """AWS through the gateway, or a stand-in of it."""

    ours_protected: bool
    """The stack was made with deletion protection, so that it is no sign of somebody else's care."""

    def call(self, service: str, operation: str, /, **params: Any) -> Answer:
        """One answer of a call that destroys nothing; raises AwsError."""
        ...

    def paginate(self, service: str, operation: str, key: str, /, **params: Any) -> Iterator[Any]:
        """The members of ``key`` on every page; raises AwsError."""
        ...

    def guarded(self, service: str, operation: str, /, **params: Any) -> Answer:
        """One answer of a call that destroys, once its target was found to be ours; raises Refused and AwsError."""
        ...

    def must_be_ours(self, kind: Kind, name: str, action: str) -> Resource:
        """The thing; raises Refused where it isn't ours, AwsError where it isn't there."""
        ...


class StackApi(Api, Protocol):
    """AWS in one region for one stack, whose name is on everything that is ours."""

    stack: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How waiting goes: the clocks, how often to ask, and how long at most."""

    monotonic_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    poll_s: float = 5.0
    patience_s: float = 7_200.0
    tag_patience_s: float = 300.0
    """The tagging service lags behind deletions; so long it may still list what is gone."""
