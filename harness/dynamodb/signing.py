"""Signature Version 4 for DynamoDB's JSON protocol, on a short path.

The signing key is derived once a day, all that doesn't depend on the body once a second for each operation; what is left
is four hashes (fact F1). Tests hold canonical request and signature equal to botocore's ``SigV4Auth``.
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
        "_beginnings",
        "_credentials",
        "_day",
        "_host",
        "_identity",
        "_keyed",
        "_region",
        "_second",
        "_source",
        "_to_sign",
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
        self._beginnings: dict[str, tuple[bytes, bytes]] = {}

    def request(self, operation: str, body: bytes) -> bytes:
        """The whole signed request, head and body."""
        second = int(self._wall_clock())
        if second != self._second:
            self._turn_clock(second)
        canonical, head = self._beginnings.get(operation) or self._begin(operation)
        canonical_hash = sha256(canonical + sha256(body).hexdigest().encode()).hexdigest()
        signature = self._keyed(self._to_sign + canonical_hash.encode()).encode()
        return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (head, signature, len(body), body)

    def canonical_request(self, operation: str, body: bytes) -> str:
        """The canonical request at the date of the last :meth:`request`; headers in alphabetical order."""
        return self._begin(operation)[0].decode() + sha256(body).hexdigest()

    def _begin(self, operation: str) -> tuple[bytes, bytes]:
        """How canonical request and request begin at this second: all before the body's hash, and before the signature."""
        target, token = f"{TARGET_PREFIX}.{operation}", self._credentials.token
        signed_headers = f"content-type;host;x-amz-date;{'x-amz-security-token;' if token else ''}x-amz-target"
        canonical = (
            f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{self._host}\nx-amz-date:{self._amz_date}\n"
            f"{f'x-amz-security-token:{token}{chr(10)}' if token else ''}x-amz-target:{target}\n\n{signed_headers}\n"
        )
        head = (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"X-Amz-Date: {self._amz_date}\r\nX-Amz-Target: {target}\r\n"
            f"{f'X-Amz-Security-Token: {token}{chr(13)}{chr(10)}' if token else ''}User-Agent: dbharness\r\n"
            f"Authorization: {ALGORITHM} Credential={self._credentials.access_key}/{self._scope}, "
            f"SignedHeaders={signed_headers}, Signature="
        )
        begun = self._beginnings[operation] = canonical.encode("ascii"), head.encode("ascii")
        return begun

    @property
    def _scope(self) -> str:
        return f"{self._day}/{self._region}/dynamodb/aws4_request"

    def _turn_clock(self, second: int) -> None:
        """Once a second: a new date string, refreshed credentials; once a day, or with them, a new key."""
        moment = time.gmtime(second)
        self._second = second
        self._amz_date = time.strftime("%Y%m%dT%H%M%SZ", moment)
        self._day = self._amz_date[:8]
        self._credentials = self._source()
        self._beginnings.clear()
        self._to_sign = f"{ALGORITHM}\n{self._amz_date}\n{self._scope}\n".encode("ascii")
        if self._identity != (self._credentials, self._day):
            self._identity = (self._credentials, self._day)
            self._keyed = _keyed_hash(_signing_key(self._credentials.secret_key, self._day, self._region))


def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _keyed_hash(key: bytes) -> Callable[[bytes], str]:
    """HMAC-SHA256 of one key (RFC 2104), as hex: both pads are hashed once, which takes off two thirds."""
    padded = key.ljust(64, b"\0")  # the key is a SHA-256 digest: shorter than a block
    inner = sha256(bytes(byte ^ 0x36 for byte in padded)).copy
    outer = sha256(bytes(byte ^ 0x5C for byte in padded)).copy

    def keyed(message: bytes) -> str:
        within, around = inner(), outer()
        within.update(message)
        around.update(within.digest())
        return around.hexdigest()

    return keyed
