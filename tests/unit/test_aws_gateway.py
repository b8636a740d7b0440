"""One gateway to AWS: what it refuses to send, what it reads before it destroys, and what its errors say."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError
from botocore.parsers import ResponseParserError
from botocore.session import Session
from botocore.stub import Stubber

from harness.aws.calls import CALLS, Kind, declared
from harness.aws.failures import AwsError, refused, trouble_of
from harness.aws.gateway import Aws
from harness.aws.owners import look_up
from harness.aws.safety import Refused
from harness.errors import UsageError

ARN = "arn:aws:rds:us-east-1:123456789012"
OURS = [{"Key": "dbharness", "Value": "lab"}]


SESSION = Session()
"""Reads each service's model once."""


class Stubbed:
    """The gateway with botocore's stubbers behind it: each answer is for one expected request."""

    def __init__(self) -> None:
        self._stubs: dict[str, Stubber] = {}
        self.aws = Aws("us-east-1", stack="lab", clients=self._client)

    def _client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
        client = SESSION.create_client(
            service, region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}), **keys
        )
        self._stubs[service] = Stubber(client)
        self._stubs[service].activate()
        return client

    def answers(self, service: str, method: str, answer: dict[str, Any], **expected: Any) -> None:
        """Stubber checks the answer and the request against botocore's model."""
        self.aws.client(service)
        self._stubs[service].add_response(method, answer, expected)

    def fails(self, service: str, method: str, code: str, message: str = "no", status: int = 400) -> None:
        self.aws.client(service)
        self._stubs[service].add_client_error(method, code, message, status)

    def done(self) -> None:
        """Nothing was left unasked."""
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def stubbed() -> Stubbed:
    return Stubbed()


def test_a_call_that_is_not_declared_is_not_made(stubbed: Stubbed) -> None:
    """It is a mistake in the code, not of the user's: no policy grants it."""
    with pytest.raises(AssertionError, match=r"rds:DeleteDBProxy isn't declared"):
        stubbed.aws.call("rds", "DeleteDBProxy", DBProxyName="x")


def test_what_destroys_is_sent_by_guarded_alone_and_what_does_not_isn_t(stubbed: Stubbed) -> None:
    """Both ways round."""
    with pytest.raises(AssertionError, match="use guarded"):
        stubbed.aws.call("rds", "RebootDBInstance", DBInstanceIdentifier="x")
    with pytest.raises(AssertionError, match="use guarded"):
        list(stubbed.aws.paginate("s3", "DeleteObjects", "Deleted"))
    with pytest.raises(AssertionError, match="use call"):
        stubbed.aws.guarded("rds", "DescribeDBInstances")


def test_parameters_are_checked_before_anything_is_sent() -> None:
    """By botocore's model; the message names the call and the parameter. Nobody listens where these would go."""
    aws = Aws("us-east-1", stack="lab", endpoint_url="http://127.0.0.1:9", attempts=1)

    def complaint(service: str, operation: str, **params: Any) -> str:
        with pytest.raises(AwsError) as caught:
            aws.call(service, operation, **params)
        assert caught.value.trouble == "parameters"
        return str(caught.value).removeprefix(f"{service}:{operation}: ")

    assert complaint("rds", "DescribeDBInstances", DBInstance="x").startswith(
        'Unknown parameter in input: "DBInstance"'
    )
    assert complaint("cloudformation", "CreateStack", Tags=OURS) == 'Missing required parameter in input: "StackName"'
    assert "Invalid type for parameter MaxRecords" in complaint("rds", "DescribeEvents", MaxRecords="many")


def test_words_and_lengths_are_checked_too() -> None:
    """botocore leaves those to the service, which moto isn't. Limits as the services' models have them."""
    aws = Aws("us-east-1", stack="lab", endpoint_url="http://127.0.0.1:9", attempts=1)
    with pytest.raises(AwsError, match=r"SourceType is 'instance', must be one of db-instance, .*db-cluster"):
        aws.call("rds", "DescribeEvents", SourceType="instance")
    with pytest.raises(AwsError, match=r"Capabilities\[1\] is 'EVERYTHING', must be one of CAPABILITY_IAM, "):
        aws.call("cloudformation", "CreateStack", StackName="x", Capabilities=["CAPABILITY_IAM", "EVERYTHING"])
    with pytest.raises(AwsError, match=r"Tags\[0\]\.Key has 129 characters, at most 128 are allowed"):
        aws.call("cloudformation", "CreateStack", StackName="x", Tags=[{"Key": "k" * 129, "Value": "v"}])
    with pytest.raises(AwsError, match="TagFilters has 51 entries, at most 50 are allowed"):
        aws.call("resourcegroupstaggingapi", "GetResources", TagFilters=[{"Key": str(n)} for n in range(51)])
    with pytest.raises(AwsError, match="Could not connect") as caught:
        aws.call("rds", "DescribeEvents", SourceType="db-instance")
    assert caught.value.trouble == "unreachable"


