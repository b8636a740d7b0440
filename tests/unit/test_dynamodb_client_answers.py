"""Whole answers and whole tables over fake connections: sums, early stops, retries."""

import itertools
import threading

import orjson
import pytest

from harness.dynamodb.answers import Answer, bulk_load, consumed_units, query_all, scan_all
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
    answer = scan_all(client, {"TableName": "t"}, keep_items=True)
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
