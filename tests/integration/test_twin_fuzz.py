"""Bytes and bodies that nobody would send: the twin answers each as the service would or hangs up, and lives on."""

import copy
import re
import socket
from contextlib import suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twin_served import request as posted
from twin_tables import define, flight, key, load

ITEM = flight("N1", "01", dest="BOS") | {"n": {"N": "1"}, "listed": {"L": [{"M": {"a": {"BOOL": True}}}]}}
NAMED = {"TableName": "fuzzed", "ReturnConsumedCapacity": "INDEXES"}
VALUES = {"ExpressionAttributeNames": {"#at": "at"}, "ExpressionAttributeValues": {":v": {"S": "N1"}}}
KEYS = [{"AttributeName": "dest", "KeyType": "HASH"}]
CAPACITY = {"ReadCapacityUnits": 1_000, "WriteCapacityUnits": 1_000}
# A sound request of each operation, which hypothesis then spoils.
SOUND = {
    "CreateTable": {
        "TableName": "fuzzed-anew",
        "AttributeDefinitions": [{"AttributeName": "dest", "AttributeType": "S"}],
        "KeySchema": KEYS,
        "ProvisionedThroughput": CAPACITY,
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "again",
                "KeySchema": KEYS,
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
                "ProvisionedThroughput": CAPACITY,
            }
        ],
    },
    "DescribeTable": {"TableName": "fuzzed"},
    "UpdateTable": {
        "TableName": "fuzzed",
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": CAPACITY,
        "GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by_dest", "ProvisionedThroughput": CAPACITY}}],
    },
    "DeleteTable": {"TableName": "fuzzed-anew"},
    "ListTables": {"Limit": 3, "ExclusiveStartTableName": "fuzz"},
    "PutItem": NAMED
    | {"Item": ITEM, "ReturnValues": "ALL_OLD", "ConditionExpression": "attribute_exists(#at) OR listed[0].a <> :v"}
    | VALUES,
    "GetItem": NAMED
    | {"Key": key(ITEM), "ConsistentRead": True, "ProjectionExpression": "#at, listed[0].a"}
    | {"ExpressionAttributeNames": {"#at": "at"}},
    "DeleteItem": NAMED | {"Key": key(ITEM), "ConditionExpression": "aircraft = :v AND size(#at) < :v"} | VALUES,
    "BatchWriteItem": {
        "RequestItems": {"fuzzed": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": key(flight("N2", "1"))}}]}
    },
    "BatchGetItem": {"RequestItems": {"fuzzed": {"Keys": [key(ITEM)], "ProjectionExpression": "listed[0]"}}},
    "Query": NAMED
    | {"KeyConditionExpression": "aircraft = :v AND #at > :v", "FilterExpression": "contains(dest, :v)", "Limit": 2}
    | {"ScanIndexForward": False, "ExclusiveStartKey": key(ITEM), "Select": "COUNT"}
    | VALUES,
    "Scan": NAMED
    | {"IndexName": "by_dest", "FilterExpression": "NOT begins_with(aircraft, :v)", "ProjectionExpression": "#at"}
    | {"Segment": 0, "TotalSegments": 2, "ExclusiveStartKey": key(ITEM) | {"dest": {"S": "BOS"}}}
    | VALUES,
}
TEXTS = st.sampled_from(
    ["", "a", "at", "N1", "fuzzed", "by_dest", ":v", "#at", "a = :v", "list[0].a", "ALL", "é✈", "1e9"]
)
WORDS = st.sampled_from(["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS", "aircraft", "at", "dest", "Update"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXTS | st.text()
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | TEXTS, inner, max_size=3), max_leaves=8
)
BOUNDED = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def places(value, path=()):
    """Every place in a JSON value, as the way to it."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, content in inner:
        yield from places(content, (*path, step))


@st.composite
def spoilt(draw, sound):
    """A request with one to three of its parts replaced by any JSON at all."""
    request = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(list(places(request))))
        if not way:
            continue
        holder = request
        for step in way[:-1]:
            holder = holder[step]
        holder[way[-1]] = draw(JSON)
    return request


@pytest.fixture(scope="module")
def fuzzed(dynamodb):
    name = define(dynamodb, "fuzzed", projection={"ProjectionType": "KEYS_ONLY"})
    load(dynamodb, name, [ITEM, flight("N1", "02", dest="BOS"), flight("N2", "01")])
    yield name
    for one in {"fuzzed-anew", name} & set(dynamodb.list_tables()["TableNames"]):
        dynamodb.delete_table(TableName=one)


@pytest.fixture
def post(twin_url, fuzzed):
    connection = HTTPConnection(urlsplit(twin_url).netloc, timeout=10)

    def send(operation, body):
        connection.request("POST", "/", body, {"X-Amz-Target": f"DynamoDB_20120810.{operation}"})
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())

    yield send
    assert send("DescribeTable", b'{"TableName": "fuzzed"}')[0] == 200
    connection.close()


def check(status, said):
    assert status in (200, 400), said
    if status == 400:
        assert said["__type"].partition("#")[2].endswith("Exception")
        assert "message" in said or "Message" in said


def test_the_sound_requests_are_sound(post):
    """What the fuzz starts from is accepted or fails only its condition, so that it gets beyond the first check."""
    for operation, request in SOUND.items():
        status, said = post(operation, orjson.dumps(request))
        assert status == 200 or said["__type"].endswith("ConditionalCheckFailedException"), (operation, said)


@pytest.mark.parametrize("operation", SOUND)
def test_a_spoilt_request_is_answered(post, operation):
    """100 requests that were sound but for some part: 200 or 400, never a 500, never a broken connection."""

    @BOUNDED
    @given(spoilt(SOUND[operation]))
    def answered(request):
        if request.get("TableName") != "fuzzed" or operation != "DeleteTable":
            check(*post(operation, orjson.dumps(request)))

    answered()


@pytest.mark.parametrize("operation", SOUND)
def test_any_json_is_answered(post, operation):
    """100 bodies of arbitrary JSON under arbitrary names."""

    @BOUNDED
    @given(JSON)
    def answered(request):
        check(*post(operation, orjson.dumps(request)))

    answered()


@BOUNDED
@given(st.sampled_from(sorted(SOUND)), st.binary(max_size=200))
def test_any_bytes_are_answered(post, operation, body):
    """100 bodies that are hardly ever JSON."""
    check(*post(operation, body))


# A sound exchange on the wire, which hypothesis then cuts up, and what it is mixed with.
WIRE = (
    posted("ListTables", b'{"Limit": 1}')
    + posted("DescribeTable", b'{"TableName": "fuzzed"}', more=b"Expect: 100-continue\r\n")
    + b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    + b"GET /_twin/ HTTP/1.1\r\nOrigin: x\r\n\r\nHEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
)
PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\r\n\r\n", b"\n", b":", b"\x00", b"\xff" * 9, b"-1", b"PRI *", b"ffffffff\r\n", b"HTTP/1.1"),
        *(b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"Origin: \x7f\r\n"),
        *(b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"GET /_twin/x?y=%zz", b"CONNECT x:1 HTTP/1.1\r\n\r\n"),
    ]
)


@st.composite
def cut_up(draw):
    """The exchange with up to four cuts, each taking some bytes away or putting others in, in up to three packets."""
    sent = WIRE
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(sent)))
        sent = sent[:at] + draw(PIECES | st.binary(max_size=8)) + sent[at + draw(st.integers(0, 60)) :]
    ends = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=2)))
    return [sent[begin:end] for begin, end in zip([0, *ends], [*ends, len(sent)], strict=True)]


@settings(BOUNDED, max_examples=1_000)
@given(cut_up() | st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_any_bytes_on_the_wire_are_answered_or_end_it(twin_url, post, packets):
    """1,000 connections with what is no HTTP, or hardly: whole answers or none, nothing of the code's inside, and an end."""
    host, port = urlsplit(twin_url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        said = b""
        with suppress(ConnectionError):
            for packet in packets:
                raw.sendall(packet)
            raw.shutdown(socket.SHUT_WR)
            while more := raw.recv(65_536):
                said += more
    assert re.fullmatch(rb"(HTTP/1\.1 (100|200|400|403|404|405|413) .*)?", said, re.DOTALL), said
    assert b"Traceback" not in said
    assert b"a defect" not in said
