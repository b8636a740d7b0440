"""The demand of a table on AWS: what CloudWatch says it consumed; `dbharness plan --from-table`. Reads, and changes nothing."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.demand.cloudwatch import METRICS, demand_of
from harness.demand.trace import Trace
from harness.dynamodb.parameters import DAY_S, KINDS, Kind
from harness.errors import CannotMeasure, HarnessError, UsageError

KEPT_DAYS = ((15, 60), (63, 300), (455, 3_600))
"""How far back CloudWatch has points, and the seconds that each then stands for (B12)."""
MOST_DAYS = KEPT_DAYS[-1][0]
UNSETTLED_S = 300
"""The newest minutes are left out: their points may not be there yet."""
THROTTLES: dict[str, Kind] = {"ReadThrottleEvents": "read", "WriteThrottleEvents": "write"}

_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_KEYS_WRONG = ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
               "ExpiredToken", "ExpiredTokenException")  # fmt: skip
Points = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Which table, and how far back. ``endpoint_url``: a stand-in that speaks for DynamoDB and CloudWatch."""

    name: str
    region: str
    days: int = 14
    endpoint_url: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"--from-table {self.name}: a table's name has 3 to 255 of a-z, A-Z, 0-9, _ - and .")
        if not 1 <= self.days <= MOST_DAYS:
            raise UsageError(f"--days must be from 1 to {MOST_DAYS}, which is what CloudWatch keeps, got {self.days}")


def read_table(table: Table, now_s: Callable[[], float]) -> Trace:
    """What the table consumed by the minute, five minutes or hour, as CloudWatch still has it (B12).

    ``now_s`` gives seconds since 1970. Raises UsageError where there is no such table or nothing was consumed, CannotMeasure
    where AWS can't be asked.
    """
    described = _ask(table, "dynamodb", "DescribeTable", lambda client: client.describe_table(TableName=table.name))
    period_s, start_s, end_s = _span(table, now_s(), described["Table"]["CreationDateTime"].timestamp())
    series = _ask(table, "cloudwatch", "GetMetricData", lambda client: _series(client, table, period_s, start_s, end_s))
    consumed = {kind: series[metric] for metric, kind in METRICS.items()}
    if not any(value for points in consumed.values() for value in points.values()):
        raise UsageError(
            f"--from-table {table.name}: CloudWatch has no consumed units of it in {table.region} in the last {table.days} days; "
            "ask for more --days, or plan from a trace of what you expect"
        )
    minutes = (end_s - start_s) // 60
    notes = [
        f"CloudWatch's points are the Sum of {period_s} s{', within which the units are taken to be even' if period_s > 60 else ''}; "
        "where there is none nothing was consumed.",
        _throttled({kind: series[metric] for metric, kind in THROTTLES.items()}, period_s),
        *_described(described["Table"]),
    ]
    return Trace(
        demand=demand_of(consumed, start_s=start_s, minutes=minutes, period_s=period_s),
        source=f"table {table.name} in {table.region}, {_length(minutes)} of CloudWatch", notes=tuple(notes),
    )  # fmt: skip


def _span(table: Table, now_s: float, created_s: float) -> tuple[int, int, int]:
    """Period, begin and end in whole seconds: whole periods that CloudWatch still has and in which there was the table."""
    asked_s = max(now_s - table.days * DAY_S, created_s)
    period_s = next(seconds for days, seconds in KEPT_DAYS if now_s - asked_s <= days * DAY_S)
    start_s = -int(-asked_s // period_s) * period_s
    end_s = int((now_s - UNSETTLED_S) // period_s) * period_s
    if end_s <= start_s:
        raise UsageError(f"--from-table {table.name}: it is too young; CloudWatch has points some minutes late")
    return period_s, start_s, end_s


def _series(client: Any, table: Table, period_s: int, start_s: int, end_s: int) -> dict[str, Points]:
    """Each metric's points by their second, all pages of them. Raises CannotMeasure where CloudWatch holds some back."""
    names = [*METRICS, *THROTTLES]
    queries = [
        {
            "Id": f"m{number}", "Label": name, "ReturnData": True,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/DynamoDB", "MetricName": name,
                    "Dimensions": [{"Name": "TableName", "Value": table.name}],
                },
                "Period": period_s, "Stat": "Sum",
            },
        }
        for number, name in enumerate(names)
    ]  # fmt: skip
    found: dict[str, Points] = {name: {} for name in names}
    states: dict[str, str] = {}
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start_s, EndTime=end_s, ScanBy="TimestampAscending"
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            name = names[int(result["Id"][1:])]
            states[name] = result.get("StatusCode", "Complete")
            for stamp, value in zip(result["Timestamps"], result["Values"], strict=True):
                found[name][int(stamp.timestamp())] = float(value)
    for name, state in states.items():
        if state != "Complete":
            raise CannotMeasure(f"CloudWatch gave only a part of {name} ({state}); try again, or ask for fewer --days")
    return found


