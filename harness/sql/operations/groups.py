"""Part ``parameters``: what a parameter group costs or brings, and what a process crash loses with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gevent

from harness.errors import CannotMeasure
from harness.plan import Cell, Trial
from harness.sql import ledger
from harness.sql.connections import connect
from harness.sql.endpoint import Engine
from harness.sql.operations.load import handed_out
from harness.sql.operations.part import Room, apply_group, engine_of
from harness.sql.operations.settings import RdsOperationsSettings
from harness.sql.recovery.held_against import Write, ledger_of, writes_of

if TYPE_CHECKING:
    from harness.sql.operations.instances import Instance


class ParameterGroups:
    """See Part. Each trial: the group applied, writers for a while, kill -9 under them, and every write looked up."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._instance: Instance
        self._writes: dict[int, Write] = {}
        self._killer: Any
        self._due_ns = 0

    def cells(self, settings: RdsOperationsSettings) -> Iterable[Cell]:
        """All groups of an engine side by side."""
        for engine in self._room.engines:
            names = tuple(name for name in settings.parameter_groups if settings.groups[name].of(engine) is not None)
            if names:
                yield Cell(
                    arms=names, step="group", labels={"part": "parameters", "engine": engine},
                    params={
                        "writers": settings.writers, "reads_per_s": settings.reads_per_s,
                        "warm_up_s": settings.warm_up_s, "measured_s": settings.measured_s,
                    },
                )  # fmt: skip

    def of_its_arm(self, trial: Trial) -> Trial:
        """The step is the group."""
        return replace(trial, step=trial.arm)

    def set_up(self) -> None:
        """The instances, side by side; a parameter that there isn't is found before anything is measured."""
        self._room.make_instances([self._room.settings.flights])
        for engine in self._room.engines:
            self._require(engine)

    def prepare(self, trial: Trial) -> None:
        """The group applied to the instance; where it takes a reboot, it gets one."""
        self._instance = instance = self._room.instance(engine_of(trial))
        wanted = self._room.settings.groups[trial.arm].of(instance.engine)
        assert wanted is not None, "its cell has no such arm"
        apply_group(self._room, trial, instance, trial.arm, wanted)

    def hand_out(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one that was prepared
        """Where the instance is."""
        return {"endpoint": handed_out(self._instance.endpoint)}

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """kill -9 when what is measured is over, while the writers still write."""
        after_s = float(trial.params["warm_up_s"]) + float(trial.params["measured_s"])
        self._due_ns = begin_ns + int(after_s * 1e9)
        self._killer = gevent.spawn(self._crash, trial)

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """The writes of all processes."""
        self._writes = writes_of([one["writes"] for one in told])

    def end(self, trial: Trial) -> None:
        """The server started again, and every write held against what its writer was told; nothing of a trial that was stopped."""
        stopped = self._room.context.clock_ns() < self._due_ns
        if stopped:
            self._killer.kill()
        self._killer.get()
        if stopped:
            return
        with self._room.doing.this(trial, "started after kill -9"):
            recovered_s = self._instance.start()
        self._instance.group.rebooted()
        self._room.note(trial, "recovered", group=trial.arm, seconds=recovered_s)
        with connect(self._instance.endpoint) as connection:
            checked = ledger_of(self._writes).check(ledger.present_counts(connection, trial.trial))
        self._room.note(trial, "ledger_checked", group=trial.arm, **ledger.as_record(checked))

    def tear_down(self) -> None:
        """Nothing: its servers end with the services."""

    def _require(self, engine: Engine) -> None:
        instance = self._room.instance(engine)
        for name in self._room.settings.parameter_groups:
            try:
                instance.group.require(self._room.settings.groups[name].of(engine) or ())
            except CannotMeasure as error:
                raise CannotMeasure(f"rds_operations.groups.{name}.{engine}: {error}") from error

    def _crash(self, trial: Trial) -> None:
        context = self._room.context
        context.sleep_s(max(0, self._due_ns - context.clock_ns()) / 1e9)
        try:
            self._room.note(trial, "killed", t_ns=self._instance.crash())
        finally:
            self._room.stop_load()
