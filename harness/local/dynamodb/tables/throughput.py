"""What a table or one of its indexes may consume, in either mode: provisioned, capped, warmed up; and how that changes."""

from collections.abc import Mapping
from typing import Any

from harness.dynamodb.admission import Admission, Kind, Resource
from harness.local.dynamodb.errors import invalid, limit_exceeded, validation
from harness.local.dynamodb.tables.account import MORE, Account, Capacity
from harness.local.dynamodb.tables.meters import Metered
from harness.local.dynamodb.tables.parameters import MAX_CAPACITY

KINDS: tuple[Kind, ...] = ("read", "write")
_ON_DEMAND_START = (
    "See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
    "#on-demand-capacity-mode-initial"
)


def capacity_in(request: Mapping[str, Any]) -> Capacity | None:
    """The ProvisionedThroughput of a request, None where there is none."""
    asked = request.get("ProvisionedThroughput")
    return None if asked is None else Capacity(asked["ReadCapacityUnits"], asked["WriteCapacityUnits"])


def check_bounds(capacity: Capacity | None, index: str | None = None) -> None:
    """No capacity beyond what the service can count."""
    for name, units in zip(("ReadCapacityUnits", "WriteCapacityUnits"), capacity or (), strict=False):
        if units > MAX_CAPACITY:
            raise validation(f"Given value {units} for {name} is out of bounds{f' for index {index}' if index else ''}")


