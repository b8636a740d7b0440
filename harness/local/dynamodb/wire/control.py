"""`/_twin/`: the twin's own page, for who tests with it. State, reset, clock, parameters, and faults; no part of the service's API."""

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from harness.errors import UsageError
from harness.local.dynamodb.parameters import MAX_SPEED
from harness.local.dynamodb.wire.faults import BadFaults, FaultPlan, Faults
from harness.local.dynamodb.wire.guards import Guards
from harness.local.dynamodb.wire.turns import Answer

PREFIX = b"/_twin"


class Controlled(Protocol):
    """What of the service is controlled from here."""

    def state(self) -> dict[str, Any]:
        """The clock, the tables and their buckets."""

    def reset(self) -> None:
        """As if it had just been started."""

    def set_speed(self, speed: float) -> None:
        """How much faster than the wall's its clock runs, from now on."""

    def suppose_admission(self, values: Mapping[str, Any]) -> None:
        """What tables made from now on are admitted by; none: as it was started. Raises UsageError."""


class Control:
    """Answers what is asked under the prefix, where that is ``allowed``; else it isn't there."""

    def __init__(self, service: Controlled, guards: Guards) -> None:
        self._service, self._guards = service, guards
        self.allowed = False

    def answer(self, method: bytes, url: bytes, body: bytes, *, cross_origin: bool) -> Answer:
        """The answer to one request; a page of another origin in somebody's browser has no say here."""
        if not self.allowed:
            return _said(404, "there is no /_twin/ beyond loopback unless the twin is started with --control")
        if cross_origin:
            return _said(403, "/_twin/ isn't for pages of another origin")
        path = url.partition(b"?")[0].removeprefix(PREFIX).strip(b"/")
        match path, method:
            case b"", b"GET":
                return 200, orjson.dumps(self._state())
            case b"reset", b"POST":
                self._service.reset()
                self._guards.faults = None
                return 200, b"{}"
            case b"clock", b"POST":
                return self._clock(body)
            case b"parameters", b"POST":
                return self._suppose(body)
            case b"faults", b"GET":
                return 200, orjson.dumps(self._faults())
            case b"faults", b"POST":
                return self._inject(body)
            case b"faults", b"DELETE":
                self._guards.faults = None
                return 200, b"{}"
            case b"" | b"reset" | b"clock" | b"parameters" | b"faults", _:
                return _said(
                    405,
                    "there are GET /_twin/, POST /_twin/reset, /_twin/clock and /_twin/parameters, and GET, POST and DELETE /_twin/faults",
                )
        return _said(404, "there are /_twin/, /_twin/reset, /_twin/clock, /_twin/parameters and /_twin/faults")

    def _clock(self, body: bytes) -> Answer:
        match _object(body):
            case {"speed": int() | float() as speed, **rest} if (
                not rest and not isinstance(speed, bool) and 0 < speed <= MAX_SPEED
            ):
                self._service.set_speed(float(speed))
                return 200, b"{}"
        return _said(400, f'expected {{"speed": a number above 0 and at most {MAX_SPEED:,}}}')

    def _suppose(self, body: bytes) -> Answer:
        match _object(body):
            case {"admission": dict() as values, **rest} if not rest:
                try:
                    self._service.suppose_admission(values)
                except UsageError as error:
                    return _said(400, str(error))
                return 200, b"{}"
        return _said(400, 'expected {"admission": an object of parameters}')

    def _inject(self, body: bytes) -> Answer:
        try:
            self._guards.faults = Faults(FaultPlan.parse(body))
        except BadFaults as error:
            return _said(400, str(error))
        return 200, orjson.dumps(self._faults())

    def _faults(self) -> dict[str, Any] | None:
        return None if self._guards.faults is None else self._guards.faults.state()

    def _state(self) -> dict[str, Any]:
        service_time = self._guards.service_time
        return self._service.state() | {
            "signature_required": self._guards.verifier is not None,
            "service_time": None if service_time is None else service_time.state(),
            "faults": self._faults(),
        }


def _object(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _said(status: int, message: str) -> Answer:
    return status, orjson.dumps({"message": message})
