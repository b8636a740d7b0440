"""A twin that is stopped and started with the same folder has the same tables."""

import json
import signal
import subprocess
import sys

import boto3
import pytest
from botocore.config import Config

DEFINITION = {
    "BillingMode": "PROVISIONED",
    "ProvisionedThroughput": {"ReadCapacityUnits": 700, "WriteCapacityUnits": 800},
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in [("p", "N"), ("s", "B"), ("g", "S"), ("l", "N")]
    ],
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by_l",
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["text"]},
        }
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": {"ReadCapacityUnits": 50, "WriteCapacityUnits": 600},
        }
    ],
    "DeletionProtectionEnabled": True,
}


class Stoppable:
    """A twin with a folder, started and stopped by the test."""

    def __init__(self, folder):
        command = [sys.executable, "-m", "harness.local.dynamodb", "--data", str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.line = self.process.stdout.readline()

    @property
    def client(self):
        return boto3.client(
            "dynamodb", endpoint_url=self.line.split()[-1], region_name="us-east-1", aws_access_key_id="local",
            aws_secret_access_key="local", config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )  # fmt: skip

    def stop(self, signum=signal.SIGTERM):
        self.process.send_signal(signum)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(folder=tmp_path / "data"):
        started.append(Stoppable(folder))
        return started[-1]

    yield begin
    for twin in started:
        twin.process.kill()
        twin.process.communicate()


def fill(client):
    client.create_table(TableName="kept", **DEFINITION)
    client.create_table(
        TableName="plain",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    for number in range(60):
        item = {
            "p": {"N": str(number % 7)},
            "s": {"B": bytes([number, 255 - number])},
            "text": {"S": f"flight {number} ✈"},
        }
        item |= {"l": {"N": f"{number - 30}.5"}} if number % 3 else {}
        item |= {"g": {"S": f"gate {number % 4}"}} if number % 5 else {}
        client.put_item(TableName="kept", Item=item)
    client.put_item(TableName="plain", Item={"id": {"S": "one"}, "ends": {"N": "99999999999"}})
    client.update_time_to_live(TableName="plain", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})


def told(client):
    """Everything a client can ask of the two tables, but for what says when."""
    kept = client.describe_table(TableName="kept")["Table"]
    for description in (kept["ProvisionedThroughput"], kept):
        for name in ("CreationDateTime", "LastIncreaseDateTime", "LastDecreaseDateTime"):
            description.pop(name, None)
    return {
        "tables": client.list_tables()["TableNames"],
        "kept": kept,
        "items": client.scan(TableName="kept")["Items"],
        "by_g": client.scan(TableName="kept", IndexName="by_g")["Items"],
        "by_l": client.scan(TableName="kept", IndexName="by_l")["Items"],
        "plain": client.scan(TableName="plain")["Items"],
        "ttl": client.describe_time_to_live(TableName="plain")["TimeToLiveDescription"],
    }


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_tables_items_indexes_and_settings_are_there_again(start, signum):
    """Number and binary keys, sparse indexes of both kinds, what they project, capacity, protection, time to live."""
    first = start()
    fill(first.client)
    before = told(first.client)
    assert first.stop(signum) == (0, "")
    again = start()
    assert told(again.client) == before
    again.client.delete_item(TableName="kept", Key={"p": {"N": "1"}, "s": {"B": bytes([1, 254])}})
    left = again.client.query(
        TableName="kept",
        IndexName="by_g",
        KeyConditionExpression="g = :g",
        ExpressionAttributeValues={":g": {"S": "gate 1"}},
    )["Items"]
    assert {"S": "flight 1 ✈"} not in [item["text"] for item in left]
    assert len(left) == sum(item["g"] == {"S": "gate 1"} for item in before["by_g"]) - 1


def test_a_second_stop_replaces_the_first_ones_files(start, tmp_path):
    """One listing and one set of files, however often."""
    for _ in range(3):
        twin = start()
        if not twin.client.list_tables()["TableNames"]:
            fill(twin.client)
        assert twin.stop()[0] == 0
    names = sorted(path.name for path in (tmp_path / "data").iterdir())
    assert len(names) == 1 + 4, names  # two tables, two indexes of one of them


def test_a_twin_that_is_killed_leaves_what_the_last_stop_wrote(start):
    """Nothing is written but when it stops."""
    first = start()
    fill(first.client)
    before = told(first.client)
    first.stop()
    second = start()
    second.client.put_item(TableName="plain", Item={"id": {"S": "two"}})
    second.stop(signal.SIGKILL)
    assert told(start().client) == before


def test_an_empty_or_missing_folder_has_no_tables(start, tmp_path):
    """And is made when the twin stops."""
    twin = start(tmp_path / "new" / "folder")
    assert twin.client.list_tables()["TableNames"] == []
    twin.stop()
    assert json.loads((tmp_path / "new" / "folder" / "tables.json").read_text()) == {"schema": 1, "tables": []}


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "can't be read"), ('{"schema": 7, "tables": []}', "is of schema 7"), (None, "is a file")],
)
def test_what_is_no_snapshot_is_refused_in_a_sentence(start, tmp_path, content, says):
    """Exit code 2, and nothing listens."""
    folder = tmp_path / "data"
    if content is None:
        folder.write_text("")
    else:
        folder.mkdir()
        (folder / "tables.json").write_text(content)
    twin = start()
    _, said = twin.process.communicate(timeout=30)
    assert (twin.process.returncode, twin.line) == (2, "")
    assert says in said and "Traceback" not in said


def test_a_folder_that_cannot_be_written_is_said_at_the_end(start, tmp_path):
    """The path leads through a file: exit code 3."""
    (tmp_path / "file").write_text("")
    twin = start(tmp_path / "file" / "data")
    code, said = twin.stop()
    assert code == 3
    assert "can't be written" in said and "Traceback" not in said
