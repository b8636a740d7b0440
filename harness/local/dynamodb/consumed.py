"""What a request consumed, added up and told the way the client asked for it (A14)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.dynamodb.admission import Kind
from harness.local.dynamodb.tables import Table

Wanted = Literal["NONE", "TOTAL", "INDEXES"]


def wanted(request: Mapping[str, Any]) -> Wanted:
    """The request's ReturnConsumedCapacity."""
    how: Wanted = request.get("ReturnConsumedCapacity", "NONE")
    return how


@dataclass(slots=True)
class Consumed:
    """Units of one table and of each of its indexes in one request."""

    table: Table
    kind: Kind
    units: float = 0.0
    by_index: dict[str, float] = field(default_factory=dict)

    def add(self, units: float, index: str | None = None) -> None:
        """Units of the table, or of one of its indexes."""
        if index is None:
            self.units += units
        else:
            self.by_index[index] = self.by_index.get(index, 0.0) + units

    def include(self, part: "Consumed") -> None:
        """Add what a part of the request consumed."""
        self.add(part.units)
        for name, units in part.by_index.items():
            self.add(units, name)

    def account(self, now_s: float) -> None:
        """Take everything from the buckets: the table's, and each index's own."""
        if self.units:
            self.table.meter.account(self.kind, self.units, now_s)
        for name, units in self.by_index.items():
            self.table.index_meters[name].account(self.kind, units, now_s)

    def told(self, how: Wanted) -> dict[str, Any]:
        """ConsumedCapacity."""
        answer: dict[str, Any] = {
            "TableName": self.table.name,
            "CapacityUnits": self.units + sum(self.by_index.values()),
        }
        if how == "INDEXES":
            answer["Table"] = {"CapacityUnits": self.units}
            if self.by_index:
                answer["GlobalSecondaryIndexes"] = {
                    name: {"CapacityUnits": units} for name, units in self.by_index.items()
                }
        return answer
