"""How DynamoDB is asked: whose keys sign, and for whom they never do."""

from collections.abc import Iterator

import pytest

from harness.aws.places import place_of
from harness.aws.services import AwsServices
from harness.config import AwsDynamoSettings, AwsSettings, Config
from harness.dynamodb import access as module
from harness.dynamodb.access import DynamoAccess
from harness.dynamodb.client import DynamoClient
from harness.errors import CannotMeasure
from harness.services import Needs

AWS = "https://dynamodb.eu-west-1.amazonaws.com"


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An access key in the environment, which is first in botocore's chain."""
    module._chain.cache_clear()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDMINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not one")
    yield monkeypatch
    module._chain.cache_clear()


def signed_by(client: object) -> bytes:
    assert isinstance(client, DynamoClient)
    return client._signer.request("ListTables", b"{}")


def test_the_chain_s_keys_sign_for_aws_in_its_region(keys: pytest.MonkeyPatch) -> None:
    """Both what is measured and what isn't."""
    access = DynamoAccess(url=AWS, region="eu-west-1", chain=True)
    for client in (access.lean(), access.factory("lean")()):
        request = signed_by(client)
        assert b"Credential=AKIDMINE/" in request and b"/eu-west-1/dynamodb/aws4_request" in request
    assert access.address == ("dynamodb.eu-west-1.amazonaws.com", 443)


def test_nobody_s_keys_go_to_what_answers_in_its_place(keys: pytest.MonkeyPatch) -> None:
    """A responder, and an override of the endpoint."""
    there = DynamoAccess(url=AWS, chain=True).factory("lean", "http://127.0.0.1:1")()
    section = AwsSettings(dynamodb=AwsDynamoSettings(endpoint_url="http://127.0.0.1:1"))
    override = AwsServices.up(Needs(dynamodb=True), Config(target="aws", aws=section)).dynamodb.lean()
    for client in (there, override):
        assert b"Credential=local/" in signed_by(client) and b"AKIDMINE" not in signed_by(client)


def test_without_keys_nothing_begins(keys: pytest.MonkeyPatch) -> None:
    """One line with the way out; no table was made."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        keys.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        keys.setenv(name, "/nowhere")
    keys.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(CannotMeasure, match="target aws: Unable to locate credentials; set AWS_PROFILE"):
        AwsServices.up(Needs(dynamodb=True), Config(target="aws", aws=AwsSettings(dynamodb=AwsDynamoSettings())))


@pytest.mark.parametrize(
    ("host", "place"),
    [
        (AWS, "aws"),
        ("https://vpce-1.dynamodb.us-east-1.vpce.amazonaws.com", "aws"),
        ("db.abc.us-east-1.rds.amazonaws.com", "aws"),
        ("db.abc.rds.cn-north-1.amazonaws.com.cn.", "aws"),
        ("http://127.0.0.1:8000", "endpoint override"),
        ("localhost", "endpoint override"),
        ("amazonaws.com.example.org", "endpoint override"),
        ("notamazonaws.com", "endpoint override"),
    ],
)
def test_only_a_name_of_aws_s_is_aws(host: str, place: str) -> None:
    """A tunnel's end on loopback isn't, whatever is at the other one."""
    assert place_of(host) == place
