"""Retry policies: the rules by hand, and side by side with botocore's own code."""

import random

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import CapacityNotAvailableError, ReadTimeoutError
from botocore.retries import adaptive, bucket, quota, standard, throttling
from botocore.session import Session

from harness.dynamodb.retries import MAX_ATTEMPTS, QUOTA, RateLimiter, Retries, fate

# status, error code; None: no answer.
ENDS = (
    (200, None),
    (400, "ProvisionedThroughputExceededException"),
    (400, "ThrottlingException"),
    (400, "RequestLimitExceeded"),
    (400, "TransactionInProgressException"),
    (400, "LimitExceededException"),
    (400, "PriorRequestNotComplete"),
    (400, "RequestTimeout"),
    (429, "HTTP429"),
    (500, "InternalServerError"),
    (503, "HTTP503"),
    (501, "HTTP501"),
    (400, "ValidationException"),
    (400, "ConditionalCheckFailedException"),
    (400, "TransactionCanceledException"),
    (413, "HTTP413"),
    (None, None),
)


class Half(random.Random):
    """A generator whose every draw is a half."""

    def random(self):
        return 0.5


class Clock(bucket.Clock):
    """Seconds that a test moves by hand; botocore's too."""

    def __init__(self, now_s):
        self.now_s = now_s

    def current_time(self):
        return self.now_s


def pauses(tries, *ends):
    return [tries.ended(end) for end in ends]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (200, None, "ok"),
        (400, "ProvisionedThroughputExceededException", "throttled"),
        (400, "RequestLimitExceeded", "throttled"),
        (400, "ThrottlingException", "throttled"),
        (429, "HTTP429", "throttled"),
        (500, "InternalServerError", "transient"),
        (503, "HTTP503", "transient"),
        (None, None, "transient"),
        (400, "ValidationException", "final"),
        (400, "ConditionalCheckFailedException", "final"),
    ],
)
def test_an_attempts_end_is_one_of_four(status, code, expected):
    """Throttles, passing trouble and no answer are worth another attempt; a refusal of the request is not."""
    assert fate(status, code) == expected


def test_without_retries_every_attempt_is_the_last():
    """``none``: whatever happens, one attempt, and the quota isn't asked."""
    policy = Retries("none")
    assert pauses(policy.start(), "throttled") == [None]
    assert pauses(policy.start(), "transient") == [None]
    assert policy.available == QUOTA


def test_throttles_pause_by_seconds_and_trouble_by_milliseconds():
    """Half of 1, 2, 4 s after throttles, half of 25, 50, 100 ms after trouble; the fourth attempt is the last."""
    policy = Retries("standard", rng=Half())
    assert pauses(policy.start(), *["throttled"] * 4) == [0.5, 1.0, 2.0, None]
    assert pauses(policy.start(), *["transient"] * 4) == [0.0125, 0.025, 0.05, None]


def test_a_pause_never_grows_past_twenty_seconds():
    """With ten attempts allowed, the fifth pause is half of 16 s, and from there on half of 20 s."""
    policy = Retries("standard", max_attempts=10, rng=Half())
    assert pauses(policy.start(), *["throttled"] * 9)[4:] == [8.0, 10.0, 10.0, 10.0, 10.0]


def test_a_services_wish_raises_the_pause_by_five_seconds_at_most():
    """First throttle, half a second by itself: a wish of 3 s is granted, of 60 s cut to 5.5 s, of 0.1 s ignored."""
    policy = Retries("standard", rng=Half())
    assert policy.start().ended("throttled", 3.0) == 3.0
    assert policy.start().ended("throttled", 60.0) == 5.5
    assert policy.start().ended("throttled", 0.1) == 0.5


def test_the_quota_runs_out_and_comes_back():
    """500 tokens pay 35 retries at 14 (10 left); a success at once brings 1, one after a retry what that cost."""
    policy = Retries("standard", rng=Half())
    assert all(policy.start().ended("transient") is not None for _ in range(35))
    assert policy.available == 10
    assert policy.start().ended("transient") is None
    assert policy.start().ended("throttled") is not None
    assert policy.available == 5
    after_retry = policy.start()
    assert pauses(after_retry, "throttled", "ok") == [0.5, None]
    assert policy.available == 5
    policy.start().ended("ok")
    assert policy.available == 6


