"""The tables of every size, and how many rows each answer must have."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from harness.dataset import Dataset
from harness.stores_compared.patterns import TOP_ROUTES, Name, Value, words_of


class TableOf:
    """The flights of one table, and what is counted of them."""

    def __init__(self, flights: pa.Table) -> None:
        self.flights = flights

    def __len__(self) -> int:
        return int(self.flights.num_rows)

    @cached_property
    def of_aircraft(self) -> Counter[str]:
        """Flights of each aircraft that has a tail number."""
        return Counter(self.flights["tailnum"].drop_null().to_pylist())

    @cached_property
    def of_day(self) -> Counter[tuple[str, str]]:
        """Flights to each airport on each day."""
        days = [key[:10] for key in self.flights["flight_key"].to_pylist()]
        return Counter(zip(self.flights["dest"].to_pylist(), days, strict=True))

    @cached_property
    def carriers_of_month(self) -> Counter[int]:
        """How many carriers fly in each month."""
        return Counter(month for month, _ in self._pairs("month", "carrier"))

    @cached_property
    def routes(self) -> int:
        """How many there are."""
        return len(self._pairs("origin", "dest"))

    @cached_property
    def arrived(self) -> int:
        """Flights that have an arr_delay."""
        return len(self) - int(self.flights["arr_delay"].null_count)

    def ad_hoc(self, least_distance: int, least_arr_delay: int) -> int:
        """Flights that left early and came so late at least, from so far at least."""
        early = pc.less(self.flights["dep_delay"], 0)
        late = pc.greater_equal(self.flights["arr_delay"], least_arr_delay)
        far = pc.greater_equal(self.flights["distance"], least_distance)
        return int(pc.sum(pc.and_(pc.and_(early, late), far)).as_py() or 0)

    def _pairs(self, first: str, second: str) -> set[tuple[Any, Any]]:
        return set(zip(self.flights[first].to_pylist(), self.flights[second].to_pylist(), strict=True))


class Tables:
    """A table of ``n`` flights holds the first ``n`` of ``everything``: each is the beginning of the next larger one.

    ``sizes`` are those that are asked, ``attribute_items`` the flights that get an attribute, in a table of their own, and
    ``bulk_items`` those that are loaded into an empty one.
    """

    def __init__(
        self, data: Dataset, order: Sequence[int], *, sizes: Sequence[int], attribute_items: int, bulk_items: int
    ) -> None:
        self.data, self.sizes = data, tuple(sorted(sizes))
        self.attribute_items, self.bulk_items = attribute_items, bulk_items
        most = max(*self.sizes, attribute_items, bulk_items)
        self.everything = data.flights.take(pa.array(order[:most], pa.int64()))
        self._of: dict[int, TableOf] = {}

    @property
    def largest(self) -> int:
        """Flights of the largest that is asked."""
        return self.sizes[-1]

    def of(self, flights: int) -> TableOf:
        """The table of so many."""
        if flights not in self._of:
            self._of[flights] = TableOf(self.everything.slice(0, flights))
        return self._of[flights]

    def expected(self, pattern: Name, parameters: Mapping[str, Value], flights: int) -> int:
        """How many rows the answer has."""
        table = self.of(flights)
        match pattern:
            case "aircraft_flights":
                return table.of_aircraft[str(parameters["tailnum"])]
            case "airport_day":
                return table.of_day[str(parameters["dest"]), str(parameters["day"])]
            case "carrier_month_delays":
                return table.carriers_of_month[int(parameters["month"] or 0)]
            case "top_routes":
                return min(TOP_ROUTES, table.routes)
            case "ad_hoc":
                return table.ad_hoc(int(parameters["least_distance"] or 0), int(parameters["least_arr_delay"] or 0))
            case "full_text":
                wanted = set(words_of(str(parameters["words"])))
                return sum(wanted <= words for words in self._words)
        return 1

    @cached_property
    def _words(self) -> list[set[str]]:
        return [set(words_of(name)) for name in self.data.airports["name"].to_pylist()]