def test_the_tags_are_read_and_then_it_is_rebooted(stubbed: Stubbed) -> None:
    """Describe first, from AWS as it is now, then the reboot."""
    described = {
        "DBInstanceIdentifier": "a",
        "DBInstanceArn": f"{ARN}:db:a",
        "TagList": OURS,
        "DeletionProtection": False,
    }
    stubbed.answers("rds", "describe_db_instances", {"DBInstances": [described]}, DBInstanceIdentifier="a")
    stubbed.answers("rds", "reboot_db_instance", {"DBInstance": {}}, DBInstanceIdentifier="a", ForceFailover=True)
    stubbed.aws.guarded("rds", "RebootDBInstance", DBInstanceIdentifier="a", ForceFailover=True)
    stubbed.done()


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call.aims_at], ids=lambda call: f"{call.service}:{call.operation}"
)
def test_what_has_no_tag_of_ours_is_asked_about_and_left_alone(call: Any, stubbed: Stubbed) -> None:
    """For every call that interrupts or destroys: no answer to it is prepared, so that sending it would fail."""
    _PREPARE[call.aims_at](stubbed, [])
    with pytest.raises(Refused, match=rf"{call.operation} of .* is refused: it has no tag dbharness=lab"):
        stubbed.aws.guarded(call.service, call.operation, **{call.named_by: "a"})
    stubbed.done()


def _one(
    service: str, method: str, key: str, named: str, arn: str, tags: str = "TagList"
) -> Callable[[Stubbed, Any], None]:
    def prepare(stubbed: Stubbed, pairs: list[dict[str, str]]) -> None:
        stubbed.answers(service, method, {key: [{arn: f"{ARN}:x:a", tags: pairs}]}, **{named: "a"})

    return prepare


def _stack(stubbed: Stubbed, pairs: list[dict[str, str]]) -> None:
    stack = {"StackName": "a", "StackId": "arn:a", "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", "Tags": pairs}
    stubbed.answers("cloudformation", "describe_stacks", {"Stacks": [stack]}, StackName="a")


def _backup(stubbed: Stubbed, pairs: list[dict[str, str]]) -> None:
    backup = {"DBInstanceIdentifier": "gone", "DBInstanceAutomatedBackupsArn": "a"}
    answer = {"DBInstanceAutomatedBackups": [backup]}
    stubbed.answers("rds", "describe_db_instance_automated_backups", answer, DBInstanceAutomatedBackupsArn="a")
    stubbed.answers("rds", "list_tags_for_resource", {"TagList": pairs}, ResourceName="a")


def _elasticache(method: str, key: str, named: str) -> Callable[[Stubbed, Any], None]:
    def prepare(stubbed: Stubbed, pairs: list[dict[str, str]]) -> None:
        stubbed.answers("elasticache", method, {key: [{"ARN": "arn:aws:elasticache:a"}]}, **{named: "a"})
        stubbed.answers(
            "elasticache", "list_tags_for_resource", {"TagList": pairs}, ResourceName="arn:aws:elasticache:a"
        )

    return prepare


def _table(stubbed: Stubbed, pairs: list[dict[str, str]]) -> None:
    stubbed.answers("dynamodb", "describe_table", {"Table": {"TableArn": "arn:a"}}, TableName="a")
    stubbed.answers("dynamodb", "list_tags_of_resource", {"Tags": pairs}, ResourceArn="arn:a")


def _bucket(stubbed: Stubbed, pairs: list[dict[str, str]]) -> None:
    """S3 answers a bucket without tags with an error."""
    if pairs:
        stubbed.answers("s3", "get_bucket_tagging", {"TagSet": pairs}, Bucket="a")
    else:
        stubbed.fails("s3", "get_bucket_tagging", "NoSuchTagSet", status=404)


def _log_group(stubbed: Stubbed, pairs: list[dict[str, str]]) -> None:
    stubbed.answers("sts", "get_caller_identity", {"Account": "123456789012"})
    tags = {pair["Key"]: pair["Value"] for pair in pairs}
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:a"
    stubbed.answers("logs", "list_tags_for_resource", {"tags": tags}, resourceArn=arn)