def _throttled(events: dict[Kind, Points], period_s: int) -> str:
    """Whether what was consumed hides a demand that was refused."""
    totals = {kind: sum(points.values()) for kind, points in events.items()}
    if not any(totals.values()):
        return "CloudWatch has no throttle events of that time: what was consumed is what was asked for."
    periods = len({stamp for points in events.values() for stamp, value in points.items() if value})
    said = " and ".join(f"{totals[kind]:,.0f} {kind}s" for kind in KINDS if totals[kind])
    each = "a minute" if period_s == 60 else f"{period_s // 60} minutes"
    return (
        f"The table throttled {said} in that time, in {periods:,} periods of {each}: the demand was higher than what was "
        "consumed, and what is advised may be too little."
    )


def _described(table: dict[str, Any]) -> list[str]:
    """What DescribeTable says that a plan of consumed units can't know."""
    throughput = table.get("ProvisionedThroughput", {})
    on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
    units = " and ".join(f"{throughput.get(f'{kind.title()}CapacityUnits', 0):,} {kind}" for kind in KINDS)
    notes = [f"At present the table is {'on demand' if on_demand else f'provisioned with {units} units'}."]
    indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
    if indexes:
        notes.append(f"Its global indexes ({', '.join(indexes)}) have capacity and metrics of their own: not in here.")
    return notes


def _length(minutes: int) -> str:
    days = minutes / 1_440
    return f"{days:.3g} days" if days >= 2 else f"{minutes:,} minutes"


def _ask(table: Table, service: str, operation: str, act: Callable[[Any], Any]) -> Any:
    """Ask one of AWS's services; what goes wrong is said in one line with the way out."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as Unreachable

    settings = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
    try:
        client = boto3.Session().client(
            service, region_name=table.region, endpoint_url=table.endpoint_url, config=settings
        )
        return act(client)
    except ClientError as error:
        raise _refused(table, f"{service}:{operation}", error.response.get("Error", {})) from error
    except (BotoCoreError, ValueError) as error:
        way_out = ""
        if "redentials" in str(error):
            way_out = "; set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`"
        elif isinstance(error, Unreachable | HTTPClientError):
            way_out = "; look at the network, --region and --endpoint-url"
        raise CannotMeasure(f"--from-table {table.name}: {operation}: {str(error).rstrip('.')}{way_out}") from error


def _refused(table: Table, action: str, said: dict[str, str]) -> HarnessError:
    """The error for one of AWS's own."""
    code, message = said.get("Code", ""), said.get("Message", "")
    begin = f"--from-table {table.name}:"
    if code == "ResourceNotFoundException":
        return UsageError(
            f"{begin} no such table in {table.region}; name its region with --region, or see `aws dynamodb list-tables`"
        )
    if code in _DENIED:
        return CannotMeasure(f"{begin} {action} is denied to these credentials; it and the other one that is asked, "
                             "dynamodb:DescribeTable and cloudwatch:GetMetricData, only read")  # fmt: skip
    if code in _KEYS_WRONG:
        return CannotMeasure(f"{begin} AWS doesn't take these credentials ({code}); sign in again, or set AWS_PROFILE")
    return CannotMeasure(f"{begin} {action}: {code}: {message}")
