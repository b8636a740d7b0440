"""Should this access be a Query or a Scan?

Two questions with small answers, *all flights of one aircraft* and *all flights to one airport*, are asked of tables of
growing size: by Query (on the table, on an index) and by Scan with a filter. The aircraft and airports asked for
have all their flights in every table, so the answer stays the same while the table grows.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, PositiveInt

from harness import dataset
from harness.config import Settings
from harness.dynamodb.answers import Answer, bulk_load, query_all, scan_all
from harness.dynamodb.client import Client, ConnectionTrouble, DynamoClient, trouble_outcome
from harness.dynamodb.clients import ClientName, client_factory
from harness.errors import UsageError
from harness.execute import locust_user
from harness.flights import flight_items, table_definition
from harness.local.services import Needs
from harness.plan import Cell, Trial, interleave
from harness.recorder import Kind, Observation
from harness.scenario import FloorProbe, Scenario, Slot, Stream, Ticket, TrialLoad

# Enough that nothing throttles: what throttles is another scenario's question.
PLENTY_UNITS = 40_000
# question -> (attribute asked for, the arm that looks it up, the index it uses)
QUESTIONS = {"aircraft": ("tailnum", "query", None), "airport": ("dest", "gsi_query", "by_dest")}


class QueryVsScanSettings(Settings):
    """Section ``scenarios.query_vs_scan`` of config.yaml."""

    table_items: tuple[PositiveInt, ...] = Field(default=(1000, 3000, 9000, 27004), min_length=1)
    pairs: PositiveInt = 6
    trial_s: PositiveFloat = 0.35
    least_answers: PositiveInt = 16
    warm_up_answers: int = Field(default=1, ge=0)
    aircraft: PositiveInt = 8
    airports: PositiveInt = 2
    client: ClientName = "lean"


class QueryVsScan(Scenario[QueryVsScanSettings]):
    """Asks the same questions by Query and by Scan, of tables of growing size."""

    name = "query_vs_scan"
    Settings = QueryVsScanSettings
    columns: ClassVar[dict[str, Kind]] = {"question": "text"}
    distributable, shared = True, ("asked",)

    @classmethod
    def needs(cls, settings: QueryVsScanSettings) -> Needs:  # noqa: ARG003 - the same whatever the settings
        """The twin, at the wall's own speed; without the limits of partitions, which no client over a network meets."""
        return Needs(dynamodb=True, dynamodb_partition_limits=False)

    def set_up(self) -> None:
        """One table a size, the asked-for flights in each."""
        items = list(flight_items(dataset.load(self.context.config.months)))
        sizes = self.settings.table_items
        if max(sizes) > len(items):
            raise UsageError(f"query_vs_scan.table_items: {max(sizes)} flights asked for, months hold {len(items)}")
        self.asked = {
            "aircraft": self._keys(items, "tailnum", self.settings.aircraft),
            "airport": self._keys(items, "dest", self.settings.airports),
        }
        first = [item for item in items if self._asked_for(item)]
        rest = [item for item in items if not self._asked_for(item)]
        self.context.rng(self.name, "tables").shuffle(rest)
        for size in sizes:
            self._load(size, [*first, *rest][:size])

    def plan(self) -> list[Trial]:
        """At each size and for each question: the look-up and the Scan, side by side."""
        cells = [
            Cell(
                arms=(arm, "scan"),
                step=str(size),
                labels={"question": question},
                params={"table_items": size},
            )
            for size in self.settings.table_items
            for question, (_, arm, _) in QUESTIONS.items()
        ]
        return interleave(cells, rounds=self.settings.pairs, seed=f"{self.context.config.seed}/{self.name}")

    def begin(self, trial: Trial) -> TrialLoad:
        """A closed loop of whole answers; both arms of a pair ask for the same keys in the same order."""
        rng = self.context.rng(self.name, "keys", trial.pair)
        self._measured().close()  # boto3's pool takes its time to make: before the trial, not in it
        return TrialLoad(client=self.settings.client, streams=(Stream(tickets=self._tickets(trial, rng)),))

    def floor_probes(self) -> list[FloorProbe]:
        """One whole answer of each arm for each question at each size of table: the pages of a Scan grow with it."""
        at = urlsplit(self.context.services.dynamodb_url)
        probes = {}
        for trial in self.plan():
            question = trial.labels["question"]
            arm = "scan" if trial.arm == "scan" else "query"
            labels = {"question": question, "step": trial.step}
            probes[question, trial.step, arm] = FloorProbe(
                client=self.settings.client, op=arm.capitalize(), role="dynamodb",
                server=(at.hostname or "", at.port or 80), key="dynamodb",
                connect=lambda host, port: client_factory(self.settings.client, f"http://{host}:{port}")(),
                act=self._ask(trial, question, min(self.asked[question])), labels=labels,
            )  # fmt: skip
        return list(probes.values())

    def _tickets(self, trial: Trial, rng: random.Random) -> Iterator[Ticket]:
        question = trial.labels["question"]
        op = "Scan" if trial.arm == "scan" else "Query"
        end_ns, asked = 0, 0
        least = self.settings.warm_up_answers + self.settings.least_answers
        while asked < least or self.context.clock_ns() < end_ns:
            warm_up = asked < self.settings.warm_up_answers
            if not warm_up and not end_ns:
                end_ns = self.context.clock_ns() + int(self.settings.trial_s * 1e9)
            key = rng.choice(sorted(self.asked[question]))
            yield Ticket(op=op, act=self._ask(trial, question, key), warm_up=warm_up)
            asked += 1

    def _ask(self, trial: Trial, question: str, key: str) -> Callable[[Slot], Observation]:
        page_through = scan_all if trial.arm == "scan" else query_all
        payload = request(trial.arm, question, key, table=table_name(int(trial.step)))
        expected = self.asked[question][key]

        def act(slot: Slot) -> Observation:
            client: Client = slot.hold("dynamodb", self._measured)
            try:
                return observe(page_through(client, payload), expected, question)
            except ConnectionTrouble as trouble:
                return Observation(
                    outcome=trouble_outcome(trouble, "Query"),
                    error_code=type(trouble).__name__,
                    extra={"question": question},
                )

        return act

    def _keys(self, items: list[dict[str, Any]], attribute: str, count: int) -> dict[str, int]:
        """Keys drawn by the data's own skew, with the flights each has: few enough to fit the smallest table."""
        flights = Counter(item[attribute]["S"] for item in items)
        most = min(self.settings.table_items) // (4 * count)
        fitting = sorted(key for key, number in flights.items() if number <= most)
        if len(fitting) < count:
            raise UsageError(
                f"query_vs_scan: only {len(fitting)} values of {attribute} have {most} flights or fewer; "
                "raise table_items or ask for fewer"
            )
        rng = self.context.rng(self.name, "asked", attribute)
        drawn: dict[str, int] = {}
        while len(drawn) < count:
            key = rng.choices(fitting, [flights[key] for key in fitting])[0]
            drawn[key] = flights[key]
        return drawn

    def _asked_for(self, item: dict[str, Any]) -> bool:
        return item["tailnum"]["S"] in self.asked["aircraft"] or item["dest"]["S"] in self.asked["airport"]

    def _load(self, size: int, items: list[dict[str, Any]]) -> None:
        table = table_name(size)
        with self._lean() as client:
            client.call("DeleteTable", {"TableName": table})
            client.call(
                "CreateTable",
                table_definition(table, read_capacity_units=PLENTY_UNITS, write_capacity_units=PLENTY_UNITS),
            )
        bulk_load(self._lean, table, items)

    def _lean(self) -> DynamoClient:
        """For what isn't measured, whatever the setting."""
        return DynamoClient(self.context.services.dynamodb_url)

    @cached_property
    def _measured(self) -> Callable[[], Client]:
        return client_factory(self.settings.client, self.context.services.dynamodb_url)