class Throughput:
    """The throughput of one table (``index`` None) or index, with its meter.

    What is asked for is checked first, by the methods whose names say so; the others do it.
    """

    def __init__(self, account: Account, arn: str, index: str | None, capacity: Capacity | None, now_s: float) -> None:
        self._account, self._index = account, index
        self.capacity = capacity or Capacity()
        self.maxima: dict[Kind, int] = {}
        self._increased_s: float | None = None
        self._decreased_s: float | None = None
        resource: Resource = "Table" if index is None else "Index"
        if capacity is None:
            admission = Admission.on_demand(now_s=now_s, resource=resource, params=account.admission)
        else:
            admission = Admission.provisioned(*capacity, now_s=now_s, resource=resource, params=account.admission)
        self.meter = Metered(admission, arn)

    def begin(self, definition: Mapping[str, Any], now_s: float) -> None:
        """What else a new table or index is made with: quotas, maxima, warm throughput. Raises the service's errors."""
        maxima, warm = definition.get("OnDemandThroughput"), definition.get("WarmThroughput")
        self.check_quota(self.capacity)
        self.check_maxima(maxima, on_demand=self.on_demand, new=True)
        self.check_warm(warm, now_s, new=True)
        if maxima:
            self.set_maxima(maxima, now_s)
        if warm:
            self.warm_up(warm, now_s)

    @property
    def on_demand(self) -> bool:
        """The mode at present."""
        return self.meter.admission.mode == "on_demand"

    def check_quota(self, capacity: Capacity) -> None:
        """No table or index has more than its quota (B11)."""
        most = self._account.tables.table_units
        what, of = (f" for index {self._index}", "index") if self._index else ("", "table")
        for name, units in zip(("ReadCapacityUnits", "WriteCapacityUnits"), capacity, strict=True):
            if units > most:
                raise limit_exceeded(
                    f"The requested {name}{what}, {units}, is above the per {of} maximum for the account in "
                    f"{self._account.region}. Per table maximum: {most}. {MORE}"
                )

    def check_change(self, capacity: Capacity, now_s: float) -> None:
        """A change must change something, keep the quota, and not be one decrease too many for the day (B6)."""
        if capacity == self.capacity:
            thing, of = (f"the index {self._index}", f"index {self._index}") if self._index else ("the table",) * 2
            values = ". ".join(
                f"Current {name} provisioned for {of}: {units}. Requested {name}: {units}"
                for name, units in zip(("ReadCapacityUnits", "WriteCapacityUnits"), capacity, strict=True)
            )
            raise validation(
                f"The provisioned throughput for {thing} will not change. The requested value equals the current value. "
                f"{values}. {MORE}"
            )
        self.check_quota(capacity)
        decreases, params = self.meter.admission.decreases, self._account.admission
        next_s = decreases.next_s(now_s)
        if self._lowers(capacity) and next_s > now_s:
            raise limit_exceeded(
                "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After "
                f"the first {params.decreases_a_day} decreases, each subsequent decrease in the same UTC day can be "
                f"performed at most once every {params.decrease_interval_s:.0f} seconds. Number of decreases today: "
                f"{decreases.today(now_s)}. Last decrease at {self._account.told(decreases.last_s or 0)}. "
                f"Next decrease can be made at {self._account.told(next_s)}"
            )

    def note_change(self, capacity: Capacity, now_s: float) -> None:
        """A change has been asked for: the service tells when before it tells what."""
        if capacity.read > self.capacity.read or capacity.write > self.capacity.write:
            self._increased_s = now_s
        if self._lowers(capacity):
            self._decreased_s = now_s

    def set_capacity(self, capacity: Capacity, now_s: float) -> None:
        """Provision anew."""
        self.capacity = capacity
        self.meter.admission.set_capacity(*capacity, now_s)

    def switch(self, capacity: Capacity | None, now_s: float) -> None:
        """To provisioned with this capacity, or with None to on-demand; maxima go."""
        self.capacity, self.maxima = capacity or Capacity(), {}
        if capacity is None:
            self.meter.admission.set_mode("on_demand", now_s)
        else:
            self.meter.admission.set_mode("provisioned", now_s, read=capacity.read, write=capacity.write)

    def check_maxima(self, asked: Mapping[str, int] | None, *, on_demand: bool, new: bool) -> None:
        """OnDemandThroughput: only on demand, from 1 up to the quota; -1 takes a maximum of before away."""
        where = f" for index{':' if new else ' :'} {self._index}" if self._index else ""
        for name, units in sorted((asked or {}).items()):
            if not on_demand:
                raise invalid(
                    f"{name} for OnDemandThroughput{where} cannot be specified when {'' if new else 'the '}table "
                    f"BillingMode is PROVISIONED{'.' if new else ''}"
                )
            of = f"index : {self._index}" if self._index else "table"
            if units < 1 and (new or units != -1):
                raise invalid(f"Requested {name} for OnDemandThroughput for {of} is outside of valid range")
            self._check_rate(f"Requested {name} for OnDemandThroughput for {of}", name, units)

    def set_maxima(self, asked: Mapping[str, int], now_s: float) -> None:
        """Set the maxima that are named, take away those that are -1."""
        for kind in KINDS:
            units = asked.get(_member("Max{}RequestUnits", kind))
            if units == -1:
                self.maxima.pop(kind, None)
            elif units is not None:
                self.maxima[kind] = units
        self.meter.admission.set_mode("on_demand", now_s, read=self.maxima.get("read"), write=self.maxima.get("write"))

    def check_warm(self, asked: Mapping[str, int] | None, now_s: float, *, new: bool) -> None:
        """WarmThroughput never goes down, and not beyond the quota."""
        of = f"index {self._index}" if self._index else "table"
        for kind in KINDS:
            name = _member("{}UnitsPerSecond", kind)
            units = (asked or {}).get(name)
            if units is None:
                continue
            what = f"Requested {name} for WarmThroughput for {of}"
            if units < self.meter.admission.warm_throughput(kind, now_s):
                if not new:
                    less = "current WarmThroughput, decreasing WarmThroughput is not supported"
                elif self.on_demand:
                    less = f"initial throughput for OnDemand. {_ON_DEMAND_START}"
                else:
                    less = f"{_member('{}CapacityUnits', kind)} of ProvisionedThroughput"
                raise invalid(f"{what} is lower than {less}")
            self._check_rate(what, name, units)

    def warm_up(self, asked: Mapping[str, int], now_s: float) -> None:
        """Be ready for that many units a second."""
        admission = self.meter.admission
        read, write = (
            float(asked.get(_member("{}UnitsPerSecond", kind), admission.warm_throughput(kind, now_s)))
            for kind in KINDS
        )
        admission.warm_up(read, write, now_s)

    def describe(self, now_s: float) -> dict[str, Any]:
        """ProvisionedThroughput, OnDemandThroughput where there is any, WarmThroughput."""
        admission = self.meter.admission
        provisioned: dict[str, Any] = {
            "NumberOfDecreasesToday": admission.decreases.today(now_s),
            "ReadCapacityUnits": self.capacity.read,
            "WriteCapacityUnits": self.capacity.write,
        }
        if self._increased_s is not None:
            provisioned["LastIncreaseDateTime"] = self._account.epoch_s(self._increased_s)
        if self._decreased_s is not None:
            provisioned["LastDecreaseDateTime"] = self._account.epoch_s(self._decreased_s)
        warm = {_member("{}UnitsPerSecond", kind): int(admission.warm_throughput(kind, now_s)) for kind in KINDS}
        told: dict[str, Any] = {
            "ProvisionedThroughput": provisioned,
            "WarmThroughput": {**warm, "Status": "ACTIVE"},
        }
        if self.maxima:
            told["OnDemandThroughput"] = {
                _member("Max{}RequestUnits", kind): units for kind, units in self.maxima.items()
            }
        return told

    def _lowers(self, capacity: Capacity) -> bool:
        return capacity.read < self.capacity.read or capacity.write < self.capacity.write

    def _check_rate(self, what: str, name: str, units: int) -> None:
        if units > self._account.tables.table_units:
            kind = "Read" if "Read" in name else "Write"
            raise limit_exceeded(
                f"Subscriber limit exceeded: {what} exceeds TableMax{kind}CapacityUnits of the account in region "
                f"{self._account.region}"
            )


def _member(pattern: str, kind: Kind) -> str:
    return pattern.format(kind.capitalize())
