"""`dbharness plan --from-table` against moto, whose CloudWatch and DynamoDB are somebody else's."""

import time
from typing import Any

import boto3
import pytest

from harness.demand.table import Table, read_table
from harness.errors import UsageError
from harness.local.processes import Warden
from tools.emulators import HOST, start_moto


def test_what_moto_has_of_a_table_becomes_its_demand(warden: Warden, monkeypatch: pytest.MonkeyPatch) -> None:
    """600 units read and 60 written in one minute, in two puts each; the table's own mode; nothing throttled."""
    for name, value in {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}.items():
        monkeypatch.setenv(name, value)
    url = f"http://{HOST}:{start_moto(warden)}"

    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=url, region_name="us-east-1")

    client("dynamodb").create_table(
        TableName="shop", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    now_s = int(time.time())
    minute_s = now_s // 60 * 60 + 600  # after the table was made
    for metric, values in (("ConsumedReadCapacityUnits", (400.0, 200.0)), ("ConsumedWriteCapacityUnits", (50.0, 10.0))):
        for value in values:
            client("cloudwatch").put_metric_data(
                Namespace="AWS/DynamoDB",
                MetricData=[
                    {
                        "MetricName": metric, "Value": value, "Timestamp": minute_s + 7,
                        "Dimensions": [{"Name": "TableName", "Value": "shop"}],
                    }
                ],
            )  # fmt: skip
    trace = read_table(Table(name="shop", region="us-east-1", endpoint_url=url), lambda: now_s + 7_200)
    at = (minute_s - trace.demand.start_s) // 60
    assert (trace.demand.read[at], trace.demand.write[at]) == (600, 60)
    assert (trace.demand.read.sum(), trace.demand.write.sum()) == (600, 60)
    assert "At present the table is on demand." in trace.notes
    assert any("no throttle events" in note for note in trace.notes)
    with pytest.raises(UsageError, match="no such table in us-east-1"):
        read_table(Table(name="absent", region="us-east-1", endpoint_url=url), lambda: now_s)
