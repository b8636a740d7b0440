"""Where a SQL database answers, and as whom one asks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Engine = Literal["postgres", "mysql"]
# What a sample's ``client`` says for each.
DRIVERS: Mapping[Engine, str] = {"postgres": "psycopg", "mysql": "pymysql"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlEndpoint:
    """One address of one database; the password never appears in its repr."""

    engine: Engine
    host: str
    port: int
    user: str
    password: str
    database: str

    def at(self, host: str, port: int) -> "SqlEndpoint":
        """The same way in, at another place."""
        return replace(self, host=host, port=port)

    def __repr__(self) -> str:
        return f"SqlEndpoint({self.engine} {self.user}@{self.host}:{self.port}/{self.database})"
