"""What of rds_failover's settings runs on databases that RDS keeps: a fail-over that it is asked for, at its own pace. Pure."""

from collections.abc import Mapping

from harness.errors import CannotMeasure
from harness.scenario import Narrowed
from harness.sql.endpoint import Engine
from harness.sql.failover.cells import BY_HAND
from harness.sql.failover.settings import RdsFailoverSettings

PLANNED = "RDS lets nobody kill, stop or cut off its servers; the fail-over that it is asked for is measured instead"
OTHER = "no such database was named"
SYNCHRONY = "zones can't be set apart, and a commit on one database is compared with another's of the same class only"


def for_rds(settings: RdsFailoverSettings, topologies: Mapping[Engine, str | None]) -> Narrowed:
    """The cell of the topology that there is, and the one by hand where it is asked for; ``topologies`` has the engines that fail over.

    A cell is measured for every engine: of two that differ in topology the first is, the other is left out. Raises CannotMeasure
    where the settings name none of them.
    """
    engines = tuple(engine for engine in settings.engines if engine in topologies)
    if not engines:
        raise CannotMeasure(
            f"{', '.join(topologies)} fails over, rds_failover.engines names {', '.join(settings.engines)}"
        )
    engines = tuple(engine for engine in engines if topologies[engine] == topologies[engines[0]])
    topology = str(topologies[engines[0]])
    asked = [word for word in settings.cells if word.split(".")[0] == topology]
    by_hand = [word for word in asked if word.split(".")[1] == BY_HAND]
    # Who asks for nothing but a fail-over by hand gets no other.
    faults = ["planned"] * (len(by_hand) < len(asked) or not asked) + [BY_HAND] * bool(by_hand)
    cells = tuple(f"{topology}.{fault}.rds" for fault in faults)
    left_out = {
        word: PLANNED if word in asked else OTHER
        for word in settings.cells if word not in by_hand and not word.startswith(f"{topology}.planned")
    }  # fmt: skip
    left_out |= {"synchrony": SYNCHRONY} if settings.synchrony_ms else {}
    left_out |= {
        f"{engine}.{topology}": f"this run measures {topology} alone; set rds_failover.engines=[{engine}]"
        for engine, topology in topologies.items() if engine in settings.engines and engine not in engines
    }  # fmt: skip
    narrowed = settings.model_copy(update={"engines": engines, "cells": cells, "synchrony_ms": (), "pace": None})
    return Narrowed(settings=narrowed, left_out=left_out)
