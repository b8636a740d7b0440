"""What every part of rds_operations is: its cells, and how one of their trials is carried out.

A part is made once a run, from a Room. It may make servers in ``set_up``, which all parts do side by side, so that the servers
come up together. Trials of the same cell have the same ``pair`` and are told apart by their arm.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import gevent
import psycopg
import pymysql

from harness.errors import HarnessError
from harness.plan import Cell, Trial
from harness.scenario import Context, Stream
from harness.sql.endpoint import Engine
from harness.sql.operations.instances import Instance, Instances
from harness.sql.operations.settings import RdsOperationsSettings

TROUBLE = (HarnessError, OSError, psycopg.Error, pymysql.MySQLError)
"""What a part may raise whose servers are in no state to be measured: that trial fails, and those like it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a part works with. ``next_id`` gives write ids that are unique over the run; ``engines`` are those that are there."""

    context: Context
    settings: RdsOperationsSettings
    engines: tuple[Engine, ...]
    instances: Instances
    next_id: Callable[[], int]

    def instance(self, engine: Engine) -> Instance:
        """The one of ``engine`` for whatever doesn't vary the size of the data; see Instances.of."""
        return self.instances.of(engine, self.settings.flights)

    def make_instances(self, sizes: Iterable[int]) -> None:
        """All of them, side by side."""
        pairs = [(engine, flights) for engine in self.engines for flights in sizes]
        gevent.joinall([gevent.spawn(self.instances.of, *pair) for pair in pairs], raise_error=True)

    def note(self, trial: Trial, kind: str, **fields: Any) -> None:
        """An event of ``trial``, with its engine and part."""
        labels = trial.labels
        self.context.events.add(kind, trial=trial.trial, engine=labels["engine"], part=labels["part"], **fields)


class Part(Protocol):
    """One of the operations. Labels of its cells have ``part`` and ``engine``."""

    def cells(self, settings: RdsOperationsSettings) -> Iterable[Cell]:
        """What is measured, of the engines that are there; called after ``set_up``."""

    def of_its_arm(self, trial: Trial) -> Trial:
        """What differs between the arms of a cell: their step, their parameters."""

    def set_up(self) -> None:
        """Servers and data that all its trials share. Raises CannotMeasure or what is in TROUBLE."""

    def prepare(self, trial: Trial) -> None:
        """Servers and data as the trial begins with them. Raises what is in TROUBLE."""

    def begin(self, trial: Trial) -> tuple[Stream, ...]:
        """The load of the trial."""

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """The load runs since ``begin_ns``: the operation is due."""

    def end(self, trial: Trial) -> None:
        """Wait for the operation, settle, write events. Raises what is in TROUBLE."""

    def tear_down(self) -> None:
        """What servers aren't: they end with the services."""


def engine_of(trial: Trial) -> Engine:
    """Its label."""
    engine: Engine = trial.labels["engine"]  # type: ignore[assignment] # the plan's own words
    return engine


def apply_group(room: Room, trial: Trial, instance: Instance, name: str, parameters: Mapping[str, str]) -> None:
    """Give the instance these parameters and no others, with the reboot that static ones take; noted as events.

    It has none before, so that each is seen to come.
    """
    for change in instance.group.modify(parameters):
        room.note(
            trial, "parameter", group=name, name=change.name, value=change.value, apply_type=change.apply_type,
            status_before=change.before, status_after=change.after, applied_s=change.applied_s,
        )  # fmt: skip
    if instance.group.status == "pending-reboot":
        seconds = instance.reboot()
        room.note(trial, "reboot", group=name, seconds=seconds, status_after=instance.group.status)
