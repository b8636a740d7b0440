"""What the arms of the performance table do: one operation of one client, the same inside Locust and without it."""

import itertools
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import boto3
import redis
from botocore.config import Config as BotoConfig

from harness.cache.client import CacheClient
from harness.dynamodb.client import DynamoClient, outcome
from harness.recorder import Observation
from harness.scenario import Slot
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint

SERVERS_VARIABLE = "DBHARNESS_BENCHMARK_SERVERS"  # where they are, as JSON: with passwords, so not in a file
TABLE, KEYS = "bench", 1_000
ROWS = 10_000  # of sysbench's table
SELECT = "SELECT c FROM sbtest1 WHERE id = %s"
MANY = 20
Act = Callable[[Slot], Observation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where the servers of one group of arms are; None where the group has no such server."""

    dynamodb_url: str | None = None
    cache: tuple[str, int] | None = None
    sql: Mapping[Engine, SqlEndpoint] = field(default_factory=dict)

    @classmethod
    def from_environment(cls) -> "Servers":
        """As the benchmark handed them down."""
        told = json.loads(os.environ[SERVERS_VARIABLE])
        return cls(
            dynamodb_url=told["dynamodb_url"],
            cache=(told["cache"][0], told["cache"][1]) if told["cache"] else None,
            sql={engine: SqlEndpoint(**endpoint) for engine, endpoint in told["sql"].items()},
        )

    def as_environment(self) -> dict[str, str]:
        """For a process that measures against them."""
        return {SERVERS_VARIABLE: json.dumps(asdict(self))}


class Arms:
    """Every arm's operation, and at how many slots it is measured."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._numbers = itertools.cycle(range(KEYS))
        self._boto = boto3.session.Session(
            aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1"
        )

    def of(self, name: str) -> tuple[Act, int]:
        """The operation of the arm called ``name``, with its number of slots."""
        arms: dict[str, tuple[Callable[[], Act], int]] = {
            "getitem_lean": (self._getitem_lean, MANY),
            "getitem_boto3": (self._getitem_boto3, MANY),
            "cache_lean": (self._cache_lean, MANY),
            "cache_redis_py": (self._cache_redis_py, MANY),
            "cache_lean_alone": (self._cache_lean, 1),
            "select_mysql_alone": (lambda: self._select("mysql"), 1),
            "select_postgres_alone": (lambda: self._select("postgres"), 1),
        }
        make, slots = arms[name]
        return make(), slots

    def _getitem_lean(self) -> Act:
        url = self._servers.dynamodb_url
        assert url

        def act(slot: Slot) -> Observation:
            client = slot.hold("lean", lambda: DynamoClient(url))
            answer = client.call("GetItem", {"TableName": TABLE, "Key": {"pk": {"S": f"k{next(self._numbers):04d}"}}})
            found = answer.body["Item"]
            return Observation(outcome=outcome(answer), items_returned=1 if found else 0, bytes=answer.bytes_count)

        return act

    def _getitem_boto3(self) -> Act:
        def make() -> Any:
            config = BotoConfig(retries={"total_max_attempts": 1}, max_pool_connections=1)
            return self._boto.client("dynamodb", endpoint_url=self._servers.dynamodb_url, config=config)

        def act(slot: Slot) -> Observation:
            client = slot.hold("boto3", make)
            answer = client.get_item(TableName=TABLE, Key={"pk": {"S": f"k{next(self._numbers):04d}"}})
            return Observation(items_returned=1 if answer["Item"] else 0)

        return act

    def _cache_lean(self) -> Act:
        assert self._servers.cache
        host, port = self._servers.cache

        def act(slot: Slot) -> Observation:
            client = slot.hold("cache", lambda: CacheClient(host, port))
            value = client.get(b"key:%012d" % next(self._numbers))
            return Observation(hit=True, bytes=len(value))

        return act

    def _cache_redis_py(self) -> Act:
        assert self._servers.cache
        host, port = self._servers.cache
        pool = redis.Redis(host=host, port=port, max_connections=MANY)

        def act(slot: Slot) -> Observation:  # noqa: ARG001 - its pool gives the connection
            value: Any = pool.get(b"key:%012d" % next(self._numbers))
            return Observation(hit=True, bytes=len(value))

        return act

    def _select(self, engine: Engine) -> Act:
        endpoint = self._servers.sql[engine]

        def act(slot: Slot) -> Observation:
            connection: SqlConnection = slot.hold(engine, lambda: connect(endpoint))
            rows = connection.query(SELECT, (next(self._numbers) + 1,))
            return Observation(items_returned=len(rows))

        return act
