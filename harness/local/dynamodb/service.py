"""From an operation's name and body to the bytes of its answer."""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import Any

import orjson

from harness.dynamodb.parameters import KINDS
from harness.local.dynamodb import shapes
from harness.local.dynamodb.data import snapshot
from harness.local.dynamodb.data.batches import Batches
from harness.local.dynamodb.data.items import Items
from harness.local.dynamodb.data.reading import Reading
from harness.local.dynamodb.data.short_ways import ShortWay, ShortWays
from harness.local.dynamodb.data.transactions import Transactions
from harness.local.dynamodb.data.work import Work, finished
from harness.local.dynamodb.errors import ServiceError, serialization, unknown_operation
from harness.local.dynamodb.expressions.grammar import parse_projection
from harness.local.dynamodb.parameters import Parameters, supposed
from harness.local.dynamodb.scaling.api import PREFIX as SCALING
from harness.local.dynamodb.scaling.api import Scaling
from harness.local.dynamodb.tables import shapes as table_shapes
from harness.local.dynamodb.tables.account import Account
from harness.local.dynamodb.tables.limits import Limits
from harness.local.dynamodb.tables.tables import Tables
from harness.local.dynamodb.tables.ttl import Ttl

Handler = Callable[[dict[str, Any], float], "Work | dict[str, Any] | bytes"]
Shape = Callable[[Any], Any]
Answer = tuple[int, bytes]
TARGET = b"DynamoDB_20120810."


