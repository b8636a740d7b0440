"""The SQL arms: every pattern answered as pandas answers it on the raw CSV, and the data as before when all is over."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from asked_stores import answers_as_in_pandas
from flights_in_pandas import FlightsInPandas

from harness import dataset
from harness.local.services import LocalServices
from harness.scenario import Slot
from harness.services import Needs
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import SqlEndpoint
from harness.stores_compared.patterns import PATTERNS
from harness.stores_compared.questions import STOP_WORDS, Questions, tables_of
from harness.stores_compared.settings import READS, SqlVsNosqlSettings
from harness.stores_compared.sql.answers import Answers
from harness.stores_compared.sql.ddl import Names
from harness.stores_compared.sql.store import SqlStore
from harness.stores_compared.store import Asked, Question, Trouble
from harness.stores_compared.tables import Tables

ARMS = ("postgres", "postgres_flat", "mysql", "mysql_flat")
SIZES = (1_000, 4_000)
SETTINGS = SqlVsNosqlSettings(sizes=SIZES, questions=4, keys=40, attribute_items=500, bulk_items=1_500)


class Asker:
    """One arm, and whoever asks it."""

    def __init__(self, store: SqlStore, endpoint: SqlEndpoint, questions: Questions) -> None:
        self.store, self.questions, self.slot = store, questions, Slot(0)
        self.connection: SqlConnection = connect(endpoint)
        self.prefix = "flat_" if store.name.endswith("_flat") else ""
        self.at_first = self.everything()

    def ask(self, pattern: Any, size: int, /, **parameters: Any) -> Asked:
        return self.store.ask(self.slot, self.question(pattern, size, **parameters))

    def question(self, pattern: Any, size: int, /, **parameters: Any) -> Question:
        return Question(pattern=pattern, number=0, parameters=parameters, flights=size)

    def everything(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.connection.query(f"SELECT * FROM {self.prefix}flights_{size} ORDER BY flight_key") for size in SIZES
        ]

    def close(self) -> None:
        self.slot.close()
        self.connection.close()
        self.store.close()


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
def askers(questions: Questions, tables: Tables) -> Iterator[dict[str, Asker]]:
    services = LocalServices.up(Needs(engines=("postgres", "mysql")))
    assert not services.unavailable, services.unavailable
    made = {}
    for arm in ARMS:
        endpoint = services.sql["postgres" if arm.startswith("postgres") else "mysql"]
        store = SqlStore(endpoint, flat=arm.endswith("_flat"))
        assert store.name == arm
        store.set_up(tables)
        made[arm] = Asker(store, endpoint, questions)
    yield made
    for asker in made.values():
        asker.close()
    services.close()


@pytest.fixture(params=ARMS)
def asker(request: pytest.FixtureRequest, askers: dict[str, Asker]) -> Asker:
    return askers[request.param]


@pytest.fixture(scope="module")
def pandas(questions: Questions) -> dict[int, FlightsInPandas]:
    return {size: FlightsInPandas(1, questions.first_keys, size) for size in (*SIZES, 500, 1_500)}


@pytest.mark.parametrize("pattern", READS)
def test_every_read_is_answered_as_pandas_does(
    asker: Asker, pandas: dict[int, FlightsInPandas], tables: Tables, pattern: Any
) -> None:
    """Every question of both parts, at every size that is asked: the same rows in the same order, and the digest that a report makes."""
    answers_as_in_pandas(asker.ask, pattern, questions=asker.questions, pandas=pandas, tables=tables, settings=SETTINGS)


def test_answers_are_there_to_be_compared(asker: Asker) -> None:
    """Nothing agrees because nothing is there: some aircraft have more than a page, some flights no weather or plane, some words several airports."""
    pages = [
        asker.ask("aircraft_flights", SIZES[-1], **one)
        for one in asker.questions.of("patterns", "aircraft_flights").parameters
    ]
    everything = [
        asker.ask("flight_with_all", SIZES[-1], **one).rows[0]
        for one in asker.questions.of("patterns", "flight_with_all").parameters
    ]
    found = [
        len(asker.ask("full_text", SIZES[-1], **one).rows)
        for one in asker.questions.of("patterns", "full_text").parameters
    ]
    assert sum(len(page.rows) for page in pages) > 2 * len(pages)
    assert any(row[2] is None for row in everything) and any(row[2] is not None and row[4] > 100 for row in everything)
    assert min(found) >= 1 and max(found) > 10


def test_pages_follow_each_other_by_key_until_one_isnt_full(asker: Asker, tables: Tables) -> None:
    """An aircraft of n flights takes n // 25 + 1 pages: one that is full says nothing of what comes behind it."""
    counts = tables.of(SIZES[-1]).of_aircraft
    (tailnum, most), (fewer, few) = counts.most_common(1)[0], counts.most_common()[-1]
    assert asker.ask("aircraft_flights", SIZES[-1], tailnum=tailnum).round_trips == most // 25 + 1
    assert asker.ask("aircraft_flights", SIZES[-1], tailnum=fewer).round_trips == few // 25 + 1
    unknown = asker.ask("aircraft_flights", SIZES[-1], tailnum="N00000")
    assert (unknown.rows, unknown.round_trips) == ((), 1)


