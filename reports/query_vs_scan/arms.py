"""The scenario's words: its questions, its arms, and which arm is held against which."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAME, TITLE = "query_vs_scan", "Query or Scan"
READ_PRICE = "dynamodb.on_demand_read_usd_per_million"
WRITE_PRICE = "dynamodb.on_demand_write_usd_per_million"
STORAGE_PRICE = "dynamodb.storage_gb_month_usd"

PARTS: Mapping[str, str] = {
    "arms": "every arm of the largest table",
    "table_items": "tables that grow under the same answer",
    "answer_share": "answers that grow in the same table",
    "item_bytes": "items that grow",
    "index_writes": "what writes pay for an index",
    "neighbour": "everyone else's reads beside a Scan",
}
QUESTIONS: Mapping[str, str] = {
    "aircraft": "all flights of one aircraft",
    "airport": "all flights to one airport",
    "route": "all flights of one aircraft to one airport",
    "range": "all flights of a range of aircraft",
    "new_flight": "a new flight",
    "changed_delay": "a changed delay",
    "moved": "a changed destination",
}
# question -> the arm that looks the answer up, in words: what a Scan is held against
LOOKUPS: Mapping[str, tuple[str, str]] = {
    "aircraft": ("query", "Query"),
    "airport": ("gsi_all", "Query on an index"),
}
# arm -> (in words, the operation it asks)
_ARMS: Mapping[str, tuple[str, str]] = {
    "query": ("Query", "Query"),
    "get_item": ("GetItem of each key", "GetItem"),
    "batch_get": ("BatchGetItem", "BatchGetItem"),
    "scan": ("Scan", "Scan"),
    "scan_projection": ("Scan with a projection", "Scan"),
    "scan_count": ("Scan that only counts", "Scan"),
    "gsi_all": ("Query on an index", "Query"),
    "gsi_include": ("Query on an index with the attributes asked for", "Query"),
    "gsi_keys_only": ("Query on an index of keys and BatchGetItem of the rest", "Query"),
    "lsi_include": ("Query on a local index", "Query"),
    "lsi_fetch": ("Query on a local index of keys that fetches the rest", "Query"),
    "query_filter": ("Query with a filter", "Query"),
}
_PARALLEL = re.compile(r"parallel_scan_(\d+)$")
_STRONG = "_strong"
_WRITES: Mapping[str, str] = {"new_flight": "PutItem", "changed_delay": "UpdateItem", "moved": "UpdateItem"}
# the arm of index_writes -> the index in words, and the arm that reads through it
INDEXES: Mapping[str, tuple[str, str]] = {
    "keys_only": ("an index of keys", "gsi_keys_only"),
    "include": ("an index with the attributes asked for", "gsi_include"),
    "all": ("an index with all attributes", "gsi_all"),
}
NO_INDEX = "no_index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """An arm in words, the DynamoDB operation it asks, and the arm it is with ``_strong`` taken off."""

    words: str
    op: str
    plain: str
    strong: bool


def arm_of(name: str, question: str = "") -> Arm:
    """What is known of an arm by its name; one that isn't known is called by it."""
    plain = name.removesuffix(_STRONG)
    strong = plain != name
    if question in _WRITES:
        index = INDEXES[plain][0] if plain in INDEXES else "no index"
        return Arm(words=f"{_WRITES[question]} with {index}", op=_WRITES[question], plain=plain, strong=False)
    segments = _PARALLEL.match(plain)
    known = (f"Scan in {segments[1]} segments", "Scan") if segments else _ARMS.get(plain, (plain, ""))
    return Arm(
        words=f"{known[0]}, strongly consistent" if strong else known[0], op=known[1], plain=plain, strong=strong
    )


def is_write(question: str) -> bool:
    """Whether what is asked is a write."""
    return question in _WRITES


def saves_nothing_against(name: str) -> tuple[str, str] | None:
    """(the arm without it, what is tried in words) of an arm that is tried to save units; None of any other."""
    tried = {
        "scan_projection": ("scan", "A projection"),
        "scan_count": ("scan", "Asking only for the count"),
        "query_filter": ("query", "A filter"),
    }
    if segments := _PARALLEL.match(name):
        return "scan", f"Reading in {segments[1]} segments"
    return tried.get(name)
