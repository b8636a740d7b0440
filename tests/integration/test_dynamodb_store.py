"""The DynamoDB arm on the twin: every pattern answered as pandas answers it on the raw CSV, every unit accounted for."""

import json
import math
import random
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asked_stores import answers_as_in_pandas
from flights_in_pandas import FlightsInPandas

from harness import dataset
from harness.dynamodb.access import DynamoAccess
from harness.dynamodb.answers import scan_all, whole
from harness.dynamodb.client import DynamoClient
from harness.errors import CannotMeasure
from harness.local.services import LocalServices
from harness.local.twin_control import TwinControl
from harness.scenario import Slot
from harness.services import Needs
from harness.stores_compared.dynamodb.store import DynamoStore
from harness.stores_compared.patterns import PATTERNS
from harness.stores_compared.questions import Questions, tables_of
from harness.stores_compared.settings import READS, SqlVsNosqlSettings
from harness.stores_compared.store import Asked, Question, Trouble
from harness.stores_compared.tables import Tables

SIZES = (1_000, 4_000)
SETTINGS = SqlVsNosqlSettings(sizes=SIZES, questions=4, keys=40, attribute_items=500, bulk_items=260)
ANSWERED = tuple(name for name in READS if name != "full_text")


class Asker:
    """The arm, and whoever asks it; ``counted``: what an answer says it consumed is what the twin's own meters count."""

    def __init__(self, store: DynamoStore, url: str, questions: Questions) -> None:
        self.store, self.questions, self.slot = store, questions, Slot(0)
        self.control, self.client = TwinControl(url), DynamoClient(url)
        self.at_first = self.everything()

    def ask(self, pattern: Any, size: int, /, **parameters: Any) -> Asked:
        before = self.meters()
        asked = self.store.ask(self.slot, self.question(pattern, size, **parameters))
        grown = {key: units - before.get(key, 0.0) for key, units in self.meters().items()}
        told = {kind: _or_0(getattr(asked, f"{kind}_units")) for kind in ("read", "write")}
        assert told == {kind: sum(units for (_, k), units in grown.items() if k == kind) for kind in told}
        of_indexes = sum(units for (resource, _), units in grown.items() if resource != "table")
        assert _or_0(asked.index_units) == of_indexes
        return asked

    def meters(self) -> dict[tuple[str, str], float]:
        """Units consumed so far by (table or index, kind), over all tables."""
        total: dict[tuple[str, str], float] = {}
        for table in self.control.state()["tables"].values():
            for resource, kinds in table["meters"].items():
                for kind in ("read", "write"):
                    total[resource, kind] = total.get((resource, kind), 0.0) + kinds[kind]["consumed_units"]
        return total

    def question(self, pattern: Any, size: int, /, **parameters: Any) -> Question:
        return Question(pattern=pattern, number=0, parameters=parameters, flights=size)

    def items(self, table: str) -> list[dict[str, Any]]:
        return list(scan_all(self.client, {"TableName": f"compared_{table}"}, keep=whole).items)

    def everything(self) -> list[list[dict[str, Any]]]:
        return [sorted(self.items(str(size)), key=lambda item: item["flight_key"]["S"]) for size in SIZES]

    def close(self) -> None:
        self.slot.close()
        self.client.close()
        self.store.close()


def _or_0(units: float) -> float:
    return 0.0 if math.isnan(units) else units


@pytest.fixture(scope="module")
def data() -> dataset.Dataset:
    return dataset.load((1,))


@pytest.fixture(scope="module")
def questions(data: dataset.Dataset) -> Questions:
    return Questions(data, SETTINGS, lambda *names: random.Random(str(names)))


@pytest.fixture(scope="module")
def tables(data: dataset.Dataset, questions: Questions) -> Tables:
    return tables_of(data, SETTINGS, questions)


@pytest.fixture(scope="module")
def asker(questions: Questions, tables: Tables) -> Iterator[Asker]:
    """On a twin of its own, whose meters nobody else turns."""
    services = LocalServices.up(Needs(dynamodb=True, dynamodb_own=True, dynamodb_partition_limits=False))
    context: Any = SimpleNamespace(services=services, on_aws=False, sleep_s=time.sleep)
    store = DynamoStore(context, SETTINGS)
    store.set_up(tables)
    made = Asker(store, services.dynamodb_url, questions)
    yield made
    made.close()
    services.close()


@pytest.fixture(scope="module")
def pandas(questions: Questions) -> dict[int, FlightsInPandas]:
    return {size: FlightsInPandas(1, questions.first_keys, size) for size in (*SIZES, 500, 260)}