def test_an_aircraft_with_a_full_last_page_has_every_flight_once(asker: Asker, data: dataset.Dataset) -> None:
    """25 flights of one aircraft, moved to one that has none: two pages, the second empty."""
    keys = asker.connection.query(
        f"SELECT flight_key FROM {asker.prefix}flights_{SIZES[-1]} WHERE tailnum IS NOT NULL ORDER BY flight_key LIMIT 25"
    )
    wanted = [key for (key,) in keys]
    was = dict(asker.connection.query(f"SELECT flight_key, tailnum FROM {asker.prefix}flights_{SIZES[-1]}"))
    table = f"{asker.prefix}flights_{SIZES[-1]}"
    for key in wanted:
        asker.connection.execute(f"UPDATE {table} SET tailnum = 'N1NONE' WHERE flight_key = %s", (key,))
    answer = asker.ask("aircraft_flights", SIZES[-1], tailnum="N1NONE")
    for key in wanted:
        asker.connection.execute(f"UPDATE {table} SET tailnum = %s WHERE flight_key = %s", (was[key], key))
    assert [row[0] for row in answer.rows] == wanted[::-1]
    assert answer.round_trips == 2


def test_words_are_found_whole_and_in_any_case(asker: Asker, pandas: dict[int, FlightsInPandas]) -> None:
    """Every word of three letters and more of every airport's name that isn't a stop word, in capitals, is found by all engines alike."""
    words = {
        word for name in pandas[1_000].airports["name"] for word in name.replace("-", " ").replace("/", " ").split()
    }
    words = {
        word
        for word in words
        if word.isalpha() and word.isascii() and len(word) >= 3 and word.lower() not in STOP_WORDS
    }
    assert len(words) > 1_000
    for word in random.Random(1).sample(sorted(words), 150):
        answer = asker.ask("full_text", 1_000, words=word.upper())
        assert list(map(tuple, answer.rows)) == pandas[1_000].full_text(word), word


def test_an_update_under_a_condition_changes_the_row_once(asker: Asker, pandas: dict[int, FlightsInPandas]) -> None:
    """There, refused the second time, and back; each is seen by the read that follows."""
    size = SIZES[0]
    there, back, *_, refused = asker.questions.of("patterns", "update_if").parameters
    key, delay = there["flight_key"], there["expected"]
    (before,) = pandas[size].flight_by_key(key)
    assert before[-1] == delay
    assert asker.ask("update_if", size, **there).rows == ((1,),)
    assert asker.ask("flight_by_key", size, flight_key=key).rows[0] == (*before[:-1], delay + 1)
    assert asker.ask("update_if", size, **there).rows == ((0,),)
    assert asker.ask("update_if", size, **back).rows == ((1,),)
    assert asker.ask("flight_by_key", size, flight_key=key).rows[0] == before
    assert asker.ask("update_if", size, **refused).rows == ((0,),)


