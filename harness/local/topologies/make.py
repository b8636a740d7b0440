"""Which factory stands behind an engine and the name of a topology."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from harness.local.processes import Warden
from harness.local.topologies import mariadb_replicas, postgres_replicas, volume
from harness.local.topologies.model import Topology, TopologyName
from harness.sql.endpoint import Engine

MAKE: Mapping[tuple[Engine, TopologyName], Callable[..., Topology]] = {
    ("mysql", "single_az"): partial(volume.single_az, engine="mysql"),
    ("mysql", "multi_az_instance"): partial(volume.multi_az_instance, engine="mysql"),
    ("mysql", "multi_az_cluster"): mariadb_replicas.multi_az_cluster,
    ("mysql", "async_replica"): mariadb_replicas.async_replica,
    ("postgres", "single_az"): partial(volume.single_az, engine="postgres"),
    ("postgres", "multi_az_instance"): partial(volume.multi_az_instance, engine="postgres"),
    ("postgres", "multi_az_cluster"): postgres_replicas.multi_az_cluster,
    ("postgres", "async_replica"): postgres_replicas.async_replica,
}


def make(warden: Warden, engine: Engine, name: TopologyName, **options: Any) -> Topology:
    """The topology ``name`` of ``engine`` in the warden's scratch, not created yet.

    ``options`` are its own: ``inter_az_ms`` of multi_az_cluster, ``delay_ms`` of async_replica. Raises CannotMeasure where the
    engine has no server here.
    """
    return MAKE[engine, name](warden, **options)
