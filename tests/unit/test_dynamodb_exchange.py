"""What comes of the DynamoDB arm's requests when they are refused, throttled, or break: by a client that answers as told."""

import math
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from harness.dynamodb.client import Ambiguous, ConnectFailed, Response, TimedOut
from harness.stores_compared.dynamodb import answers, writes
from harness.stores_compared.dynamodb.exchange import Exchange
from harness.stores_compared.store import Question, Trouble

KEY = {"tailnum": {"S": "N1"}, "flight_key": {"S": "k"}}


def granted(**body: Any) -> Response:
    return Response(200, orjson.dumps(body))


def refused(code: str, **body: Any) -> Response:
    return Response(400, orjson.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **body}))


def consumed(units: float, *indexes: float) -> dict[str, Any]:
    of_indexes = {f"i{number}": {"CapacityUnits": each} for number, each in enumerate(indexes)}
    return {"TableName": "t", "CapacityUnits": units, "GlobalSecondaryIndexes": of_indexes}


class Client:
    """Gives the answers in turn, or raises them; keeps what it was asked."""

    def __init__(self, *answers: Response | Exception) -> None:
        self._answers, self.asked = list(answers), list[tuple[str, dict[str, Any]]]()

    def call(self, operation: str, payload: Any) -> Response:
        self.asked.append((operation, orjson.loads(orjson.dumps(payload))))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def question(pattern: Any, **parameters: Any) -> Question:
    return Question(pattern=pattern, number=0, parameters=parameters, flights=1)


UPDATE = question("update_if", flight_key="k", expected=1, new=2)
FOUND = granted(Items=[KEY], Count=1, ScannedCount=1, ConsumedCapacity=consumed(0.5, 0.5))


def exchange(*answers: Response | Exception) -> tuple[Client, Exchange]:
    client: Any = Client(*answers)
    return client, Exchange(client)


def test_what_an_answer_took_is_the_sum_of_its_requests() -> None:
    """Half a unit of an index read, 2 written of which 1 is the index's: apart, and the indexes' part of both together."""
    client, made = exchange(FOUND, granted(ConsumedCapacity=consumed(2.0, 1.0)))
    asked = writes.update_if(made, "t", UPDATE)
    assert (asked.rows, asked.round_trips, asked.pages, asked.items_scanned) == (((1,),), 2, 1, 1)
    assert (asked.read_units, asked.write_units, asked.index_units) == (0.5, 2.0, 1.5)
    assert [operation for operation, _ in client.asked] == ["Query", "UpdateItem"]
    assert asked.bytes == FOUND.bytes_count + len(orjson.dumps({"ConsumedCapacity": consumed(2.0, 1.0)}))


@pytest.mark.parametrize(("pad", "units"), [(10, 1.0), (1_200, 2.0)])
def test_a_refused_condition_is_paid_for_by_the_item_that_was_there(pad: int, units: float) -> None:
    """A11: 1 up to 1 KB, 2 for a larger one; no answer says so, the item that came back does."""
    there = KEY | {"arr_delay": {"N": "7"}, "pad": {"S": "x" * pad}}
    client, made = exchange(FOUND, refused("ConditionalCheckFailedException", Item=there))
    asked = writes.update_if(made, "t", UPDATE)
    assert (asked.rows, asked.write_units, asked.index_units) == (((0,),), units, 0.5)
    assert client.asked[1][1]["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


@pytest.mark.parametrize(
    ("trouble", "outcome", "code"),
    [
        (Ambiguous("broke"), "ambiguous", "Ambiguous"),
        (TimedOut("late", sent=True), "ambiguous", "TimedOut"),
        (ConnectFailed("nobody"), "error", "ConnectFailed"),
        (refused("ProvisionedThroughputExceededException"), "throttled", "ProvisionedThroughputExceededException"),
        (refused("ValidationException"), "error", "ValidationException"),
    ],
)
def test_a_write_that_was_not_granted_is_no_answer(trouble: Response | Exception, outcome: str, code: str) -> None:
    """What was sent and not answered may have happened (D6); throttling has its own word (B9)."""
    _, made = exchange(FOUND, trouble)
    with pytest.raises(Trouble) as caught:
        writes.update_if(made, "t", UPDATE)
    assert (caught.value.outcome, caught.value.code) == (outcome, code)


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (Ambiguous("broke"), "error"),
        (TimedOut("late", sent=True), "timeout"),
        (refused("RequestLimitExceeded"), "throttled"),
    ],
)
def test_a_read_that_breaks_half_way_is_no_answer(trouble: Response | Exception, outcome: str) -> None:
    """The first page came, the second didn't."""
    page = granted(Items=[], Count=0, ScannedCount=9, LastEvaluatedKey=KEY, ConsumedCapacity=consumed(128.5))
    _, made = exchange(page, trouble)
    with pytest.raises(Trouble) as caught:
        answers.ad_hoc(made, "t", question("ad_hoc", least_distance=1, least_arr_delay=1))
    assert caught.value.outcome == outcome


