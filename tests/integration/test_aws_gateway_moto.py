"""The gateway against moto's server, and against a control plane that is busy."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from harness.aws.failures import AwsError
from harness.aws.gateway import Aws
from harness.aws.safety import Refused
from harness.local.processes import Warden
from tools.emulators import HOST, start_moto

OURS = [{"Key": "dbharness", "Value": "lab"}]
TEMPLATE = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'


@pytest.fixture(scope="module")
def aws(emulators: Warden) -> Aws:
    return Aws("us-east-1", stack="lab", endpoint_url=f"http://{HOST}:{start_moto(emulators)}")


def _instance(aws: Aws, name: str, tags: list[dict[str, str]]) -> None:
    aws.client("rds").create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20, MasterUsername="a",
        MasterUserPassword="a-long-password", Tags=tags,
    )  # fmt: skip


def test_a_tagged_instance_goes_and_an_untagged_one_stays(aws: Aws) -> None:
    """Both are asked to go; what is left is what carries no tag."""
    _instance(aws, "tagged", OURS)
    _instance(aws, "somebody-s", [])
    aws.guarded("rds", "DeleteDBInstance", DBInstanceIdentifier="tagged", SkipFinalSnapshot=True)
    with pytest.raises(Refused, match="has no tag dbharness=lab"):
        aws.guarded("rds", "DeleteDBInstance", DBInstanceIdentifier="somebody-s", SkipFinalSnapshot=True)
    names = [found["DBInstanceIdentifier"] for found in aws.paginate("rds", "DescribeDBInstances", "DBInstances")]
    assert names == ["somebody-s"]
    with pytest.raises(AwsError) as caught:
        aws.guarded("rds", "DeleteDBInstance", DBInstanceIdentifier="tagged", SkipFinalSnapshot=True)
    assert caught.value.trouble == "missing"


def test_a_stack_is_made_found_and_deleted_if_it_is_ours(aws: Aws) -> None:
    """Its tags are CloudFormation's own answer."""
    aws.call("cloudformation", "CreateStack", StackName="lab", TemplateBody=TEMPLATE, Tags=OURS)
    aws.call("cloudformation", "CreateStack", StackName="theirs", TemplateBody=TEMPLATE)
    with pytest.raises(Refused, match="stack theirs is refused"):
        aws.guarded("cloudformation", "DeleteStack", StackName="theirs")
    aws.guarded("cloudformation", "DeleteStack", StackName="lab")
    left = aws.paginate("cloudformation", "DescribeStacks", "Stacks")
    assert [stack["StackName"] for stack in left] == ["theirs"]
    with pytest.raises(AwsError, match="does not exist") as caught:
        aws.call("cloudformation", "DescribeStacks", StackName="lab")
    assert caught.value.trouble == "missing"


def test_a_bucket_without_tags_is_not_emptied(aws: Aws) -> None:
    """S3 answers with an error where there are none."""
    objects = {"Objects": [{"Key": "sample"}]}
    for name in ("lab-runbucket-1", "theirs"):
        aws.client("s3").create_bucket(Bucket=name)
        aws.call("s3", "PutObject", Bucket=name, Key="sample", Body=b"x")
    aws.client("s3").put_bucket_tagging(Bucket="lab-runbucket-1", Tagging={"TagSet": OURS})
    aws.guarded("s3", "DeleteObjects", Bucket="lab-runbucket-1", Delete=objects)
    with pytest.raises(Refused, match="bucket theirs is refused"):
        aws.guarded("s3", "DeleteObjects", Bucket="theirs", Delete=objects)
    left = {
        name: len(list(aws.paginate("s3", "ListObjectsV2", "Contents", Bucket=name)))
        for name in ("lab-runbucket-1", "theirs")
    }
    assert left == {"lab-runbucket-1": 0, "theirs": 1}


def test_the_account_is_asked_once(aws: Aws) -> None:
    """moto's is 123456789012."""
    assert aws.account == "123456789012"
    assert aws.arn("logs", "log-group:x") == "arn:aws:logs:us-east-1:123456789012:log-group:x"


class Busy(BaseHTTPRequestHandler):
    """Answers *Throttling* so many times, then an empty list of events."""

    times = 0
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        busy = self.asked <= self.times
        body = _THROTTLED if busy else _EVENTS
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400 if busy else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


_THROTTLED = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
_EVENTS = b"<DescribeEventsResponse><DescribeEventsResult><Events/></DescribeEventsResult></DescribeEventsResponse>"


@pytest.fixture
def busy() -> Iterator[tuple[type[Busy], Aws]]:
    handler = type("Handler", (Busy,), {})
    server = HTTPServer((HOST, 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield handler, Aws("us-east-1", stack="lab", endpoint_url=f"http://{HOST}:{server.server_port}", attempts=3)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_throttled_control_plane_is_asked_again(busy: tuple[type[Busy], Aws]) -> None:
    """Twice refused, then answered: three requests for one call."""
    handler, aws = busy
    handler.times = 2
    assert aws.call("rds", "DescribeEvents")["Events"] == []
    assert handler.asked == 3


def test_it_is_asked_a_bounded_number_of_times(busy: tuple[type[Busy], Aws]) -> None:
    """Then the error says what to do."""
    handler, aws = busy
    handler.times = 100
    with pytest.raises(AwsError, match="Throttling: Rate exceeded.*wait a minute") as caught:
        aws.call("rds", "DescribeEvents")
    assert (caught.value.trouble, handler.asked) == ("throttled", 3)
