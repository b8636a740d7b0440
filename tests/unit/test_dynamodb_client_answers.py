"""Whole answers and whole tables over fake connections: sums, early stops, retries."""

import itertools
import threading

import orjson
import pytest

from harness.dynamodb.answers import (
    Answer,
    batch_get_all,
    bulk_load,
    consumed_units,
    get_each,
    query_all,
    scan_all,
    scan_in_parallel,
    together,
    whole,
)
from harness.dynamodb.client import Ambiguous, Response
from harness.errors import CannotMeasure

THROTTLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "ThrottlingReasons": [{"reason": "TableWriteProvisionedThroughputExceeded", "resource": "arn"}],
}


class FakeClient:
    """Gives the scripted answers in turn and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def call(self, operation, payload):
        payload = orjson.loads(payload) if isinstance(payload, bytes) else dict(payload)
        self.asked.append((operation, payload))
        status, body = self.answers.pop(0)
        return Response(status, orjson.dumps(body))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def page(items, scanned, units, last=None, index_units=None):
    consumed = {"TableName": "t", "CapacityUnits": units}
    if index_units is not None:
        consumed["GlobalSecondaryIndexes"] = {"by_dest": {"CapacityUnits": index_units}}
    body = {"Items": items, "Count": len(items), "ScannedCount": scanned, "ConsumedCapacity": consumed}
    return 200, body | ({"LastEvaluatedKey": last} if last else {})


def size(*pages):
    return sum(len(orjson.dumps(body)) for _, body in pages)


def test_pages_are_followed_and_summed():
    """Three pages, one of them empty (A6), add up, and each goes on where the last ended."""
    pages = (
        page([{"k": {"S": "1"}}], 40, 128.5, {"k": {"S": "1"}}),
        page([], 40, 128.5, {"k": {"S": "2"}}),
        page([{"k": {"S": "3"}}, {"k": {"S": "4"}}], 7, 3.0),
    )
    client = FakeClient(*pages)
    answer = scan_all(client, {"TableName": "t"}, keep=whole)
    assert answer == Answer(
        outcome="ok",
        error_code=None,
        reason=None,
        read_units=260.0,
        index_units=None,
        pages=3,
        items_returned=3,
        items_scanned=87,
        bytes_count=size(*pages),
        items=({"k": {"S": "1"}}, {"k": {"S": "3"}}, {"k": {"S": "4"}}),
    )
    assert [payload.get("ExclusiveStartKey") for _, payload in client.asked] == [
        None,
        {"k": {"S": "1"}},
        {"k": {"S": "2"}},
    ]


def test_a_throttled_page_ends_the_answer():
    """What came before the throttle is summed, the outcome says the answer is incomplete."""
    client = FakeClient(page([{"k": {"S": "1"}}], 1, 128.5, {"k": {"S": "1"}}), (400, THROTTLED))
    answer = query_all(client, {"TableName": "t"})
    assert (answer.outcome, answer.pages, answer.read_units, answer.items_returned) == (
        "throttled",
        2,
        128.5,
        1,
    )
    assert answer.error_code == "ProvisionedThroughputExceededException"
    assert answer.reason == "TableWriteProvisionedThroughputExceeded"


def test_an_indexs_units_are_told_apart():
    """A Query of a GSI consumes the index's units, which are part of the whole."""
    answer = query_all(FakeClient(page([], 0, 2.5, index_units=2.5)), {"TableName": "t", "IndexName": "by_dest"})
    assert (answer.read_units, answer.index_units) == (2.5, 2.5)


def test_the_callers_payload_is_left_as_it_was():
    """Paging neither adds a start key to the caller's dictionary nor overrides what it asks for."""
    payload = {"TableName": "t", "ReturnConsumedCapacity": "TOTAL"}
    client = FakeClient(page([], 1, 1.0, {"k": {"S": "1"}}), page([], 1, 1.0))
    scan_all(client, payload)
    assert payload == {"TableName": "t", "ReturnConsumedCapacity": "TOTAL"}
    assert client.asked[1][1]["ReturnConsumedCapacity"] == "TOTAL"


def batch(keys, units, left=()):
    """A BatchGetItem's answer: these keys' items, and those it didn't get to."""
    unprocessed = {"t": {"Keys": [{"k": {"S": one}} for one in left]}} if left else {}
    consumed = [{"TableName": "t", "CapacityUnits": units}]
    items = [{"k": {"S": one}} for one in keys]
    return 200, {"Responses": {"t": items}, "UnprocessedKeys": unprocessed, "ConsumedCapacity": consumed}


def test_a_batch_asks_for_a_hundred_keys_and_again_for_what_was_left_over():
    """150 keys: a hundred, of which the service leaves two (A3), then those two before the other fifty."""
    names = [str(number) for number in range(150)]
    client = FakeClient(batch(names[:98], 49.0, left=names[98:100]), batch(names[98:], 26.0))
    answer = batch_get_all(client, "t", [{"k": {"S": one}} for one in names], strong=True, keep=whole)
    assert (answer.outcome, answer.read_units, answer.pages, answer.items_returned) == ("ok", 75.0, 2, 150)
    assert sorted(item["k"]["S"] for item in answer.items) == sorted(names)
    asked = [payload["RequestItems"]["t"] for _, payload in client.asked]
    assert [len(one["Keys"]) for one in asked] == [100, 52]
    assert {key["k"]["S"] for key in asked[1]["Keys"]} == set(names[98:])
    assert all(one["ConsistentRead"] for one in asked)


