"""Where a SQL database answers, and as whom one asks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Engine = Literal["postgres", "mysql"]
# What a sample's ``client`` says for each.
DRIVERS: Mapping[Engine, str] = {"postgres": "psycopg", "mysql": "pymysql"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlEndpoint:
    """One address of one database; the password never appears in its repr.

    ``authority_file`` has the certificates of whoever vouches for a server that is spoken to by TLS; None: no TLS. ``server_name``
    is what its certificate is for, where ``host`` is an address that such a name was resolved to.
    """

    engine: Engine
    host: str
    port: int
    user: str
    password: str
    database: str
    authority_file: str | None = None
    server_name: str | None = None

    @property
    def certified_name(self) -> str:
        """The name that the server's certificate must have."""
        return self.server_name or self.host

    def at(self, host: str, port: int) -> "SqlEndpoint":
        """The same way in, at another place."""
        return replace(self, host=host, port=port)

    def __repr__(self) -> str:
        return f"SqlEndpoint({self.engine} {self.user}@{self.host}:{self.port}/{self.database})"
