"""Which class stands behind the name of a topology.

Those with replicas are imported when they are asked for.
"""

from importlib import import_module
from typing import Any

from harness.local.processes import Warden
from harness.local.topologies import volume
from harness.local.topologies.model import Topology, TopologyName
from harness.sql.endpoint import Engine

REPLICAS = {"mysql": "mariadb_replicas", "postgres": "postgres_replicas"}


def make(warden: Warden, engine: Engine, name: TopologyName, **options: Any) -> Topology:
    """The topology ``name`` of ``engine`` in the warden's scratch, not created yet.

    ``options`` are its own: ``inter_az_ms`` of multi_az_cluster, ``delay_ms`` of async_replica. Raises CannotMeasure where the
    engine has no server here.
    """
    if name == "single_az":
        return volume.single_az(warden, engine, **options)
    if name == "multi_az_instance":
        return volume.multi_az_instance(warden, engine, **options)
    made: Topology = getattr(import_module(f"harness.local.topologies.{REPLICAS[engine]}"), name)(warden, **options)
    return made
