"""boto3 behind the lean client's interface, and where the service is when nobody says so."""

import threading

import orjson
import pytest
from scripted_server import refusing_port, serving

from harness.dynamodb.boto_client import BotoClient, botocore_client
from harness.dynamodb.client import Ambiguous, ConnectFailed, DynamoClient, TimedOut, outcome, trouble_outcome
from harness.dynamodb.clients import Endpoint, client_factory, resolve
from harness.errors import UsageError

KINDS = ("lean", "boto3")
GET = {"TableName": "flights", "Key": {"k": {"S": "1"}}}


@pytest.fixture
def serve():
    with serving() as start:
        yield start


def http(status, body, extra=""):
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return f"HTTP/1.1 {status} X\r\n{extra}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


def client(kind, port, read_timeout_s=10.0):
    return client_factory(kind, f"http://127.0.0.1:{port}", read_timeout_s=read_timeout_s)()


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_the_same_from_both(serve, kind):
    """Body, status and the bytes of the answer; the request is asked for once."""
    body = {"Item": {"k": {"S": "1"}, "n": {"N": "2"}}, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}}
    server = serve([http(200, body)])
    with client(kind, server.port) as dynamo:
        response = dynamo.call("GetItem", GET)
    assert (response.status, response.body, response.error_code) == (200, body, None)
    assert (response.bytes_count, outcome(response)) == (len(orjson.dumps(body)), "ok")
    assert orjson.loads(b"".join(server.received).partition(b"\r\n\r\n")[2]) == GET


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "member", "counted"),
    [
        ("ProvisionedThroughputExceededException", "ThrottlingReasons", "throttled"),
        ("ThrottlingException", "throttlingReasons", "throttled"),
        ("RequestLimitExceeded", "ThrottlingReasons", "throttled"),
        ("InternalServerError", None, "error"),
    ],
)
def test_a_refusal_is_the_same_from_both(serve, kind, name, member, counted):
    """One attempt, its code, its reason and the pause it asks for; nothing is tried again behind our back."""
    reasons = [{"reason": "TableReadProvisionedThroughputExceeded", "resource": "arn"}]
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "no"} | (
        {member: reasons} if member else {}
    )
    status = 400 if member else 500
    server = serve([http(status, body, "x-amz-retry-after: 1500\r\n")])
    with client(kind, server.port) as dynamo:
        response = dynamo.call("GetItem", GET)
    assert (response.status, response.error_code, outcome(response)) == (status, name, counted)
    assert response.throttling_reason == (reasons[0]["reason"] if member else None)
    assert (response.retry_after_s, response.body["message"]) == (1.5, "no")
    assert server.connections == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_proxys_error_page_is_named_by_its_status(serve, kind):
    """What isn't JSON has no code of its own."""
    server = serve([http(502, b"<html>bad gateway</html>")])
    with client(kind, server.port) as dynamo:
        response = dynamo.call("GetItem", GET)
    assert (response.error_code, outcome(response), response.retry_after_s) == ("HTTP502", "error", None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_connection_was_never_sent(kind):
    """Nothing listening: an error even for a write."""
    with client(kind, refusing_port()) as dynamo, pytest.raises(ConnectFailed) as caught:
        dynamo.call("PutItem", {"TableName": "flights", "Item": {}})
    assert trouble_outcome(caught.value, "PutItem") == "error"


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_breaks_after_sending_is_ambiguous(serve, kind):
    """A write whose answer never came may have happened."""
    server = serve([None])
    with client(kind, server.port) as dynamo, pytest.raises(Ambiguous) as caught:
        dynamo.call("PutItem", {"TableName": "flights", "Item": {}})
    assert trouble_outcome(caught.value, "PutItem") == "ambiguous"


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_in_time_is_a_timeout(serve, kind):
    """A read that waited too long timed out; a write is ambiguous."""
    late = threading.Event()
    server = serve([late, None])
    with client(kind, server.port, read_timeout_s=0.2) as dynamo, pytest.raises(TimedOut) as caught:
        dynamo.call("GetItem", GET)
    late.set()
    assert (trouble_outcome(caught.value, "GetItem"), trouble_outcome(caught.value, "PutItem")) == (
        "timeout",
        "ambiguous",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_binary_values_reach_the_service_alike(serve, kind):
    """Base64 in our JSON is base64 on the wire, wherever it stands; a name B is no binary value."""
    payload = {
        "TableName": "flights",
        "Item": {"k": {"B": "AP8="}, "B": {"S": "text"}, "deep": {"L": [{"BS": ["AA==", "/w=="]}]}},
        "ExpressionAttributeNames": {"#b": "B"},
    }
    server = serve([http(200, {})])
    with client(kind, server.port) as dynamo:
        dynamo.call("PutItem", orjson.dumps(payload))
    assert orjson.loads(b"".join(server.received).partition(b"\r\n\r\n")[2]) == payload


def test_slots_share_one_pool_of_boto3(serve):
    """As the threads of an application: the second client opens no second connection while the first is idle."""
    server = serve([http(200, {})], [http(200, {})])
    make = client_factory("boto3", f"http://127.0.0.1:{server.port}")
    for _ in range(2):
        with make() as dynamo:
            dynamo.call("GetItem", GET)
    assert server.connections == 1


def test_no_proxy_comes_between(serve, monkeypatch):
    """A proxy in the environment isn't asked: both clients go straight to the service."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{refusing_port()}")
    server = serve([http(200, {})])
    with BotoClient(botocore_client(f"http://127.0.0.1:{server.port}")) as dynamo:
        assert dynamo.call("GetItem", GET).status == 200


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """An environment that says nothing of AWS."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path / "config"


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://dynamodb.eu-west-1.amazonaws.com"),
        ("cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_region_has_its_endpoint(bare, region, url):
    """botocore's rules of endpoints decide, other partitions included."""
    assert resolve(region) == Endpoint(url=url, region=region)


def test_the_configuration_fills_in_what_isnt_given(bare, monkeypatch):
    """A profile's region, an environment's region over it, an environment's endpoint over the region's."""
    bare.write_text("[default]\nregion = eu-north-1\n[profile there]\nregion = ap-south-1\n")
    assert resolve().region == "eu-north-1"
    assert resolve(profile="there").url == "https://dynamodb.ap-south-1.amazonaws.com"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert resolve().url == "https://dynamodb.us-west-2.amazonaws.com"
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000")
    assert resolve() == Endpoint(url="http://127.0.0.1:8000", region="us-west-2")
    assert DynamoClient(resolve().url).endpoint_url == "http://127.0.0.1:8000"


def test_no_region_is_the_users_to_give(bare):
    """Without a region nothing can be signed; the error says what to do."""
    with pytest.raises(UsageError, match=r"Give a region \(AWS_REGION"):
        resolve()
    with pytest.raises(UsageError, match="nowhere"):
        resolve(profile="nowhere")
