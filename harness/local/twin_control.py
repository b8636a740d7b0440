"""Talks to a twin's own page: how fast its clock runs, what tables made from now on suppose, what it has counted and has left."""

from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import orjson

from harness.dynamodb.parameters import KINDS
from harness.errors import CannotMeasure

State = Mapping[str, Any]


class TwinControl:
    """The twin at ``url``. Every call opens a connection of its own; raises CannotMeasure where the twin refuses or is gone."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)

    def set_speed(self, speed: float) -> None:
        """Let its clock run ``speed`` times as fast as the wall's from now on, without a jump."""
        self._ask("POST", "/_twin/clock", {"speed": speed})

    def suppose(self, admission: Mapping[str, Any] | None) -> None:
        """Let tables made from now on be admitted by these AdmissionParameters, the rest as it was started with."""
        self._ask("POST", "/_twin/parameters", {"admission": dict(admission or {})})

    def state(self) -> dict[str, Any]:
        """Clock, parameters, and each table with its buckets and meters."""
        return self._ask("GET", "/_twin/", None)

    def _ask(self, method: str, path: str, message: Mapping[str, Any] | None) -> dict[str, Any]:
        connection = HTTPConnection(self._at.hostname or "", self._at.port or 80, timeout=10)
        try:
            connection.request(method, path, None if message is None else orjson.dumps(message))
            answer = connection.getresponse()
            told: dict[str, Any] = orjson.loads(answer.read())
        except (OSError, ValueError) as error:
            raise CannotMeasure(f"the DynamoDB twin doesn't answer at {path}: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise CannotMeasure(f"the DynamoDB twin refuses {method} {path}: {told.get('message')}")
        return told


class TwinGauge:
    """Asks the twin's own page; rates stand over the service's clock, which may run faster than the wall's."""

    def __init__(self, url: str) -> None:
        self._control = TwinControl(url)
        self._before: State | None = None

    def begin(self, state: State) -> None:
        """Rates stand over what comes after ``state``."""
        self._before = state

    def look(self) -> dict[str, float | str]:
        """See :func:`gauged`; nothing at the first look."""
        state, before = self._control.state(), self._before
        self._before = state
        return {} if before is None else dict(gauged(before, state))


def gauged(before: State, state: State) -> Iterator[tuple[str, float | str]]:
    """Of the table that most was asked of between two states: units consumed a service second, provisioned, saved in its bucket.

    An index has its own, behind a bar. On demand nothing is provisioned or saved. Nothing where nothing was asked, nor of a table
    that is new: what it took may be its loading.
    """
    elapsed_s = state["now_s"] - before["now_s"]
    tables = {name: _consumed(before, state, name) for name in state["tables"] if name in before["tables"]}
    busiest = max(tables, key=lambda name: sum(tables[name].values()), default=None)
    if busiest is None or elapsed_s <= 0 or not any(tables[busiest].values()):
        return
    for (meter, kind), units in tables[busiest].items():
        behind = "" if meter == "table" else f"|{meter.removeprefix('index/')}"
        yield f"{kind}_units_per_s{behind}", units / elapsed_s
        admission = state["tables"][busiest]["meters"][meter]["admission"]
        if admission["mode"] == "provisioned":
            bucket = admission[kind]["buckets"][0]  # the whole table's; it has no other
            yield f"{kind}_provisioned_per_s{behind}", bucket["units_per_s"]
            yield f"{kind}_burst_units{behind}", bucket["units"]


def _consumed(before: State, state: State, table: str) -> dict[tuple[str, str], float]:
    """Units by meter and kind since ``before``."""
    meters = before["tables"][table]["meters"]
    return {
        (name, kind): max(0.0, meter[kind]["consumed_units"] - (meters[name][kind]["consumed_units"] if name in meters else 0.0))
        for name, meter in state["tables"][table]["meters"].items()
        for kind in KINDS
    }  # fmt: skip
