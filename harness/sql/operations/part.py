"""What every part of rds_operations is: its cells, and how one of their trials is carried out.

A part is made once a run, from a Room. It may make servers in ``set_up``, which all parts do side by side, so that the servers
come up together. Trials of the same cell have the same ``pair`` and are told apart by their arm.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import gevent
import psycopg
import pymysql

from harness.errors import HarnessError
from harness.plan import Cell, Trial
from harness.scenario import Context
from harness.sql.endpoint import Engine
from harness.sql.operations.instances import Instance, Instances
from harness.sql.operations.settings import RdsOperationsSettings

TROUBLE = (HarnessError, OSError, psycopg.Error, pymysql.MySQLError)
"""What a part may raise whose servers are in no state to be measured: that trial fails, and those like it."""


class Doing:
    """What is being done to the servers of each engine, in a few words, and how large the archive of its log is where there is one."""

    def __init__(self) -> None:
        self._words: dict[Engine, str] = {}
        self._archives: dict[Engine, Callable[[], int]] = {}

    @contextmanager
    def this(self, trial: Trial, words: str) -> Iterator[None]:
        """Inside of it ``words`` is done to the trial's engine."""
        engine = engine_of(trial)
        before = self._words.get(engine)
        self._words[engine] = words
        try:
            yield
        finally:
            self._words.pop(engine)
            if before is not None:
                self._words[engine] = before

    def archives(self, trial: Trial, size_bytes: Callable[[], int]) -> None:
        """The log of the trial's engine is archived; ``size_bytes`` tells at any time how much of it there is."""
        self._archives[engine_of(trial)] = size_bytes

    def archives_no_more(self, trial: Trial) -> None:
        """Its archive is gone."""
        self._archives.pop(engine_of(trial), None)

    def live(self, engine: Engine) -> dict[str, float | str]:
        """For feed *servers*."""
        told: dict[str, float | str] = {f"operation|{engine}": self._words.get(engine, "none")}
        if (size_bytes := self._archives.get(engine)) is not None:
            told[f"archived_log_bytes|{engine}"] = float(size_bytes())
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a part works with, where the servers are.

    ``own_id`` gives ids for what it writes itself, which no load has; ``engines`` are those that are there. ``stop_load`` ends the
    load of the trial under way, in whichever processes; ``doing`` says for whoever looks on what is being done.
    """

    context: Context
    settings: RdsOperationsSettings
    engines: tuple[Engine, ...]
    instances: Instances
    own_id: Callable[[], int]
    stop_load: Callable[[], None]
    doing: Doing

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

    def hand_out(self, trial: Trial) -> dict[str, Any]:
        """What the load of the trial has to know, as plain data; see ``harness.sql.operations.parts.LOADS``."""

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """The load runs since ``begin_ns``: the operation is due."""

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """The load is over: what each process's told of it (``Load.ended``)."""

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
    with room.doing.this(trial, "parameter group applied"):
        changes = instance.group.modify(parameters)
    for change in changes:
        room.note(
            trial, "parameter", group=name, name=change.name, value=change.value, apply_type=change.apply_type,
            status_before=change.before, status_after=change.after, applied_s=change.applied_s,
        )  # fmt: skip
    if instance.group.status == "pending-reboot":
        with room.doing.this(trial, "reboot"):
            seconds = instance.reboot()
        room.note(trial, "reboot", group=name, seconds=seconds, status_after=instance.group.status)
