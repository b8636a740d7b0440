"""What every topology can do, so that one controller and one scenario drive them all.

A *zone* is an address that stands for an availability zone. Each zone of a topology has at most one server.
"""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from harness.sql.endpoint import Engine, SqlEndpoint

TopologyName = Literal["single_az", "multi_az_instance", "multi_az_cluster", "async_replica"]
ZONES = ("127.0.1.1", "127.0.1.2", "127.0.1.3")

OnEvent = Callable[[str, str], None]  # what happened, and in which zone


class Topology(Protocol):
    """The servers of one database. What a method says of a server holds when it returns; ServerFailed says why it can't.

    ``writer`` is the zone whose server takes writes, as far as the topology was told; ``readers`` those that hold a readable
    copy. A fault changes neither: who notices it, and what follows, is the controller's.
    """

    name: TopologyName
    engine: Engine
    product: str
    zones: tuple[str, ...]
    writer: str
    readers: tuple[str, ...]

    def create(self) -> None:
        """Data directories, users and the database, replication set up, every server running; the writer is ``zones[0]``."""

    def endpoint(self, zone: str) -> SqlEndpoint:
        """The application's way in at ``zone``; the port is the same in every zone."""

    def apply(self, parameters: Mapping[str, str]) -> None:
        """Durability parameters (D7) for all servers, from now on and over restarts; {} are those that RDS has."""

    def crash(self, zone: str) -> None:
        """kill -9 of the server's whole tree, without waiting for it."""

    def hang(self, zone: str) -> None:
        """SIGSTOP of the whole tree."""

    def stop(self, zone: str) -> None:
        """A clean shutdown."""

    def fence(self, zone: str) -> None:
        """Whatever state its server is in, it is gone: stopped trees killed, locks and ports free."""

    def candidate(self) -> str:
        """The zone that should take over from ``writer``: itself, the standby's, or the most advanced reader's."""

    def promote(self, zone: str, on_event: OnEvent) -> None:
        """Let ``zone`` take writes: its server is started, or promoted and the other reader made to follow it.

        The writer is ``zone`` on return. Events: ``server_started`` (about to be) or ``promoted`` (about to be), then
        ``server_ready``: an authenticated write was answered there.
        """

    def lost_rows(self, trial: int) -> set[int] | None:
        """Write ids of ``trial`` in the failed writer's table and not in the present writer's: the two tables held side by side.

        Called after a fail-over and before ``restore``; None where both are one volume. Starts the failed server alone, on its own
        data and reachable by nobody else, to ask it.
        """

    def restore(self) -> None:
        """Full redundancy again after a trial: the failed writer is rebuilt as a copy of the present one, never rejoined (F6)."""


class ZonesApart(Protocol):
    """What a cluster can do besides, if it was made with a delay between its zones, be it 0."""

    def set_inter_az(self, inter_az_ms: float) -> None:
        """How long what goes from one zone to another is under way, each way, from now on."""
