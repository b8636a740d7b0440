"""AWS as a test says: handlers by operation behind the real gateway; every parameter and every answer is held to botocore's models."""

from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from harness.aws.gateway import Aws

if TYPE_CHECKING:
    from datetime import datetime

Handler = Callable[[dict[str, Any]], dict[str, Any]]
REGION = "us-east-1"


class Fault(Exception):  # noqa: N818 - a word of the tests
    """What AWS answers instead of a result."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, message


class ScriptedAws:
    """Keeps all calls in ``calls``; an operation without a handler fails the test."""

    def __init__(self, stack: str = "dbharness-test", real: Mapping[str, Any] | None = None) -> None:
        self.stack = stack
        self.handlers: dict[tuple[str, str], Handler] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answered_at: datetime | None = None  # what the header Date says, where the service has a clock of its own
        self._real = dict(real or {})

    def on(self, service: str, operation: str, answer: Handler | dict[str, Any]) -> None:
        """How an operation is answered: by a function of its parameters, or always the same."""
        self.handlers[service, operation] = answer if callable(answer) else lambda _: dict(answer)

    def fail(self, service: str, operation: str, code: str, message: str = "") -> None:
        """From now on the operation fails."""

        def raises(_: dict[str, Any]) -> dict[str, Any]:
            raise Fault(code, message)

        self.handlers[service, operation] = raises

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of every call of an operation."""
        return [params for name, params in self.calls if name == operation]

    def gateway(self) -> Aws:
        """The real gateway before these handlers."""
        return Aws(REGION, stack=self.stack, clients=lambda service: self._real.get(service) or _Client(self, service))


class _Client:
    """What a botocore client is to the gateway."""

    def __init__(self, aws: ScriptedAws, service: str) -> None:
        self._aws, self._service = aws, service
        self.meta = SimpleNamespace(service_model=model_of(service))
        self._operations = {xform_name(name): name for name in model_of(service).operation_names}

    def can_paginate(self, _: str) -> bool:
        """One page is all there is."""
        return False

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        operation = self._operations[method]

        def call(**params: Any) -> dict[str, Any]:
            shapes = model_of(self._service).operation_model(operation)
            _must_fit(params, shapes.input_shape, f"parameters of {operation}")
            self._aws.calls.append((operation, params))
            handler = self._aws.handlers.get((self._service, operation))
            assert handler is not None, f"{operation} wasn't expected"
            try:
                answer = handler(params)
            except Fault as fault:
                said = {"Error": {"Code": fault.code, "Message": fault.message}}
                raise ClientError(said, operation) from fault
            _must_fit({k: v for k, v in answer.items() if k != "Body"}, shapes.output_shape, f"answer of {operation}")
            if self._aws.answered_at is None:
                return answer
            date = self._aws.answered_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
            return answer | {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}

        return call


def _must_fit(value: dict[str, Any], shape: Any, what: str) -> None:
    if shape is None:
        return
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), f"{what}: {report.generate_report()}"
    unknown = set(value) - set(shape.members)
    assert not unknown, f"{what}: {unknown} are unknown to botocore"


@cache
def model_of(service: str) -> Any:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)