@pytest.mark.parametrize("pattern", ANSWERED)
def test_every_read_is_answered_as_pandas_does(
    asker: Asker, pandas: dict[int, FlightsInPandas], tables: Tables, pattern: Any
) -> None:
    """Every question of both parts, at every size that is asked: the same rows in the same order, units as the twin counts them."""
    answers = answers_as_in_pandas(
        asker.ask, pattern, questions=asker.questions, pandas=pandas, tables=tables, settings=SETTINGS
    )
    assert all(answer.write_units != answer.write_units for answer in answers)  # a read has none


def test_a_flight_without_a_tail_number_has_none_in_its_answer(
    asker: Asker, data: dataset.Dataset, pandas: dict[int, FlightsInPandas]
) -> None:
    """It lies under UNKNOWN-<carrier>, which is a key and no aircraft."""
    frame = pandas[SIZES[-1]].flights
    flight_key = frame[frame["tailnum"].isna()]["flight_key"].iloc[0]
    answer = asker.ask("flight_by_key", SIZES[-1], flight_key=flight_key)
    assert answer.rows[0][2] is None
    assert list(answer.rows) == pandas[SIZES[-1]].flight_by_key(flight_key)


def test_an_airports_day_and_an_unknown_flight_cost_half_a_unit(asker: Asker) -> None:
    """A few hundred bytes of an index, read eventually: one block of 4 KB, half a unit, found or not (A1, A7, A8)."""
    for pattern, parameters in (
        ("flight_by_key", {"flight_key": "2013-01-01T00:00#XX#1"}),
        ("flight_with_all", asker.questions.of("growth", "flight_with_all").parameters[0]),
        ("airport_day", asker.questions.of("growth", "airport_day").parameters[0]),
    ):
        answer = asker.ask(pattern, SIZES[-1], **parameters)
        assert (answer.read_units, answer.index_units, answer.round_trips, answer.pages) == (0.5, 0.5, 1, 1)


def test_an_index_is_paid_for_by_the_bytes_of_its_entries(asker: Asker, pandas: dict[int, FlightsInPandas]) -> None:
    """count and carrier_month_delays read all of by_month, whose entries hold five attributes.

    By hand (A15): names tailnum 7, flight_key 10, month 5, carrier 7, arr_delay 9; texts a byte a letter; month 1 is 2 bytes; a delay
    is 1 byte and one for each pair of digits, pairs of zeros at its end dropped, one more where it is negative. Their sum in
    blocks of 4 KB, half a unit each (A4).
    """
    size = SIZES[0]
    total = 0
    for flight in pandas[size].flights.to_dict("records"):
        missing = flight["tailnum"] != flight["tailnum"]
        tailnum = f"UNKNOWN-{flight['carrier']}" if missing else flight["tailnum"]
        total += 7 + len(tailnum) + 10 + len(flight["flight_key"]) + 5 + 2 + 7 + len(flight["carrier"])
        if (delay := flight["arr_delay"]) == delay:
            total += 9 + number_bytes(int(delay))
    expected = math.ceil(total / 4_096) * 0.5
    assert 8 < expected < 16
    for pattern, parameters in (("count", {}), ("carrier_month_delays", {"month": 1})):
        answer = asker.ask(pattern, size, **parameters)
        assert (answer.read_units, answer.index_units, answer.round_trips) == (expected, expected, 1)
        assert answer.items_scanned == size


def number_bytes(number: int) -> int:
    """A whole number below 10,000 in DynamoDB, by the rule in words."""
    pairs = 0 if number == 0 else 1 if abs(number) < 100 or number % 100 == 0 else 2
    return 1 + pairs + (number < 0)


def test_what_nobody_planned_for_pays_for_every_byte_of_the_table(asker: Asker) -> None:
    """However few flights it finds: the same units with every question, more than four times those of the count by an index."""
    limits = asker.questions.of("patterns", "ad_hoc").parameters
    answers = [asker.ask("ad_hoc", SIZES[-1], **one) for one in limits]
    assert len({answer.read_units for answer in answers}) == 1
    assert {answer.items_scanned for answer in answers} == {SIZES[-1]}
    assert len({len(answer.rows) for answer in answers}) > 1
    assert answers[0].read_units > 4 * asker.ask("count", SIZES[-1]).read_units


