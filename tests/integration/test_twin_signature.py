"""--require-signature: who signs with the key is served; everybody else hears from the service what is wrong."""

import re
from datetime import UTC, datetime, timedelta

import boto3
import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import ClientError
from twin_served import Client, Fake, request, served, twin

from harness.dynamodb.signing import Credentials, Signer
from harness.errors import UsageError
from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.wire.options import options_of
from harness.local.dynamodb.wire.signature import SignedRequest, Verifier

KEY, SECRET = "AKIDTWIN", "the/secret+of/the+twin"
NOON = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
CLOCK = Verifier(KEY, SECRET, NOON.timestamp)
BODY = b'{"TableName": "flights"}'


def signed(
    *,
    key=KEY,
    secret=SECRET,
    region="eu-west-1",
    service="dynamodb",
    at=NOON,
    monkeypatch,
    url="http://twin:8000/",
    more=(),
):
    """A request as botocore signs it, at that moment."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: at.replace(tzinfo=None))
    target = "DynamoDB_20120810.GetItem" if service == "dynamodb" else "AnyScaleFrontendService.DescribeScalableTargets"
    sent = AWSRequest("POST", url, data=BODY, headers={"X-Amz-Target": target, **dict(more)})
    SigV4Auth(BotoCredentials(key, secret), service, region).add_auth(sent)
    headers = [(name.encode(), value.encode()) for name, value in sent.headers.items()]
    path = url.removeprefix("http://twin:8000")
    return SignedRequest(
        method=b"POST",
        url=path.encode(),
        target=target.encode(),
        headers=[(b"Host", b"twin:8000"), *headers],
        body=BODY,
    )


@pytest.fixture
def sign(monkeypatch):
    return lambda **given: signed(monkeypatch=monkeypatch, **given)


def altered(sent, **changes):
    """The same request with some headers replaced, or taken away where the new value is None; body and target too."""
    parts = {name: changes.pop(name) for name in ("body", "target", "url") if name in changes}
    wanted = {name.replace("_", "-").lower().encode(): value for name, value in changes.items()}
    headers = [(n, v) for n, v in sent.headers if n.lower() not in wanted]
    headers += [(n, v) for n, v in wanted.items() if v is not None]
    kept = {name: getattr(sent, name) for name in ("method", "url", "target", "body")}
    return SignedRequest(**{**kept, **parts}, headers=headers)


def authorization(sent):
    return next(value for name, value in sent.headers if name == b"Authorization")


def refusal(request):
    with pytest.raises(ServiceError) as caught:
        CLOCK.check(request)
    kind, status = caught.value.kind, caught.value.status
    assert status == 400
    return kind.partition("#")[2], str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"region": "us-east-1"},
        {"service": "application-autoscaling"},
        {"more": [("X-Spaced", "  two   blanks ")]},
        {"url": "http://twin:8000/a%20path/?b=2&a=%C3%A9&a=1"},
        {"at": NOON - timedelta(minutes=5)},
        {"at": NOON + timedelta(minutes=5)},
    ],
    ids=["plain", "region", "scaling", "blanks", "path and query", "oldest", "newest"],
)
def test_what_botocore_signs_is_accepted(sign, given):
    """An independent signer: any region, both services, blanks in headers, queries, five minutes either way."""
    CLOCK.check(sign(**given))


def test_what_our_own_client_signs_is_accepted():
    """The short path of harness/dynamodb/signing.py, with and without a session token."""
    for token in (None, "a-token"):
        credentials = Credentials(access_key=KEY, secret_key=SECRET, token=token)
        signer = Signer(host="twin", region="us-east-1", credentials=lambda c=credentials: c, wall_clock=NOON.timestamp)
        head, _, body = signer.request("GetItem", BODY).partition(b"\r\n\r\n")
        headers = [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")[1:]]
        target = dict(headers)[b"X-Amz-Target"]
        CLOCK.check(SignedRequest(method=b"POST", url=b"/", target=target, headers=headers, body=body))


@pytest.mark.parametrize("changes", [{"body": b"{}"}, {"x_amz_target": b"DynamoDB_20120810.Scan"}, {"host": b"other"}])
def test_what_was_changed_after_signing_is_refused(sign, changes):
    """The body, the operation, the host: with the canonical request and the string to sign as they should have been."""
    name, message = refusal(altered(sign(), **changes))
    assert name == "InvalidSignatureException"
    assert message.startswith("The request signature we calculated does not match the signature you provided.")
    assert "The Canonical String for this request should have been\n'POST\n/\n\nhost:" in message
    assert "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20261125T120000Z\n20261125/eu-west-1/" in message


def test_another_secret_and_another_key_are_told_apart(sign):
    """A wrong secret doesn't match; an unknown key is not a client; neither message tells the secret."""
    assert refusal(sign(secret="another"))[0] == "InvalidSignatureException"
    said = refusal(sign(key="AKIDOTHER"))
    assert said == ("UnrecognizedClientException", "The security token included in the request is invalid.")
    assert SECRET not in repr(CLOCK)


@pytest.mark.parametrize("value", [None, b"", b"Basic dXNlcg==", b"AWS4"])
def test_no_signature_is_missing(sign, value):
    """None at all, or none of Amazon's."""
    said = refusal(altered(sign(), authorization=value))
    assert said == ("MissingAuthenticationTokenException", "Request is missing Authentication Token")


