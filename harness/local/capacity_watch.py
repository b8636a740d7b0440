"""What a trial of capacity_modes sees of the service beside its load: capacity as it changes, units as the twin counts them."""

from collections.abc import Mapping
from typing import Any

import gevent

from harness.dynamodb.capacity_arms import Units, provisioned_of
from harness.dynamodb.client import Client, ConnectionTrouble
from harness.dynamodb.parameters import KINDS
from harness.errors import CannotMeasure
from harness.rundir import Events


class CapacityWatch:
    """Asks every ``interval_s`` of the wall what is provisioned, and writes an event ``capacity`` for what is new."""

    def __init__(self, client: Client, table: str, events: Events, trial: int, interval_s: float) -> None:
        self._client, self._table, self._events, self._trial = client, table, events, trial
        self._interval_s = interval_s
        self._seen: dict[str, Units] = {}
        self._greenlet: Any = None

    def start(self, begin_ns: int) -> None:
        """What there is now has been there since the trial began, at ``begin_ns``."""
        self._greenlet = gevent.spawn(self._watch, begin_ns)

    def stop(self) -> None:
        """Look no more; raises CannotMeasure when the watch had ended by itself, since changes were missed then."""
        died = self._greenlet.dead
        self._greenlet.kill()
        self._client.close()
        if died:
            raise CannotMeasure(f"capacity of {self._table} couldn't be watched: {self._greenlet.exception}")

    def _watch(self, begin_ns: int) -> None:
        self._look(begin_ns)
        while True:
            gevent.sleep(self._interval_s)
            self._look(None)

    def _look(self, t_ns: int | None) -> None:
        for resource, units in describe(self._client, self._table).items():
            if self._seen.get(resource) != units:
                self._seen[resource] = units
                self._events.add(
                    "capacity", trial=self._trial, t_ns=t_ns, resource=resource, read=units.read, write=units.write
                )


def describe(client: Client, table: str) -> dict[str, Units]:
    """What is provisioned of a table and its indexes. Raises CannotMeasure where the service doesn't say."""
    try:
        answer = client.call("DescribeTable", {"TableName": table})
    except ConnectionTrouble as trouble:
        raise CannotMeasure(f"DescribeTable {table}: {trouble}") from trouble
    if answer.status != 200:
        raise CannotMeasure(f"DescribeTable {table}: {answer.error_code}: {answer.body.get('message')}")
    return provisioned_of(answer.body["Table"])


def consumed_units(state: Mapping[str, Any], table: str) -> dict[str, float]:
    """Units of each kind that the twin has counted for a table and its indexes since it was made, from its state."""
    meters = state["tables"][table]["meters"].values()
    return {kind: sum(meter[kind]["consumed_units"] for meter in meters) for kind in KINDS}