def test_a_flight_moves_to_the_other_aircraft_with_all_that_belongs_to_it(
    asker: Asker, pandas: dict[int, FlightsInPandas]
) -> None:
    """It leaves the one list and is in the other, with the other's plane; the next question brings it back."""
    size = SIZES[0]
    there, back, *_ = asker.questions.of("patterns", "move_flight").parameters
    key, tailnum, other = there["flight_key"], there["tailnum"], there["to_tailnum"]
    plane = asker.ask("flight_with_all", size, flight_key=pandas[size].aircraft_flights(other)[0][0]).rows[0][2:5]
    assert asker.ask("move_flight", size, **there).rows == ((1,),)
    assert key in [row[0] for row in asker.ask("aircraft_flights", size, tailnum=other).rows]
    assert key not in [row[0] for row in asker.ask("aircraft_flights", size, tailnum=tailnum).rows]
    assert asker.ask("flight_with_all", size, flight_key=key).rows[0][2:5] == plane
    assert asker.ask("move_flight", size, **there).rows == ((0,),)
    assert asker.ask("move_flight", size, **back).rows == ((1,),)
    for pattern, asked in (
        ("aircraft_flights", {"tailnum": tailnum}),
        ("aircraft_flights", {"tailnum": other}),
        ("flight_with_all", {"flight_key": key}),
    ):
        assert list(asker.ask(pattern, size, **asked).rows) == pandas[size].answer(pattern, asked)


def test_an_attribute_is_added_to_all_flights_and_taken_away_again(
    asker: Asker, pandas: dict[int, FlightsInPandas]
) -> None:
    """As many as have an arr_delay are changed, the others have none; a second time it is the same."""
    size = SETTINGS.attribute_items
    right = pandas[size].on_time()
    for _ in range(2):
        answer = asker.ask("add_attribute", size)
        assert answer.rows == ((sum(value is not None for value in right.values()),),)
        found = dict(asker.connection.query(f"SELECT flight_key, on_time FROM {asker.prefix}widened"))
        assert {key: None if value is None else bool(value) for key, value in found.items()} == right
        asker.store.undo(asker.question("add_attribute", size))
    with pytest.raises(Exception, match="on_time"):
        asker.connection.query(f"SELECT on_time FROM {asker.prefix}widened")


def test_flights_are_loaded_into_an_empty_table(asker: Asker) -> None:
    """All of them, as the tables of flights have them; undone, the table is empty again and takes them once more."""
    size, table = SETTINGS.bulk_items, f"{asker.prefix}bulk"
    for _ in range(2):
        answer = asker.ask("bulk_load", size, flights=size)
        assert answer.rows == ((size,),)
        assert asker.connection.query(f"SELECT count(*) FROM {table}") == [(size,)]
        wrong = f"SELECT count(*) FROM {table} b JOIN {asker.prefix}flights_{SIZES[-1]} f USING (flight_key) WHERE b.distance = f.distance AND b.sched_dep = f.sched_dep"
        assert asker.connection.query(wrong) == [(size,)]
        asker.store.undo(asker.question("bulk_load", size, flights=size))
        assert asker.connection.query(f"SELECT count(*) FROM {table}") == [(0,)]


def test_what_a_broken_trial_left_is_made_good(asker: Asker, pandas: dict[int, FlightsInPandas]) -> None:
    """A write without the one that undoes it: undo alone brings the flight back, whatever else was done to it."""
    size = SIZES[0]
    update, move = (
        asker.questions.of("patterns", "update_if").parameters[0],
        asker.questions.of("patterns", "move_flight").parameters[0],
    )
    for pattern, asked in (("update_if", update), ("move_flight", move)):
        asker.ask(pattern, size, **asked)
        asker.store.undo(asker.question(pattern, size, **asked))
        key = {"flight_key": asked["flight_key"]}
        for read in ("flight_by_key", "flight_with_all"):
            assert list(asker.ask(read, size, **key).rows) == pandas[size].answer(read, key)


