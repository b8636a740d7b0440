"""One item, value or row in each embedded service, and the operation that reads it: what calibration and series ask for."""

from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from harness.cache.client import CacheClient
from harness.dynamodb.client import Client
from harness.dynamodb.clients import ClientName, client_factory
from harness.errors import CannotMeasure
from harness.local.services import LocalServices
from harness.recorder import Observation
from harness.scenario import FloorProbe, Slot
from harness.services import Needs
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import DRIVERS, Engine

TABLE = "dbharness_one_row"
VALUE = "x" * 400  # what an item, a value and a row hold: as much as one flight
HOST = "127.0.0.1"
SQL = f"SELECT payload FROM {TABLE} WHERE id = %s"  # noqa: S608 - our own table's name

Role = Literal["dynamodb", "cache", "postgres", "mysql"]
_ENGINES: tuple[Engine, ...] = ("postgres", "mysql")


def needs(*roles: Role) -> Needs:
    """The services of these roles."""
    return Needs(
        dynamodb="dynamodb" in roles, dynamodb_partition_limits=False, cache="cache" in roles,
        engines=tuple(engine for engine in _ENGINES if engine in roles),
    )  # fmt: skip


class OneRow:
    """The operations on services that are up; each is described as a probe, whose ``act`` asks the service itself."""

    def __init__(self, services: LocalServices) -> None:
        self._services = services
        self._factories: dict[tuple[ClientName, str, int], Callable[[], Client]] = {}

    def server(self, role: Role) -> tuple[str, int]:
        """Where the service of that role answers. Raises CannotMeasure for a database that can't be had here."""
        if role == "dynamodb":
            at = urlsplit(self._services.dynamodb_url)
            return at.hostname or HOST, at.port or 80
        if role == "cache":
            return self._services.cache.address
        if role not in self._services.sql:
            raise CannotMeasure(f"{role}: {self._services.unavailable.get(role, 'is not up')}")
        endpoint = self._services.sql[role]
        return endpoint.host, endpoint.port

    def store(self, role: Role) -> None:
        """Put the row there, in place of one that an earlier run left. Raises CannotMeasure."""
        self.server(role)
        if role == "dynamodb":
            _make_item(client_factory("lean", self._services.dynamodb_url))
        elif role == "cache":
            with CacheClient.at(self._services.cache) as cache:
                cache.set(TABLE, VALUE)
        else:
            with connect(self._services.sql[role]) as connection:
                _make_row(connection)

    def dynamodb(self, name: ClientName) -> FloorProbe:
        """GetItem by that client."""
        payload, server = {"TableName": TABLE, "Key": {"pk": {"S": "a"}}}, self.server("dynamodb")

        def act(slot: Slot) -> Observation:
            client: Client = slot.hold(("dynamodb", name), self.factory(name, *server))
            response = client.call("GetItem", payload)
            return Observation(outcome="ok" if response.body.get("Item") else "error", error_code=response.error_code)

        return FloorProbe(
            client=name, op="GetItem", role="dynamodb", server=server, key=("dynamodb", name), act=act, slots=1,
            connect=lambda host, port: self.factory(name, host, port)(),
        )  # fmt: skip

    def factory(self, name: ClientName, host: str, port: int) -> Callable[[], Client]:
        """What makes that client's connections to an address; kept, since boto3's takes a tenth of a second to make."""
        if (name, host, port) not in self._factories:
            self._factories[name, host, port] = client_factory(name, f"http://{host}:{port}")
        return self._factories[name, host, port]

    def cache(self) -> FloorProbe:
        """GET by the lean client."""
        server = self.server("cache")

        def act(slot: Slot) -> Observation:
            cache: CacheClient = slot.hold("cache", lambda: CacheClient(*server))
            return Observation(hit=cache.get(TABLE) is not None)

        return FloorProbe(
            client="lean", op="GET", role="cache", server=server, key="cache", slots=1, connect=CacheClient, act=act
        )

    def sql(self, engine: Engine) -> FloorProbe:
        """SELECT by the engine's driver."""
        server, endpoint = self.server(engine), self._services.sql[engine]

        def act(slot: Slot) -> Observation:
            connection: SqlConnection = slot.hold(engine, lambda: connect(endpoint))
            return Observation(items_returned=len(connection.query(SQL, (1,))))

        return FloorProbe(
            client=DRIVERS[engine], op="SELECT", role=engine, server=server, key=engine, slots=1, act=act,
            connect=lambda host, port: connect(endpoint.at(host, port)),
        )  # fmt: skip


def _make_item(factory: Callable[[], Client]) -> None:
    with factory() as client:
        client.call("DeleteTable", {"TableName": TABLE})
        created = client.call(
            "CreateTable",
            {
                "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            },
        )  # fmt: skip
        put = client.call("PutItem", {"TableName": TABLE, "Item": {"pk": {"S": "a"}, "payload": {"S": VALUE}}})
        for answer in (created, put):
            if answer.status != 200:
                raise CannotMeasure(f"{TABLE}: {answer.error_code}: {answer.body.get('message')}")


def _make_row(connection: SqlConnection) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
    connection.execute(f"CREATE TABLE {TABLE} (id integer PRIMARY KEY, payload varchar(1000) NOT NULL)")
    connection.execute(f"INSERT INTO {TABLE} (id, payload) VALUES (%s, %s)", (1, VALUE))  # noqa: S608 - our own table
