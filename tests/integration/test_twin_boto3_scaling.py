"""Unmodified boto3 sets up auto scaling on a twin of its own, at speed, and the twin raises the capacity."""

import time

import boto3
import pytest
from botocore.config import Config
from twin_tables import KB

from harness.local.twin import TwinServer

SPEED = 240.0  # a minute in a quarter of a second
READS = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/flights",
    "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
}
POLICY = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
    },
}


@pytest.fixture
def clients(warden):
    """boto3's clients for both services, at one address."""
    twin = TwinServer(warden, SPEED)
    twin.start()
    return [
        boto3.client(
            service,
            endpoint_url=twin.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        for service in ("dynamodb", "application-autoscaling")
    ]


def test_demand_above_the_target_raises_capacity_and_the_activity_says_why(clients):
    """Reads of 100 units, ten a service minute, are 16.7 a second of 10: the store carries them, two minutes later it is more."""
    dynamodb, scaling = clients
    dynamodb.create_table(
        TableName="flights",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 400},
    )
    item = {"id": {"S": "one"}, "pad": {"S": "x" * (400 * KB - len("idonepad"))}}
    dynamodb.put_item(TableName="flights", Item=item)
    scaling.register_scalable_target(**READS, MinCapacity=10, MaxCapacity=12)
    policy = scaling.put_scaling_policy(**READS, PolicyName="reads", **POLICY)
    assert len(policy["Alarms"]) == 4

    def provisioned():
        return dynamodb.describe_table(TableName="flights")["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"]

    until = time.monotonic() + 30
    while provisioned() == 10:
        assert time.monotonic() < until, "expected more than 10 units after two minutes of service time"
        dynamodb.query(
            TableName="flights",
            KeyConditionExpression="id = :id",
            ExpressionAttributeValues={":id": {"S": "one"}},
            ConsistentRead=True,
            Select="COUNT",
        )
        time.sleep(6 / SPEED)
    assert provisioned() == 12
    (activity,) = scaling.describe_scaling_activities(**READS)["ScalingActivities"]
    assert activity["Description"] == "Setting read capacity units to 12."
    assert activity["Cause"].endswith("in state ALARM triggered policy reads")
    assert activity["StatusCode"] == "Successful"


def test_the_api_errs_in_its_own_way(clients):
    """boto3 has exceptions by name, from its model of the API; what isn't built is an unknown operation."""
    _, scaling = clients
    with pytest.raises(scaling.exceptions.ObjectNotFoundException, match="No scalable target registered"):
        scaling.put_scaling_policy(**READS, PolicyName="reads", **POLICY)
    with pytest.raises(scaling.exceptions.ValidationException, match="DynamoDB table does not exist: table/flights"):
        scaling.register_scalable_target(**READS, MinCapacity=1, MaxCapacity=2)
    with pytest.raises(scaling.exceptions.ClientError, match="UnknownOperationException"):
        scaling.put_scheduled_action(**READS, ScheduledActionName="nightly", Schedule="rate(1 day)")
