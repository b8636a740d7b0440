"""Answers of two servers made comparable: what may differ by right is taken out, what is left must be equal."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

Send = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]
MOST_PAGES = 200
CRASH = "it failed inside"


def outcome(send: Send, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
    """What a server answers: one page, or for Query and Scan all of them as one; an error as its name and message."""
    status, body = send(operation, payload)
    if status >= 500:
        return {"error": CRASH, "message": ""}
    if status != 200:
        return refusal(body)
    if operation not in ("Query", "Scan"):
        return _canonical(body)
    pages = [body]
    while "LastEvaluatedKey" in pages[-1]:
        status, body = send(operation, payload | {"ExclusiveStartKey": pages[-1]["LastEvaluatedKey"]})
        if status != 200:
            return refusal(body) | {"page": len(pages) + 1}
        pages.append(body)
        assert len(pages) < MOST_PAGES, f"{operation} doesn't end: {payload}"
    return _walk(operation, payload, pages)


def refusal(body: dict[str, Any]) -> dict[str, Any]:
    """An error without its namespace; the member of the message is spelled both ways."""
    name = str(body.get("__type", "")).rpartition("#")[2]
    rest = {key: _canonical(value) for key, value in body.items() if key not in ("__type", "message", "Message")}
    return {"error": name, "message": _in_order(str(body.get("message", body.get("Message")))), **rest}


def _in_order(message: str) -> str:
    """A message with the names that it lists sorted: which comes first is the order of a hash map."""
    head, sign, listed = message.partition("keys: {")
    return message if not sign else f"{head}{sign}{', '.join(sorted(listed.rstrip('}').split(', ')))}}}"


def data_only(outcome: dict[str, Any]) -> dict[str, Any]:
    """What also a server that doesn't meter must answer: items, counts, and the name of an error."""
    metered = ("ConsumedCapacity", "units", "message", "ItemCollectionMetrics", "pages", "page_counts", "has_items")
    return {member: value for member, value in outcome.items() if member not in metered}


def _walk(operation: str, payload: dict[str, Any], pages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All pages as one answer. Which items share a page is the order of a hash, or of entries with equal keys, which nobody
    promises; so where that order decides, items are compared as a set and units only when one page holds all."""
    items = [_canonical(item) for page in pages for item in page.get("Items", [])]
    by_hash = operation == "Scan" or "IndexName" in payload
    seen: dict[str, Any] = {
        "pages": len(pages),
        "Count": sum(page["Count"] for page in pages),
        "ScannedCount": sum(page["ScannedCount"] for page in pages),
        "page_counts": [page["ScannedCount"] for page in pages],
        "has_items": ["Items" in page for page in pages],
        "Items": sorted(items, key=repr) if by_hash else items,
    }
    if len(pages) == 1 or not by_hash:
        seen["units"] = [page.get("ConsumedCapacity") for page in pages]
    return seen


def _canonical(value: Any) -> Any:
    """Numbers by value, sets without order, answers of a batch too."""
    if isinstance(value, list):
        return [_canonical(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((kind, content),) = value.items()
        if kind == "N" and isinstance(content, str):
            return {"N": str(Decimal(content).normalize())}
        if kind == "NS":
            return {"NS": sorted(str(Decimal(one).normalize()) for one in content)}
        if kind in ("SS", "BS"):
            return {kind: sorted(content)}
    if "Responses" in value and isinstance(value["Responses"], dict):
        value = value | {
            "Responses": {
                t: sorted((_canonical(i) for i in items), key=repr) for t, items in value["Responses"].items()
            }
        }
    return {key: _canonical(value[key]) for key in sorted(value)}