def test_pages_follow_each_other_by_the_last_key(asker: Asker, tables: Tables) -> None:
    """An aircraft of n flights takes n // 25 + 1 pages, each rounded up to half a unit of 4 KB: 25 flights of some 330 bytes are three."""
    (tailnum, most), *_ = tables.of(SIZES[-1]).of_aircraft.most_common(1)
    answer = asker.ask("aircraft_flights", SIZES[-1], tailnum=tailnum)
    assert (answer.round_trips, answer.pages, answer.items_scanned) == (most // 25 + 1, most // 25 + 1, most)
    assert (most // 25) * 1.5 <= answer.read_units <= (most // 25) * 1.5 + 1.5
    assert math.isnan(answer.index_units)


def test_an_update_under_a_condition_pays_for_all_three_indexes(
    asker: Asker, pandas: dict[int, FlightsInPandas]
) -> None:
    """There: half a unit for the key, 1 for the item, 1 for each index that has the delay (A10, A12). Refused: 1, as A11 says; no
    flight of that key: nothing is written."""
    size = SIZES[0]
    there, back, *_, refused = asker.questions.of("patterns", "update_if").parameters
    key, delay = there["flight_key"], there["expected"]
    (before,) = pandas[size].flight_by_key(str(key))
    answer = asker.ask("update_if", size, **there)
    assert (answer.rows, answer.read_units, answer.write_units, answer.index_units) == (((1,),), 0.5, 4.0, 3.5)
    assert asker.ask("flight_by_key", size, flight_key=key).rows[0] == (*before[:-1], int(delay or 0) + 1)
    answer = asker.ask("update_if", size, **there)
    assert (answer.rows, answer.read_units, answer.write_units, answer.index_units) == (((0,),), 0.5, 1.0, 0.5)
    assert asker.ask("update_if", size, **back).rows == ((1,),)
    assert asker.ask("flight_by_key", size, flight_key=key).rows[0] == before
    assert asker.ask("update_if", size, **refused).rows == ((0,),)
    answer = asker.ask("update_if", size, flight_key="2013-01-01T00:00#XX#1", expected=1, new=2)
    assert (answer.rows, answer.round_trips, answer.read_units) == (((0,),), 1, 0.5)


def test_a_flight_moves_to_the_other_aircraft_with_all_that_belongs_to_it(
    asker: Asker, pandas: dict[int, FlightsInPandas]
) -> None:
    """Two strong reads 2; a Delete and a Put of one block each, doubled by the transaction, 4; each of three indexes loses an entry
    and gets one, undoubled, 6 (A1, A2, A12, A13). It leaves the one list and is in the other, with the other's plane."""
    size = SIZES[0]
    there, back, *_ = asker.questions.of("patterns", "move_flight").parameters
    key, tailnum, other = there["flight_key"], there["tailnum"], there["to_tailnum"]
    plane = pandas[size].flight_with_all(pandas[size].aircraft_flights(str(other))[0][0])[0][2:5]
    answer = asker.ask("move_flight", size, **there)
    assert (answer.rows, answer.round_trips) == (((1,),), 2)
    assert (answer.read_units, answer.write_units, answer.index_units) == (2.0, 10.0, 6.0)
    assert key in [row[0] for row in asker.ask("aircraft_flights", size, tailnum=other).rows]
    assert key not in [row[0] for row in asker.ask("aircraft_flights", size, tailnum=tailnum).rows]
    assert asker.ask("flight_by_key", size, flight_key=key).rows[0][2] == other
    assert asker.ask("flight_with_all", size, flight_key=key).rows[0][2:5] == plane
    assert asker.ask("count", size).rows == ((size,),)
    assert asker.ask("move_flight", size, **there).rows == ((0,),)
    assert asker.ask("move_flight", size, **back).rows == ((1,),)
    for pattern, asked in (
        ("aircraft_flights", {"tailnum": tailnum}),
        ("aircraft_flights", {"tailnum": other}),
        ("flight_with_all", {"flight_key": key}),
    ):
        assert list(asker.ask(pattern, size, **asked).rows) == pandas[size].answer(pattern, asked)


def test_an_attribute_is_written_into_every_flight_for_a_unit_each(
    asker: Asker, pandas: dict[int, FlightsInPandas]
) -> None:
    """1 write a flight that has an arr_delay and none in an index, for no index has it (A12); undone, nothing is left of it."""
    size = SETTINGS.attribute_items
    right = pandas[size].on_time()
    changed = sum(value is not None for value in right.values())
    for _ in range(2):
        answer = asker.ask("add_attribute", size)
        assert answer.rows == ((changed,),)
        assert (answer.write_units, answer.round_trips, answer.items_scanned) == (changed, changed + 1, size)
        assert math.isnan(answer.index_units)
        found = {item["flight_key"]["S"]: item.get("on_time", {}).get("BOOL") for item in asker.items("widened")}
        assert found == right
        asker.store.undo(asker.question("add_attribute", size))
    assert not [item for item in asker.items("widened") if "on_time" in item]


def test_flights_are_loaded_25_a_request_for_four_units_each(asker: Asker) -> None:
    """260 flights: 11 requests; 1 unit for each item and 1 for its entry in each of three indexes (A2, A3, A12)."""
    size = SETTINGS.bulk_items
    for _ in range(2):
        answer = asker.ask("bulk_load", size, flights=size)
        assert (answer.rows, answer.round_trips) == (((260,),), 11)
        assert (answer.write_units, answer.index_units) == (1_040.0, 780.0)
        loaded = {item["flight_key"]["S"]: item for item in asker.items("bulk")}
        assert len(loaded) == size
        assert all(loaded[item["flight_key"]["S"]] == item for item in asker.at_first[-1] if item["flight_key"]["S"] in loaded)  # fmt: skip
        asker.store.undo(asker.question("bulk_load", size, flights=size))
        assert asker.items("bulk") == []


def test_what_a_broken_trial_left_is_made_good(asker: Asker, pandas: dict[int, FlightsInPandas]) -> None:
    """A write without the one that undoes it: undo alone brings the flight back, once."""
    size = SIZES[0]
    for pattern in ("update_if", "move_flight"):
        asked = asker.questions.of("patterns", pattern).parameters[0]  # type: ignore[arg-type]
        assert asker.ask(pattern, size, **asked).rows == ((1,),)
        asker.store.undo(asker.question(pattern, size, **asked))
        key = {"flight_key": asked["flight_key"]}
        for read in ("flight_by_key", "flight_with_all"):
            assert list(asker.ask(read, size, **key).rows) == pandas[size].answer(read, key)


def test_a_move_that_somebody_was_faster_than_is_no_answer(asker: Asker) -> None:
    """The flight is under the other aircraft already, as a retried move would find it: the transaction is cancelled as a whole."""
    size = SIZES[0]
    asked = asker.questions.of("patterns", "move_flight").parameters[0]
    (item,) = [one for one in asker.at_first[0] if one["flight_key"]["S"] == asked["flight_key"]]
    twin = item | {"tailnum": {"S": asked["to_tailnum"]}}
    asker.client.call("PutItem", {"TableName": f"compared_{size}", "Item": twin})
    with pytest.raises(Trouble) as caught:
        asker.store.ask(asker.slot, asker.question("move_flight", size, **asked))
    assert (caught.value.outcome, caught.value.code) == ("error", "TransactionCanceledException")
    asker.store.undo(asker.question("move_flight", size, **asked))


def test_it_says_what_it_is_what_it_needs_and_what_it_cannot(asker: Asker) -> None:
    """Its schema makes the tables that are asked; every pattern has its words but full_text, which says what it would take."""
    store, schema = asker.store, asker.store.schema()
    flights, planes = map(json.loads, schema.ddl)
    assert flights["TableName"] == "flights" and [key["AttributeName"] for key in flights["KeySchema"]] == ["tailnum", "flight_key"]  # fmt: skip
    assert schema.indexes == ("primary key", *(index["IndexName"] for index in flights["GlobalSecondaryIndexes"]))
    assert schema.indexes == ("primary key", "by_flight", "by_dest", "by_month")
    assert {"AttributeName": "month", "AttributeType": "N"} in flights["AttributeDefinitions"]
    assert planes["KeySchema"] == [{"AttributeName": "tailnum", "KeyType": "HASH"}]
    for pattern in PATTERNS.values():
        reason = store.cannot(pattern.name)
        if pattern.name == "full_text":
            assert reason and "contains()" in reason and "OpenSearch" in reason
        else:
            needed = store.needed(pattern.name)
            assert reason is None and needed.words and needed.requests and needed.consistency
    assert "full scan" in store.needed("ad_hoc").words
    assert store.servers == {}


def test_the_data_is_as_it_was(asker: Asker) -> None:
    """After all that the tests above wrote, or after nothing: every item of every table that is asked."""
    assert [len(items) for items in asker.at_first] == list(SIZES)
    assert asker.everything() == asker.at_first


def test_a_service_that_is_gone_is_said_in_a_line(tables: Tables) -> None:
    """Nobody listens: the tables can't be made, and the error names the first of them."""
    services = SimpleNamespace(dynamodb=DynamoAccess(url="http://127.0.0.1:9"), table_prefix="")

    def make_table(_: Any) -> None:
        services.dynamodb.lean().call("CreateTable", {})

    services.make_table = make_table
    context: Any = SimpleNamespace(services=services, on_aws=False, sleep_s=time.sleep)
    with pytest.raises(CannotMeasure, match="dynamodb: compared_1000 can't be filled: 127.0.0.1:9"):
        DynamoStore(context, SETTINGS).set_up(tables)