def test_the_rate_is_held_only_after_a_throttle():
    """20 attempts a second for two seconds go unheld; a throttle then cuts the rate, so the bucket makes one wait."""
    clock = Clock(100.0)
    limiter = RateLimiter(clock.current_time)
    for number in range(41):
        clock.now_s = 100 + number / 20
        assert limiter.hold_s() == 0.0
        limiter.answered(throttled=False)
    limiter.answered(throttled=True)
    held = 0
    while limiter.hold_s() == 0.0:
        held += 1
    # 0.7 of the 20 or so a second that were sent, a second's worth of tokens at most: then there is a wait.
    assert held <= 15
    assert 0 < limiter.hold_s() <= 1 / 13


class Theirs:
    """botocore's own handlers for DynamoDB, with our clock and draws."""

    def __init__(self, clock, rng):
        events = standard.RetryEventAdapter()
        detector = standard.ThrottlingErrorDetector(events)
        self.operation = Session().get_service_model("dynamodb").operation_model("PutItem")
        self.quota = quota.RetryQuota()
        self.checker = standard.RetryQuotaChecker(self.quota, detector)
        attempts = standard._SERVICE_MAX_ATTEMPTS["dynamodb"]
        backoff = standard.ExponentialBackoff(random=rng.random, service_name="dynamodb", throttling_detector=detector)
        policy = standard.RetryPolicy(standard.StandardRetryConditions(attempts), backoff)
        self.handler = standard.RetryHandler(policy, events, self.checker, service_name="dynamodb")
        self.bucket = bucket.TokenBucket(max_rate=1, clock=clock)
        self.limiter = adaptive.ClientRateLimiter(
            rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=clock.current_time()),
            rate_clocker=adaptive.RateClocker(clock),
            token_bucket=self.bucket,
            throttling_detector=detector,
            clock=clock,
        )

    def hold_s(self):
        if not self.limiter._enabled:
            return 0.0
        try:
            self.bucket.acquire(block=False)
        except CapacityNotAvailableError:
            return self.bucket._sleep_amount(1)
        return 0.0

    def ended(self, context, attempt, status, code, retry_after_s):
        http = None
        if status is not None:
            headers = {} if retry_after_s is None else {"x-amz-retry-after": str(int(retry_after_s * 1000))}
            http = AWSResponse("http://127.0.0.1", status, headers, None)
            http._content = b""
        event = {
            "response": None if http is None else (http, {"Error": {"Code": code}} if code else {}),
            "attempts": attempt,
            "operation": self.operation,
            "caught_exception": ReadTimeoutError(endpoint_url="x") if http is None else None,
            "request_dict": {"context": context},
        }
        pause_s = self.handler.needs_retry(**event)
        self.limiter.on_receiving_response(**event)
        if pause_s is None and http is not None:
            self.checker.release_retry_quota(context, http)
        return pause_s


@pytest.mark.parametrize("seed", range(6))
def test_both_modes_decide_what_botocore_decides(seed):
    """3,000 operations with random ends at random times: each pause, hold and the quota equal botocore's."""
    draws, clock = random.Random(seed), Clock(1_764_000_000.25)
    theirs = Theirs(clock, random.Random(seed))
    ours = Retries("adaptive", clock_s=clock.current_time, rng=random.Random(seed))
    # Good times and bad ones by turns, so that the quota runs dry and fills again.
    weights = [[likely if status == 200 else 1 for status, _ in ENDS] for likely in (60, 6)]
    retried = held = dry = 0
    for number in range(3000):
        tries, context, pause_s = ours.start(), {}, 0.0
        while pause_s is not None:
            clock.now_s += draws.expovariate(20) + pause_s
            while (held_s := ours.hold_s()) > 0:
                assert theirs.hold_s() == pytest.approx(held_s)
                clock.now_s += held_s + 1e-6
                held += 1
            assert theirs.hold_s() == 0.0
            status, code = draws.choices(ENDS, weights[number // 300 % 2])[0]
            wish_s = draws.choice((None, None, 0.5, 30.0)) if status not in (None, 200) else None
            pause_s = tries.ended(fate(status, code), wish_s)
            expected_s = theirs.ended(context, tries.attempt, status, code, wish_s)
            assert pause_s == (expected_s if expected_s is None else pytest.approx(expected_s)), (status, code)
            assert ours.available == theirs.quota.available_capacity
            retried += pause_s is not None
            dry += ours.available < 14
        assert tries.attempt <= MAX_ATTEMPTS
    assert min(retried, held) > 300 and dry  # otherwise this compared nothing
