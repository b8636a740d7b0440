"""What every embedded SQL server can do, whichever product it is."""

from typing import Protocol

from harness.sql.endpoint import Engine, SqlEndpoint


class SqlServer(Protocol):
    """One data directory and at most one server on it, started on the address that is asked for."""

    @property
    def engine(self) -> Engine:
        """The engine it stands in for."""

    @property
    def product(self) -> str:
        """Product and version, as a report names it: ``MariaDB 10.11.19``."""

    def create(self) -> None:
        """Initialise the data directory, the user and the database."""

    def start(self, host: str, timeout_s: float = 20.0) -> None:
        """Start on ``host``; returns when an authenticated query is answered, raises ServerFailed otherwise."""

    def kill(self) -> None:
        """SIGKILL the whole tree; gone on return."""

    def stop(self) -> None:
        """Shut down cleanly."""

    def endpoint(self, host: str) -> SqlEndpoint:
        """The application user's way in at ``host``."""
