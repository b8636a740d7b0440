"""A lean Redis/Valkey client: a hiredis parser on one plain socket, TLS where asked for.

It cooperates with gevent where ``socket`` was patched before (F4). redis-py costs two to three times the CPU of this
path (F2). One client belongs to one greenlet or thread. It speaks to one node: where a cluster keeps a key is looked up in
``harness.cache.cluster``.
"""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, Literal, Self

import hiredis

from harness.cache.endpoint import CacheEndpoint
from harness.wire import Wire, connect

Word = str | bytes | int | float

_INCOMPLETE = object()  # what the parser returns while a reply isn't whole; None is a reply


class CacheError(Exception):
    """A command without a usable answer; ``outcome`` and ``error_code`` are what a sample records."""

    outcome: Literal["error", "timeout"] = "error"

    def __init__(self, message: str, error_code: str) -> None:
        super().__init__(message)
        self.error_code = error_code


class CacheReplyError(CacheError):
    """The server answered with an error; ``error_code`` is its first word: OOM, LOADING, NOAUTH …"""


class CacheTimeoutError(CacheError):
    """No connection or no answer in time; the command may have been carried out."""

    outcome = "timeout"


class CacheConnectionError(CacheError):
    """The connection couldn't be made or broke; the command may have been carried out."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, known to the server by the digest of its text."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


class KeyCommands(ABC):
    """What a strategy asks of a cache, whoever carries it to the right node.

    Keys and values are ``str`` or ``bytes`` on the way in, ``bytes`` on the way out. Every method raises CacheError.
    """

    __slots__ = ()

    @abstractmethod
    def command(self, *words: Word) -> Any:
        """One command and its reply, parsed: bytes, int, list or None."""

    @abstractmethod
    def address_of(self, key: str | bytes) -> tuple[str, int]:
        """Host and port of the node that has ``key``."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open; the next command opens it again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: str | bytes) -> bytes | None:
        """The value, or None where there is none: the server counts a keyspace hit or miss."""
        value: bytes | None = self.command("GET", key)
        return value

    def set(self, key: str | bytes, value: str | bytes, ttl_s: float | None = None) -> None:
        """Store a value, for ``ttl_s`` (to the millisecond) when given; ValueError where that isn't above 0."""
        if ttl_s is None:
            self.command("SET", key, value)
        elif ttl_s > 0:
            self.command("SET", key, value, "PX", max(1, round(ttl_s * 1000)))
        else:
            raise ValueError(f"ttl_s must be > 0, got {ttl_s}; None keeps a value until it is evicted")

    def delete(self, *keys: str | bytes) -> int:
        """Delete keys; returns how many there were."""
        return int(self.command("DEL", *keys))

    def pipeline(self, commands: Iterable[Sequence[Word]]) -> list[Any]:
        """Several commands and their replies in the same order; here one after the other, as a cluster's keys need it.

        A command that the server refuses has its CacheReplyError in its place, since the others were carried out.
        """
        replies: list[Any] = []
        for words in commands:
            try:
                replies.append(self.command(*words))
            except CacheReplyError as error:
                replies.append(error)
        return replies

    def eval(self, script: Script, keys: Sequence[str | bytes] = (), args: Sequence[Word] = ()) -> Any:
        """Run a script by its digest; a server that doesn't know it (yet, or any more) is sent the text."""
        try:
            return self.command("EVALSHA", script.digest, len(keys), *keys, *args)
        except CacheReplyError as error:
            if error.error_code != "NOSCRIPT":
                raise
        return self.command("EVAL", script.text, len(keys), *keys, *args)


