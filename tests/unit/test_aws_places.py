"""What answers at an address: AWS by its name, and never what is on this machine."""

import pytest
from scripted_aws import ScriptedAws

from harness.aws.databases import must_lead_to
from harness.aws.places import is_loopback, place_of
from harness.aws.safety import Refused
from harness.aws.services import AwsServices, whereabouts
from harness.config import AwsSettings, Config
from harness.errors import UsageError
from harness.services import Needs

OURS = "lab-mysql.c1a2b3.us-east-1.rds.amazonaws.com"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost.", True), ("10.0.0.1", False), (OURS, False)],
)
def test_loopback_is_this_machine(host: str, expected: bool) -> None:
    """Where a database's name was resolved to it, its figures are nobody's on AWS."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (OURS, "aws"), ("https://vpce-1.rds.eu-west-1.vpce.amazonaws.com:443/x", "aws"), ("http://127.0.0.1:5000", "endpoint override"),
        ("amazonaws.com.example", "endpoint override"), ("http://amazonaws.com:80@127.0.0.1:5000", "endpoint override"),
    ],
)  # fmt: skip
def test_a_place_is_aws_by_the_host_alone(host: str, expected: str) -> None:
    """A user's part of a URL, or a name that only begins so, is none."""
    assert place_of(host) == expected


def test_the_address_must_be_that_of_the_id_whose_tags_were_read() -> None:
    """In whatever case; another one has to be said to be ours, and may not look like production even then."""
    must_lead_to(OURS.upper(), OURS, "aws.sql.mysql", ours=False)
    must_lead_to("127.0.0.1", OURS, "aws.sql.mysql", ours=True)
    with pytest.raises(UsageError, match="its host orders.example isn't lab-mysql"):
        must_lead_to("orders.example", OURS, "aws.sql.mysql", ours=False)
    with pytest.raises(Refused, match="looks like production"):
        must_lead_to("orders-prod.example", OURS, "aws.sql.mysql", ours=True)
    with pytest.raises(Refused, match="looks like production"):
        must_lead_to("prod.example", None, "aws.cache", ours=True)


def test_a_cache_that_is_emptied_is_the_one_whose_tags_were_read() -> None:
    """The group is ours, the host another's: nothing is connected to. Its own address is taken, whoever wrote it down."""
    aws = ScriptedAws("lab")
    group = {
        "ReplicationGroupId": "lab-cache", "ARN": "arn:aws:elasticache:us-east-1:1:replicationgroup:lab-cache",
        "NodeGroups": [{"PrimaryEndpoint": {"Address": "master.lab-cache.a1.use1.cache.amazonaws.com", "Port": 6379}}],
    }  # fmt: skip
    aws.on("elasticache", "DescribeReplicationGroups", {"ReplicationGroups": [group]})
    aws.on("elasticache", "ListTagsForResource", {"TagList": [{"Key": "dbharness", "Value": "lab"}]})
    section = {"cache": {"replication_group": "lab-cache", "host": "orders.example", "password_env": "NO_SUCH"}}
    config = Config(target="aws", aws=AwsSettings.model_validate(section))
    with pytest.raises(UsageError, match=r"aws.cache: its host orders.example isn't master.lab-cache"):
        AwsServices.up(Needs(cache=True), config, aws.gateway())
    section["cache"]["host"] = "master.lab-cache.a1.use1.cache.amazonaws.com"
    config = Config(target="aws", aws=AwsSettings.model_validate(section))
    with pytest.raises(UsageError, match="the environment has no NO_SUCH"):
        AwsServices.up(Needs(cache=True), config, aws.gateway())


@pytest.mark.parametrize(("tags", "refused"), [([], True), ([{"Key": "dbharness", "Value": "lab"}], False)])
def test_a_stack_without_our_tag_says_nothing_of_ours(tags: list[dict[str, str]], refused: bool) -> None:
    """What it calls its outputs and parameters isn't taken for where our databases are, and what we may unprotect."""
    aws = ScriptedAws("lab")
    stack = {"StackName": "lab", "StackStatus": "CREATE_COMPLETE", "CreationTime": 0, "Tags": tags}
    aws.on("cloudformation", "DescribeStacks", {"Stacks": [stack]})
    config = Config(target="aws", aws=AwsSettings(stack="lab"))
    if refused:
        with pytest.raises(Refused, match="Taking the outputs of stack lab is refused: it has no tag dbharness=lab"):
            whereabouts(config, aws.gateway())
    else:
        assert whereabouts(config, aws.gateway())[1].dynamodb is not None