def test_getting_one_by_one_skips_what_isnt_there_and_ends_at_a_throttle():
    """Three keys: an item, none (it still costs, A1), and a refusal, after which the fourth isn't asked for."""

    def got(units, **item):
        return 200, {**item, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": units}}

    client = FakeClient(got(0.5, Item={"k": {"S": "1"}}), got(0.5), (400, THROTTLED), got(0.5))
    answer = get_each(client, "t", [{"k": {"S": str(number)}} for number in range(1, 5)], keep=whole)
    assert (answer.outcome, answer.read_units, answer.pages) == ("throttled", 1.0, 3)
    assert (answer.items, answer.items_returned) == (({"k": {"S": "1"}},), 1)


def test_segments_are_scanned_over_a_connection_each():
    """Two clients, two segments of two; their pages add up."""
    clients = [
        FakeClient(page([{"k": {"S": "1"}}], 5, 1.5)),
        FakeClient(page([], 3, 1.0, {"k": {"S": "2"}}), page([], 1, 0.5)),
    ]
    answer = scan_in_parallel(clients, {"TableName": "t"})
    assert (answer.read_units, answer.pages, answer.items_scanned, answer.items_returned) == (3.0, 3, 9, 1)
    for number, client in enumerate(clients):
        assert {(p["Segment"], p["TotalSegments"]) for _, p in client.asked} == {(number, 2)}


def test_the_first_part_that_isnt_ok_ends_an_answer():
    """What follows it is never asked for; without any part there is no answer."""

    def parts():
        yield query_all(FakeClient(page([], 1, 1.0, index_units=1.0)), {"TableName": "t"})
        yield query_all(FakeClient((400, THROTTLED)), {"TableName": "t"})
        raise AssertionError("asked for more")

    answer = together(parts())
    assert (answer.outcome, answer.read_units, answer.index_units, answer.pages) == ("throttled", 1.0, 1.0, 2)
    with pytest.raises(ValueError, match="at least one part"):
        together([])


def test_units_that_werent_asked_for_are_unknown():
    """No ConsumedCapacity in the answer is None, never zero."""
    assert consumed_units({"Count": 1}) == (None, None)
    assert consumed_units({"ConsumedCapacity": {"CapacityUnits": 0.5}}) == (0.5, None)


def items(n):
    return [{"k": {"S": str(i)}} for i in range(n)]


def written(client):
    batches = [payload["RequestItems"]["t"] for _, payload in client.asked]
    return [[request["PutRequest"]["Item"]["k"]["S"] for request in batch] for batch in batches]


def test_items_are_put_25_a_batch():
    """60 items go out as 25, 25 and 10, dictionaries and serialised ones alike."""
    mixed = [item if i % 2 else orjson.dumps(item) for i, item in enumerate(items(60))]
    client = FakeClient(*[(200, {})] * 3)
    assert bulk_load(lambda: client, "t", mixed, concurrency=1) == 60
    assert [len(batch) for batch in written(client)] == [25, 25, 10]
    assert list(itertools.chain(*written(client))) == [str(i) for i in range(60)]


def test_unprocessed_items_and_throttled_batches_are_sent_again():
    """Only the unprocessed are repeated after a partial answer, all after a throttle; pauses grow (A3)."""
    left = {"UnprocessedItems": {"t": [{"PutRequest": {"Item": {"k": {"S": "2"}}}}]}}
    client = FakeClient((200, left), (400, THROTTLED), (200, {"UnprocessedItems": {}}))
    pauses = []
    assert bulk_load(lambda: client, "t", items(3), concurrency=1, sleep=pauses.append) == 3
    assert written(client) == [["0", "1", "2"], ["2"], ["2"]]
    assert pauses == [0.05, 0.1]


def test_a_table_that_keeps_refusing_ends_the_load():
    """After 12 attempts the error says what to do."""
    client = FakeClient(*[(400, THROTTLED)] * 12)
    with pytest.raises(CannotMeasure, match="3 items still refused after 12 attempts; load with more write"):
        bulk_load(lambda: client, "t", items(3), concurrency=1, sleep=lambda _: None)


def test_a_refusal_ends_the_load_with_what_the_service_said():
    """An error is not tried again."""
    refusal = (400, {"__type": "x#ResourceNotFoundException", "message": "no such table"})
    with pytest.raises(CannotMeasure, match="loading t: ResourceNotFoundException: no such table"):
        bulk_load(lambda: FakeClient(refusal), "t", items(3), concurrency=1)


def test_one_failing_worker_stops_the_others():
    """A broken connection ends the whole load: the other worker doesn't go on through endless items."""
    broke = threading.Event()

    class Breaking(FakeClient):
        def call(self, operation, payload):
            broke.set()
            raise Ambiguous("connection broke")

    class Writing(FakeClient):
        def call(self, operation, payload):
            broke.wait(5)
            return Response(200, b"{}")

    clients = iter([Breaking(), Writing()])
    with pytest.raises(Ambiguous):
        bulk_load(lambda: next(clients), "t", itertools.repeat({"k": {"S": "1"}}), concurrency=2)
