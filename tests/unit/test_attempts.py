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


class Turn:
    """A lock that remembers when it was taken and given back."""

    def __init__(self, client):
        self.client, self.spans = client, []

    def __enter__(self):
        self.since_ns = self.client.now_ns

    def __exit__(self, *_):
        self.spans.append((self.since_ns, self.client.now_ns))


def held_back(*answers, patience_ns):
    """An operation of a client whose first one was throttled, so that `adaptive` holds back the next; and the turn."""
    client = Scripted(THROTTLED, *answers)
    policy = Retries("adaptive", max_attempts=1, clock_s=lambda: client.now_ns / 1e9, rng=Half())
    clock, turn = {"clock_ns": lambda: client.now_ns, "sleep_s": client.sleep_s}, Turn(client)
    list(attempts(client, "GetItem", {}, policy, **clock))
    said = list(attempts(client, "GetItem", {}, policy, **clock, turn=turn, patience_ns=patience_ns))
    return client, said, turn


def test_who_is_held_back_waits_in_turn_and_not_in_the_attempt():
    """After a throttle at 5 ms the rate is at its least, 0.5 a second; 0.005 of a token was there: (1 − 0.005)/0.5 = 1.99 s."""
    client, (only,), turn = held_back(OK, patience_ns=3_000_000_000)
    assert (only.outcome, only.end_ns - only.start_ns) == ("ok", 5_000_000)
    assert turn.spans == [(5_000_000, 1_995_000_000)]
    assert len(client.asked) == 2


def test_what_is_held_back_too_long_is_given_up_and_seen():
    """Patience of 1 s ends before the token comes: throttled by the client itself, final, and nothing was sent."""
    client, (only,), _ = held_back(patience_ns=1_000_000_000)
    assert (only.outcome, only.error_code, only.reason, only.final) == ("throttled", "GaveUp", "ClientSendRate", True)
    assert only.response is None
    assert len(client.asked) == 1


@pytest.mark.parametrize("mode", ["none", "standard"])
def test_a_client_without_a_rate_of_its_own_never_waits_for_a_turn(mode):
    """Only ``adaptive`` has one."""
    client = Scripted(OK)
    turn = Turn(client)
    assert [one.outcome for one in attempts(client, "GetItem", {}, Retries(mode), turn=turn)] == ["ok"]
    assert turn.spans == []
