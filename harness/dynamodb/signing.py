"""Signature Version 4 for DynamoDB's JSON protocol, on a short path.

The signing key is derived once a day, the date string once a second, the canonical request is one f-string
(fact F1). Tests hold canonical request and signature equal to botocore's ``SigV4Auth``.
"""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

TARGET_PREFIX = "DynamoDB_20120810"
CONTENT_TYPE = "application/x-amz-json-1.0"
ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An access key; secrets never appear in its repr."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


CredentialSource = Callable[[], Credentials]


def local_credentials() -> Credentials:
    """What a local stand-in is given: it looks at no signature."""
    return Credentials(access_key="local", secret_key="local")  # noqa: S106 - no secret, a stand-in


def chain_credentials(profile: str | None = None) -> CredentialSource:
    """botocore's chain (environment, files, SSO, instance role); refreshed by botocore when they expire.

    The source raises botocore's NoCredentialsError when there are none.
    """
    from botocore.exceptions import NoCredentialsError
    from botocore.session import Session

    chain = Session(profile=profile).get_credentials()
    if chain is None:
        raise NoCredentialsError

    def current() -> Credentials:
        frozen = chain.get_frozen_credentials()
        assert frozen.access_key and frozen.secret_key  # the chain found them
        return Credentials(access_key=frozen.access_key, secret_key=frozen.secret_key, token=frozen.token)

    return current


class Signer:
    """Turns an operation and its body into the bytes of a signed HTTP/1.1 request."""

    __slots__ = (
        "_amz_date",
        "_credentials",
        "_day",
        "_host",
        "_identity",
        "_key",
        "_region",
        "_second",
        "_source",
        "_wall_clock",
    )

    def __init__(
        self,
        *,
        host: str,
        region: str,
        credentials: CredentialSource,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._region = region
        self._source = credentials
        self._wall_clock = wall_clock
        self._second = -1
        self._identity: tuple[Credentials, str] | None = None

    def request(self, operation: str, body: bytes) -> bytes:
        """The whole signed request, head and body."""
        second = int(self._wall_clock())
        if second != self._second:
            self._turn_clock(second)
        headers = (
            f"Content-Type: {CONTENT_TYPE}\r\nX-Amz-Date: {self._amz_date}\r\n"
            f"X-Amz-Target: {TARGET_PREFIX}.{operation}\r\n"
        )
        if self._credentials.token:
            headers += f"X-Amz-Security-Token: {self._credentials.token}\r\n"
        head = (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\n{headers}User-Agent: dbharness\r\n"
            f"Authorization: {self.authorization(operation, body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body

    def canonical_request(self, operation: str, body: bytes) -> str:
        """The canonical request at the date of the last :meth:`request`; headers in alphabetical order."""
        token = self._credentials.token
        return (
            f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{self._host}\nx-amz-date:{self._amz_date}\n"
            f"{f'x-amz-security-token:{token}{chr(10)}' if token else ''}"
            f"x-amz-target:{TARGET_PREFIX}.{operation}\n\n{self._signed_headers}\n{sha256(body).hexdigest()}"
        )

    def authorization(self, operation: str, body: bytes) -> str:
        """The value of the Authorization header at the date of the last :meth:`request`."""
        scope = f"{self._day}/{self._region}/dynamodb/aws4_request"
        canonical = self.canonical_request(operation, body).encode("ascii")
        to_sign = f"{ALGORITHM}\n{self._amz_date}\n{scope}\n{sha256(canonical).hexdigest()}"
        signature = hmac.digest(self._key, to_sign.encode("ascii"), "sha256").hex()
        return (
            f"{ALGORITHM} Credential={self._credentials.access_key}/{scope}, "
            f"SignedHeaders={self._signed_headers}, Signature={signature}"
        )

    @property
    def _signed_headers(self) -> str:
        token = "x-amz-security-token;" if self._credentials.token else ""
        return f"content-type;host;x-amz-date;{token}x-amz-target"

    def _turn_clock(self, second: int) -> None:
        """Once a second: a new date string, refreshed credentials; once a day, or with them, a new key."""
        moment = time.gmtime(second)
        self._second = second
        self._amz_date = time.strftime("%Y%m%dT%H%M%SZ", moment)
        self._day = self._amz_date[:8]
        self._credentials = self._source()
        if self._identity != (self._credentials, self._day):
            self._identity = (self._credentials, self._day)
            self._key = _signing_key(self._credentials.secret_key, self._day, self._region)


def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