_PREPARE: dict[Kind, Callable[[Stubbed, Any], None]] = {
    "stack": _stack,
    "db_instance": _one("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier", "DBInstanceArn"),
    "db_cluster": _one("rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier", "DBClusterArn"),
    "db_snapshot": _one("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier", "DBSnapshotArn"),
    "db_cluster_snapshot": _one(
        "rds",
        "describe_db_cluster_snapshots",
        "DBClusterSnapshots",
        "DBClusterSnapshotIdentifier",
        "DBClusterSnapshotArn",
    ),
    "db_backup": _backup,
    "cache": _elasticache("describe_replication_groups", "ReplicationGroups", "ReplicationGroupId"),
    "cache_snapshot": _elasticache("describe_snapshots", "Snapshots", "SnapshotName"),
    "table": _table,
    "bucket": _bucket,
    "log_group": _log_group,
}


@pytest.mark.parametrize("kind", _PREPARE)
def test_what_has_our_tag_is_found_to_be_ours(kind: Kind, stubbed: Stubbed) -> None:
    """Each service keeps its tags in a place of its own."""
    _PREPARE[kind](stubbed, OURS)
    assert stubbed.aws.must_be_ours(kind, "a", "flush").tags == {"dbharness": "lab"}
    stubbed.done()


def test_one_name_for_nothing_or_for_two_is_no_answer(stubbed: Stubbed) -> None:
    """Which of two to destroy can't be known."""
    stubbed.answers("rds", "describe_db_instances", {"DBInstances": []}, DBInstanceIdentifier="a")
    with pytest.raises(AwsError, match="AWS has none of that name"):
        look_up(stubbed.aws, "db_instance", "a")
    stubbed.answers("rds", "describe_db_instances", {"DBInstances": [{}, {}]}, DBInstanceIdentifier="a")
    with pytest.raises(AwsError, match="AWS has 2 of that name"):
        look_up(stubbed.aws, "db_instance", "a")


def test_a_guarded_call_names_what_it_is_aimed_at(stubbed: Stubbed) -> None:
    """A change set's ARN alone doesn't say whose stack it changes."""
    with pytest.raises(UsageError, match="only with StackName"):
        stubbed.aws.guarded("cloudformation", "ExecuteChangeSet", ChangeSetName="arn:aws:cloudformation:…")


def test_all_pages_are_read(stubbed: Stubbed) -> None:
    """The second is asked with the marker of the first; an operation without pages gives its only one."""
    stubbed.answers("rds", "describe_events", {"Events": [{"Message": "one"}], "Marker": "m"}, Duration=60)
    stubbed.answers("rds", "describe_events", {"Events": [{"Message": "two"}]}, Duration=60, Marker="m")
    events = stubbed.aws.paginate("rds", "DescribeEvents", "Events", Duration=60)
    assert [event["Message"] for event in events] == ["one", "two"]
    stubbed.answers("rds", "list_tags_for_resource", {"TagList": OURS}, ResourceName="a")
    assert list(stubbed.aws.paginate("rds", "ListTagsForResource", "TagList", ResourceName="a")) == OURS


def test_an_error_on_a_later_page_is_an_error(stubbed: Stubbed) -> None:
    """What was read before is no whole answer."""
    stubbed.answers("rds", "describe_events", {"Events": [{"Message": "one"}], "Marker": "m"})
    stubbed.fails("rds", "describe_events", "Throttling", "Rate exceeded")
    events = stubbed.aws.paginate("rds", "DescribeEvents", "Events")
    assert next(events)["Message"] == "one"
    with pytest.raises(AwsError, match="wait a minute") as caught:
        next(events)
    assert caught.value.trouble == "throttled"


@pytest.mark.parametrize(
    ("code", "said", "trouble"),
    [
        ("AccessDenied", "", "denied"), ("UnauthorizedOperation", "", "denied"), ("ExpiredToken", "", "expired"),
        ("ExpiredTokenException", "", "expired"), ("InvalidClientTokenId", "", "credentials"), ("Throttling", "", "throttled"),
        ("RequestLimitExceeded", "", "throttled"), ("InstanceQuotaExceeded", "", "quota"), ("VpcLimitExceeded", "", "quota"),
        ("LimitExceededException", "", "quota"), ("SnapshotQuotaExceeded", "", "quota"),
        ("InsufficientDBInstanceCapacity", "", "capacity"), ("DBInstanceNotFound", "", "missing"), ("NoSuchBucket", "", "missing"),
        ("ValidationError", "Stack with id lab does not exist", "missing"), ("ValidationError", "No updates", "refused"),
        ("InvalidDBInstanceState", "", "conflict"), ("AlreadyExistsException", "", "conflict"), ("BucketNotEmpty", "", "conflict"),
        ("DependencyViolation", "", "conflict"), ("InternalFailure", "", "refused"),
    ],
)  # fmt: skip
def test_each_code_is_one_trouble(code: str, said: str, trouble: str) -> None:
    """Codes as the services' models and documentation have them."""
    assert trouble_of(code, said) == trouble


