"""Talks to a twin's own page: how fast its clock runs, what tables made from now on suppose, what it has counted."""

from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import orjson

from harness.errors import CannotMeasure


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
