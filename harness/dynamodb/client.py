"""A lean DynamoDB client: one signed request at a time over one kept-alive connection, no retries (B10).

It cooperates with gevent where ``socket`` was patched before (F4) and blocks where not (``harness.wire``).
One client belongs to one greenlet or thread. boto3 costs 1,180 µs of CPU a call under gevent, this path
some tens (F1): the tool must not be the thing measured.
"""

import ssl
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol, Self
from urllib.parse import urlsplit

import orjson

from harness.dynamodb.signing import Credentials, CredentialSource, Signer, local_credentials
from harness.errors import UsageError
from harness.wire import Wire, connect

Outcome = Literal["ok", "throttled", "error", "timeout", "ambiguous"]
# B9: these three are the service's way to say "too much", never failures of the tool.
THROTTLES = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
# A connection idle for longer may have been closed by the other side: look before sending on it.
IDLE_CHECK_NS = 500_000_000
MOST_HEAD_BYTES = 65_536


class ConnectionTrouble(Exception):  # noqa: N818 - an outcome of a measured attempt, not a failure of the harness
    """No answer came; ``sent`` says whether the service may have seen the request."""

    sent = False


class ConnectFailed(ConnectionTrouble):
    """No connection, so nothing was sent: the request did not happen."""


class TimedOut(ConnectionTrouble):
    """Time ran out while connecting (``sent`` false) or after the request was sent (true)."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Ambiguous(ConnectionTrouble):
    """The connection broke after the request was sent: it may have happened (D6)."""

    sent = True


class Response:
    """An answer; its body is parsed when first asked for. ``bytes_count`` counts the body's bytes.

    ``retry_after_s`` is the pause a refusal asked for, where it asked for one.
    """

    __slots__ = ("_body", "bytes_count", "error_code", "raw", "retry_after_s", "status", "throttling_reason")

    def __init__(self, status: int, raw: bytes | bytearray, retry_after_s: float | None = None) -> None:
        self.status = status
        self.raw = raw
        self.bytes_count = len(raw)
        self.retry_after_s = retry_after_s
        self._body: dict[str, Any] | None = None
        self.error_code: str | None = None
        self.throttling_reason: str | None = None
        if status != 200:
            self._read_error()

    @property
    def body(self) -> dict[str, Any]:
        """The parsed JSON body; an empty dictionary where the body isn't JSON."""
        if self._body is None:
            try:
                self._body = orjson.loads(self.raw)
            except orjson.JSONDecodeError:
                self._body = {}
        return self._body

    def _read_error(self) -> None:
        body = self.body
        self.error_code = str(body.get("__type", f"HTTP{self.status}")).rpartition("#")[2]
        # The member's name differs between the exceptions (B9, botocore's model).
        reasons = body.get("ThrottlingReasons") or body.get("throttlingReasons")
        if reasons:
            self.throttling_reason = reasons[0].get("reason")


class Client(Protocol):
    """What a scenario needs of a DynamoDB client: the lean one below, or ``boto_client``'s."""

    def call(self, operation: str, payload: dict[str, Any] | bytes) -> Response:
        """One attempt; see :meth:`DynamoClient.call`."""

    def close(self) -> None:
        """Close the connection; the next call opens another."""

    def __enter__(self) -> Self:
        """The client itself."""

    def __exit__(self, *_: object) -> None:
        """Closes it."""


