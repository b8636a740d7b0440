"""What may stand between a request and the service: a signature, injected faults, a modelled service time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from harness.local.alarms import Alarms
from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.wire.faults import Faults
from harness.local.dynamodb.wire.service_time import ServiceTime
from harness.local.dynamodb.wire.signature import SignedRequest, Verifier
from harness.local.dynamodb.wire.turns import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How a request passes: answered here or by the service, how long after it came at the earliest, or never."""

    answer: Answer | None = None
    delay_s: float = 0.0
    never: bool = False


class Guards:
    """The guards there are; none by default, and then ``any`` is false and a request goes straight to the service."""

    def __init__(self, verifier: Verifier | None = None, service_time: ServiceTime | None = None) -> None:
        self.verifier, self.service_time = verifier, service_time
        self._faults: Faults | None = None
        self._alarms: Alarms | None = None
        self.any = False
        self._count()

    @property
    def faults(self) -> Faults | None:
        """The faults that are injected."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults | None) -> None:
        self._faults = faults
        self._count()

    def _count(self) -> None:
        self.any = any(guard is not None for guard in (self.verifier, self.service_time, self._faults))

    def check(self, request: SignedRequest) -> Passage:
        """What becomes of a request; its operation is the target's last part."""
        if self.verifier is not None:
            try:
                self.verifier.check(request)
            except ServiceError as error:
                return Passage(answer=(error.status, orjson.dumps(error.body())))
        operation = request.target.rpartition(b".")[2].decode("latin-1")
        delay_s = self.service_time.draw_s(operation) if self.service_time is not None else 0.0
        if self._faults is None:
            return Passage(delay_s=delay_s)
        fault = self._faults.draw(operation)
        return Passage(answer=fault.answer, delay_s=delay_s + fault.latency_s, never=fault.hangs)

    def later(self, due_s: float, call: Callable[[], None]) -> None:
        """Call at that moment of ``time.monotonic``, as exactly as the system can."""
        if self._alarms is None:
            self._alarms = Alarms(asyncio.get_running_loop())
        self._alarms.at(due_s, call)
