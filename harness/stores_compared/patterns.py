"""The access patterns: what is asked, with which parameters, and the one form in which every store's answer is written down.

Load and report share it, and it needs nothing else: the one asks the stores, the other works the answers out from the raw
CSV with pandas, and both write them as ``digest`` does. A row is a list of text, whole numbers and None.

A table of n flights holds the flights that event ``tables`` names first, and then the others of the chosen months as the CSV has
them, up to n in all. ``add_attribute`` changes the flights that have an arr_delay: those without one have no ``on_time`` either.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Name = Literal[
    "flight_by_key", "aircraft_flights", "airport_day", "flight_with_all", "carrier_month_delays", "top_routes", "ad_hoc",
    "count", "full_text", "update_if", "move_flight", "add_attribute", "bulk_load",
]  # fmt: skip
Value = str | int | None
Row = Sequence[Value]

PAGE_ITEMS = 25  # of aircraft_flights: a page of an application's list
TOP_ROUTES = 10
ON_TIME_MINUTES = 15  # a flight that arrives so late at most is on time, as the US Department of Transportation counts
MOST_ROWS_KEPT = 20  # an answer of so many rows or fewer is kept itself, a longer one by its digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One way to use the data. ``columns`` are those of a row of the answer, ``parameters`` what a question names.

    ``growing``: its cost may grow with the table, so part ``growth`` asks it at every size. ``reads``: it changes nothing, and a
    cache may answer it.
    """

    name: Name
    title: str
    parameters: tuple[str, ...]
    columns: tuple[str, ...]
    reads: bool = True
    growing: bool = True


PATTERNS: Mapping[str, Pattern] = {
    one.name: one
    for one in (
        Pattern(
            name="flight_by_key", title="a flight by its key", parameters=("flight_key",),
            columns=("flight_key", "carrier", "tailnum", "origin", "dest", "dep_delay", "arr_delay"),
        ),
        Pattern(
            name="aircraft_flights", title="all flights of an aircraft, newest first, page by page", parameters=("tailnum",),
            columns=("flight_key", "origin", "dest", "arr_delay"),
        ),
        Pattern(
            name="airport_day", title="flights to an airport on a day", parameters=("dest", "day"),
            columns=("flight_key", "carrier", "arr_delay"),
        ),
        Pattern(
            name="flight_with_all", title="a flight with its airline, plane and weather", parameters=("flight_key",),
            columns=("flight_key", "airline", "manufacturer", "model", "seats", "temp_tenths", "wind_speed_tenths"),
        ),
        Pattern(
            name="carrier_month_delays", title="delays of every carrier in a month", parameters=("month",),
            columns=("carrier", "flights", "arr_delay_sum"),
        ),
        Pattern(name="top_routes", title="the ten busiest routes", parameters=(), columns=("origin", "dest", "flights")),
        Pattern(
            name="ad_hoc", title="a question nobody planned for", parameters=("least_distance", "least_arr_delay"),
            columns=("flight_key", "distance", "arr_delay"),
        ),
        Pattern(name="count", title="how many flights there are, exactly", parameters=(), columns=("flights",)),
        Pattern(
            name="full_text", title="airports by words of their name", parameters=("words",), columns=("faa", "name"), growing=False,
        ),
        Pattern(
            name="update_if", title="one field changed, if it is as expected", parameters=("flight_key", "expected", "new"),
            columns=("changed",), reads=False,
        ),
        Pattern(
            name="move_flight", title="a flight moved to another aircraft", parameters=("flight_key", "tailnum", "to_tailnum"),
            columns=("moved",), reads=False,
        ),
        Pattern(
            name="add_attribute", title="an attribute added to every flight", parameters=(), columns=("changed",), reads=False,
        ),
        Pattern(name="bulk_load", title="flights loaded into an empty table", parameters=("flights",), columns=("loaded",), reads=False),
    )
}  # fmt: skip


def digest(rows: Sequence[Row]) -> str:
    """sha256 of an answer in its canonical form, in hexadecimal digits: rows in the pattern's own order."""
    return hashlib.sha256(canonical(rows).encode()).hexdigest()


def canonical(rows: Sequence[Row]) -> str:
    """An answer as JSON without spaces, the same from every store; raises ValueError for what is no text, whole number or None."""
    for row in rows:
        for value in row:
            if not (value is None or type(value) in (str, int)):
                raise ValueError(f"expected text, a whole number or None, got {value!r} of {type(value).__name__}")
    return json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":"))


def words_of(text: str) -> list[str]:
    """The words of a name, in lower case: what letters and digits stand together."""
    return re.findall(r"[a-z0-9]+", text.lower())
