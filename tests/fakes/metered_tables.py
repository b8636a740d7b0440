"""Tables whose names are one byte long, and items that are as large as a test says."""

from typing import Any

from twin_in_process import done

from harness.local.dynamodb.service import Service

KB = 1_024
TOTAL = {"ReturnConsumedCapacity": "TOTAL"}
INDEXES = {"ReturnConsumedCapacity": "INDEXES"}
PLENTY = {"ReadCapacityUnits": 3_000, "WriteCapacityUnits": 1_000}
KEYS_ONLY = {"ProjectionType": "KEYS_ONLY"}
ALL = {"ProjectionType": "ALL"}
Raw = dict[str, Any]


def item(partition: str, sort: str, size: int | None = None, **texts: str) -> Raw:
    """An item with the keys ``p`` and ``s``, brought to a size by an attribute ``x``: names count one byte each (A15)."""
    texts = {"p": partition, "s": sort, **texts}
    if size is not None:
        texts["x"] = "x" * (size - 1 - sum(1 + len(text.encode()) for text in texts.values()))
    return {name: {"S": text} for name, text in texts.items()}


def key(partition: str, sort: str) -> Raw:
    """A key of a table of :func:`make`."""
    return item(partition, sort)


def make(service: Service, name: str = "truth", *, by_g: Raw | None = None, by_l: Raw | None = None) -> str:
    """A table keyed by ``p`` and ``s``; with projections, a global index of ``g`` and a local one of ``p`` and ``l``."""
    used = ["p", "s", *(["g"] if by_g else []), *(["l"] if by_l else [])]
    indexes: Raw = {}
    if by_g:
        indexes["GlobalSecondaryIndexes"] = [
            {"IndexName": "by_g", "KeySchema": schema("g"), "Projection": by_g, "ProvisionedThroughput": PLENTY}
        ]
    if by_l:
        indexes["LocalSecondaryIndexes"] = [{"IndexName": "by_l", "KeySchema": schema("p", "l"), "Projection": by_l}]
    done(
        service, "CreateTable", TableName=name, KeySchema=schema("p", "s"), ProvisionedThroughput=PLENTY,
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in used], **indexes,
    )  # fmt: skip
    return name


def schema(*names: str) -> list[Raw]:
    """A key schema of one name or two."""
    return [{"AttributeName": name, "KeyType": role} for name, role in zip(names, ("HASH", "RANGE"), strict=False)]


def put(service: Service, table: str, new: Raw, **more: Any) -> Raw:
    """PutItem with the units of each index."""
    return done(service, "PutItem", TableName=table, Item=new, **INDEXES, **more)


def load(service: Service, table: str, items: list[Raw]) -> None:
    """Write items, 25 a batch."""
    for begin in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": one}} for one in items[begin : begin + 25]]
        assert done(service, "BatchWriteItem", RequestItems={table: puts})["UnprocessedItems"] == {}


def total(answer: Raw) -> float:
    """The units of one answer."""
    units: float = answer["ConsumedCapacity"]["CapacityUnits"]
    return units


def arms(consumed: Raw) -> tuple[float, float, float]:
    """The units of the table, of its local index and of its global one, which add up to the total (A14)."""
    parts = (
        consumed["Table"]["CapacityUnits"],
        *(
            consumed.get(kind, {}).get(name, {"CapacityUnits": 0})["CapacityUnits"]
            for kind, name in (("LocalSecondaryIndexes", "by_l"), ("GlobalSecondaryIndexes", "by_g"))
        ),
    )
    assert consumed["CapacityUnits"] == sum(parts)
    return parts


def counted(service: Service, table: str, what: str = "table", kind: str = "write") -> float:
    """What the twin's own meter says that a table or ``index/by_g`` has consumed."""
    units: float = service.state()["tables"][table]["meters"][what][kind]["consumed_units"]
    return units
