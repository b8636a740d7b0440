"""Signature Version 4: the short path gives what botocore gives."""

import calendar
import re
import time
from pathlib import Path

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.session import Session

from harness.dynamodb.signing import Credentials, Signer, local_credentials

ROOT = Path(__file__).parents[2]
HOST = "dynamodb.eu-west-1.amazonaws.com"
MOMENT = calendar.timegm((2026, 11, 3, 23, 59, 58))
KEY = {"tailnum": {"S": "N14228"}, "flight_key": {"S": "2013-01-01T05:15#UA#1545"}}
SCHEMA = {
    "AttributeDefinitions": [{"AttributeName": "tailnum", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "tailnum", "KeyType": "HASH"}],
}
OPERATIONS = {
    "GetItem": {"TableName": "flights", "Key": KEY, "ReturnConsumedCapacity": "TOTAL"},
    "PutItem": {"TableName": "flights", "Item": KEY | {"name": {"S": "Zürich – 東京"}}},
    "DeleteItem": {"TableName": "flights", "Key": KEY},
    "Query": {
        "TableName": "flights",
        "KeyConditionExpression": "tailnum = :t",
        "ExpressionAttributeValues": {":t": {"S": "N14228"}},
    },
    "Scan": {"TableName": "flights", "Limit": 7},
    "BatchWriteItem": {"RequestItems": {"flights": [{"PutRequest": {"Item": KEY}}]}},
    "CreateTable": {"TableName": "flights", "BillingMode": "PAY_PER_REQUEST"} | SCHEMA,
    "DescribeTable": {"TableName": "flights"},
    "DeleteTable": {"TableName": "flights"},
    "ListTables": {},
    "UpdateTable": {"TableName": "flights", "BillingMode": "PAY_PER_REQUEST"},
    "UpdateItem": {
        "TableName": "flights",
        "Key": KEY,
        "UpdateExpression": "SET seen = seen + :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    },
    "BatchGetItem": {"RequestItems": {"flights": {"Keys": [KEY]}}},
    # botocore makes up a token where none is given.
    "TransactWriteItems": {
        "TransactItems": [{"Put": {"TableName": "flights", "Item": KEY}}],
        "ClientRequestToken": "5a1f",
    },
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "flights", "Key": KEY}}]},
    "UpdateTimeToLive": {
        "TableName": "flights",
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires"},
    },
    "DescribeTimeToLive": {"TableName": "flights"},
    "DescribeLimits": {},
}


def snake(operation):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def sent_by_botocore(operation, payload):
    """The request a real botocore client would send, caught before it leaves."""
    client = Session().create_client(
        "dynamodb", region_name="eu-west-1", aws_access_key_id="AKID", aws_secret_access_key="secret"
    )
    caught = []

    def catch(request, **_):
        caught.append(request)
        answer = AWSResponse(request.url, 200, {}, None)
        answer._content = b"{}"
        return answer

    client.meta.events.register("before-send.dynamodb", catch)
    getattr(client, snake(operation))(**payload)
    return caught[0]


def headers_of(request):
    head = request.partition(b"\r\n\r\n")[0].decode()
    return dict(line.split(": ", 1) for line in head.split("\r\n")[1:])


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjEX//+/=="])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_request_and_signature_equal_botocores(operation, token):
    """For every operation used, canonical request and signature are botocore's for the same bytes."""
    real = sent_by_botocore(operation, OPERATIONS[operation])
    credentials = Credentials(access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG", token=token)
    signer = Signer(host=HOST, region="eu-west-1", credentials=lambda: credentials, wall_clock=lambda: MOMENT + 0.7)
    body = orjson.dumps(OPERATIONS[operation])
    request = signer.request(operation, body)
    ours = headers_of(request)

    assert orjson.loads(real.body) == OPERATIONS[operation]
    assert real.url == f"https://{HOST}/"
    assert ours["X-Amz-Target"] == real.headers["X-Amz-Target"].decode()
    assert ours["Content-Type"] == real.headers["Content-Type"].decode()

    headers = {"Content-Type": ours["Content-Type"], "X-Amz-Target": ours["X-Amz-Target"]}
    theirs = AWSRequest(method="POST", url=real.url, headers=headers, data=body)
    theirs.context["timestamp"] = "20261103T235958Z"
    auth = SigV4Auth(BotocoreCredentials("AKIDEXAMPLE", credentials.secret_key, token), "dynamodb", "eu-west-1")
    auth._modify_request_before_signing(theirs)
    canonical = auth.canonical_request(theirs)
    assert signer.canonical_request(operation, body) == canonical
    auth._inject_signature_to_request(theirs, auth.signature(auth.string_to_sign(theirs, canonical), theirs))
    assert ours["Authorization"] == theirs.headers["Authorization"]
    assert ours["X-Amz-Date"] == theirs.headers["X-Amz-Date"]
    assert ours.get("X-Amz-Security-Token") == token
    assert request.partition(b"\r\n\r\n")[2] == body
    assert int(ours["Content-Length"]) == len(body)


def test_every_operation_the_harness_sends_is_compared():
    """What our lean client sends is among the operations above. The twin, which answers, and harness/aws, whose calls botocore
    itself signs, are left out.
    """
    known = set(Session().get_service_model("dynamodb").operation_names)
    sources = [*(ROOT / "harness").rglob("*.py"), *(ROOT / "scenarios").glob("*.py")]
    ours = [path.read_text() for path in sources if not {"local", "aws"} & set(path.relative_to(ROOT).parts)]
    used = {name for text in ours for name in re.findall(r'"([A-Z]\w+)"', text)} & known
    assert {"GetItem", "Query", "BatchWriteItem", "TransactWriteItems"} <= used
    assert used <= OPERATIONS.keys()


def test_a_new_day_and_new_credentials_give_what_a_new_signer_gives():
    """The cached key never outlives its day or its credentials."""
    now = [float(MOMENT)]
    current = [Credentials(access_key="A", secret_key="one")]
    signer = Signer(host=HOST, region="eu-west-1", credentials=lambda: current[0], wall_clock=lambda: now[0])

    def fresh():
        return Signer(host=HOST, region="eu-west-1", credentials=lambda: current[0], wall_clock=lambda: now[0])

    seen = set()
    for moment, secret in ((MOMENT, "one"), (MOMENT + 5, "one"), (MOMENT + 6, "two")):
        now[0], current[0] = float(moment), Credentials(access_key="A", secret_key=secret)
        request = signer.request("Scan", b"{}")
        assert request == fresh().request("Scan", b"{}")
        seen.add(request)
    assert len(seen) == 3


def test_credentials_are_asked_for_once_a_second():
    """Within a second the source is asked once, so that refreshing costs the hot path nothing."""
    asked = []

    def source():
        asked.append(time.monotonic())
        return local_credentials()

    now = [1000.0]
    signer = Signer(host="127.0.0.1:8000", region="local", credentials=source, wall_clock=lambda: now[0])
    for now[0] in (1000.0, 1000.4, 1000.999, 1001.0):
        signer.request("Scan", b"{}")
    assert len(asked) == 2


def test_secrets_stay_out_of_a_repr():
    """Neither secret key nor token can end up in a log by way of repr."""
    shown = repr(Credentials(access_key="AKID", secret_key="hidden-key", token="hidden-token"))
    assert shown == "Credentials(access_key='AKID')"
