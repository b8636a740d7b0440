"""The one place that asks AWS: declared calls alone, their parameters checked before they are sent, errors with the way out.

What interrupts or destroys goes through :meth:`Aws.guarded`, which reads the thing's tags first.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from harness.aws.calls import Call, Kind, declared
from harness.aws.failures import AwsError, Trouble, refused
from harness.aws.owners import look_up
from harness.aws.parameters import misfits
from harness.aws.places import place_of
from harness.aws.safety import Refused, Resource, refuse
from harness.errors import UsageError

ATTEMPTS = 8
"""Of one call, in botocore's *standard* mode: with a throttled control plane 71 s of waiting at most, half of that as a rule."""
MOST_PAGES = 1_000
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10, 60
PRICE_LIST_REGION = "us-east-1"
"""The Pricing API answers in a few regions only, for all of them."""
_NAME_A_REGION = "name one, such as us-east-1, with --region or as region in config.yaml"
_NOBODYS_KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

ClientFactory = Callable[[str], Any]


class Aws:
    """AWS in one region, for one stack; safe to use from several threads.

    ``endpoint_url``: a stand-in that answers for all services; one on loopback is given no credentials of anyone's.
    ``clients`` makes a botocore client by its service's name, for tests. ``ours_protected``: the stack asked for deletion
    protection.
    """

    def __init__(
        self,
        region: str,
        *,
        stack: str,
        endpoint_url: str | None = None,
        profile: str | None = None,
        attempts: int = ATTEMPTS,
        ours_protected: bool = False,
        clients: ClientFactory | None = None,
    ) -> None:
        self.region, self.stack, self.endpoint_url = region, stack, endpoint_url
        self.ours_protected = ours_protected
        self._make = clients or _factory(region, endpoint_url, profile, attempts)
        self._clients: dict[str, Any] = {}
        self._account: str | None = None
        self._lock = threading.RLock()

    def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """The answer of one declared call that interrupts and destroys nothing. Raises AwsError."""
        return self._send(_harmless(service, operation), params)

    def paginate(self, service: str, operation: str, key: str, /, **params: Any) -> Iterator[Any]:
        """What stands under ``key``, of all pages of a declared call that reads. Raises AwsError."""
        call = _harmless(service, operation)
        client = self.client(service)
        method = _method(operation)
        if not client.can_paginate(method):
            yield from self._send(call, params).get(key, ())
            return
        pages = client.get_paginator(method).paginate(**params)
        iterator = iter(pages)
        for _ in range(MOST_PAGES):
            page = self._trying(call, lambda: next(iterator, None))
            if page is None:
                return
            yield from page.get(key, ())
        raise AwsError(f"{service}:{operation}: more than {MOST_PAGES} pages", trouble="refused", call=f"{service}:{operation}")  # fmt: skip

    def guarded(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """The answer of one declared call that interrupts or destroys, once what it is aimed at was found to be ours.

        Raises Refused where it isn't, AwsError (``missing``) where it isn't there.
        """
        call = _declared(service, operation)
        if call.aims_at is None:
            raise AssertionError(f"{service}:{operation} is aimed at nothing: use call")
        name = params.get(call.named_by)
        if not isinstance(name, str):
            raise UsageError(
                f"{service}:{operation} is sent only with {call.named_by}, which names what it is aimed at"
            )
        self.must_be_ours(call.aims_at, name, operation)
        return self._send(call, params)

    def must_be_ours(self, kind: Kind, name: str, action: str) -> Resource:
        """The thing as it is now; Refused where it isn't ours. For what no call of AWS's does: flushing a cache."""
        resource = look_up(self, kind, name)
        reason = refuse(resource, action, self.stack, self.ours_protected)
        if reason is not None:
            raise Refused(reason)
        return resource

    @property
    def at_aws(self) -> bool:
        """Whether RDS is asked at one of AWS's own addresses; botocore's environment and files may name another."""
        return place_of(self.client("rds").meta.endpoint_url) == "aws"

    @property
    def account(self) -> str:
        """The account's number."""
        if self._account is None:
            self._account = str(self.call("sts", "GetCallerIdentity")["Account"])
        return self._account

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def client(self, service: str) -> Any:
        """botocore's client of the service, made once; tests put their answers into it."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def _send(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        client = self.client(call.service)
        shape = client.meta.service_model.operation_model(call.operation).input_shape
        if wrong := "; ".join(misfits(shape, params)):
            raise _not_sent(call, "parameters", wrong)
        method = getattr(client, _method(call.operation))
        answer: dict[str, Any] = self._trying(call, lambda: method(**params))
        return answer

    def _trying(self, call: Call, act: Callable[[], Any]) -> Any:
        """What ``act`` gives; botocore's errors as ours."""
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
        from botocore.parsers import ResponseParserError

        try:
            return act()
        except ClientError as error:
            said = error.response.get("Error", {})
            raise refused(call, said.get("Code", ""), said.get("Message", ""), region=self.region) from error
        except ParamValidationError as error:
            text = str(error).removeprefix("Parameter validation failed:")
            raise _not_sent(call, "parameters", " ".join(text.split())) from error
        except ResponseParserError as error:
            raise _not_sent(
                call, "unreachable", f"what answers isn't AWS: {' '.join(str(error).split())[:200]}"
            ) from error
        except BotoCoreError as error:
            raise self._unanswered(call, error) from error

    def _unanswered(self, call: Call, error: Exception) -> AwsError:
        from botocore.exceptions import ConnectionError as Unreachable
        from botocore.exceptions import HTTPClientError

        text = str(error).rstrip(".")
        if isinstance(error, Unreachable | HTTPClientError):
            return _not_sent(call, "unreachable", f"{text}; look at the network and the region ({self.region})")
        if "redentials" in text or "oken" in text:
            way_out = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`"
            return _not_sent(call, "credentials", f"{text}; {way_out}")
        return _not_sent(call, "refused", text)


def is_stand_in(endpoint_url: str | None) -> bool:
    """Whether what answers there is on this machine: it costs nothing, and is given no credentials of anyone's."""
    return endpoint_url is not None and urlsplit(endpoint_url).hostname in _LOOPBACK


def _declared(service: str, operation: str) -> Call:
    call = declared(service, operation)
    if call is None:
        raise AssertionError(f"{service}:{operation} isn't declared in harness/aws/calls.py, so no policy grants it")
    return call


def _harmless(service: str, operation: str) -> Call:
    call = _declared(service, operation)
    if call.aims_at is not None:
        raise AssertionError(f"{service}:{operation} interrupts or destroys: use guarded")
    return call


def _not_sent(call: Call, trouble: Trouble, text: str) -> AwsError:
    name = f"{call.service}:{call.operation}"
    return AwsError(f"{name}: {text}", trouble=trouble, call=name, said=text)


def _method(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))


def _factory(region: str, endpoint_url: str | None, profile: str | None, attempts: int) -> ClientFactory:
    """Makes botocore's clients. Raises UsageError where there is no such profile or region."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    if not region:
        raise UsageError(f"no region: {_NAME_A_REGION}")
    stand_in = is_stand_in(endpoint_url)
    keys = _NOBODYS_KEYS if stand_in else {}
    more: dict[str, Any] = {"proxies": {}, "s3": {"addressing_style": "path"}} if stand_in else {}
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S, user_agent_extra="dbharness",
        retries={"mode": "standard", "total_max_attempts": attempts}, **more,
    )  # fmt: skip
    try:
        session = boto3.Session(region_name=region, profile_name=None if stand_in else profile)
    except BotoCoreError as error:
        raise UsageError(
            f"{str(error).rstrip('.')}; name another with --aws-profile, or aws.profile in config.yaml"
        ) from error

    def make(service: str) -> Any:
        there = PRICE_LIST_REGION if service == "pricing" else region
        try:
            made = session.client(service, region_name=there, endpoint_url=endpoint_url, config=config, **keys)
            named = made.meta.endpoint_url
            if stand_in or not is_stand_in(named):
                return made
            # The environment, or a file of botocore's, names a stand-in: that isn't given anyone's keys either.
            return boto3.Session(region_name=region).client(
                service, region_name=there, endpoint_url=named, config=config, **_NOBODYS_KEYS
            )
        except (BotoCoreError, ValueError) as error:
            raise UsageError(
                f"{service} in {region}: {str(error).rstrip('.')}; {_NAME_A_REGION}, or another endpoint"
            ) from error

    return make
