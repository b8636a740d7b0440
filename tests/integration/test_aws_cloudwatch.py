"""CloudWatch's count of a run's tables, asked of a stand-in by botocore's own protocol, on a scripted clock."""

from typing import Any

import pytest
from aws_metrics import Answers, served

from harness.aws.cloudwatch import NO_MINUTE, TableCounts
from harness.aws.gateway import Aws
from harness.services import Place

MINUTE = 60
NOON = 1_795_860_000  # a whole minute of the wall


class Clock:
    """Monotonic time begins at 1,000 s when the wall is at noon; sleeping moves both."""

    def __init__(self) -> None:
        self.since_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.since_s += seconds

    def monotonic_ns(self) -> int:
        return int((1_000 + self.since_s) * 1e9)

    def wall_ns(self) -> int:
        return int((NOON + self.since_s) * 1e9)


class Events:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def add(self, kind: str, **fields: Any) -> int:
        self.said.append({"kind": kind} | fields)
        return 0


def settled(
    answers: Answers, *, lasts_s: float, place: Place = "endpoint override", endpoint: bool = True
) -> tuple[list[dict[str, Any]], Clock]:
    """What is said of one table whose trial begins 30 s after noon and lasts so long."""
    clock, events = Clock(), Events()
    with served(answers) as url:
        aws = Aws("us-east-1", stack="lab", endpoint_url=url if endpoint else None)
        counts = TableCounts(
            aws, place, events, sleep_s=clock.sleep, clock_ns=clock.monotonic_ns, wall_ns=clock.wall_ns
        )  # type: ignore[arg-type]
        clock.sleep(30)
        begin_ns = clock.monotonic_ns()
        clock.sleep(lasts_s)
        counts.note("orders", 4, begin_ns, indexes=("by_dest",), apart=True)
        counts.settle()
    return events.said, clock


def test_whole_minutes_inside_the_trial_are_summed_over_table_and_index() -> None:
    """From 12:00:30 to 12:03:40 minutes 1 and 2 are whole. The stand-in gives each metric the same points, whatever its dimensions:
    reads of table and index 2 × (100 + 110), writes 2 × 0, throttles 6 operations × (1 + 0)."""
    points = {NOON + minute * MINUTE: value for minute, value in enumerate((7.0, 100.0, 110.0, 9.0))}
    throttles = {NOON + MINUTE: 1.0}
    answers = Answers(table={}, metrics={"ConsumedReadCapacityUnits": points, "ThrottledRequests": throttles})
    (event,), clock = settled(answers, lasts_s=190)
    assert (event["kind"], event["table"], event["trials"], event["minutes"]) == ("cloudwatch", "orders", [4], 2)
    assert (event["read"], event["write"], event["throttled"]) == (420.0, 0.0, 6.0)
    assert (event["begin_ns"], event["end_ns"]) == (int(1_060e9), int(1_180e9))
    # Asked three minutes after the last whole one at the earliest, and twice: the second answer was the same.
    assert clock.since_s >= 3 * MINUTE + 180 and len(answers.asked) == 2


def test_a_trial_without_a_whole_minute_is_not_counted() -> None:
    """29 s: absent, with the reason, and nobody was asked."""
    answers = Answers(table={})
    (event,), _ = settled(answers, lasts_s=29)
    assert (event["kind"], event["reason"]) == ("cloudwatch_absent", NO_MINUTE) and answers.asked == []


def test_what_stands_in_for_dynamodb_alone_has_no_cloudwatch() -> None:
    """An override of DynamoDB's endpoint: AWS is never asked about a table that isn't there."""
    (event,), _ = settled(Answers(table={}), lasts_s=190, endpoint=False)
    assert "no CloudWatch counts there" in event["reason"]


@pytest.mark.parametrize("code", ["AccessDenied", "InternalServiceFault"])
def test_a_refusal_costs_the_comparison_and_not_the_run(code: str) -> None:
    """Said with AWS's own word."""
    (event,), _ = settled(Answers(table={}, refused=("GetMetricData", code)), lasts_s=190)
    assert event["kind"] == "cloudwatch_absent" and code in event["reason"]
