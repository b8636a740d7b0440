"""How each pattern that writes is asked of DynamoDB."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from harness.dynamodb.answers import BATCH_ITEMS, LOAD_BACKOFF_MOST_S, LOAD_BACKOFF_S, Item
from harness.dynamodb.client import outcome
from harness.dynamodb.metering import failed_condition_units, item_size
from harness.flights import key
from harness.stores_compared.dynamodb.answers import by_flight
from harness.stores_compared.dynamodb.exchange import CONDITION_FAILED, Exchange
from harness.stores_compared.dynamodb.tables import PLANE
from harness.stores_compared.patterns import ON_TIME_MINUTES, Value
from harness.stores_compared.store import Asked, Question, Trouble


def update_if(exchange: Exchange, table: str, question: Question) -> Asked:
    """The table's key from an index, then one conditional UpdateItem."""
    found = exchange.query(by_flight(table, question, ("tailnum", "flight_key")), key)
    if not found.items:
        return exchange.asked((0,))
    (where,), new = found.items, _number(question.parameters["new"])
    response = exchange.send(
        "UpdateItem",
        {
            "TableName": table, "Key": where, "UpdateExpression": "SET arr_delay = :new", "ConditionExpression": "arr_delay = :expected",
            "ExpressionAttributeValues": {":new": new, ":expected": _number(question.parameters["expected"])},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    )  # fmt: skip
    if response.error_code == CONDITION_FAILED:
        there: Item = response.body.get("Item") or where
        exchange.wrote(failed_condition_units(item_size(there), item_size(there | {"arr_delay": new})))
        return exchange.asked((0,))
    if response.status != 200:
        raise Trouble(outcome(response), str(response.error_code), response.throttling_reason)
    return exchange.asked((1,))


def move_flight(exchange: Exchange, table: str, planes: str, question: Question) -> Asked:
    """A key can't be changed: the item under the old one goes and one under the new one comes, both or neither.

    Read first, strongly, the flight and the plane that it moves to; the transaction stands only where neither is there already
    nor its delay has changed meanwhile.
    """
    flight_key, tailnum, to_tailnum = (
        {"S": question.parameters[name]} for name in ("flight_key", "tailnum", "to_tailnum")
    )
    body = exchange.call(
        "BatchGetItem",
        {
            "RequestItems": {
                table: {"Keys": [{"tailnum": tailnum, "flight_key": flight_key}], "ConsistentRead": True},
                planes: {"Keys": [{"tailnum": to_tailnum}], "ConsistentRead": True},
            }
        },
    )
    if body.get("UnprocessedKeys"):
        raise Trouble("throttled", "UnprocessedKeys")
    if not (found := body["Responses"].get(table)):
        return exchange.asked((0,))
    (flight,), of_planes = found, body["Responses"].get(planes, [])
    plane: Item = of_planes[0] if of_planes else {}
    moved = {name: value for name, value in flight.items() if name not in PLANE} | plane | {"tailnum": to_tailnum}
    condition = _unchanged(flight)
    put = {"TableName": table, "Item": moved, "ConditionExpression": "attribute_not_exists(flight_key)"}
    exchange.call(
        "TransactWriteItems",
        {"TransactItems": [{"Delete": {"TableName": table, "Key": key(flight)} | condition}, {"Put": put}]},
    )
    return exchange.asked((1,))


def add_attribute(exchange: Exchange, table: str) -> Asked:
    """A Scan for all keys, then an UpdateItem each, which stands only where the delay is still what was read."""
    found = exchange.scan(
        {
            "TableName": table, "FilterExpression": "attribute_exists(arr_delay)",
            "ProjectionExpression": "tailnum, flight_key, arr_delay",
        },
        lambda item: item,
    )  # fmt: skip
    for item in found.items:
        delay = item["arr_delay"]
        values = {":on_time": {"BOOL": int(delay["N"]) <= ON_TIME_MINUTES}, ":arr_delay": delay}
        exchange.call(
            "UpdateItem",
            {
                "TableName": table, "Key": key(item), "UpdateExpression": "SET on_time = :on_time",
                "ConditionExpression": "arr_delay = :arr_delay", "ExpressionAttributeValues": values,
            },
        )  # fmt: skip
    return exchange.asked((len(found.items),))


def bulk_load(exchange: Exchange, table: str, items: Sequence[bytes], sleep_s: Callable[[float], None]) -> Asked:
    """25 items a request; what comes back unprocessed goes into later ones, after a pause that grows while that goes on.

    Each request writes something, or is throttled as a whole, which ends it (A3).
    """
    waiting: deque[dict[str, Any]] = deque({"PutRequest": {"Item": orjson.Fragment(item)}} for item in items)
    pause_s = LOAD_BACKOFF_S
    while waiting:
        batch = [waiting.popleft() for _ in range(min(BATCH_ITEMS, len(waiting)))]
        body = exchange.call("BatchWriteItem", {"RequestItems": {table: batch}})
        if left := (body.get("UnprocessedItems") or {}).get(table):
            waiting.extend(left)
            sleep_s(pause_s)
            pause_s = min(2 * pause_s, LOAD_BACKOFF_MOST_S)
        else:
            pause_s = LOAD_BACKOFF_S
    return exchange.asked((len(items),))


def _unchanged(flight: Item) -> dict[str, Any]:
    """The condition that a flight, of which only the delay is ever updated, is as it was read."""
    if "arr_delay" not in flight:
        return {"ConditionExpression": "attribute_exists(flight_key) AND attribute_not_exists(arr_delay)"}
    return {
        "ConditionExpression": "arr_delay = :arr_delay", "ExpressionAttributeValues": {":arr_delay": flight["arr_delay"]},
    }  # fmt: skip


def _number(value: Value) -> dict[str, str]:
    return {"N": str(value)}
