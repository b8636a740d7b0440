"""The DynamoDB arm."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from harness.dynamodb.answers import bulk_load
from harness.dynamodb.client import Client, ConnectionTrouble
from harness.dynamodb.clients import ClientName
from harness.dynamodb.query_settings import PLENTY_UNITS
from harness.errors import CannotMeasure
from harness.flights import key
from harness.recorder import Observation
from harness.scenario import Context, FloorProbe, Slot
from harness.stores_compared.dynamodb import writes
from harness.stores_compared.dynamodb.answers import READS
from harness.stores_compared.dynamodb.exchange import Exchange
from harness.stores_compared.dynamodb.needs import CANNOT, NEEDED
from harness.stores_compared.dynamodb.tables import INDEXES, Items, Names, flights_definition, planes_definition
from harness.stores_compared.patterns import PATTERNS, Name
from harness.stores_compared.settings import SqlVsNosqlSettings
from harness.stores_compared.store import Asked, Needed, Question, Schema
from harness.stores_compared.tables import Tables

CLIENT: ClientName = "lean"


class DynamoStore:
    """See Store. Its requests are tried once: what is throttled is an answer's outcome."""

    name = "dynamodb"
    client = CLIENT

    def __init__(self, context: Context, settings: SqlVsNosqlSettings) -> None:
        self._context, self._settings = context, settings
        self._access, self._names = context.services.dynamodb, Names(context.services.table_prefix)
        # Plenty costs nothing on the twin; where units are paid for by the hour, tables are on demand.
        self._capacity_units = None if context.on_aws else PLENTY_UNITS
        self._items: Items | None = None
        self._admin: Client = self._access.lean()

    @property
    def servers(self) -> Mapping[str, tuple[str, int]]:
        """See Store: none, for what an answer costs is units, and not a stand-in's processor."""
        return {}

    def schema(self) -> Schema:
        """See Store."""
        made = (flights_definition("flights", self._capacity_units), planes_definition("planes", self._capacity_units))
        return Schema(
            ddl=tuple(orjson.dumps(definition, option=orjson.OPT_INDENT_2).decode() for definition in made),
            indexes=("primary key", *(index.name for index in INDEXES)),
        )

    def cannot(self, pattern: Name) -> str | None:
        """See Store."""
        return CANNOT.get(pattern)

    def needed(self, pattern: Name) -> Needed:
        """See Store."""
        return NEEDED[pattern]

    def set_up(self, tables: Tables) -> None:
        """See Store; what no chosen pattern wants isn't made."""
        self.attach(tables)
        names, settings = self._names, self._settings
        for size in tables.sizes if "growth" in settings.parts else tables.sizes[-1:]:
            self._fill(names.flights(size), size)
        if "add_attribute" in settings.patterns:
            self._fill(names.widened, tables.attribute_items)
        if "bulk_load" in settings.patterns:
            self._fill(names.bulk, 0)
        if "move_flight" in settings.patterns:
            self._load(planes_definition(names.planes, self._capacity_units), self._made.planes)

    def attach(self, tables: Tables) -> None:
        """See Store."""
        self._items = Items(tables)

    def prepare(self, pattern: Name, flights: int) -> None:
        """See Store: nothing, its tables are as they were."""

    def begin(self) -> None:
        """See Store: it keeps nothing."""

    def floor(self, question: Question, act: Callable[[Slot], Observation]) -> FloorProbe | None:
        """See Store: that of reads, where the service is on this machine (another's a responder would pass on without encryption)."""
        if not PATTERNS[question.pattern].reads or self._access.chain:
            return None
        return FloorProbe(
            client=CLIENT, op=question.pattern, role="dynamodb", server=self._access.address, key=self.name,
            connect=lambda host, port: self._access.factory(CLIENT, f"http://{host}:{port}")(), act=act, labels={"arm": self.name}, slots=1,
        )  # fmt: skip

    def ask(self, slot: Slot, question: Question) -> Asked:
        """See Store."""
        exchange = Exchange(slot.hold(self.name, self._access.factory(CLIENT)))
        table = self._names.flights(question.flights)
        match question.pattern:
            case "update_if":
                return writes.update_if(exchange, table, question)
            case "move_flight":
                return writes.move_flight(exchange, table, self._names.planes, question)
            case "add_attribute":
                return writes.add_attribute(exchange, self._names.widened)
            case "bulk_load":
                items = self._made.flights[: question.flights]
                return writes.bulk_load(exchange, self._names.bulk, items, self._context.sleep_s)
        return READS[question.pattern](exchange, table, question)

    def undo(self, question: Question) -> None:
        """See Store."""
        match question.pattern:
            case "add_attribute":
                self._put_back(question.flights)
            case "bulk_load":
                self._fill(self._names.bulk, 0)
            case "update_if" | "move_flight":
                self._restore(question)

    def close(self) -> None:
        """See Store."""
        self._admin.close()

    @property
    def _made(self) -> Items:
        assert self._items is not None, "set it up first"
        return self._items

    def _fill(self, table: str, count: int) -> None:
        """A table of the first so many flights, in place of one that may be there."""
        self._load(flights_definition(table, self._capacity_units), self._made.flights[:count])

    def _load(self, definition: Mapping[str, Any], items: Sequence[bytes]) -> None:
        try:
            self._context.services.make_table(definition)
            bulk_load(self._access.lean, definition["TableName"], items)
        except ConnectionTrouble as trouble:
            raise CannotMeasure(f"{self.name}: {definition['TableName']} can't be filled: {trouble}") from trouble

    def _put_back(self, count: int) -> None:
        """Flights as the data has them, over those that got an attribute."""
        try:
            bulk_load(self._access.lean, self._names.widened, self._made.flights[:count])
        except ConnectionTrouble as trouble:
            raise CannotMeasure(f"{self.name}: {self._names.widened} can't be put back: {trouble}") from trouble

    def _restore(self, question: Question) -> None:
        """The flight as the data has it, and under no other aircraft that the question names."""
        table, asked = self._names.flights(question.flights), question.parameters
        item = self._made.flight(str(asked["flight_key"]))
        for name in ("tailnum", "to_tailnum"):
            if name in asked and asked[name] != item["tailnum"]["S"]:
                self._must("DeleteItem", {"TableName": table, "Key": key(item) | {"tailnum": {"S": asked[name]}}})
        self._must("PutItem", {"TableName": table, "Item": item})

    def _must(self, operation: str, payload: dict[str, Any]) -> None:
        """A request of our own; raises CannotMeasure where it isn't granted, for the data isn't what it was then."""
        try:
            response = self._admin.call(operation, payload)
        except ConnectionTrouble as trouble:
            raise CannotMeasure(f"{self.name}: {operation} {payload['TableName']}: {trouble}") from trouble
        if response.status != 200:
            raise CannotMeasure(f"{self.name}: {operation} {payload['TableName']}: {response.error_code}")