def table_name(size: int) -> str:
    """The table of that many flights."""
    return f"flights_{size}"


def request(arm: str, question: str, key: str, *, table: str) -> dict[str, Any]:
    """The request of one arm for one key; eventually consistent, as an index must be read."""
    attribute, _, index = QUESTIONS[question]
    condition = "FilterExpression" if arm == "scan" else "KeyConditionExpression"
    payload: dict[str, Any] = {
        "TableName": table,
        condition: "#key = :key",
        "ExpressionAttributeNames": {"#key": attribute},
        "ExpressionAttributeValues": {":key": {"S": key}},
    }
    return payload | {"IndexName": index} if index and arm != "scan" else payload


def observe(answer: Answer, expected: int, question: str) -> Observation:
    """A whole answer as one sample; an answer of the wrong length is an error, whatever its speed."""
    wrong = answer.outcome == "ok" and answer.items_returned != expected
    return Observation(
        outcome="error" if wrong else answer.outcome,
        error_code="WrongAnswer" if wrong else answer.error_code,
        reason=f"{answer.items_returned} flights, not {expected}" if wrong else answer.reason,
        read_units=answer.read_units,
        index_units=float("nan") if answer.index_units is None else answer.index_units,
        items_returned=answer.items_returned, items_scanned=answer.items_scanned, bytes=answer.bytes_count,
        pages=answer.pages, extra={"question": question},
    )  # fmt: skip


SCENARIO = QueryVsScan
QueryVsScanUser = locust_user(QueryVsScan)
