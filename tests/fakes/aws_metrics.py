"""A stand-in of CloudWatch and DynamoDB on loopback, both over the JSON protocol that botocore 1.44 prefers for them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import loopback_http

DESCRIBE_TABLE, GET_METRIC_DATA = "DynamoDB_20120810.DescribeTable", "GraniteServiceVersion20100801.GetMetricData"


@dataclass
class Answers:
    """What is said, and what was asked. ``metrics``: points of each, by their second; ``page`` of them in one answer."""

    table: dict[str, Any]
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    page: int = 1_000
    refused: tuple[str, str] | None = None
    """An operation, and the code with which it is refused."""
    incomplete: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)

    def describe(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """DescribeTable."""
        if self.refused and self.refused[0] == "DescribeTable":
            return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{self.refused[1]}", "message": "said the service"}
        if request["TableName"] != self.table["TableName"]:
            return 400, {
                "__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
                "message": f"Requested resource not found: Table: {request['TableName']} not found",
            }
        return 200, {"Table": self.table}

    def metric_data(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """GetMetricData: points of the time asked for, oldest first, so many a page over all metrics."""
        self.asked.append(request)
        if self.refused and self.refused[0] == "GetMetricData":
            return 400, {"__type": f"com.amazonaws.cloudwatch#{self.refused[1]}", "message": "said the service"}
        begin, end = (request[name] for name in ("StartTime", "EndTime"))
        points = [
            (query["Id"], stamp, value)
            for query in request["MetricDataQueries"]
            for stamp, value in sorted(self.metrics.get(query["MetricStat"]["Metric"]["MetricName"], {}).items())
            if begin <= stamp < end
        ]
        first = int(request.get("NextToken", "0"))
        shown, more = points[first : first + self.page], len(points) > first + self.page
        state = "PartialData" if more or self.incomplete else "Complete"
        answer: dict[str, Any] = {
            "MetricDataResults": [
                {
                    "Id": query["Id"], "Label": query.get("Label", query["Id"]), "StatusCode": state,
                    "Timestamps": [float(stamp) for id, stamp, _ in shown if id == query["Id"]],
                    "Values": [value for id, _, value in shown if id == query["Id"]],
                }
                for query in request["MetricDataQueries"]
            ]
        }  # fmt: skip
        return 200, answer | ({"NextToken": str(first + self.page)} if more else {})


@contextmanager
def served(answers: Answers) -> Iterator[str]:
    """The address at which both services are asked."""

    def answer(headers: Mapping[str, str], body: bytes) -> tuple[int, str, bytes]:
        asked = {DESCRIBE_TABLE: answers.describe, GET_METRIC_DATA: answers.metric_data}
        status, said = asked[headers["X-Amz-Target"]](json.loads(body))
        return status, "application/x-amz-json-1.0", json.dumps(said).encode()

    with loopback_http.served(answer) as url:
        yield url
