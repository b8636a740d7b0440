"""A whole round of a table's life by each of three clients that people use: boto3, the AWS CLI, the SDK for JavaScript.

Each creates a table of 1 read and 10 write units a second, writes three small items and three of 350 KB, queries, scans, scans
until it is throttled (300 stored units against about 263 for a strongly consistent page of 1 MB: the third at the latest,
B2), and deletes the table. Retries are off: they would hide the throttling (B10).
"""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.errors import CannotMeasure
from tools import fetched

MOST_SCANS = 6
THROTTLED = "ProvisionedThroughputExceededException"
KEYS = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 10},
}
SMALL = [{"pk": {"S": "small"}, "sk": {"N": sk}} for sk in ("10", "9", "-1")]
BIG = [{"pk": {"S": "big"}, "sk": {"N": sk}, "payload": {"S": "x" * 350 * 1024}} for sk in "123"]
IN_ORDER = ["-1", "9", "10"]
QUERY = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "small"}}}


def _fetched(what: Callable[[], Path]) -> Path:
    try:
        return what()
    except CannotMeasure as error:
        pytest.fail(str(error), pytrace=False)


def test_boto3_goes_through_a_tables_life(dynamodb: Any) -> None:
    """boto3 creates, writes, queries, scans, is throttled with the reason, and deletes."""
    name = "round-boto3"
    dynamodb.create_table(TableName=name, **KEYS)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    for item in SMALL:
        dynamodb.put_item(TableName=name, Item=item)
    written = dynamodb.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in BIG]})
    assert written["UnprocessedItems"] == {}

    queried = dynamodb.query(TableName=name, **QUERY, ReturnConsumedCapacity="TOTAL")
    assert [item["sk"]["N"] for item in queried["Items"]] == IN_ORDER
    assert queried["ConsumedCapacity"]["CapacityUnits"] == 0.5  # a few bytes, eventually consistent: half of one unit

    pages = dynamodb.get_paginator("scan").paginate(TableName=name, ProjectionExpression="pk")
    assert sum(page["Count"] for page in pages) == len(SMALL) + len(BIG)

    with pytest.raises(ClientError) as refused:
        for _ in range(MOST_SCANS):
            dynamodb.scan(TableName=name, ConsistentRead=True, Select="COUNT")
    assert refused.value.response["Error"]["Code"] == THROTTLED
    assert refused.value.response["ThrottlingReasons"][0]["reason"] == "TableReadProvisionedThroughputExceeded"
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0

    dynamodb.delete_table(TableName=name)
    assert name not in dynamodb.list_tables()["TableNames"]


def test_the_aws_cli_goes_through_a_tables_life(twin_url: str, tmp_path: Path) -> None:
    """The AWS CLI, as a script would call it, does the same; a refusal is its exit code 255 (version 1's) and the exception's name."""
    name = "round-cli"
    python = _fetched(lambda: fetched.python("awscli"))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "AWS_RETRY_MODE": "standard", "AWS_PAGER": "",
    }  # fmt: skip

    def aws(operation: str, *words: str, **payload: Any) -> subprocess.CompletedProcess[str]:
        given = tmp_path / "input.json"
        given.write_text(json.dumps(payload))
        command = [str(python), "-m", "awscli", "--endpoint-url", twin_url, "--output", "json", "dynamodb", operation]
        command += [*words, *(["--cli-input-json", f"file://{given}"] if payload else [])]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def answer(operation: str, *words: str, **payload: Any) -> dict[str, Any]:
        said = aws(operation, *words, **payload)
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout) if said.stdout else {}

    answer("create-table", TableName=name, **KEYS)
    answer("wait", "table-exists", "--table-name", name)
    for item in SMALL:
        answer("put-item", TableName=name, Item=item)
    written = answer("batch-write-item", RequestItems={name: [{"PutRequest": {"Item": item}} for item in BIG]})
    assert written["UnprocessedItems"] == {}

    queried = answer("query", TableName=name, **QUERY, ReturnConsumedCapacity="TOTAL")
    assert [item["sk"]["N"] for item in queried["Items"]] == IN_ORDER
    assert queried["ConsumedCapacity"]["CapacityUnits"] == 0.5
    assert answer("scan", TableName=name, ProjectionExpression="pk")["Count"] == len(SMALL) + len(BIG)

    for _ in range(MOST_SCANS):
        said = aws("scan", "--no-paginate", TableName=name, ConsistentRead=True, Select="COUNT")
        if said.returncode:
            break
    assert (said.returncode, THROTTLED in said.stderr) == (255, True), said.stderr

    answer("delete-table", "--table-name", name)
    assert name not in answer("list-tables")["TableNames"]


def test_the_javascript_sdk_goes_through_a_tables_life(twin_url: str) -> None:
    """The SDK for JavaScript (v3, sdk/round.cjs) does the same and is refused on its only attempt."""
    modules = _fetched(fetched.node_modules)
    said = subprocess.run(
        ["node", str(Path(__file__).parent / "sdk" / "round.cjs"), twin_url],
        env=os.environ | {"NODE_PATH": str(modules)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == {
        "unprocessed": 0,
        "queried": IN_ORDER,
        "query_units": 0.5,
        "scanned": 6,
        "throttled": THROTTLED,
        "attempts": 1,
        "left": False,
    }
