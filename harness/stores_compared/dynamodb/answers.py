"""How each pattern is read from DynamoDB, and how its answer is put together where DynamoDB can't.

Reads are eventually consistent: an index allows nothing else (A8), and of the table strong ones cost twice the units. Whoever
wants a flight by its key alone asks index ``by_flight``, for the table's key begins with the aircraft.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from harness.dynamodb.answers import Item
from harness.stores_compared.dynamodb.exchange import Exchange, tenths, text, whole
from harness.stores_compared.dynamodb.tables import BY_DEST, BY_FLIGHT, BY_MONTH
from harness.stores_compared.patterns import PAGE_ITEMS, TOP_ROUTES, Name, Row
from harness.stores_compared.store import Asked, Question

UNKNOWN = "UNKNOWN-"  # the partition key of flights without a tail number begins so; see harness.dataset

Read = Callable[[Exchange, str, Question], Asked]


def flight_by_key(exchange: Exchange, table: str, question: Question) -> Asked:
    """One entry of an index."""
    columns = ("flight_key", "carrier", "tailnum", "origin", "dest", "dep_delay", "arr_delay")
    found = exchange.query(by_flight(table, question, columns), _flight)
    return exchange.asked(*found.items)


def aircraft_flights(exchange: Exchange, table: str, question: Question) -> Asked:
    """All items under one aircraft, backwards, page by page: each goes on behind the last key of the one before."""
    found = exchange.query(
        {
            "TableName": table, "KeyConditionExpression": "tailnum = :tailnum", "ScanIndexForward": False, "Limit": PAGE_ITEMS,
            "ProjectionExpression": "flight_key, origin, dest, arr_delay",
            "ExpressionAttributeValues": {":tailnum": {"S": question.parameters["tailnum"]}},
        },
        lambda item: (text(item, "flight_key"), text(item, "origin"), text(item, "dest"), whole(item, "arr_delay")),
    )  # fmt: skip
    return exchange.asked(*found.items)


def airport_day(exchange: Exchange, table: str, question: Question) -> Asked:
    """A range of one airport's entries: keys begin with the day."""
    dest, day = question.parameters["dest"], question.parameters["day"]
    found = exchange.query(
        {
            "TableName": table, "IndexName": BY_DEST.name, "KeyConditionExpression": "dest = :dest AND begins_with(flight_key, :day)",
            "ProjectionExpression": "flight_key, carrier, arr_delay",
            "ExpressionAttributeValues": {":dest": {"S": dest}, ":day": {"S": f"{day}T"}},
        },
        lambda item: (text(item, "flight_key"), text(item, "carrier"), whole(item, "arr_delay")),
    )  # fmt: skip
    return exchange.asked(*found.items)


def flight_with_all(exchange: Exchange, table: str, question: Question) -> Asked:
    """One entry of an index, which has what belongs to the flight."""
    columns = ("flight_key", "airline", "manufacturer", "model", "seats", "temp", "wind_speed")
    found = exchange.query(by_flight(table, question, columns), _with_all)
    return exchange.asked(*found.items)


def carrier_month_delays(exchange: Exchange, table: str, question: Question) -> Asked:
    """All entries of a month, which lie in the order of carriers; counted and summed here."""
    delays: dict[str, list[int]] = defaultdict(list)

    def add(item: Item) -> None:
        of_carrier = delays[item["carrier"]["S"]]
        if (delay := item.get("arr_delay")) is not None:
            of_carrier.append(int(delay["N"]))

    exchange.query(
        {
            "TableName": table, "IndexName": BY_MONTH.name, "KeyConditionExpression": "#month = :month",
            "ProjectionExpression": "carrier, arr_delay", "ExpressionAttributeNames": {"#month": "month"},
            "ExpressionAttributeValues": {":month": {"N": str(question.parameters["month"])}},
        },
        add,
    )  # fmt: skip
    return exchange.asked(*((carrier, len(each), sum(each)) for carrier, each in sorted(delays.items())))


def top_routes(exchange: Exchange, table: str, question: Question) -> Asked:  # noqa: ARG001 - it has no parameters
    """The whole of the smallest index that has both airports, counted here."""
    flights: Counter[tuple[str, str]] = Counter()

    def add(item: Item) -> None:
        flights[item["origin"]["S"], item["dest"]["S"]] += 1

    exchange.scan({"TableName": table, "IndexName": BY_DEST.name, "ProjectionExpression": "origin, dest"}, add)
    busiest = sorted(flights.items(), key=lambda one: (-one[1], one[0]))[:TOP_ROUTES]
    return exchange.asked(*((origin, dest, count) for (origin, dest), count in busiest))


def ad_hoc(exchange: Exchange, table: str, question: Question) -> Asked:
    """The whole table through a filter, which lowers what is sent and nothing that is paid (A5); sorted here."""
    miles, minutes = question.parameters["least_distance"], question.parameters["least_arr_delay"]
    found = exchange.scan(
        {
            "TableName": table, "FilterExpression": "arr_delay >= :minutes AND distance >= :miles AND dep_delay < :zero",
            "ProjectionExpression": "flight_key, distance, arr_delay",
            "ExpressionAttributeValues": {":zero": {"N": "0"}, ":miles": {"N": str(miles)}, ":minutes": {"N": str(minutes)}},
        },
        lambda item: (text(item, "flight_key"), whole(item, "distance"), whole(item, "arr_delay")),
    )  # fmt: skip
    return exchange.asked(*sorted(found.items))


def count(exchange: Exchange, table: str, question: Question) -> Asked:  # noqa: ARG001 - it has no parameters
    """The whole of the smallest index, its entries counted where they are; DescribeTable's own count is hours old."""
    found = exchange.scan({"TableName": table, "IndexName": BY_MONTH.name, "Select": "COUNT"})
    return exchange.asked((found.items_returned,))


READS: Mapping[Name, Read] = {
    "flight_by_key": flight_by_key, "aircraft_flights": aircraft_flights, "airport_day": airport_day, "flight_with_all": flight_with_all,
    "carrier_month_delays": carrier_month_delays, "top_routes": top_routes, "ad_hoc": ad_hoc, "count": count,
}  # fmt: skip


def by_flight(table: str, question: Question, columns: tuple[str, ...]) -> dict[str, Any]:
    """The Query for the flight that a question names."""
    return {
        "TableName": table, "IndexName": BY_FLIGHT.name, "KeyConditionExpression": "flight_key = :flight_key",
        "ProjectionExpression": ", ".join(f"#{name}" for name in columns),
        "ExpressionAttributeNames": {f"#{name}": name for name in columns},  # temp is a word of DynamoDB's own
        "ExpressionAttributeValues": {":flight_key": {"S": question.parameters["flight_key"]}},
    }  # fmt: skip


def _flight(item: Item) -> Row:
    tailnum = text(item, "tailnum") or ""
    return (
        text(item, "flight_key"), text(item, "carrier"), None if tailnum.startswith(UNKNOWN) else tailnum, text(item, "origin"),
        text(item, "dest"), whole(item, "dep_delay"), whole(item, "arr_delay"),
    )  # fmt: skip


def _with_all(item: Item) -> Row:
    return (
        text(item, "flight_key"), text(item, "airline"), text(item, "manufacturer"), text(item, "model"), whole(item, "seats"),
        tenths(item, "temp"), tenths(item, "wind_speed"),
    )  # fmt: skip
