"""Access paths: what each asks, over which connections, and what an application would have to know for it."""

from typing import Any

import orjson

from harness.dynamodb.accesses import Connections, GetItem, Pace, Query, QueryThenBatchGet, Question, Scan, row_of
from harness.dynamodb.client import Response

EMPTY = {"Items": [], "Count": 0, "ScannedCount": 0}
ROUTE = Question(
    table="flights", where={"tailnum": ("N1",), "dest": ("MIA",)}, attributes=("flight_key", "dep_delay"),
    keys=({"tailnum": {"S": "N1"}},),
)  # fmt: skip
SOME = Question(table="flights", where={"tailnum": ("N1", "N3", "N7")}, attributes=("flight_key",))


class Recording:
    """Answers everything in the same way and keeps what it was asked."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body, self.asked, self.closed = body, list[tuple[str, dict[str, Any]]](), False

    def call(self, operation: str, payload: dict[str, Any] | bytes) -> Response:
        assert isinstance(payload, dict)
        self.asked.append((operation, payload))
        return Response(200, orjson.dumps(self.body))

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def asked_by(access: Any, question: Question, body: dict[str, Any] = EMPTY) -> list[tuple[str, dict[str, Any]]]:
    """What an access path asks, over whichever connection."""
    made: list[Recording] = []

    def make() -> Recording:
        made.append(Recording(body))
        return made[-1]

    access(Connections(make, 4), question)
    return [one for client in made for one in client.asked]


def test_a_query_leaves_to_a_filter_what_its_key_doesnt_say() -> None:
    """Of a route the table's key says the aircraft; an index on both says all, and no filter is left."""
    ((_, by_table),) = asked_by(Query(), ROUTE)
    assert by_table["KeyConditionExpression"] == "#tailnum = :tailnum"
    assert by_table["FilterExpression"] == "#dest = :dest"
    ((_, by_index),) = asked_by(Query(key=("tailnum", "dest"), index="both", fetched=True, strong=True), ROUTE)
    assert by_index["KeyConditionExpression"] == "#tailnum = :tailnum AND #dest = :dest"
    assert "FilterExpression" not in by_index
    assert (by_index["IndexName"], by_index["ConsistentRead"]) == ("both", True)
    assert by_index["ProjectionExpression"] == "#flight_key, #dep_delay"
    assert by_index["ExpressionAttributeNames"].keys() == {"#tailnum", "#dest", "#flight_key", "#dep_delay"}


def test_a_range_is_one_query_a_key_and_one_filter_of_a_scan() -> None:
    """Three aircraft: three Queries, each for one; the Scan asks from the first to the last."""
    queries = asked_by(Query(), SOME)
    assert [p["ExpressionAttributeValues"] for _, p in queries] == [
        {":tailnum": {"S": one}} for one in ("N1", "N3", "N7")
    ]
    ((operation, scan),) = asked_by(Scan(), SOME)
    assert (operation, scan["FilterExpression"]) == ("Scan", "#tailnum BETWEEN :tailnum_first AND :tailnum_last")
    assert scan["ExpressionAttributeValues"] == {":tailnum_first": {"S": "N1"}, ":tailnum_last": {"S": "N7"}}


def test_a_scan_may_ask_for_less_in_the_answer_or_for_a_count() -> None:
    """Projection and COUNT are asked of the service; neither changes what is evaluated (A5)."""
    ((_, projected),) = asked_by(Scan(projected=True), SOME)
    ((_, counted),) = asked_by(Scan(counted=True), SOME)
    assert projected["ProjectionExpression"] == "#flight_key"
    assert counted["Select"] == "COUNT"


def test_a_parallel_scan_takes_a_connection_a_segment() -> None:
    """Three of the four connections, one request over each."""
    parts = asked_by(Scan(segments=3), SOME)
    assert sorted((p["Segment"], p["TotalSegments"]) for _, p in parts) == [(0, 3), (1, 3), (2, 3)]


def test_an_index_of_keys_is_followed_by_a_batch_only_where_it_found_something() -> None:
    """Two entries: their primary keys are asked for; none: no batch."""
    access = QueryThenBatchGet(key=("dest",), index="keys", primary=("tailnum",))
    where = Question(table="flights", where={"dest": ("MIA",)}, attributes=("flight_key",))
    entries = [{"tailnum": {"S": one}, "dest": {"S": "MIA"}} for one in ("N1", "N2")]
    found = {"Items": entries, "Count": 2, "ScannedCount": 2, "Responses": {"flights": entries}}
    assert asked_by(access, where, found)[1] == (
        "BatchGetItem",
        {
            "RequestItems": {"flights": {"Keys": [{"tailnum": {"S": "N1"}}, {"tailnum": {"S": "N2"}}], "ConsistentRead": False}},
            "ReturnConsumedCapacity": "TOTAL",
        },
    )  # fmt: skip
    assert [operation for operation, _ in asked_by(access, where)] == ["Query"]


def test_get_asks_for_the_keys_that_it_is_told() -> None:
    """One key, read as it is asked to be."""
    ((operation, payload),) = asked_by(GetItem(strong=True), ROUTE, {"Item": {}})
    assert (operation, payload["Key"], payload["ConsistentRead"]) == ("GetItem", {"tailnum": {"S": "N1"}}, True)


def test_connections_are_one_client_and_close_together() -> None:
    """Calls go over the first."""
    made = Connections(lambda: Recording(EMPTY), 3)
    with made as client:
        client.call("Scan", {})
    assert [len(one.asked) for one in made.each] == [1, 0, 0]  # type: ignore[attr-defined]
    assert all(one.closed for one in made.each)  # type: ignore[attr-defined]


def test_a_pace_makes_each_page_wait_until_those_before_it_are_paid_for() -> None:
    """10 units a second: 5 units at 0 s free the next page at 0.5 s; asked at 2 s, 5 more free one at 2.5 s, not earlier."""
    pace = Pace(units_per_s=10.0)
    assert pace.due_s == 0
    pace.spent(5.0, 0.0)
    assert pace.due_s == 0.5
    pace.spent(5.0, 2.0)
    assert pace.due_s == 2.5
    pace.spent(5.0, 2.0)
    assert pace.due_s == 3.0


def test_a_row_is_what_is_asked_of_an_item_and_none_where_it_lacks_it() -> None:
    """A cancelled flight has no delays."""
    item = {"flight_key": {"S": "2013-01-01T05:15#UA#1545"}, "arr_delay": {"N": "-7"}}
    assert row_of(item, ("flight_key", "dep_delay", "arr_delay")) == ("2013-01-01T05:15#UA#1545", None, "-7")
