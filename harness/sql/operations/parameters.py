"""A parameter group as RDS has it: dynamic parameters apply at once, static ones are *pending reboot* until there is one.

The instance has one group for as long as it lives, and the group is modified: to give an instance another group takes a reboot on
RDS whatever is in it.
"""

import time
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.errors import ServerFailed
from harness.local import mariadb, postgres
from harness.local.sqlserver import SqlServer
from harness.sql.connections import SqlConnection
from harness.sql.endpoint import Engine
from harness.sql.operations.catalogue import ApplyType, Catalogue

Status = Literal["in-sync", "applying", "pending-reboot"]
OURS: Mapping[Engine, Mapping[str, str]] = {"mysql": mariadb.SETTINGS, "postgres": postgres.SETTINGS}
APPLIES_S = 20.0  # within which a running server has done what it was told
LOOK_AGAIN_S = 0.005


class Grouped(Protocol):
    """The instance that has the group."""

    @property
    def engine(self) -> Engine:
        """Its engine."""

    @property
    def server(self) -> SqlServer:
        """What is configured."""

    def administered(self) -> AbstractContextManager[SqlConnection]:
        """A connection that may do anything."""

    def reload(self, *, at_a_start: Collection[str] = ()) -> None:
        """Read the file of settings again, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One parameter of a modification: ``value`` None is the product's own; ``after`` holds until a reboot.

    ``applied_s``: how long the group was *applying* until the server heeded it, s; None where it takes a reboot.
    """

    name: str
    value: str | None
    apply_type: ApplyType
    before: Status
    after: Status
    applied_s: float | None


class ParameterGroup:
    """What an instance is told beside what it always has. Methods raise CannotMeasure, ServerFailed and the drivers' errors."""

    def __init__(self, instance: Grouped, catalogue: Catalogue, always: Mapping[str, str]) -> None:
        self._instance, self._catalogue, self._always = instance, catalogue, always
        self._parameters: dict[str, str] = {}
        self._waiting: set[str] = set()  # static ones that a reboot will apply
        self._applying = False

    @property
    def status(self) -> Status:
        """ParameterApplyStatus, as DescribeDBInstances has it."""
        if self._applying:
            return "applying"
        return "pending-reboot" if self._waiting else "in-sync"

    def modify(self, parameters: Mapping[str, str]) -> list[Change]:
        """Have these and no others; returns on what differs once every dynamic one is heeded, over restarts too."""
        before = self._parameters
        changed = {
            name: parameters.get(name, self._own(name))
            for name in {**before, **parameters} if before.get(name) != parameters.get(name)
        }  # fmt: skip
        if not changed:
            return []
        earlier = {name: self._status_of(name) for name in changed}
        with self._instance.administered() as connection:
            types = self._catalogue.apply_types(connection, changed)
            dynamic = {name: value for name, value in changed.items() if types[name] == "dynamic"}
            static = {name: value for name, value in changed.items() if types[name] == "static"}
            self._instance.server.configure({**self._always, **parameters})
            self._applying, began_s = True, time.monotonic()
            try:
                self._instance.reload(at_a_start=[*static, *self._waiting])
                self._catalogue.apply(connection, dynamic)
                self._await(connection, {name: value for name, value in dynamic.items() if value is not None})
            finally:
                self._applying, applied_s = False, time.monotonic() - began_s
            unlike = self._catalogue.pending(connection, {name: value for name, value in static.items() if value})
        self._waiting -= static.keys()
        self._waiting |= {name for name, value in static.items() if value is None or name in unlike}
        self._parameters = dict(parameters)
        return [
            Change(
                name=name, value=value, apply_type=types[name], before=earlier[name], after=self._status_of(name),
                applied_s=None if name in static else applied_s,
            )
            for name, value in changed.items()
        ]  # fmt: skip

    def require(self, names: Collection[str]) -> None:
        """Raise CannotMeasure for one that the product hasn't got, or that can't be set."""
        with self._instance.administered() as connection:
            self._catalogue.apply_types(connection, names)

    def rebooted(self) -> None:
        """The server was started anew: it has read everything."""
        self._waiting.clear()

    def _status_of(self, name: str) -> Status:
        return "pending-reboot" if name in self._waiting else "in-sync"

    def _own(self, name: str) -> str | None:
        """What the instance has without the group: ours, else the product's."""
        return self._always.get(name, OURS[self._instance.engine].get(name))

    def _await(self, connection: SqlConnection, values: Mapping[str, str]) -> None:
        """Some are dynamic and take their time: a pool of buffers that shrinks."""
        deadline = time.monotonic() + APPLIES_S
        while waiting := self._catalogue.pending(connection, values):
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self._instance.server.name} doesn't run with {', '.join(sorted(waiting))} as it was told"
                )
            time.sleep(LOOK_AGAIN_S)
