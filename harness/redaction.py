"""Endpoints, account numbers, ids and addresses of managed services, out of what a run writes, where ``aws.redact`` says so.

The same thing has the same word in its place all over a run. Secrets themselves are never written in the first place.
"""

import re
from collections.abc import Iterator
from typing import Any

from harness.config import AwsSettings

ACCOUNT = "000000000000"
_ARN = re.compile(r"(arn:aws[\w-]*:[\w-]*:[\w-]*:)\d{12}(?=:)")
_HOST = re.compile(r"(?<![\w.-])[\w.-]+\.(?:rds|cache|vpce|dynamodb-fips)\.?[\w.-]*\.amazonaws\.com(?:\.cn)?")
_SECRET = re.compile(r"rds![\w-]+|(?<=:secret:)[\w/+=.@-]+")
_PRIVATE = re.compile(
    r"(?<![\d.])(?:10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})(?![\d.])"
)


class Redactor:
    """Replaces what it knows by name, and what has the shape of an endpoint, an ARN's account or a private address."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, settings: AwsSettings) -> "Redactor":
        """One that knows what section ``aws`` names."""
        redactor = cls()
        redactor.learn(settings)
        return redactor

    def learn(self, settings: AwsSettings) -> None:
        """Know these too; what is known keeps its word."""
        for kind, text in _named(settings):
            if text and text not in self._known:
                self._word(kind, text)

    def text(self, text: str) -> str:
        """One text."""
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._known[found[0]], text)
        text = _HOST.sub(lambda found: self._word("endpoint", found[0]), text)
        text = _SECRET.sub(lambda found: self._word("secret", found[0]), text)
        text = _ARN.sub(rf"\g<1>{ACCOUNT}", text)
        return _PRIVATE.sub(lambda found: self._word("address", found[0]), text)

    def tree(self, value: Any) -> Any:
        """Every text in JSON's values, keys left as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.tree(member) for key, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(member) for member in value]
        return value

    def _word(self, kind: str, text: str) -> str:
        """The word in the place of ``text``, a new one where there is none."""
        if text not in self._known:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._known[text] = f"{kind}-{self._counts[kind]}"
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(rf"(?<![\w-]){re.escape(one)}(?![\w-])" for one in longest_first))
        return self._known[text]


def _named(settings: AwsSettings) -> Iterator[tuple[str, str | None]]:
    """(kind, text) of everything in the section that says where something is, or what it is called there."""
    yield "endpoint", settings.endpoint_url
    yield "endpoint", settings.dynamodb.endpoint_url if settings.dynamodb else None
    yield "endpoint", settings.dns
    for database in settings.sql.values():
        for host in (database.host, database.reader_host, database.proxy_host):
            yield "endpoint", host
        yield "id", database.instance
        yield "id", database.cluster
        yield "secret", database.secret
    if settings.cache is not None:
        yield "endpoint", settings.cache.host
        yield "id", settings.cache.replication_group
        yield "secret", settings.cache.secret