class DynamoClient:
    """One connection to one endpoint, opened when first needed and again after trouble.

    ``read_timeout_s`` bounds each wait for bytes, as botocore's does, not the whole answer.
    """

    __slots__ = (
        "_address",
        "_clock_ns",
        "_connect_timeout_s",
        "_context",
        "_read_timeout_s",
        "_signer",
        "_used_ns",
        "_wire",
        "endpoint_url",
    )

    def __init__(
        self,
        endpoint_url: str,
        region: str = "us-east-1",
        credentials: CredentialSource | Credentials = local_credentials,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 10.0,
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wall_clock: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(endpoint_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise UsageError(f"DynamoDB endpoint {endpoint_url!r}: expected http(s)://host[:port] and no path")
        secure = parts.scheme == "https"
        self.endpoint_url = endpoint_url
        self._address = (parts.hostname, parts.port or (443 if secure else 80))
        self._context = (tls or ssl.create_default_context()) if secure else None
        source = (lambda: credentials) if isinstance(credentials, Credentials) else credentials
        self._signer = Signer(host=parts.netloc, region=region, credentials=source, wall_clock=wall_clock)
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._clock_ns = clock_ns
        self._wire: Wire | None = None
        self._used_ns = 0

    def call(self, operation: str, payload: dict[str, Any] | bytes) -> Response:
        """One attempt; ``payload`` in DynamoDB's JSON, or already serialised.

        Every answer is returned, refusals too. Raises ConnectFailed, TimedOut or Ambiguous when none came.
        """
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        request = self._signer.request(operation, body)
        wire = self._connection()
        try:
            wire.send(request)
            response, reusable = _receive(wire)
        except TimeoutError as error:
            self.close()
            raise TimedOut(f"{operation}: no answer within {self._read_timeout_s} s", sent=True) from error
        except (OSError, ValueError) as error:
            self.close()
            raise Ambiguous(f"{operation}: connection broke after sending ({error})") from error
        except BaseException:  # a greenlet killed between request and answer: the next one must not read it
            self.close()
            raise
        self._used_ns = self._clock_ns()
        if not reusable:
            self.close()
        return response

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connection(self) -> Wire:
        if self._wire is None:
            self._wire = self._connect()
        elif self._clock_ns() - self._used_ns > IDLE_CHECK_NS and not self._wire.still_open():
            self.close()
            self._wire = self._connect()
        return self._wire

    def _connect(self) -> Wire:
        where = f"{self._address[0]}:{self._address[1]}"
        try:
            return connect(self._address, self._connect_timeout_s, self._read_timeout_s, self._context)
        except TimeoutError as error:
            raise TimedOut(f"{where}: no connection in {self._connect_timeout_s} s", sent=False) from error
        except OSError as error:
            raise ConnectFailed(f"{where}: {error}") from error


def outcome(response: Response) -> Outcome:
    """ok, throttled or error: B9's three names are throttled, any other refusal is an error."""
    if response.status == 200:
        return "ok"
    return "throttled" if response.error_code in THROTTLES else "error"


def trouble_outcome(trouble: ConnectionTrouble, operation: str) -> Outcome:
    """What an attempt without an answer counts as: a write that was sent is ambiguous (D6)."""
    if trouble.sent and operation in WRITES:
        return "ambiguous"
    return "timeout" if isinstance(trouble, TimedOut) else "error"


def _receive(wire: Wire) -> tuple[Response, bool]:
    """Read one answer; the second value says whether the connection may be used again.

    The few headers that matter are found by ``find`` rather than parsed. Raises OSError or ValueError when
    the connection ends early or the answer isn't HTTP with a length.
    """
    data = wire.receive()
    while (head_end := data.find(b"\r\n\r\n")) < 0:
        more = wire.receive()
        if not more or len(data) > MOST_HEAD_BYTES:
            raise ConnectionError(f"closed after {len(data)} bytes of an answer's head")
        data += more
    head = data[: head_end + 2].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0 or not head.startswith(b"http/1.1 "):
        raise ConnectionError(f"not an HTTP/1.1 answer with Content-Length: {bytes(head[:60])!r}")
    length = int(head[at + 17 : head.find(b"\r\n", at + 17)])
    start = head_end + 4
    body: bytes | bytearray = data[start : start + length]
    if len(body) < length:
        body = _rest(wire, body, length)
    status = int(head[9:12])
    wish_s = None if status == 200 else _retry_after_s(head)
    return Response(status, body, wish_s), b"\r\nconnection: close" not in head


def _retry_after_s(head: bytes | bytearray) -> float | None:
    """The pause of ``x-amz-retry-after`` (ms); what isn't a number counts as none, as with botocore."""
    at = head.find(b"\r\nx-amz-retry-after:")
    value = head[at + 20 : head.find(b"\r\n", at + 20)].strip() if at >= 0 else b""
    return int(value) / 1000 if value.isdigit() else None


def _rest(wire: Wire, beginning: bytes | bytearray, length: int) -> bytearray:
    body = bytearray(length)
    body[: len(beginning)] = beginning
    view, got = memoryview(body), len(beginning)
    while got < length:
        count = wire.receive_into(view[got:])
        if not count:
            raise ConnectionError(f"closed after {got} of {length} bytes of an answer")
        got += count
    return body
