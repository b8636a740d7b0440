"""Where a cache answers, and as whom one asks."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from harness.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEndpoint:
    """One node; the password never appears in its repr. ``user`` None with a password: the server's default user.

    ``authority_pem`` are the certificates of whoever vouches for a server with ``tls``; None: those that the system trusts.
    ``cluster``: it is one of several nodes, each of which tells where every key is.
    """

    host: str
    port: int = 6379
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    tls: bool = False
    authority_pem: str | None = field(default=None, repr=False)
    cluster: bool = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    def at(self, host: str, port: int) -> Self:
        """The same way in, at another address."""
        return replace(self, host=host, port=port)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """``redis[s]://[[user]:password@]host[:port][/database]``, read by redis-py; ``rediss`` asks for TLS.

        Raises UsageError for anything else, without repeating the URL: it may hold a password.
        """
        from redis.connection import parse_url

        try:
            parts: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        except ValueError:
            parts = {}
        if "host" not in parts or set(parts) - {"host", "port", "username", "password", "db", "connection_class"}:
            raise UsageError("cache URL: expected redis[s]://[[user]:password@]host[:port][/database] and no options")
        return cls(
            host=parts["host"],
            port=parts.get("port", 6379),
            user=parts.get("username"),
            password=parts.get("password"),
            database=parts.get("db", 0),
            tls=url.startswith("rediss://"),
        )

    def greeting(self) -> list[tuple[str, ...]]:
        """What a new connection says first: who it is, and which database it means."""
        words: list[tuple[str, ...]] = []
        if self.password is not None:
            words.append(("AUTH", self.user, self.password) if self.user else ("AUTH", self.password))
        if self.database:
            words.append(("SELECT", str(self.database)))
        return words
