"""From an operation's name and body to the bytes of its answer."""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import orjson

from harness.local.dynamodb.errors import ServiceError, serialization, unknown_operation
from harness.local.dynamodb.items import Items
from harness.local.dynamodb.reading import Reading
from harness.local.dynamodb.tables import Tables

Handler = Callable[[dict[str, Any], float], "dict[str, Any] | bytes"]
TARGET = b"DynamoDB_20120810."


class Service:
    """The twin without its wire: tables, operations, and a clock that may run faster than the wall's."""

    def __init__(self, speed: float = 1.0, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._clock_s, self._began_s = clock_s, clock_s()
        self.tables = Tables()
        items, reading = Items(self.tables), Reading(self.tables)
        self._handlers: dict[bytes, Handler] = {
            b"CreateTable": self.tables.create,
            b"DescribeTable": self.tables.describe,
            b"UpdateTable": self.tables.update,
            b"DeleteTable": self.tables.delete,
            b"ListTables": self.tables.list,
            b"PutItem": items.put,
            b"GetItem": items.get,
            b"DeleteItem": items.delete,
            b"BatchWriteItem": items.batch_write,
            b"BatchGetItem": items.batch_get,
            b"Query": reading.query,
            b"Scan": reading.scan,
        }

    @property
    def now_s(self) -> float:
        """Seconds of the service's clock since it began."""
        return (self._clock_s() - self._began_s) * self.speed

    def answer(self, target: bytes, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one request."""
        try:
            handler = self._handlers.get(target.removeprefix(TARGET)) if target.startswith(TARGET) else None
            if handler is None:
                raise unknown_operation()
            answer = handler(_parsed(body), self.now_s)
            return 200, answer if isinstance(answer, bytes) else orjson.dumps(answer)
        except ServiceError as error:
            return error.status, orjson.dumps(error.body())
        except (AttributeError, TypeError, KeyError, ValueError):
            # A member of another type than the service's model has it, somewhere nobody looks one by one.
            wrong = serialization("Unexpected value type in payload")
            return wrong.status, orjson.dumps(wrong.body())

    def state(self) -> dict[str, Any]:
        """What `/_twin/` tells: the clock, and for each table its items, buckets and counters."""
        now_s = self.now_s
        tables = {}
        for name, table in self.tables.by_name.items():
            meters = {"table": table.meter, **{f"index/{index}": m for index, m in table.index_meters.items()}}
            tables[name] = {
                "items": table.items.count,
                "bytes": table.items.size_bytes,
                "meters": {
                    what: {
                        kind: {
                            "consumed_units": meter.consumed[kind],
                            "throttled_requests": meter.throttles[kind],
                            "bucket_units": meter.admission.level(kind, now_s),
                        }
                        for kind in ("read", "write")
                    }
                    for what, meter in meters.items()
                },
            }
        return {"version": version("dbharness"), "speed": self.speed, "now_s": now_s, "tables": tables}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise serialization("") from error
    if not isinstance(request, dict):
        raise serialization("Unexpected value type in payload")
    return request