def puts(*items: str) -> list[dict[str, Any]]:
    return [{"PutRequest": {"Item": {"tailnum": {"S": item}}}} for item in items]


def loaded(left: list[dict[str, Any]] | None = None) -> Response:
    return granted(ConsumedCapacity=[consumed(4.0, 1.0, 1.0, 1.0)], UnprocessedItems={"t": left} if left else {})


def load(made: Exchange, count: int, sleep: Callable[[float], None]) -> Any:
    return writes.bulk_load(made, "t", [b'{"tailnum":{"S":"N%d"}}' % number for number in range(count)], sleep)


def test_what_comes_back_unprocessed_is_sent_again_after_a_pause_that_grows() -> None:
    """30 items: 25, of which two come back, 5 + 2, of which one comes back, and that one: 3 requests, 50 and 100 ms of pauses (A3)."""
    slept: list[float] = []
    client, made = exchange(loaded(puts("N3", "N9")), loaded(puts("N9")), loaded())
    asked = load(made, 30, slept.append)
    assert (asked.rows, asked.round_trips, slept) == (((30,),), 3, [0.05, 0.1])
    assert (asked.write_units, asked.index_units) == (12.0, 9.0)
    assert math.isnan(asked.read_units)
    sent = [
        [one["PutRequest"]["Item"]["tailnum"]["S"] for one in payload["RequestItems"]["t"]]
        for _, payload in client.asked
    ]
    assert sent == [[f"N{n}" for n in range(25)], ["N25", "N26", "N27", "N28", "N29", "N3", "N9"], ["N9"]]


def test_a_load_that_is_throttled_whole_ends() -> None:
    _, made = exchange(loaded(), refused("ProvisionedThroughputExceededException"))
    with pytest.raises(Trouble) as caught:
        load(made, 30, lambda _: None)
    assert caught.value.outcome == "throttled"


def test_a_flight_that_changed_since_it_was_read_is_not_moved() -> None:
    """Both halves of the transaction are conditional: on the delay that was read, or on there being none, and on an empty place."""
    for flight, condition in (
        (KEY | {"arr_delay": {"N": "7"}}, "arr_delay = :arr_delay"),
        (KEY, "attribute_exists(flight_key) AND attribute_not_exists(arr_delay)"),
    ):
        both = granted(Responses={"t": [flight], "planes": []}, ConsumedCapacity=[consumed(1.0), consumed(1.0)])
        client, made = exchange(both, refused("TransactionCanceledException"))
        with pytest.raises(Trouble, match="TransactionCanceledException"):
            writes.move_flight(
                made, "t", "planes", question("move_flight", flight_key="k", tailnum="N1", to_tailnum="N2")
            )
        delete, put = client.asked[1][1]["TransactItems"]
        assert delete["Delete"]["ConditionExpression"] == condition
        assert put["Put"]["ConditionExpression"] == "attribute_not_exists(flight_key)"
        assert put["Put"]["Item"]["tailnum"] == {"S": "N2"}


def test_a_flight_moved_to_an_aircraft_without_a_plane_has_none_of_the_other_ones() -> None:
    """The plane's attributes go where there are no others for them."""
    flight = KEY | {"model": {"S": "A320"}, "seats": {"N": "180"}, "airline": {"S": "United"}}
    both = granted(Responses={"t": [flight]}, ConsumedCapacity=[consumed(1.0), consumed(1.0)])
    client, made = exchange(both, granted(ConsumedCapacity=[consumed(10.0, 2.0, 2.0, 2.0)]))
    asked = writes.move_flight(
        made, "t", "planes", question("move_flight", flight_key="k", tailnum="N1", to_tailnum="N2")
    )
    item = client.asked[1][1]["TransactItems"][1]["Put"]["Item"]
    assert item == {"tailnum": {"S": "N2"}, "flight_key": {"S": "k"}, "airline": {"S": "United"}}
    assert (asked.read_units, asked.write_units, asked.index_units) == (2.0, 10.0, 6.0)


def test_keys_that_were_not_read_are_no_flight_that_is_not_there() -> None:
    _, made = exchange(granted(Responses={}, UnprocessedKeys={"t": {"Keys": [KEY]}}, ConsumedCapacity=[]))
    with pytest.raises(Trouble) as caught:
        writes.move_flight(made, "t", "planes", question("move_flight", flight_key="k", tailnum="N1", to_tailnum="N2"))
    assert caught.value.outcome == "throttled"
