"""query_vs_scan: its plan has every part's cells and no others, and an answer that is wrong is an error, however fast."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from twin_in_process import InProcess, unhurried

from harness.config import Config
from harness.dynamodb.accesses import Connections
from harness.dynamodb.answers import bulk_load
from harness.dynamodb.query_settings import QueryVsScanSettings
from harness.errors import UsageError
from harness.flights import table_definition
from harness.local.services import LocalServices, State
from harness.plan import Trial
from harness.scenario import Context, Slot, Ticket
from scenarios.query_vs_scan import ALL_INDEXES, QueryVsScan, table_name

NOWHERE: Any = None
FEW = {"table_items": (500, 2000), "item_size_items": 500, "answer_shares": (0.001, 1.0), "most_keys": 100, "pairs": 2}


def scenario(**settings: Any) -> QueryVsScan:
    """The scenario with its questions chosen, and no services."""
    context = Context(
        config=Config(), services=LocalServices(None, State(control="", dynamodb_url="http://127.0.0.1:1"), {}),
        events=NOWHERE, slots=32,
    )  # fmt: skip
    made = QueryVsScan(QueryVsScanSettings.model_validate(FEW | settings), context)
    made.attach()
    return made


@pytest.fixture(scope="module")
def planned() -> list[Trial]:
    return scenario().plan()


def cells(trials: list[Trial]) -> dict[tuple[str, str, str], set[str]]:
    """(part, question, step) -> arms."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for trial in trials:
        found.setdefault((trial.labels["part"], trial.labels["question"], trial.step), set()).add(trial.arm)
    return found


def test_the_plan_has_every_cell_of_every_part_twice(planned: list[Trial]) -> None:
    """Two rounds: 13 arms for aircraft, 4 for airport, 6 for route; two sizes; two shares; four sizes of items …"""
    found = cells(planned)
    gets = {f"{how}{strong}" for how in ("query", "get_item", "batch_get", "scan") for strong in ("", "_strong")}
    scans = {"scan_projection", "scan_count", "parallel_scan_2", "parallel_scan_4", "parallel_scan_8"}
    local = {f"{how}{strong}" for how in ("lsi_include", "lsi_fetch") for strong in ("", "_strong")}
    writes = {"no_index", "keys_only", "include", "all"}
    assert found == {
        ("arms", "aircraft", "2000"): gets | scans,
        ("arms", "airport", "2000"): {"gsi_all", "gsi_include", "gsi_keys_only", "scan"},
        ("arms", "route", "2000"): local | {"query_filter", "scan"},
        **{("table_items", "aircraft", size): {"query", "scan"} for size in ("500", "2000")},
        **{("table_items", "airport", size): {"gsi_all", "scan"} for size in ("500", "2000")},
        ("answer_share", "range", "0.001"): {"query", "batch_get", "get_item", "scan"},
        ("answer_share", "range", "1"): {"query", "scan"},
        **{("item_bytes", "aircraft", size): {"query", "batch_get", "scan"} for size in ("narrow", "as_is", "2048", "20480")},
        **{("index_writes", question, "by_dest"): writes for question in ("new_flight", "changed_delay", "moved")},
        ("neighbour", "neighbour", "scan_beside"): {"alone", "scan", "paced_scan", "parallel_scan_off_peak", "gsi_query"},
    }  # fmt: skip
    assert len(planned) == 2 * sum(map(len, found.values()))


def test_trials_say_what_their_step_stands_for(planned: list[Trial]) -> None:
    """Sizes, shares and rates as numbers; a share exactly, as whole aircraft come; an index's entry by its arm."""

    def of(**wanted: str) -> list[Trial]:
        return [
            t
            for t in planned
            if all(wanted[name] == (t.labels | {"step": t.step, "arm": t.arm})[name] for name in wanted)
        ]

    (share, *_) = of(part="answer_share", step="0.001")
    assert share.params["table_items"] == 2000
    assert share.params["answer_share"] == share.params["answer_items"] / 2000 == 0.001
    sizes = {t.step: t.params["mean_item_bytes"] for t in of(part="item_bytes")}
    assert sizes["20480"] == 20_480 and sizes["2048"] == 2_048
    assert 61 < sizes["narrow"] < sizes["as_is"] < 300
    entries = {t.arm: t.params["index_entry_bytes"] for t in of(part="index_writes", question="moved")}
    assert 0 == entries["no_index"] < entries["keys_only"] < entries["include"] < entries["all"]
    (beside, *_) = of(part="neighbour")
    assert entries["all"] == of(part="index_writes")[0].params["item_bytes"]
    # 8 s at 50 units: 130 GetItems in the busy half (65 %), 70 in the quiet one; a quarter of 50 for a paced Scan.
    assert (beside.params["neighbours_per_s"], beside.params["paced_units_per_s"]) == (25.0, 12.5)


