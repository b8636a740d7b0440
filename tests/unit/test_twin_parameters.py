"""What AWS doesn't publish may be said by the user, in a file that is checked."""

import json

import pytest

from harness.errors import UsageError
from harness.local.dynamodb.parameters import read_parameters
from harness.local.dynamodb.service import Service


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "parameters.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_a_table_begins_as_the_file_says(file):
    """A store that begins empty: of a table of 10 units nothing is left at once, and 10 after a second."""
    now = [0.0]
    parameters = read_parameters(file({"admission": {"initial_fill": 0}, "tables": {"table_units": 50}}))
    service = Service(clock_s=lambda: now[0], parameters=parameters)
    request = {
        "TableName": "empty", "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }  # fmt: skip
    target = b"DynamoDB_20120810.CreateTable"
    assert service.answer(target, json.dumps(request).encode())[0] == 200
    levels = []
    for now[0] in (0.0, 1.0):
        levels.append(service.state()["tables"]["empty"]["meters"]["table"]["read"]["bucket_units"])
    assert levels == [0, 10]
    larger = (
        request
        | {"TableName": "larger"}
        | {"ProvisionedThroughput": {"ReadCapacityUnits": 51, "WriteCapacityUnits": 1}}
    )
    status, body = service.answer(target, json.dumps(larger).encode())
    assert status == 400 and b"Per table maximum: 50" in body


def test_what_is_not_given_keeps_its_default(file):
    """An empty file, and one group of three."""
    assert read_parameters(file({})) == read_parameters(file({"autoscaling": {}}))
    assert read_parameters(file({"autoscaling": {"delay_s": 82}})).autoscaling.delay_s == 82


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ([], "expected an object of objects"),
        ({"admission": 3}, "expected an object of objects"),
        ({"admision": {}}, "admision: unknown; there are admission, autoscaling, tables"),
        ({"tables": {"create": 3}}, "tables.create: unknown; there are create_s"),
        ({"tables": {"create_s": -1}}, "tables.create_s: expected a number of 0 or more, got -1"),
        ({"tables": {"create_s": "3"}}, 'got "3"'),
        ({"tables": {"backfill_takes_capacity": 1}}, "expected true or false, got 1"),
        ({"admission": {"partition_limits": False}}, "partition_limits: unknown"),
        (
            {"admission": {"partition_read_rate": 0}},
            "admission: partition_read_rate and partition_write_rate must be > 0",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(file, content, says):
    """No default in its stead."""
    with pytest.raises(UsageError, match="parameters.json") as refused:
        read_parameters(file(content))
    assert says in str(refused.value)