def test_a_denied_call_says_which_permission_is_missing(stubbed: Stubbed) -> None:
    """The one that AWS names, else all that the call takes; and where they are written down."""
    stubbed.fails(
        "s3", "put_object", "AccessDenied", "User: arn:… is not authorized to perform: kms:GenerateDataKey on …"
    )
    with pytest.raises(AwsError, match=r"need kms:GenerateDataKey, which docs/iam-policy\.json grants"):
        stubbed.aws.call("s3", "PutObject", Bucket="b", Key="k")
    stubbed.fails("rds", "create_db_snapshot", "AccessDenied", "denied")
    with pytest.raises(AwsError, match="rds:AddTagsToResource and rds:CreateDBSnapshot, .* tagged dbharness"):
        stubbed.aws.call("rds", "CreateDBSnapshot", DBSnapshotIdentifier="s", DBInstanceIdentifier="a")


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("ExpiredToken", "sign in again"), ("InvalidClientTokenId", "set AWS_PROFILE"), ("Throttling", "wait a minute"),
        ("InstanceQuotaExceeded", "Service Quotas, rds"), ("InsufficientDBInstanceCapacity", "another class"),
    ],
)  # fmt: skip
def test_each_trouble_has_its_way_out(code: str, way_out: str, stubbed: Stubbed) -> None:
    """Beside the call, the region, AWS's code and what it said."""
    stubbed.fails("rds", "describe_db_instances", code, "said so.")
    with pytest.raises(AwsError, match=way_out) as caught:
        stubbed.aws.call("rds", "DescribeDBInstances")
    assert str(caught.value).startswith(f"rds:DescribeDBInstances in us-east-1: {code}: said so; ")
    assert (caught.value.code, caught.value.call, caught.value.said) == (code, "rds:DescribeDBInstances", "said so.")


@pytest.mark.parametrize(
    ("error", "trouble", "text"),
    [
        (NoCredentialsError(), "credentials", "aws sso login"),
        (EndpointConnectionError(endpoint_url="https://rds.example"), "unreachable", "look at the network"),
        (ConnectTimeoutError(endpoint_url="https://rds.example"), "unreachable", "look at the network"),
        (ResponseParserError("b'<!doctype html>'"), "unreachable", "what answers isn't AWS"),
    ],
)  # fmt: skip
def test_no_answer_at_all_is_told_apart(error: Exception, trouble: str, text: str) -> None:
    """No credentials, no network, somebody else's answer."""

    aws = Aws("us-east-1", stack="lab", endpoint_url="http://127.0.0.1:9", attempts=1)

    def broken(**_: Any) -> None:
        raise error

    aws.client("rds").meta.events.register_first("before-call.rds.DescribeDBInstances", broken)
    with pytest.raises(AwsError, match=text) as caught:
        aws.call("rds", "DescribeDBInstances")
    assert caught.value.trouble == trouble


def test_a_stand_in_on_loopback_is_given_no_one_s_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the profile looked for; what is elsewhere gets what botocore's chain has."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def key_sent(endpoint_url: str | None) -> str:
        aws = Aws("us-east-1", stack="lab", endpoint_url=endpoint_url)
        return str(aws.client("rds")._request_signer._credentials.access_key)

    assert key_sent("http://127.0.0.1:5000") == key_sent("http://localhost:5000") == "local"
    assert key_sent(None) == key_sent("http://127.0.0.1.example:5000") == "somebody"
    assert Aws("us-east-1", stack="lab", endpoint_url="http://127.0.0.1:5000", profile="none such").client("s3")
    with pytest.raises(UsageError, match="--aws-profile"):
        Aws("us-east-1", stack="lab", profile="none such")


def test_prices_are_asked_where_they_are_answered() -> None:
    """The Pricing API isn't in every region."""
    aws = Aws("eu-west-3", stack="lab", endpoint_url="http://127.0.0.1:5000")
    assert (aws.client("pricing").meta.region_name, aws.client("rds").meta.region_name) == ("us-east-1", "eu-west-3")


def test_a_message_without_a_way_out_ends_with_what_aws_said() -> None:
    """Nothing is made up."""
    call = declared("rds", "DescribeDBInstances")
    assert call is not None
    assert (
        str(refused(call, "InternalFailure", "odd", region="x")) == "rds:DescribeDBInstances in x: InternalFailure: odd"
    )
