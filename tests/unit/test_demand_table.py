"""`--from-table`: what a table consumed, asked of a stand-in over HTTP through the boto3 that people have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_metrics import Answers, served
from typer.testing import CliRunner

from harness.cli import app
from harness.demand.table import Table, read_table
from harness.demand.trace import Trace
from harness.errors import CannotMeasure, UsageError

NOW_S = 1_795_608_000  # 2026-11-25T12:00:00Z, a whole hour
DAY = 86_400
SHOP: dict[str, Any] = {
    "TableName": "shop", "CreationDateTime": float(NOW_S - 400 * DAY),
    "ProvisionedThroughput": {"ReadCapacityUnits": 1_000, "WriteCapacityUnits": 20},
}  # fmt: skip


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys in the environment, and nothing else of AWS."""
    for name in ("SESSION_TOKEN", "PROFILE", "DEFAULT_PROFILE", "ENDPOINT_URL"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def read(answers: Answers, **options: Any) -> Trace:
    """The demand of the table that the stand-in has."""
    with served(answers) as url:
        return read_table(Table(**({"name": "shop", "region": "eu-west-1"} | options), endpoint_url=url), lambda: NOW_S)


def test_a_table_becomes_what_it_consumed_by_the_minute() -> None:
    """Two points of a day that ends five minutes ago: 1,440 minutes less those, each point at its minute, else 0."""
    begin_s = NOW_S - DAY
    answers = Answers(
        table=SHOP,
        metrics={
            "ConsumedReadCapacityUnits": {begin_s: 600.0, begin_s + 120: 0.5},
            "ConsumedWriteCapacityUnits": {begin_s + 60: 7.0},
        },
    )
    trace = read(answers, days=1)
    assert (trace.demand.start_s, trace.demand.minutes) == (begin_s, 1_435)
    assert trace.demand.read[:4].tolist() == [600.0, 0.0, 0.5, 0.0]
    assert trace.demand.write[:3].tolist() == [0.0, 7.0, 0.0]
    assert (trace.demand.read.sum(), trace.demand.write.sum()) == (600.5, 7.0)
    assert trace.source == "table shop in eu-west-1, 1,435 minutes of CloudWatch"
    assert trace.notes == (
        "CloudWatch's points are the Sum of 60 s; where there is none nothing was consumed.",
        "CloudWatch has no throttle events of that time: what was consumed is what was asked for.",
        "At present the table is provisioned with 1,000 read and 20 write units.",
    )


def test_what_is_asked_is_the_sum_of_four_metrics_of_that_table() -> None:
    """Consumed units and throttle events, of both kinds."""
    answers = Answers(table=SHOP, metrics={"ConsumedReadCapacityUnits": {NOW_S - DAY: 1.0}})
    read(answers, days=1)
    (asked,) = answers.asked
    queries = [query["MetricStat"] for query in asked["MetricDataQueries"]]
    assert {(one["Stat"], one["Period"], one["Metric"]["Namespace"]) for one in queries} == {
        ("Sum", 60, "AWS/DynamoDB")
    }
    assert [one["Metric"]["Dimensions"] for one in queries] == [[{"Name": "TableName", "Value": "shop"}]] * 4
    assert sorted(one["Metric"]["MetricName"] for one in queries) == [
        "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents",
    ]  # fmt: skip


def test_pages_are_read_to_the_last() -> None:
    """Nine hundred points of reads and one of writes, a hundred a page: ten answers, nothing lost."""
    begin_s = NOW_S - DAY
    reads = {begin_s + 60 * minute: float(minute) for minute in range(900)}
    answers = Answers(
        table=SHOP, page=100, metrics={"ConsumedReadCapacityUnits": reads, "ConsumedWriteCapacityUnits": {begin_s: 3.0}}
    )
    trace = read(answers, days=1)
    assert len(answers.asked) == 10
    assert trace.demand.read[:900].tolist() == list(range(900))
    assert trace.demand.write[0] == 3


@pytest.mark.parametrize(("days", "period_s"), [(1, 60), (15, 60), (16, 300), (63, 300), (64, 3_600), (399, 3_600)])
def test_further_back_a_point_stands_for_more(days: int, period_s: int) -> None:
    """60 s for 15 days, 300 s for 63, an hour for 455 (B12); a point's units are even over its period."""
    begin_s = NOW_S - days * DAY
    answers = Answers(table=SHOP, metrics={"ConsumedReadCapacityUnits": {begin_s: 3_600.0}})
    trace = read(answers, days=days)
    assert answers.asked[0]["MetricDataQueries"][0]["MetricStat"]["Period"] == period_s
    assert trace.demand.start_s == begin_s
    each = period_s // 60
    assert trace.demand.read[: each + 1].tolist() == [3_600.0 / each] * each + [0.0]
    assert ("even" in trace.notes[0]) == (period_s > 60)


def test_before_a_table_was_made_it_had_no_demand() -> None:
    """Made 90 minutes and 30 s ago: it begins with the first whole minute, and ends five minutes ago."""
    young = SHOP | {"CreationDateTime": float(NOW_S - 5_430)}
    trace = read(Answers(table=young, metrics={"ConsumedReadCapacityUnits": {NOW_S - 5_400: 60.0}}))
    assert (trace.demand.start_s, trace.demand.minutes) == (NOW_S - 5_400, 85)
    with pytest.raises(UsageError, match="it is too young"):
        read(Answers(table=SHOP | {"CreationDateTime": float(NOW_S - 200)}))


def test_throttle_events_say_that_the_demand_was_higher() -> None:
    """Twelve reads in two minutes; and what a plan of the table can't hold of its indexes is said."""
    at_s = NOW_S - 7_200
    table = SHOP | {
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}, "GlobalSecondaryIndexes": [{"IndexName": "by_dest"}]
    }  # fmt: skip
    metrics = {"ConsumedReadCapacityUnits": {at_s: 60.0}, "ReadThrottleEvents": {at_s: 5.0, at_s + 60: 7.0}}
    notes = read(Answers(table=table, metrics=metrics)).notes
    assert notes[1].startswith(
        "The table throttled 12 reads in that time, in 2 periods of a minute: the demand was higher"
    )
    assert notes[2] == "At present the table is on demand."
    assert notes[3] == "Its global indexes (by_dest) have capacity and metrics of their own: not in here."


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        (Answers(table=SHOP | {"TableName": "other"}), UsageError, "no such table in eu-west-1; name its region with --region"),
        (Answers(table=SHOP), UsageError, "no consumed units of it in eu-west-1 in the last 14 days; ask for more --days"),
        (Answers(table=SHOP, refused=("DescribeTable", "AccessDeniedException")), CannotMeasure, "dynamodb:DescribeTable is denied"),
        (Answers(table=SHOP, refused=("GetMetricData", "AccessDenied")), CannotMeasure, "cloudwatch:GetMetricData is denied"),
        (Answers(table=SHOP, refused=("DescribeTable", "ExpiredTokenException")), CannotMeasure, "sign in again"),
        (Answers(table=SHOP, refused=("GetMetricData", "InvalidParameterValue")), CannotMeasure, "said the service"),
        (Answers(table=SHOP, incomplete=True), CannotMeasure, "gave only a part of Consumed.*PartialData.; try again"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_said_with_the_way_out(answers: Answers, kind: type[Exception], said: str) -> None:
    """One line; a wrong name is wrong usage (2), what can't be asked can't be measured (3)."""
    with pytest.raises(kind, match=said) as error:
        read(answers)
    assert str(error.value).startswith(("--from-table shop: ", "CloudWatch gave only a part"))
    assert "\n" not in str(error.value)


def test_without_credentials_or_a_service_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on port 1."""
    with pytest.raises(
        CannotMeasure, match="DescribeTable: Could not connect to the endpoint URL.*look at the network, --region"
    ):
        read_table(Table(name="shop", region="eu-west-1", endpoint_url="http://127.0.0.1:1"), lambda: NOW_S)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CannotMeasure, match="Unable to locate credentials; set AWS_PROFILE or AWS_ACCESS_KEY_ID"):
        read(Answers(table=SHOP))
    monkeypatch.setenv("AWS_PROFILE", "absent")
    with pytest.raises(CannotMeasure, match=r"The config profile \(absent\) could not be found"):
        read(Answers(table=SHOP))


def test_what_cloudwatch_cannot_have_is_refused_before_it_is_asked() -> None:
    """A name that no table has, and days that it doesn't keep."""
    with pytest.raises(UsageError, match="--from-table a/b: a table's name has 3 to 255"):
        Table(name="a/b", region="eu-west-1")
    for days in (0, 456):
        with pytest.raises(
            UsageError, match=f"--days must be from 1 to 455, which is what CloudWatch keeps, got {days}"
        ):
            Table(name="shop", region="eu-west-1", days=days)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A table that consumed 6,000 units in each minute of two days up to the present: 100 a second."""
    import time

    now_s = int(time.time()) // 60 * 60
    metrics = {"ConsumedReadCapacityUnits": {now_s - 60 * at: 6_000.0 for at in range(2_940)}}
    with served(Answers(table=SHOP | {"CreationDateTime": float(now_s - 172_800)}, metrics=metrics)) as url:
        yield url


def test_the_command_plans_a_table(busy: str) -> None:
    """100 units a second flat: 100 R and the one W that a table has at least, $9.49 + $0.4745 a month."""
    result = CliRunner().invoke(app, ["plan", "--from-table", "shop", "--days", "2", "--endpoint-url", busy])
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "$9.96 a month" in said
    assert "Modelled, not measured: table shop in us-east-1, " in said


def test_a_table_of_a_region_without_prices_is_compared_by_another_s(busy: str) -> None:
    """The table is asked for where it is; the answer says whose prices it has."""
    words = ["plan", "--from-table", "shop", "--region", "eu-west-1", "--days", "2", "--endpoint-url", busy]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, UsageError)
    assert "--price-region" in str(refused.exception)
    result = CliRunner().invoke(app, [*words, "--price-region", "us-east-1"])
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "Modelled, not measured: table shop in eu-west-1, " in said
    assert "us-east-1 prices of" in said
