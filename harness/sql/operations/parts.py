"""Which part is which, and the plan that they add up to. A new part is its module, two lines here, and its settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.plan import Trial, interleave
from harness.sql.operations.connection_limit import ConnectionLimit, Opening
from harness.sql.operations.groups import ParameterGroups
from harness.sql.operations.load import Desk, Handed, Load, WritersLoad
from harness.sql.operations.part import Part, Room
from harness.sql.operations.replica_lag import Beats, ReplicaLag
from harness.sql.operations.settings import PartName, RdsOperationsSettings
from harness.sql.operations.snapshots import ARMS, Snapshots
from harness.sql.recovery.base_backups import BaseBackups
from harness.sql.recovery.point_in_time import PointInTime

MAKE: Mapping[PartName, Callable[[Room], Part]] = {
    "parameters": ParameterGroups,
    "backup": BaseBackups,
    "pitr": PointInTime,
    "snapshots": Snapshots,
    "replica_lag": ReplicaLag,
    "connections": ConnectionLimit,
}
LOADS: Mapping[PartName, Callable[[Trial, Desk, Handed], Load]] = {
    "parameters": WritersLoad,
    "backup": Load,
    "pitr": Load,
    "snapshots": Load,
    "replica_lag": Beats,
    "connections": Opening,
}
"""The load of each part's trials, made in every process that makes load of what the part hands out."""
IN_ORDER: Mapping[PartName, tuple[str, ...]] = {"snapshots": ARMS}
"""Parts whose arms follow each other in every round: what is restored was created before."""


def trials_of(parts: Mapping[PartName, Part], settings: RdsOperationsSettings, seed: str) -> list[Trial]:
    """Part after part, in each every cell once a round, arms interleaved."""
    trials: list[Trial] = []
    for name, part in parts.items():
        first = trials[-1].pair + 1 if trials else 0
        drawn = interleave(list(part.cells(settings)), rounds=settings.rounds_of(name), seed=f"{seed}/{name}")
        if name in IN_ORDER:
            drawn.sort(key=lambda trial: (trial.pair, IN_ORDER[name].index(trial.arm)))
        trials += [
            replace(part.of_its_arm(trial), trial=len(trials) + at, pair=first + trial.pair)
            for at, trial in enumerate(drawn)
        ]
    return trials
