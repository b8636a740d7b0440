"""Attempts over a scripted client and a clock that only sleeping moves: each is seen, none is hidden."""

import random

import orjson
import pytest

from harness.dynamodb.attempts import attempts
from harness.dynamodb.client import Ambiguous, ConnectFailed, Response
from harness.dynamodb.retries import Retries

OK = Response(200, b'{"Item":{}}')
THROTTLED = Response(
    400,
    orjson.dumps(
        {
            "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "ThrottlingReasons": [{"reason": "TableReadProvisionedThroughputExceeded", "resource": "arn"}],
        }
    ),
)
REFUSED = Response(400, b'{"__type":"x#ValidationException","message":"no"}')
BUSY = Response(503, b"busy", 3.0)


class Half(random.Random):
    def random(self):
        return 0.5


class Scripted:
    """A client that gives these answers in turn, each after 5 ms of its clock."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.now_ns = 0
        self.asked = []

    def call(self, operation, payload):
        self.now_ns += 5_000_000
        self.asked.append(payload)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep_s(self, seconds):
        self.now_ns += round(seconds * 1e9)


def told(mode, *answers, operation="PutItem"):
    client = Scripted(*answers)
    policy = Retries(mode, clock_s=lambda: client.now_ns / 1e9, rng=Half())
    said = attempts(client, operation, {}, policy, clock_ns=lambda: client.now_ns, sleep_s=client.sleep_s)
    return [(one.start_ns / 1e6, one.end_ns / 1e6, one.outcome, one.error_code, one.final) for one in said]


def test_without_retries_a_throttle_is_the_whole_story():
    """``none``: one attempt, throttled, final."""
    assert told("none", THROTTLED) == [(0, 5, "throttled", "ProvisionedThroughputExceededException", True)]


def test_throttles_are_seen_before_the_success_they_delay():
    """Pauses of 0.5 s and 1 s lie between attempts and are part of none."""
    name = "ProvisionedThroughputExceededException"
    assert told("standard", THROTTLED, THROTTLED, OK) == [
        (0, 5, "throttled", name, False),
        (505, 510, "throttled", name, False),
        (1510, 1515, "ok", None, True),
    ]


def test_a_write_that_broke_is_ambiguous_and_sent_again():
    """As botocore does: after 12.5 ms, though the first may have happened. Both are seen."""
    assert told("standard", Ambiguous("broke"), OK) == [
        (0, 5, "ambiguous", "Ambiguous", False),
        (17.5, 22.5, "ok", None, True),
    ]


def test_the_last_failure_is_final():
    """Four connections refused: the fourth attempt is marked as the last."""
    said = told("standard", *[ConnectFailed("refused")] * 4, operation="GetItem")
    assert [one[2:] for one in said] == [("error", "ConnectFailed", number == 3) for number in range(4)]


def test_what_the_service_refuses_is_not_tried_again():
    """A ValidationException would be one again."""
    assert told("standard", REFUSED) == [(0, 5, "error", "ValidationException", True)]


def test_a_pause_the_service_asks_for_is_kept():
    """A 503 that asks for 3 s is given 3 s, not 12.5 ms."""
    assert [one[0] for one in told("standard", BUSY, OK)] == [0, 3005]


def test_a_reason_and_the_answer_come_along():
    """The scenario gets what it records: reason, response."""
    client = Scripted(THROTTLED)
    (one,) = attempts(client, "GetItem", {}, Retries("none"), clock_ns=lambda: 0)
    assert (one.reason, one.response) == ("TableReadProvisionedThroughputExceeded", THROTTLED)


def test_the_attempts_of_a_transaction_share_a_token():
    """So that the service does it once; a token that was given is kept."""
    client = Scripted(Ambiguous("broke"), OK, OK)
    policy = Retries("standard", clock_s=lambda: 0.0, rng=Half())
    for payload in ({"TransactItems": []}, {"TransactItems": [], "ClientRequestToken": "mine"}):
        list(attempts(client, "TransactWriteItems", payload, policy, sleep_s=client.sleep_s))
    first, second, given = (asked["ClientRequestToken"] for asked in client.asked)
    assert first == second != given == "mine"


@pytest.mark.parametrize("mode", ["none", "standard", "adaptive"])
def test_a_success_is_one_attempt(mode):
    """Whatever the policy, nothing is added to what goes well."""
    assert told(mode, OK) == [(0, 5, "ok", None, True)]