def test_fewer_parts_take_fewer_tables_and_a_twin_that_others_may_use() -> None:
    """Only what a chosen part asks: one index while the table grows, none for shares of it, its own twin for neighbours."""
    assert scenario(parts=["table_items"])._tables.keys() == {500, 2000}
    assert scenario(parts=["answer_share"])._tables == {2000: ()}
    assert scenario(parts=["item_bytes", "index_writes"])._tables == {}
    assert len(scenario()._tables[2000]) == 5
    assert {trial.labels["part"] for trial in scenario(parts=["item_bytes"]).plan()} == {"item_bytes"}
    assert QueryVsScan.needs(QueryVsScanSettings()).dynamodb_own
    assert not QueryVsScan.needs(QueryVsScanSettings(parts=("arms",))).dynamodb_own


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"answer_shares": [0.5, 1.5]}, "less than or equal to 1"),
        ({"answer_shares": [0.5, 0.5]}, "has 0.5 more than once"),
        ({"answer_shares": []}, "at least 1"),
        ({"item_sizes": [100]}, "narrow, as_is or 512 to 409600 bytes"),
        ({"item_sizes": ["wide"]}, "narrow, as_is or 512 to 409600 bytes"),
        ({"item_sizes": []}, "at least 1"),
        ({"segments": [65]}, "less than or equal to 64"),
        ({"trial_s": float("inf")}, "finite"),
        ({"parts": ["arm"]}, "arms"),
        ({"parts": []}, "at least 1"),
        ({"index_write_items": 50, "index_writes": 50}, "at least the 51 writes of a trial"),
    ],
)
def test_settings_that_cant_be_measured_are_refused(wrong: dict[str, Any], says: str) -> None:
    """With what would be right."""
    with pytest.raises(ValidationError, match=says):
        QueryVsScanSettings.model_validate(wrong)


def test_no_segments_are_no_parallel_scans() -> None:
    """And one connection a slot is enough."""
    made = scenario(parts=["arms"], segments=[])
    assert not [trial for trial in made.plan() if trial.arm.startswith("parallel")]
    with made._measured() as clients:
        assert len(clients.each) == 1


@pytest.mark.parametrize("key", ["table_items", "neighbour_items"])
def test_more_flights_than_the_months_hold_are_named_by_their_key(key: str) -> None:
    """January has 27,004."""
    value: Any = [30_000] if key == "table_items" else 30_000
    with pytest.raises(UsageError, match=f"query_vs_scan.{key}: 30000 flights asked for, months hold 27004; lower"):
        scenario(**{key: value})


class Asking:
    """The tickets of a trial, done one after the other over a twin in this process that holds the base cell's table."""

    def __init__(self, made: QueryVsScan) -> None:
        service = unhurried()
        table = table_name(2000)
        definition = table_definition(table, by_dest=False, indexes=ALL_INDEXES)
        assert InProcess(service).call("CreateTable", definition).status == 200
        items = made._items(500)  # the asked-for flights come first
        bulk_load(lambda: InProcess(service), table, items, concurrency=1)
        self.slot, self._made = Slot(0), made
        self.client = self.slot.hold("dynamodb", lambda: Connections(lambda: InProcess(service), 8))

    def tickets(self, arm: str, question: str) -> Iterator[Ticket]:
        trial = next(
            t for t in self._made.plan()
            if (t.arm, t.labels["question"], t.labels["part"]) == (arm, question, "arms")
        )  # fmt: skip
        return iter(self._made.begin(trial).streams[0].tickets)


@pytest.fixture(scope="module")
def asking() -> Asking:
    return Asking(scenario(parts=["arms"], trial_s=0.001, least_answers=3, item_size_items=500))


@pytest.mark.parametrize(
    ("arm", "question"),
    [("query", "aircraft"), ("scan_count", "aircraft"), ("lsi_fetch", "route"), ("gsi_keys_only", "airport")],
)
def test_whole_answers_are_rows(asking: Asking, arm: str, question: str) -> None:
    """One to warm up, then at least as many as asked for; each says how many requests it took."""
    tickets, rows = asking.tickets(arm, question), []
    for ticket in tickets:
        seen = ticket.act(asking.slot)
        rows.append((ticket.warm_up, seen.outcome, seen.reason))
        assert seen.extra == {"question": question, "role": "report", "round_trips": seen.pages}
        assert ticket.op == ("Scan" if arm == "scan_count" else "Query")
    assert rows[0] == (True, "ok", None)
    if arm == "scan_count":
        assert len(rows) >= 1 + 2
    else:  # each of the eight aircraft or two airports as often as the others
        assert len(rows) >= 1 + 3 and (len(rows) - 1) % (2 if question == "airport" else 8) == 0
    assert set(rows[1:]) == {(False, "ok", None)}


def test_an_answer_with_a_flight_too_few_or_another_one_is_wrong(asking: Asking) -> None:
    """A flight deleted: every answer that lacks it. Another in its place: the answers that are looked at item by item."""
    rng = random.Random(1)
    tickets = list(asking.tickets("scan", "airport"))
    warm_up, measured = next(t for t in tickets if t.warm_up), next(t for t in tickets if not t.warm_up)
    assert warm_up.act(asking.slot).outcome == measured.act(asking.slot).outcome == "ok"
    scanned = asking.client.call("Scan", {"TableName": table_name(2000)}).body["Items"]
    dests = {one.question.where["dest"][0] for one in asking._made.small.airport}
    gone = [item for item in scanned if item["dest"]["S"] in dests]
    assert gone
    for item in gone:
        keys = {name: item[name] for name in ("tailnum", "flight_key")}
        asking.client.call("DeleteItem", {"TableName": table_name(2000), "Key": keys})
    for ticket in (warm_up, measured):
        seen = ticket.act(asking.slot)
        assert (seen.outcome, seen.error_code) == ("error", "WrongAnswer")
        assert seen.reason is not None and seen.reason.startswith("0 items, not ")
    for item in gone:
        put = item | {"arr_delay": {"N": str(rng.randrange(5000, 6000))}}
        asking.client.call("PutItem", {"TableName": table_name(2000), "Item": put})
    assert measured.act(asking.slot).outcome == "ok"
    seen = warm_up.act(asking.slot)
    assert (seen.outcome, seen.error_code, seen.reason) == ("error", "WrongAnswer", "other items than were asked for")
