"""Where a SQL database answers, and as whom one asks."""

from dataclasses import dataclass
from typing import Literal

Engine = Literal["postgres", "mysql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlEndpoint:
    """One address of one database; the password never appears in its repr."""

    engine: Engine
    host: str
    port: int
    user: str
    password: str
    database: str

    def __repr__(self) -> str:
        return f"SqlEndpoint({self.engine} {self.user}@{self.host}:{self.port}/{self.database})"
