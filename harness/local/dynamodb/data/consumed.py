"""What a request consumed, added up and told the way the client asked for it (A14)."""

from collections.abc import Mapping
from typing import Any, Literal

from harness.dynamodb.admission import Kind
from harness.local.dynamodb.tables.tables import Table

Wanted = Literal["NONE", "TOTAL", "INDEXES"]


def wanted(request: Mapping[str, Any]) -> Wanted:
    """The request's ReturnConsumedCapacity."""
    how: Wanted = request.get("ReturnConsumedCapacity", "NONE")
    return how


class Consumed:
    """Units of one table and of each of its indexes in one request."""

    __slots__ = ("by_index", "kind", "table", "units")

    def __init__(self, table: Table, kind: Kind) -> None:
        self.table, self.kind = table, kind
        self.units = 0.0
        self.by_index: dict[str, float] = {}

    def add(self, units: float, index: str | None = None) -> None:
        """Units of the table, or of one of its indexes."""
        if index is None:
            self.units += units
        else:
            self.by_index[index] = self.by_index.get(index, 0.0) + units

    def include(self, part: "Consumed") -> None:
        """Add what a part of the request consumed."""
        self.units += part.units
        for name, units in part.by_index.items():
            self.add(units, name)

    def told(self, how: Wanted, *, both_kinds: bool = False) -> dict[str, Any]:
        """ConsumedCapacity; transactions tell the kind of their units too."""

        def units_of(units: float) -> dict[str, float]:
            kind = {f"{self.kind.capitalize()}CapacityUnits": units} if both_kinds else {}
            return {"CapacityUnits": units} | kind

        answer: dict[str, Any] = {"TableName": self.table.name}
        answer |= units_of(self.units + sum(self.by_index.values()))
        if how != "INDEXES":
            return answer
        answer["Table"] = units_of(self.units)
        for name, units in self.by_index.items():
            kind = "Local" if self.table.indexes[name].local else "Global"
            answer.setdefault(f"{kind}SecondaryIndexes", {})[name] = units_of(units)
        return answer
