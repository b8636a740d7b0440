"""Verifies Signature Version 4 against one access key, with the service's checks in the service's order.

The order and the messages are those that dynalite's authors recorded from the service; since then the service allows five
minutes of difference between the clocks, not fifteen.
"""

import hmac
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import parse_qsl, quote

from harness.dynamodb.signing import ALGORITHM
from harness.local.dynamodb.errors import ServiceError

ALLOWED_SKEW = timedelta(minutes=5)
SCALING_TARGET = b"AnyScaleFrontendService."
_CORAL = "com.amazon.coral.service#"
_ISO_8601 = "%Y%m%dT%H%M%SZ"
_TERMINATOR = "aws4_request"
_NEEDED = ("Credential", "Signature", "SignedHeaders")
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should "
    "have been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n"
)


Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What of a request is signed; ``headers`` as they came, in their order."""

    method: bytes
    url: bytes
    target: bytes
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Verifier:
    """Holds the one key that is known; its secret never appears in a repr."""

    access_key: str
    secret_key: str = field(repr=False)
    wall_clock_s: Callable[[], float] = time.time

    def check(self, request: SignedRequest) -> None:
        """Return if the request is signed with this key, now; raises the service's error if it isn't."""
        headers = _joined(request.headers)
        authorization = headers.get("authorization", "").strip()
        if not authorization.startswith("AWS4-"):
            raise _error("MissingAuthenticationTokenException", "Request is missing Authentication Token")
        algorithm, _, rest = authorization.partition(" ")
        words = _words(rest, authorization)
        date = headers.get("x-amz-date") or headers.get("date", "")
        _check_complete(words, date, authorization)
        moment = self._check_date(date)
        signed = words["SignedHeaders"].split(";")
        if "host" not in [name.lower() for name in signed]:
            raise _invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")
        if algorithm != ALGORITHM:
            raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm}' (only {ALGORITHM} for now). ")
        key_id, scope = _credential(words["Credential"])
        _check_scope(scope, request.target, moment)
        if not hmac.compare_digest(key_id.encode(), self.access_key.encode()):
            raise _error("UnrecognizedClientException", "The security token included in the request is invalid.")
        canonical = canonical_request(request, headers, signed)
        hashed = sha256(canonical.encode("latin-1")).hexdigest()
        to_sign = "\n".join((ALGORITHM, f"{moment:{_ISO_8601}}", "/".join(scope), hashed))
        expected = hmac.digest(_signing_key(self.secret_key, *scope[:3]), to_sign.encode("latin-1"), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), words["Signature"].encode("latin-1", "replace")):
            raise _invalid(_MISMATCH.format(canonical=canonical, to_sign=to_sign))

    def _check_date(self, date: str) -> datetime:
        moment = _moment(date)
        now = datetime.fromtimestamp(int(self.wall_clock_s()), UTC)
        if moment < (earliest := now - ALLOWED_SKEW):
            raise _invalid(
                f"Signature expired: {moment:{_ISO_8601}} is now earlier than {earliest:{_ISO_8601}} "
                f"({now:{_ISO_8601}} - 5 min.)"
            )
        if moment > (latest := now + ALLOWED_SKEW):
            raise _invalid(
                f"Signature not yet current: {moment:{_ISO_8601}} is still later than {latest:{_ISO_8601}} "
                f"({now:{_ISO_8601}} + 5 min.)"
            )
        return moment


def canonical_request(request: SignedRequest, headers: dict[str, str], signed: list[str]) -> str:
    """The text that is signed: method, path, query, the signed headers, and the body's hash (AWS's SigV4 documentation)."""
    path, _, query = request.url.decode("latin-1").partition("?")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    lines = [f"{name.lower()}:{headers.get(name.lower(), '')}" for name in signed]
    return "\n".join(
        (
            request.method.decode("latin-1"),
            quote(path, safe="/-_.~") or "/",
            "&".join(f"{name}={value}" for name, value in pairs),
            *lines,
            "",
            ";".join(signed),
            sha256(request.body).hexdigest(),
        )
    )


def _joined(headers: Headers) -> dict[str, str]:
    """Headers by lower-case name, runs of blanks as one, several of one name joined by commas."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), " ".join(raw_value.decode("latin-1").split())
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _words(text: str, authorization: str) -> dict[str, str]:
    words = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise _incomplete(
                f"'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'."
            )
        words[name] = value
    return words


def _check_complete(words: dict[str, str], date: str, authorization: str) -> None:
    missing = "".join(f"Authorization header requires '{name}' parameter. " for name in _NEEDED if not words.get(name))
    if not date:
        missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
    if missing:
        raise _incomplete(f"{missing}Authorization={authorization}")


def _moment(date: str) -> datetime:
    try:
        if re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", date):
            # Not strptime: it imports a module when first used, which can't be read once root's rights are given up.
            year, month, day, hour, minute, second = (
                int(date[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (9, 11), (11, 13), (13, 15))
            )
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return parsedate_to_datetime(date).astimezone(UTC)  # a Date header has HTTP's own form
    except (ValueError, OverflowError):
        raise _incomplete(
            f"Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ) from None


def _credential(credential: str) -> tuple[str, tuple[str, str, str, str]]:
    parts = credential.rstrip("/").split("/")
    if len(parts) != 5:
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
    key_id, day, region, service, term = parts
    return key_id, (day, region, service, term)


def _check_scope(scope: tuple[str, str, str, str], target: bytes, moment: datetime) -> None:
    """Any region will do: the twin stands for whichever the client means."""
    day, region, service, term = scope
    wanted = "application-autoscaling" if target.startswith(SCALING_TARGET) else "dynamodb"
    wrong = []
    if not region:
        wrong.append(f"Credential should be scoped to a valid region, not '{region}'. ")
    if service != wanted:
        wrong.append(f"Credential should be scoped to correct service: '{wanted}'. ")
    if term != _TERMINATOR:
        wrong.append(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}', not '{term}'. ")
    if day != f"{moment:%Y%m%d}":
        wrong.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{day}' != '{moment:%Y%m%d}', from '{moment:{_ISO_8601}}'. "
        )
    if wrong:
        raise _invalid("".join(wrong).rstrip())


@lru_cache(maxsize=64)  # a key for each day, region and service
def _signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, _TERMINATOR):
        key = hmac.digest(key, part.encode("latin-1", "replace"), "sha256")
    return key


def _error(name: str, message: str) -> ServiceError:
    return ServiceError(_CORAL + name, message)


def _incomplete(message: str) -> ServiceError:
    return _error("IncompleteSignatureException", message)


def _invalid(message: str) -> ServiceError:
    return _error("InvalidSignatureException", message)
