"""What a scenario wants of databases and caches, and what it is given: embedded servers here, or those of AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from harness.cache.endpoint import CacheEndpoint
from harness.config import CacheSettings
from harness.dynamodb.access import DynamoAccess
from harness.sql.endpoint import Engine, SqlEndpoint

Place = Literal["local model", "aws", "endpoint override"]
"""What a service is: an embedded stand-in, the real one, or whatever answers at an address that isn't one of AWS's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a scenario wants: databases that run (``engines``), and engines of topologies that it makes and breaks (``sql_servers``).

    ``dynamodb_own``: it changes the twin's clock or parameters, so none that others use too. ``cache_own``: it kills or stops
    its cache. ``cache_mode`` is the configuration's to say, whichever scenario it is.
    """

    dynamodb: bool = False
    dynamodb_own: bool = False
    dynamodb_speed: float = 1.0
    dynamodb_partition_limits: bool = True
    cache: bool = False
    cache_own: bool = False
    cache_mode: CacheSettings = field(default_factory=CacheSettings)
    engines: tuple[Engine, ...] = ()
    sql_servers: tuple[Engine, ...] = ()


class Services(Protocol):
    """Services that are up. An attribute that the scenario's needs don't name may be asked for by nobody."""

    @property
    def dynamodb(self) -> DynamoAccess:
        """How DynamoDB is asked."""

    @property
    def cache_nodes(self) -> tuple[CacheEndpoint, ...]:
        """The cache's nodes: one, but for a cluster."""

    @property
    def sql(self) -> Mapping[Engine, SqlEndpoint]:
        """Databases that are there, by engine."""

    @property
    def products(self) -> dict[str, str]:
        """Product and version of each service."""

    @property
    def unavailable(self) -> dict[str, str]:
        """What can't be had, and why in one line."""

    @property
    def places(self) -> dict[str, Place]:
        """What each of the products is: a stand-in, AWS's own, or something else at an address that was given."""

    @property
    def table_prefix(self) -> str:
        """What the names begin with of tables that a run makes for itself."""

    def make_table(self, definition: Mapping[str, Any]) -> None:
        """CreateTable with this payload, in place of one that an earlier run left; returns when it can be written to.

        Raises CannotMeasure where it can't be made.
        """

    def as_record(self) -> dict[str, Any]:
        """What a worker needs to reach the same services; it holds secrets."""

    def close(self) -> None:
        """End what was started for this scenario."""
