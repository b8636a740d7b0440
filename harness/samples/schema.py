"""What one row of samples holds: its columns, and what a scenario says of an attempt."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import pyarrow as pa

# Version 1: the columns below, in this order; then the scenario's own.
SAMPLES_SCHEMA = 1

Kind = Literal["int", "float", "text", "bool", "small", "key"]
Outcome = Literal["ok", "throttled", "error", "timeout", "ambiguous"]

# name -> kind. "key": int64 never null. "small": int32/int16 never null. "int", "float", "bool": null where not known.
COLUMNS: dict[str, Kind] = {
    "trial": "small", "pair": "small", "phase": "text",
    "t_intended": "int", "t_start": "key", "t_end": "key",
    "op_id": "key", "attempt": "small",
    "client": "text", "arm": "text", "step": "text", "op": "text",
    "outcome": "text", "error_code": "text", "reason": "text",
    "read_units": "float", "write_units": "float", "index_units": "float",
    "items_returned": "int", "items_scanned": "int", "bytes": "int", "pages": "int",
    "hit": "bool", "worker": "text",
}  # fmt: skip

_NAN = float("nan")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Observation(NamedTuple):
    """What one attempt came to, as the scenario saw it; ``extra`` fills the scenario's own columns.

    A tuple, since every attempt makes one: a frozen dataclass of these fields takes three times as long to make.
    Give its members by name.
    """

    outcome: Outcome = "ok"
    error_code: str | None = None
    reason: str | None = None
    read_units: float = _NAN
    write_units: float = _NAN
    index_units: float = _NAN
    items_returned: int = -1
    items_scanned: int = -1
    bytes: int = -1
    pages: int = -1
    hit: bool | None = None
    extra: Mapping[str, Any] = _NOTHING


def arrow_type(name: str, kind: Kind) -> pa.DataType:
    """The Arrow type of a column."""
    if kind == "small":
        return pa.int16() if name == "attempt" else pa.int32()
    return {
        "int": pa.int64(),
        "key": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.dictionary(pa.int32(), pa.string()),
    }[kind]


def clock_pair() -> tuple[int, int]:
    """Monotonic and wall time of one instant, ns; the monotonic is the mean of a reading before and after."""
    before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
    return (before + after) // 2, wall
