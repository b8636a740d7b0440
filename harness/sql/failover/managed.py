"""What of rds_failover's settings runs on databases that RDS keeps: a fail-over that it is asked for, at its own pace. Pure."""

from collections.abc import Mapping

from harness.errors import CannotMeasure
from harness.scenario import Narrowed
from harness.sql.endpoint import Engine
from harness.sql.failover.settings import RdsFailoverSettings

PLANNED = "RDS lets nobody kill, stop or cut off its servers; the fail-over that it is asked for is measured instead"
OTHER = "no such database was named"
SYNCHRONY = "zones can't be set apart, and a commit on one database is compared with another's of the same class only"


def for_rds(settings: RdsFailoverSettings, topologies: Mapping[Engine, str | None]) -> Narrowed:
    """The one cell of the topology that there is; ``topologies`` has the engines that fail over.

    A cell is measured for every engine: of two that differ in topology the first is, the other is left out. Raises CannotMeasure
    where the settings name none of them.
    """
    engines = tuple(engine for engine in settings.engines if engine in topologies)
    if not engines:
        raise CannotMeasure(
            f"{', '.join(topologies)} fails over, rds_failover.engines names {', '.join(settings.engines)}"
        )
    engines = tuple(engine for engine in engines if topologies[engine] == topologies[engines[0]])
    cell = f"{topologies[engines[0]]}.planned.rds"
    left_out = {
        word: PLANNED if word.split(".")[0] == topologies[engines[0]] else OTHER
        for word in settings.cells if not word.startswith(f"{topologies[engines[0]]}.planned")
    }  # fmt: skip
    left_out |= {"synchrony": SYNCHRONY} if settings.synchrony_ms else {}
    left_out |= {
        f"{engine}.{topology}": f"this run measures {cell.split('.', maxsplit=1)[0]} alone; set rds_failover.engines=[{engine}]"
        for engine, topology in topologies.items() if engine in settings.engines and engine not in engines
    }  # fmt: skip
    narrowed = settings.model_copy(update={"engines": engines, "cells": (cell,), "synchrony_ms": (), "pace": None})
    return Narrowed(settings=narrowed, left_out=left_out)