def test_a_write_into_a_broken_connection_is_no_answer_and_the_next_one_connects_anew(asker: Asker) -> None:
    """What its slot holds is killed behind its back: the sample's outcome is what a ledger would say of it."""
    postgres, slot = asker.store.name.startswith("postgres"), Slot(1)
    question = asker.question("update_if", SIZES[0], **asker.questions.of("patterns", "update_if").parameters[-1])
    listed = (
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        if postgres
        else "SELECT id FROM information_schema.processlist"
    )
    others = {process for (process,) in asker.connection.query(listed)}
    asker.store.ask(slot, question)
    (own,) = {process for (process,) in asker.connection.query(listed)} - others
    asker.connection.query(f"SELECT pg_terminate_backend({own})") if postgres else asker.connection.execute(
        f"KILL {own}"
    )
    with pytest.raises(Trouble) as caught:
        asker.store.ask(slot, question)
    assert caught.value.outcome in ("ambiguous", "error") and caught.value.code in ("57P01", "2013", "2006")
    assert asker.store.ask(slot, question).rows == ((0,),)
    slot.close()


class Told:
    """A connection that writes down what it is asked."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection, self.engine = connection, connection.engine
        self.asked: list[tuple[str, Any]] = []

    def query(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        self.asked.append((sql, params))
        return self._connection.query(sql, params)


PLANS = {
    "flight_by_key": ("pkey", "PRIMARY"), "aircraft_flights": ("by_tailnum", "by_tailnum"), "airport_day": ("by_dest", "by_dest"),
    "flight_with_all": ("pkey", "PRIMARY"), "carrier_month_delays": ("by_month", "by_month"), "top_routes": ("by_route", "by_route"),
    "ad_hoc": ("Seq Scan on", "'index', None, 'PRIMARY'"), "full_text": ("by_words", "by_words"),
}  # fmt: skip


@pytest.mark.parametrize("pattern", PLANS)
def test_planners_go_the_way_that_is_said(asker: Asker, pattern: Any) -> None:
    """The index that ``needed`` names is in the plan of what is asked, and none but the table's own order where a full scan is named.

    All these flights are one month's: PostgreSQL would read the whole table for it, were it let.
    """
    told = Told(asker.connection)
    answers = Answers(told, Names(flat=bool(asker.prefix)), lambda size: None)  # type: ignore[arg-type]
    parameters = asker.questions.of("patterns", pattern).parameters[0]
    answers.ask(asker.question(pattern, SIZES[-1], **parameters))
    statement, params = told.asked[0]
    if pattern == "carrier_month_delays" and told.engine == "postgres":
        asker.connection.execute("SET enable_seqscan = off")
    plan = "\n".join(str(row) for row in asker.connection.query(f"EXPLAIN {statement}", params))
    if told.engine == "postgres":
        asker.connection.execute("RESET enable_seqscan")
    word = PLANS[pattern][told.engine == "mysql"]
    assert word in plan, plan
    needed = asker.store.needed(pattern).words
    assert (word if word.startswith("by_") else "full scan" if pattern == "ad_hoc" else "primary key") in needed


def test_an_arm_says_what_it_is_and_what_it_needs(asker: Asker) -> None:
    """Its statements make the tables that are asked; nothing is beyond it; isolation is named for every pattern."""
    schema = asker.store.schema()
    assert schema.ddl[0].startswith(f"CREATE TABLE {asker.prefix}flights (flight_key varchar")
    assert {"by_tailnum", "by_dest", "by_month", "by_route", "by_words"} < set(schema.indexes)
    tables = [statement for statement in schema.ddl if statement.startswith("CREATE TABLE")]
    assert len(tables) == (2 if asker.prefix else 5)
    isolation = "read committed" if asker.store.name.startswith("postgres") else "repeatable read"
    for pattern in PATTERNS.values():
        needed = asker.store.needed(pattern.name)
        assert asker.store.cannot(pattern.name) is None
        assert needed.words and needed.requests and needed.consistency.startswith(isolation)
    assert asker.store.needed("ad_hoc").words == "full scan"


def test_the_data_is_as_it_was(asker: Asker) -> None:
    """After all that the tests above wrote, or after nothing: every row of every table that is asked."""
    assert [len(rows) for rows in asker.at_first] == list(SIZES)
    assert asker.everything() == asker.at_first