class Service:
    """The twin without its wire: tables, operations, and a clock that may run faster than the wall's."""

    def __init__(
        self,
        speed: float = 1.0,
        clock_s: Callable[[], float] = time.monotonic,
        *,
        epoch_s: Callable[[], float] = time.time,
        partition_limits: bool = True,
        parameters: Parameters | None = None,
    ) -> None:
        self._given_speed = speed
        self._version = version("dbharness")  # read now: later, without root's rights, it may not be readable
        self._clock_s, self._epoch_s = clock_s, epoch_s
        given = parameters or Parameters()
        self._parameters = replace(given, admission=replace(given.admission, partition_limits=partition_limits))
        parse_projection("a")  # makes the parser now rather than at the first expression
        self.endpoint = "localhost"
        """The address that DescribeEndpoints sends clients to: the twin's own, once it is bound."""
        self.reset()

    def reset(self) -> None:
        """As if it had just been started: no tables, a clock at zero, its speed and parameters as they were given."""
        self.speed = self._given_speed
        self._began_s = self._clock_s()
        given = self._parameters
        account = Account.beginning(self._epoch_s(), given.tables, given.admission)
        self.tables = Tables(account)
        self.ttl, self.limits = Ttl(self.tables), Limits(account, lambda: self.endpoint)
        self.scaling = Scaling(self.tables, epoch_s=account.began_epoch_s, params=given.autoscaling)
        items, batches, reading = Items(self.tables), Batches(self.tables), Reading(self.tables)
        transactions = Transactions(self.tables)
        control: dict[bytes, tuple[Shape, Handler]] = {
            b"CreateTable": (table_shapes.CREATE_TABLE, self.tables.create),
            b"DescribeTable": (table_shapes.ONE_TABLE, self.tables.describe),
            b"UpdateTable": (table_shapes.UPDATE_TABLE, self.tables.update),
            b"DeleteTable": (table_shapes.ONE_TABLE, self.tables.delete),
            b"ListTables": (table_shapes.LIST_TABLES, self.tables.list),
            b"DescribeTimeToLive": (table_shapes.ONE_TABLE, self.ttl.describe),
            b"UpdateTimeToLive": (table_shapes.UPDATE_TIME_TO_LIVE, self.ttl.update),
            b"DescribeLimits": (table_shapes.NO_MEMBERS, self.limits.describe),
            b"DescribeEndpoints": (table_shapes.NO_MEMBERS, self.limits.describe_endpoints),
        }
        data: dict[bytes, tuple[Shape, Handler]] = {
            b"PutItem": (shapes.PUT_ITEM, items.put),
            b"GetItem": (shapes.GET_ITEM, items.get),
            b"UpdateItem": (shapes.UPDATE_ITEM, items.update),
            b"DeleteItem": (shapes.DELETE_ITEM, items.delete),
            b"BatchWriteItem": (shapes.BATCH_WRITE_ITEM, batches.write),
            b"BatchGetItem": (shapes.BATCH_GET_ITEM, batches.get),
            b"TransactGetItems": (shapes.TRANSACT_GET_ITEMS, transactions.get),
            b"TransactWriteItems": (shapes.TRANSACT_WRITE_ITEMS, transactions.write),
            b"Query": (shapes.QUERY, reading.query),
            b"Scan": (shapes.SCAN, reading.scan),
        }
        named = {TARGET + name: operation for name, operation in control.items()}
        named |= {SCALING + name: operation for name, operation in self.scaling.operations.items()}
        self._operations: dict[bytes, tuple[Shape, Handler, ShortWay | None]] = {
            name: (shape, self._then_wake(handler), None) for name, (shape, handler) in named.items()
        }
        short_ways = ShortWays(self.tables)
        shorts = {b"GetItem": short_ways.get, b"PutItem": short_ways.put}
        self._operations |= {TARGET + name: (*operation, shorts.get(name)) for name, operation in data.items()}
        self._wake_s = -inf
        """When the clock next has something to do that no request may come before."""

    @property
    def now_s(self) -> float:
        """Seconds of the service's clock since it began."""
        return (self._clock_s() - self._began_s) * self.speed

    def set_speed(self, speed: float) -> None:
        """From now on the clock runs ``speed`` times as fast as the wall's, and goes on from where it is."""
        self._began_s, self.speed = self._clock_s() - self.now_s / speed, speed

    def suppose_admission(self, values: Mapping[str, Any]) -> None:
        """Tables made from now on are admitted by these parameters, the others as given at the start. Raises UsageError."""
        account = self.tables.account
        base = replace(self._parameters.admission, day_began_s=account.admission.day_began_s)
        self.tables.account = replace(account, admission=supposed(base, values))

    def begin(self, target: bytes, body: bytes) -> "Answer | Generator[None, None, Answer]":
        """Status and body of the answer to one request, or the work that returns them and yields now and then.

        Work that never yields is done at once. Any other exception than the service's errors is a defect.
        """
        try:
            operation = self._operations.get(target)
            if operation is None:
                raise unknown_operation()
            shape, handler, short = operation
            raw, now_s = _parsed(body), (self._clock_s() - self._began_s) * self.speed
            if now_s >= self._wake_s:
                self._wake(now_s)
            if short is not None and (quick := short(raw, now_s)) is not None:
                return 200, quick
            answer = handler(shape(raw), now_s)
            if isinstance(answer, Generator):
                try:
                    next(answer)
                except StopIteration as done:
                    answer = done.value
                else:
                    return _going_on(answer)
            return 200, answer if isinstance(answer, bytes) else orjson.dumps(answer)
        except ServiceError as error:
            return _refusal(error)

    def answer(self, target: bytes, body: bytes) -> Answer:
        """The answer to one request, its work done in one go."""
        begun = self.begin(target, body)
        return begun if isinstance(begun, tuple) else finished(begun)

    def _then_wake(self, handler: Handler) -> Handler:
        """The handler of an operation that may change when something is next due."""

        def handled(request: dict[str, Any], now_s: float) -> "Work | dict[str, Any] | bytes":
            try:
                return handler(request, now_s)
            finally:
                self._wake_s = -inf

        return handled

    def _wake(self, now_s: float) -> None:
        """Do what is due by the clock, and note when the next is."""
        self.tables.settle(now_s)
        if now_s >= self.scaling.due_s:
            self.scaling.step(now_s)
        self._wake_s = min(self.tables.agenda.due_s, self.scaling.due_s)

    def tick(self) -> bool:
        """A few milliseconds of what no request waits for: new indexes, expired items. True while there is more."""
        now_s = self.now_s
        self._wake(now_s)
        for table in self.tables.by_name.values():
            table.resize(now_s)
        filling = self.tables.work(now_s)
        return self.ttl.sweep(now_s) or filling

    def load(self, folder: Path) -> None:
        """Make the tables that a folder holds."""
        snapshot.load(self.tables, folder, self.now_s)

    def save(self, folder: Path) -> None:
        """Write all tables into a folder."""
        snapshot.save(self.tables, folder, self.now_s)

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
                    what: {kind: meter.state(kind, now_s) for kind in KINDS}
                    | {"admission": meter.admission.state(now_s)}
                    for what, meter in meters.items()
                },
            }
        admission = asdict(self.tables.account.admission)
        return {
            "version": self._version, "speed": self.speed, "now_s": now_s, "admission": admission, "tables": tables,
        }  # fmt: skip


def _going_on(work: Work) -> Generator[None, None, Answer]:
    try:
        answer = yield from work
    except ServiceError as error:
        return _refusal(error)
    return 200, answer if isinstance(answer, bytes) else orjson.dumps(answer)


def _refusal(error: ServiceError) -> Answer:
    return error.status, orjson.dumps(error.body())


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise serialization("") from error
