"""The load of ``dbharness calibrate``: every client against a responder that does nothing, one at a time and in full.

Its floors are taken like those of any scenario; its trials, with twenty in flight, say what an operation costs this
process in all: client, conductor, recorder and Locust's own count.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, get_args
from urllib.parse import urlsplit

from pydantic import PositiveFloat, PositiveInt

from harness.cache.client import CacheClient
from harness.config import Settings
from harness.dynamodb.client import Client
from harness.dynamodb.clients import ClientName, client_factory
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.local.processes import Warden
from harness.local.responding import Responder
from harness.plan import Cell, Trial, interleave
from harness.recorder import Observation
from harness.scenario import FloorProbe, Scenario, Slot, Stream, Ticket, TrialLoad
from harness.services import Needs
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import DRIVERS, Engine

TABLE = "dbharness_calibration"
VALUE = "x" * 400  # what an item, a value and a row hold: as much as one flight
HOST = "127.0.0.1"
SQL = f"SELECT payload FROM {TABLE} WHERE id = %s"  # noqa: S608 - our own table's name


class CalibrationSettings(Settings):
    """How long each client is loaded."""

    trials: PositiveInt = 3
    trial_s: PositiveFloat = 0.4


class Calibration(Scenario[CalibrationSettings]):
    """Asks every client for one row, item or value, as fast as it can."""

    name = "calibration"
    Settings = CalibrationSettings
    columns: ClassVar[dict[str, Any]] = {}
    default_slots = 20

    @classmethod
    def needs(cls, settings: CalibrationSettings) -> Needs:  # noqa: ARG003 - the same whatever the settings
        """Every service."""
        return Needs(dynamodb=True, dynamodb_partition_limits=False, cache=True, engines=("postgres", "mysql"))

    def set_up(self) -> None:
        """One item, value and row; a responder in front of every service."""
        services = self.context.local
        at = urlsplit(services.dynamodb_url)
        self.servers: dict[str, tuple[str, int]] = {
            "dynamodb": (at.hostname or HOST, at.port or 80),
            "cache": services.cache.address,
        } | {engine: (endpoint.host, endpoint.port) for engine, endpoint in services.sql.items()}
        _make_item(client_factory("lean", services.dynamodb_url))
        with CacheClient.at(services.cache) as cache:
            cache.set(TABLE, VALUE)
        for endpoint in services.sql.values():
            with connect(endpoint) as connection:
                _make_row(connection)
        self.warden = Warden.start()
        self.responder = Responder.start(self.warden, self.servers)
        self.probes = {f"{probe.client}.{probe.op}": probe for probe in self.floor_probes()}

    def plan(self) -> list[Trial]:
        """Every client in turn; in a first round that doesn't count, connections are made and statements prepared."""
        cells = [Cell(arms=(name,), step=str(self.context.slots)) for name in self.probes]
        return interleave(cells, rounds=1 + self.settings.trials, seed=f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """One operation of each client, one at a time."""
        services = self.context.local
        probes = [self._dynamodb(name) for name in get_args(ClientName)]
        probes.append(
            FloorProbe(
                client="lean", op="GET", role="cache", server=self.servers["cache"], key="cache", slots=1,
                connect=CacheClient, act=self._get,
            )
        )  # fmt: skip
        return probes + [self._sql(engine) for engine in services.sql]

    def begin(self, trial: Trial) -> TrialLoad:
        """A closed loop of one client in every slot."""
        probe = self.probes[trial.arm]
        return TrialLoad(client=probe.client, streams=(Stream(tickets=self._tickets(probe)),))

    def end(self, trial: Trial) -> None:
        """Say how many operations had no answer: what is refused quickly would look cheap."""
        self.context.events.add("failed", trial=trial.trial, operations=self.tally["failed"])

    def tear_down(self) -> None:
        """Stop the responder."""
        if hasattr(self, "warden"):
            self.warden.close()

    def _tickets(self, probe: FloorProbe) -> Iterator[Ticket]:
        port = self.responder.ports[probe.role]

        def act(slot: Slot) -> Observation:
            self.tally["failed"] += 1
            slot.hold(probe.key, lambda: probe.connect(HOST, port))
            seen = probe.act(slot)
            self.tally["failed"] -= seen.outcome == "ok"
            return seen

        end_ns = self.context.clock_ns() + int(self.settings.trial_s * 1e9)
        while self.context.clock_ns() < end_ns:
            yield Ticket(op=probe.op, act=act)

    def _dynamodb(self, name: ClientName) -> FloorProbe:
        payload = {"TableName": TABLE, "Key": {"pk": {"S": "a"}}}
        factories: dict[tuple[str, int], Callable[[], Client]] = {}

        def factory(host: str, port: int) -> Callable[[], Client]:
            if (host, port) not in factories:  # boto3's takes a tenth of a second to make
                factories[host, port] = client_factory(name, f"http://{host}:{port}")
            return factories[host, port]

        def act(slot: Slot) -> Observation:
            client: Client = slot.hold(("dynamodb", name), factory(*self.servers["dynamodb"]))
            response = client.call("GetItem", payload)
            return Observation(outcome="ok" if response.body.get("Item") else "error", error_code=response.error_code)

        if hasattr(self, "responder"):
            factory(HOST, self.responder.ports["dynamodb"])
        return FloorProbe(
            client=name, op="GetItem", role="dynamodb", server=self.servers["dynamodb"], key=("dynamodb", name),
            connect=lambda host, port: factory(host, port)(), act=act, slots=1,
        )  # fmt: skip

    def _get(self, slot: Slot) -> Observation:
        cache: CacheClient = slot.hold("cache", lambda: CacheClient(*self.servers["cache"]))
        return Observation(hit=cache.get(TABLE) is not None)

    def _sql(self, engine: Engine) -> FloorProbe:
        endpoint = self.context.services.sql[engine]

        def act(slot: Slot) -> Observation:
            connection: SqlConnection = slot.hold(engine, lambda: connect(endpoint))
            return Observation(items_returned=len(connection.query(SQL, (1,))))

        return FloorProbe(
            client=DRIVERS[engine], op="SELECT", role=engine, server=(endpoint.host, endpoint.port), key=engine, slots=1,
            connect=lambda host, port: connect(endpoint.at(host, port)), act=act,
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


SCENARIO = Calibration
CalibrationUser = locust_user(Calibration)
