"""Bodies that nobody would send: the twin answers each with the service's 400 or a 200, and lives on."""

import copy
from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twin_tables import define, flight, key, load

ITEM = flight("N1", "01", dest="BOS") | {"n": {"N": "1"}, "list": {"L": [{"M": {"a": {"BOOL": True}}}]}}
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
    | {"Item": ITEM, "ReturnValues": "ALL_OLD", "ConditionExpression": "attribute_exists(#at) OR list[0].a <> :v"}
    | VALUES,
    "GetItem": NAMED
    | {"Key": key(ITEM), "ConsistentRead": True, "ProjectionExpression": "#at, list[0].a"}
    | {"ExpressionAttributeNames": {"#at": "at"}},
    "DeleteItem": NAMED | {"Key": key(ITEM), "ConditionExpression": "aircraft = :v AND size(#at) < :v"} | VALUES,
    "BatchWriteItem": {
        "RequestItems": {"fuzzed": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": key(flight("N2", "1"))}}]}
    },
    "BatchGetItem": {"RequestItems": {"fuzzed": {"Keys": [key(ITEM)], "ProjectionExpression": "list[0]"}}},
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
