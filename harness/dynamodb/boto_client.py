"""botocore behind the lean client's interface: what an application sees that uses boto3, its own retries off.

It costs some forty times the CPU of the lean client, which is the point: shown beside it, it says how much of a
latency is the SDK's. gevent must be patched before botocore is imported (F4), so that happens in functions.
"""

from base64 import b64decode
from typing import Any, Self

import orjson

from harness.dynamodb.client import Ambiguous, ConnectFailed, ConnectionTrouble, Response, TimedOut
from harness.dynamodb.signing import CredentialSource, local_credentials


class BotoResponse(Response):
    """An answer that botocore parsed: binary values are bytes, times are datetimes."""

    __slots__ = ()

    def __init__(self, parsed: dict[str, Any]) -> None:
        metadata = parsed.pop("ResponseMetadata", {})
        headers = metadata.get("HTTPHeaders", {})
        self.status = int(metadata.get("HTTPStatusCode", 200))
        self.raw = b""
        self.bytes_count = int(headers.get("content-length", 0))
        wish = str(headers.get("x-amz-retry-after", ""))
        self.retry_after_s = int(wish) / 1000 if wish.isdigit() else None
        self.error_code = self.throttling_reason = None
        error = parsed.get("Error")
        if self.status != 200 and error is not None:
            code = str(error.get("Code"))
            self.error_code = f"HTTP{code}" if code.isdigit() else code
            parsed.setdefault("message", error.get("Message"))
            reasons = parsed.get("ThrottlingReasons") or parsed.get("throttlingReasons")
            self.throttling_reason = reasons[0].get("reason") if reasons else None
        self._body = parsed


class BotoClient:
    """One slot's use of a botocore client, which several may share as an application's threads do."""

    __slots__ = ("_api",)

    def __init__(self, api: Any) -> None:
        self._api = api

    def call(self, operation: str, payload: dict[str, Any] | bytes) -> Response:
        """One attempt, as :meth:`harness.dynamodb.client.DynamoClient.call` makes it.

        Raises ConnectFailed, TimedOut or Ambiguous when no answer came; botocore's ParamValidationError where it
        refuses to send.
        """
        from botocore import exceptions

        arguments = _with_bytes(orjson.loads(payload) if isinstance(payload, bytes) else payload)
        try:
            return BotoResponse(self._api._make_api_call(operation, arguments))
        except exceptions.ClientError as error:
            return BotoResponse(error.response)
        except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
            raise _trouble(operation, error) from error

    def close(self) -> None:
        """Nothing: connections belong to the shared pool, which leaves broken ones by itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def botocore_client(
    endpoint_url: str,
    region: str = "us-east-1",
    credentials: CredentialSource | None = local_credentials,
    connect_timeout_s: float = 2.0,
    read_timeout_s: float = 10.0,
    *,
    connections: int = 64,
    profile: str | None = None,
    verify: bool | str = True,
    service: str = "dynamodb",
) -> Any:
    """botocore's client for :class:`BotoClient`: one attempt a call, no proxy, a pool of ``connections``.

    ``service`` is DynamoDB, or one that stands beside it (``application-autoscaling``). ``credentials`` None: botocore's own chain. ``verify``: as botocore's, a file of certificates to trust.
    """
    from botocore.config import Config
    from botocore.session import Session

    keys: dict[str, Any] = {}
    if credentials is not None:
        given = credentials()
        keys = {"aws_access_key_id": given.access_key, "aws_secret_access_key": given.secret_key}
        keys["aws_session_token"] = given.token
    return Session(profile=profile).create_client(
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        verify=verify,
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},  # B10: its retries would hide throttling
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            max_pool_connections=connections,
            proxies={},
        ),
        **keys,
    )


def _trouble(operation: str, error: Exception) -> ConnectionTrouble:
    """botocore's error as one of ours; whatever may have been sent counts as sent."""
    from botocore import exceptions

    message = f"{operation}: {error}"
    if isinstance(error, exceptions.ConnectTimeoutError):
        return TimedOut(message, sent=False)
    if isinstance(error, exceptions.ConnectionError) and not isinstance(error, exceptions.HTTPClientError):
        return ConnectFailed(message)
    if isinstance(error, exceptions.ReadTimeoutError):
        return TimedOut(message, sent=True)
    return Ambiguous(message)


def _with_bytes(value: Any) -> Any:
    """DynamoDB's JSON as botocore takes it: binary values, base64 on the wire, as bytes.

    Only an attribute's value is an object with text under B or a list of texts under BS.
    """
    if isinstance(value, dict):
        if len(value) == 1:
            binary, several = value.get("B"), value.get("BS")
            if isinstance(binary, str):
                return {"B": b64decode(binary)}
            if isinstance(several, list) and all(isinstance(one, str) for one in several):
                return {"BS": [b64decode(one) for one in several]}
        return {name: _with_bytes(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_bytes(member) for member in value]
    return value
