"""Tables and items whose sizes are known to the byte, for the tests of the twin."""

from typing import Any

import pytest

KB = 1024
PLENTY = {"ReadCapacityUnits": 40_000, "WriteCapacityUnits": 40_000}
Item = dict[str, dict[str, Any]]


def flight(aircraft: str, at: str, size_bytes: int | None = None, **texts: str) -> Item:
    """An item with the keys of ``define``, brought to a size by an attribute ``pad``.

    Names count (A15): aircraft 8, at 2, pad 3; every value one byte a character.
    """
    item: Item = {"aircraft": {"S": aircraft}, "at": {"S": at}, **{name: {"S": text} for name, text in texts.items()}}
    if size_bytes is not None:
        taken = sum(len(name) + len(value["S"]) for name, value in item.items()) + len("pad")
        item["pad"] = {"S": "x" * (size_bytes - taken)}
    return item


def key(item: Item) -> Item:
    """The item's primary key."""
    return {name: item[name] for name in ("aircraft", "at")}


def define(dynamodb: Any, name: str, *, projection: dict[str, Any] | None = None, **throughput: int) -> str:
    """Make a table keyed by aircraft and time; with a projection it has an index ``by_dest`` keyed by dest and time."""
    capacity = PLENTY | throughput
    names = ["aircraft", "at"] + (["dest"] if projection else [])
    index = {
        "IndexName": "by_dest",
        "KeySchema": [{"AttributeName": "dest", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        "Projection": projection,
        "ProvisionedThroughput": PLENTY,
    }
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in names],
        KeySchema=[{"AttributeName": "aircraft", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        ProvisionedThroughput=capacity,
        **({"GlobalSecondaryIndexes": [index]} if projection else {}),
    )
    return name


def load(dynamodb: Any, table: str, items: list[Item]) -> None:
    """Write items, 25 a call; none may come back unprocessed."""
    for begin in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[begin : begin + 25]]
        assert dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"] == {}


def pages(call: Any, **request: Any) -> list[dict[str, Any]]:
    """All pages of a Query or Scan."""
    answers = [call(**request)]
    while "LastEvaluatedKey" in answers[-1]:
        answers.append(call(**request, ExclusiveStartKey=answers[-1]["LastEvaluatedKey"]))
    return answers


def items_of(answers: list[dict[str, Any]]) -> list[Item]:
    """The items of all pages, in their order."""
    return [item for answer in answers for item in answer["Items"]]


def units_of(answer: dict[str, Any]) -> float:
    """The units that an answer says it consumed."""
    units: float = answer["ConsumedCapacity"]["CapacityUnits"]
    return units


def described(dynamodb: Any, name: str) -> dict[str, Any]:
    """A table's description."""
    table: dict[str, Any] = dynamodb.describe_table(TableName=name)["Table"]
    return table


def code_of(dynamodb: Any, call: Any, **request: Any) -> str:
    """The error code of a call that must be refused."""
    with pytest.raises(dynamodb.exceptions.ClientError) as refused:
        call(**request)
    code: str = refused.value.response["Error"]["Code"]
    return code
