"""B8: an index without write capacity holds back its table's writes; the twin's answer says which."""

from typing import Any

import orjson

from harness.local.dynamodb.service import Service


def ask(service: Service, operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of one answer."""
    status, body = service.answer(b"DynamoDB_20120810." + operation.encode(), orjson.dumps(request))
    return status, orjson.loads(body)


def test_b8_an_index_without_capacity_throttles_its_tables_writes() -> None:
    """1 WCU stores 300: the 301st write is refused for the index, while the table has 30,000 − 300 units left."""
    service = Service(clock_s=lambda: 0.0)
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    status, body = ask(
        service,
        "CreateTable",
        TableName="flights",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "day")],
        KeySchema=keys,
        ProvisionedThroughput={"ReadCapacityUnits": 100, "WriteCapacityUnits": 100},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_day",
                "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 100, "WriteCapacityUnits": 1},
            }
        ],
    )
    assert status == 200, body

    def put(number: int, **more: Any) -> tuple[int, dict[str, Any]]:
        return ask(service, "PutItem", TableName="flights", Item={"id": {"S": str(number)}, **more})

    day = {"day": {"S": "2013-01-01"}}
    assert all(put(number, **day)[0] == 200 for number in range(300))
    status, body = put(300, **day)
    assert status == 400
    assert body["__type"].endswith("ProvisionedThroughputExceededException")
    (reason,) = body["ThrottlingReasons"]
    assert reason["reason"] == "IndexWriteProvisionedThroughputExceeded"
    assert reason["resource"].endswith("table/flights/index/by_day")
    assert ask(service, "GetItem", TableName="flights", Key={"id": {"S": "300"}}) == (200, {})
    assert service.tables.by_name["flights"].meter.admission.level("write", 0) == 30_000 - 300
    assert put(300)[0] == 200  # without the index's key there is nothing to write in it