class CacheClient(KeyCommands):
    """One connection to one node, opened when first needed and again after it broke.

    ``timeout_s`` bounds connecting and each wait for bytes.
    """

    __slots__ = ("_endpoint", "_reader", "_timeout_s", "_tls", "_wire")

    def __init__(self, host: str, port: int, timeout_s: float = 2.0) -> None:
        self._endpoint = CacheEndpoint(host=host, port=port)
        self._timeout_s = timeout_s
        self._tls: ssl.SSLContext | None = None
        self._wire: Wire | None = None
        self._reader = _reader()

    @classmethod
    def at(cls, endpoint: CacheEndpoint, timeout_s: float = 2.0, *, tls: ssl.SSLContext | None = None) -> Self:
        """A client of ``endpoint``, logged in as it says; ``tls`` None: trusts whom the endpoint names."""
        client = cls(endpoint.host, endpoint.port, timeout_s)
        client._endpoint = endpoint
        client._tls = (tls or trust(endpoint)) if endpoint.tls else None
        return client

    def mget(self, *keys: str | bytes) -> list[bytes | None]:
        """The values of several keys, in their order; None where there is none."""
        values: list[bytes | None] = self.command("MGET", *keys)
        return values

    def pipeline(self, commands: Iterable[Sequence[Word]]) -> list[Any]:
        """See KeyCommands; here they are sent at once."""
        packed = [_pack(tuple(words)) for words in commands]
        if not packed:
            return []
        wire = self._wire or self._connect()
        try:
            replies = self._talk(wire, b"".join(packed), len(packed))
        except BaseException as error:
            self._gone("pipeline", error)
            raise
        return [_refusal(reply) if isinstance(reply, hiredis.ReplyError) else reply for reply in replies]

    def flush(self) -> None:
        """Delete every key of the server, before the answer comes."""
        self.command("FLUSHALL", "SYNC")

    def config_set(self, name: str, value: str | int) -> None:
        """Set one of the server's parameters, ``maxmemory`` for example."""
        self.command("CONFIG", "SET", name, value)

    def reset_stats(self) -> None:
        """Set the server's counters (keyspace_hits, evicted_keys …) to 0."""
        self.command("CONFIG", "RESETSTAT")

    def info(self, section: str = "default") -> dict[str, str]:
        """The fields of one section of INFO: ``stats``, ``memory``, ``keyspace``, ``server`` …"""
        lines = self.command("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))

    def key_count(self) -> int:
        """How many keys the database holds."""
        return int(self.command("DBSIZE"))

    def command(self, *words: Word) -> Any:
        """See KeyCommands."""
        wire, reader = self._wire or self._connect(), self._reader
        try:
            wire.send(_pack(words))
            while True:
                data = wire.receive()
                if not data:
                    raise ConnectionError("closed by the server")
                reader.feed(data)
                reply = reader.gets()
                if reply is not _INCOMPLETE:
                    break
        except BaseException as error:
            self._gone(words[0], error)
            raise
        if isinstance(reply, hiredis.ReplyError):
            raise _refusal(reply)
        return reply

    def address_of(self, key: str | bytes) -> tuple[str, int]:  # noqa: ARG002 - it has them all
        """See KeyCommands."""
        return self._endpoint.address

    def close(self) -> None:
        """See KeyCommands."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
            self._reader = _reader()

    def _gone(self, what: Word, error: BaseException) -> None:
        """Leave the connection, so that no reply is taken for another command's, and say what happened in our words.

        Returns where it isn't about the connection: a greenlet that was killed half-way.
        """
        self.close()
        if isinstance(error, TimeoutError):
            raise CacheTimeoutError(f"{what!s}: no answer in {self._timeout_s} s", "TimeoutError") from error
        if isinstance(error, OSError | hiredis.ProtocolError):
            raise CacheConnectionError(f"{what!s}: connection broke ({error})", type(error).__name__) from error

    def _talk(self, wire: Wire, packed: bytes, count: int) -> list[Any]:
        wire.send(packed)
        reader = self._reader
        replies: list[Any] = []
        while len(replies) < count:
            data = wire.receive()
            if not data:
                raise ConnectionError("closed by the server")
            reader.feed(data)
            while len(replies) < count and (reply := reader.gets()) is not _INCOMPLETE:
                replies.append(reply)
        return replies

    def _connect(self) -> Wire:
        """A connection that is logged in; what went wrong before that left nothing behind."""
        endpoint, wire = self._endpoint, None
        where = f"{endpoint.host}:{endpoint.port}"
        try:
            wire = connect((endpoint.host, endpoint.port), self._timeout_s, self._timeout_s, self._tls)
            if greeting := endpoint.greeting():
                replies = self._talk(wire, b"".join(map(_pack, greeting)), len(greeting))
                refused = [one for one in replies if isinstance(one, hiredis.ReplyError)]
                if refused:
                    raise _refusal(refused[0])
        except BaseException as error:
            if wire is not None:
                wire.close()
            self._reader = _reader()
            if isinstance(error, TimeoutError):
                raise CacheTimeoutError(f"{where}: no connection in {self._timeout_s} s", "TimeoutError") from error
            if isinstance(error, OSError | hiredis.ProtocolError):
                raise CacheConnectionError(f"{where}: {error}", type(error).__name__) from error
            raise
        self._wire = wire
        return wire


def trust(endpoint: CacheEndpoint) -> ssl.SSLContext:
    """Verifies host name and certificate, by the endpoint's own authority or by those that the system trusts."""
    return ssl.create_default_context(cadata=endpoint.authority_pem)


def _refusal(reply: Exception) -> CacheReplyError:
    message = str(reply)
    return CacheReplyError(message, message.split(" ", 1)[0])


def _pack(words: tuple[Word, ...]) -> bytes:
    return hiredis.pack_command(words)  # type: ignore[arg-type,no-any-return] # its stub asks for a 1-tuple


def _reader() -> Any:
    return hiredis.Reader(notEnoughData=_INCOMPLETE)
