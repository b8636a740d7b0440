"""Where dynalite and moto answer otherwise than the service, and how such an answer is told from a defect of ours.

Each difference has a paragraph in docs/emulators.md under its name: who is right, why, and by which source. An excuse looks
at one request and both answers (normalised.py) and returns them without what the difference explains, or None where it
explains nothing: what is left must still be equal.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from normalised import CRASH

Outcome = dict[str, Any]
Pair = tuple[Outcome, Outcome]
Excuse = Callable[[str, dict[str, Any], Outcome, Outcome], Pair | None]

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
READS = ("Query", "Scan")
PROJECTED = {"pk", "sk", "n", "t"}  # by the local index of random_requests.py
_EXPRESSION = re.compile(r"Invalid (\w+Expression): ")
_ORDERED_ONLY = re.compile(
    r"Incorrect operand type for operator or function; operator or function: (<|<=|>|>=|BETWEEN), operand type: (?!(S|N|B)$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One known difference, by the name that it has in docs/emulators.md."""

    name: str
    excuse: Excuse


def _same(name: str) -> Pair:
    """Both answers, where the difference explains all of them."""
    return {"difference": name}, {"difference": name}


def _index_writes(operation: str, _payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    def table_only(outcome: Outcome) -> Outcome:
        told = outcome["ConsumedCapacity"]
        parts = told if isinstance(told, list) else [told]
        return outcome | {"ConsumedCapacity": [part["Table"] for part in parts]}

    if operation not in WRITES or not ("ConsumedCapacity" in ours and "ConsumedCapacity" in theirs):
        return None
    told = ours["ConsumedCapacity"]
    if not any("Indexes" in member for part in (told if isinstance(told, list) else [told]) for member in part):
        return None
    return table_only(ours), table_only(theirs)


def _units(outcome: Outcome) -> float:
    return sum(part["CapacityUnits"] for part in outcome["units"])


def _empty_reads(operation: str, payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    if operation not in READS or "units" not in ours or "units" not in theirs or 0 not in ours["page_counts"]:
        return None
    least = 1.0 if payload.get("ConsistentRead") else 0.5
    empty = ours["page_counts"].count(0)
    if _units(ours) - _units(theirs) != least * empty:
        return None
    return ours | {"units": None}, theirs | {"units": None}


def _consistent_scan(operation: str, payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    if operation != "Scan" or not payload.get("ConsistentRead"):
        return None
    if (
        ours.get("message") == "Consistent reads are not supported on global secondary indexes"
        and "error" not in theirs
    ):
        return _same("consistent scan")
    if "units" not in ours or "units" not in theirs:
        return None
    missed = ours["page_counts"].count(0)
    if _units(ours) - missed != 2 * _units(theirs):
        return None
    return ours | {"units": None}, theirs | {"units": None}


def _fetched_items(operation: str, payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    """What a local index doesn't project: ours fetches it from the table and rounds each item on its own.

    theirs sums before it rounds, so that ours is never less and the index's part is equal, or doesn't fetch at all.
    """
    if operation not in READS or payload.get("IndexName") != "by_n" or "error" in ours or "error" in theirs:
        return None
    asked = set(payload.get("ExpressionAttributeNames", {}).values())
    if ours["ScannedCount"] == theirs["ScannedCount"] and (asked - PROJECTED or "Select" in payload):
        return _same("fetched items")
    return None


def _nothing_updated(operation: str, _payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    if operation != "UpdateItem" or theirs.get("Attributes") != {} or "Attributes" in ours:
        return None
    return ours, {member: value for member, value in theirs.items() if member != "Attributes"}


def _all_projected(_operation: str, payload: dict[str, Any], ours: Outcome, _theirs: Outcome) -> Pair | None:
    refused = "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
    if payload.get("Select") == "ALL_PROJECTED_ATTRIBUTES" and ours.get("message") == refused:
        return _same("all projected attributes of a table")
    return None


def _count_with_projection(_operation: str, payload: dict[str, Any], ours: Outcome, _theirs: Outcome) -> Pair | None:
    if "Select" in payload and str(ours.get("message", "")).startswith("Cannot specify the ProjectionExpression when"):
        return _same("count with a projection")
    return None


def _unordered_operands(_operation: str, _payload: dict[str, Any], ours: Outcome, _theirs: Outcome) -> Pair | None:
    if ours.get("error") == "ValidationException" and _ORDERED_ONLY.search(ours["message"]):
        return _same("order of what has none")
    return None


def _syntax_wording(_operation: str, _payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    mine, other = (_EXPRESSION.match(str(outcome.get("message"))) for outcome in (ours, theirs))
    if mine and other and mine[1] == other[1] and "Syntax error" in ours["message"] + theirs["message"]:
        return _same("wording of a syntax error")
    return None


def _double_negation(_operation: str, payload: dict[str, Any], _ours: Outcome, theirs: Outcome) -> Pair | None:
    said = str(theirs.get("message", ""))
    if ('Syntax error; Expected "(" but "N' in said or "Bad NOT expression" in said) and "NOT NOT" in str(payload):
        return _same("double negation")
    return None


def _documents_compared(_operation: str, payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    """theirs compares maps, and what is in lists, by identity: never equal."""
    values = payload.get("ExpressionAttributeValues", {}).values()
    if not any("M" in value or "L" in value for value in values):
        return None
    expressions = str(payload.get("FilterExpression", "")) + str(payload.get("ConditionExpression", ""))
    if not re.search(r" (=|<>|IN) ", expressions):
        return None
    failed = "ConditionalCheckFailedException"
    if "Items" in ours and "Items" in theirs and ours["ScannedCount"] == theirs["ScannedCount"]:
        return _same("equal documents")
    if failed in (ours.get("error"), theirs.get("error")):
        return _same("equal documents")
    return None


def _filtered_keys(_operation: str, _payload: dict[str, Any], ours: Outcome, _theirs: Outcome) -> Pair | None:
    if str(ours.get("message", "")).startswith("Filter Expression can only contain non-primary key attributes"):
        return _same("filters on keys")
    return None


def _not_projected(_operation: str, payload: dict[str, Any], ours: Outcome, _theirs: Outcome) -> Pair | None:
    refused = f"One or more parameter values were invalid: Global secondary index {payload.get('IndexName')} does not project "
    return _same("what an index lacks") if str(ours.get("message", "")).startswith(refused) else None


def _crash(_operation: str, _payload: dict[str, Any], _ours: Outcome, theirs: Outcome) -> Pair | None:
    return _same("failures inside") if theirs.get("error") == CRASH else None


def _what_was_updated(operation: str, payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    if (
        operation != "UpdateItem"
        or "UPDATED" not in payload.get("ReturnValues", "")
        or "error" in ours
        or "error" in theirs
    ):
        return None
    return ours | {"Attributes": None}, theirs | {"Attributes": None}


def _two_faults(_operation: str, _payload: dict[str, Any], ours: Outcome, theirs: Outcome) -> Pair | None:
    said = {
        "The document path provided in the update expression is invalid for update",
        "The provided expression refers to an attribute that does not exist in the item",
    }
    return _same("two faults of an update") if {ours.get("message"), theirs.get("message")} == said else None


def _empty_between(_operation: str, _payload: dict[str, Any], ours: Outcome, _theirs: Outcome) -> Pair | None:
    refused = "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater"
    return _same("bounds the wrong way round") if str(ours.get("message", "")).startswith(refused) else None


DYNALITE = (
    Difference(name="index writes", excuse=_index_writes),
    Difference(name="consistent scan", excuse=_consistent_scan),
    Difference(name="empty reads", excuse=_empty_reads),
    Difference(name="fetched items", excuse=_fetched_items),
    Difference(name="nothing updated", excuse=_nothing_updated),
    Difference(name="all projected attributes of a table", excuse=_all_projected),
    Difference(name="count with a projection", excuse=_count_with_projection),
    Difference(name="order of what has none", excuse=_unordered_operands),
    Difference(name="wording of a syntax error", excuse=_syntax_wording),
    Difference(name="what an index lacks", excuse=_not_projected),
    Difference(name="double negation", excuse=_double_negation),
    Difference(name="equal documents", excuse=_documents_compared),
    Difference(name="two faults of an update", excuse=_two_faults),
)

MOTO = (
    Difference(name="failures inside", excuse=_crash),
    Difference(name="what an index lacks", excuse=_not_projected),
    Difference(name="filters on keys", excuse=_filtered_keys),
    Difference(name="bounds the wrong way round", excuse=_empty_between),
    Difference(name="fetched items", excuse=_fetched_items),
    Difference(name="what was updated", excuse=_what_was_updated),
    Difference(name="double negation", excuse=_double_negation),
)


def explain(
    known: tuple[Difference, ...], operation: str, payload: dict[str, Any], ours: Outcome, theirs: Outcome
) -> tuple[Pair, list[str]]:
    """Both answers without what the known differences explain, and the names of those."""
    used = []
    for difference in known:
        if ours == theirs:
            break
        changed = difference.excuse(operation, payload, ours, theirs)
        if changed is not None:
            (ours, theirs), used = changed, [*used, difference.name]
    return (ours, theirs), used