def test_half_a_signature_is_incomplete(sign):
    """Everything that misses is listed; a word without a value is quoted; a credential needs five parts."""
    said = refusal(altered(sign(), authorization=b"AWS4-HMAC-SHA256", x_amz_date=None))
    assert said == (
        "IncompleteSignatureException",
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
        "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256",
    )
    said = refusal(altered(sign(), authorization=b"AWS4-HMAC-SHA256 Signature=b, Credential"))
    assert said == (
        "IncompleteSignatureException",
        "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: "
        "'AWS4-HMAC-SHA256 Signature=b, Credential'.",
    )
    whole = authorization(sign())
    name, message = refusal(altered(sign(), authorization=whole.replace(b"/aws4_request", b"")))
    assert name == "IncompleteSignatureException"
    assert "must have exactly 5 slash-delimited elements" in message
    assert message.endswith("got 'AKIDTWIN/20261125/eu-west-1/dynamodb'")
    name, message = refusal(altered(sign(), authorization=whole.replace(b"SHA256 ", b"SHA1 ")))
    assert (name, "'AWS4-HMAC-SHA1' (only AWS4-HMAC-SHA256" in message) == ("IncompleteSignatureException", True)


def test_the_clocks_may_differ_by_five_minutes(sign):
    """A second more, either way, and the message gives the three times."""
    assert refusal(sign(at=NOON - timedelta(seconds=301))) == (
        "InvalidSignatureException",
        "Signature expired: 20261125T115459Z is now earlier than 20261125T115500Z (20261125T120000Z - 5 min.)",
    )
    assert refusal(sign(at=NOON + timedelta(seconds=301))) == (
        "InvalidSignatureException",
        "Signature not yet current: 20261125T120501Z is still later than 20261125T120500Z (20261125T120000Z + 5 min.)",
    )


@pytest.mark.parametrize("date", [b"201", b"20261325T000000Z", b"99999999T999999Z", b"yesterday", b"\xff"])
def test_a_date_that_is_none_is_incomplete(sign, date):
    """Neither ISO 8601's basic form nor HTTP's."""
    name, message = refusal(altered(sign(), x_amz_date=date))
    assert (name, message.startswith("Date must be in ISO-8601 'basic format'.")) == (
        "IncompleteSignatureException",
        True,
    )


def test_a_date_header_will_do(sign):
    """HTTP's own form instead of X-Amz-Date: understood, then the signature over other headers doesn't match."""
    sent = altered(sign(), x_amz_date=None, date=b"Wed, 25 Nov 2026 12:00:00 GMT")
    assert refusal(sent)[0] == "InvalidSignatureException"
    assert "should have been" in refusal(sent)[1]


def test_the_scope_must_fit(sign):
    """Another service, another end, another day: each is told, in one message; and the host must be signed."""
    whole = authorization(sign())
    wrong = whole.replace(b"20261125/eu-west-1/dynamodb/aws4_request", b"20261124/eu-west-1/s3/aws5_request")
    assert refusal(altered(sign(), authorization=wrong)) == (
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'dynamodb'. Credential should be scoped with a valid "
        "terminator: 'aws4_request', not 'aws5_request'. Date in Credential scope does not match YYYYMMDD from "
        "ISO-8601 version of date from HTTP: '20261124' != '20261125', from '20261125T120000Z'.",
    )
    unsigned = re.sub(rb"host;", b"", whole)
    said = refusal(altered(sign(), authorization=unsigned))
    assert said == ("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.")


def test_boto3_on_the_wire(tmp_path):
    """A twin with a key: boto3 is served with it and refused with another; /_twin/ and / need none."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    given = ("--require-signature", "--access-key", KEY, "--secret-key-file", str(tmp_path / "secret"))
    with twin(*given) as (_, (host, port)):

        def client(secret):
            return boto3.client(
                "dynamodb", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id=KEY,
                aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
            )  # fmt: skip

        assert client(SECRET).list_tables()["TableNames"] == []
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            client("another").list_tables()
        with Client((host, port)) as bare:
            status, body = bare.send(request("ListTables")).answer()
            assert (status, b"MissingAuthenticationTokenException" in body) == (400, True)
            assert bare.send(b"GET / HTTP/1.1\r\n\r\n").answer()[0] == 200
            state = orjson.loads(bare.send(b"GET /_twin/ HTTP/1.1\r\n\r\n").answer()[1])
            assert state["signature_required"] is True


def test_requests_behind_a_long_work_are_verified_too():
    """Three at once, unsigned: three refusals, and the service never hears of them."""
    service = Fake()
    with served(service, verifier=Verifier(KEY, SECRET)) as address, Client(address) as client:
        client.send(*[request("Echo")] * 3)
        assert [client.answer()[0] for _ in range(3)] == [400] * 3
    assert service.asked == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"require_signature": True},
            "--require-signature needs a key to verify with: give --access-key or AWS_ACCESS_KEY_ID",
        ),
        ({"require_signature": True, "access_key": "x"}, "give --secret-key-file or AWS_SECRET_ACCESS_KEY"),
        ({"access_key": "x"}, "are for --require-signature; give that too"),
        ({"speed": 0}, "--speed must be > 0 and at most 1,000,000, got 0"),
        ({"request_timeout_s": 0}, "--request-timeout must be > 0, got 0"),
    ],
)
def test_a_key_that_is_not_given_is_said(given, said):
    """Exit code 2, what is missing, and where it may come from."""
    with pytest.raises(UsageError, match=re.escape(said)):
        options_of(**{"host": "127.0.0.1", "port": 0, "speed": 1.0, **given}, environment={})


def test_the_key_may_come_from_the_environment(tmp_path):
    """As SDKs take it; a file that can't be read is named."""
    key = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    options = options_of(host="", port=0, speed=1, require_signature=True, environment=key)
    assert (options.verifier.access_key, options.verifier.secret_key) == (KEY, SECRET)
    missing = tmp_path / "none"
    with pytest.raises(UsageError, match=f"--secret-key-file {missing}: No such file"):
        options_of(host="", port=0, speed=1, require_signature=True, secret_key_file=missing, environment=key)
