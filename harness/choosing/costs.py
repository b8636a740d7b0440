"""What a store costs a month at given rates: as a curve over one rate, and as a bill at one of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from harness.cache.sizing.nodes import GB
from harness.choosing.curves import Curve, Line, exact, total
from harness.choosing.figures import Bound
from harness.choosing.needs import Case, Need, Resource
from harness.choosing.sizing import MONTH_HOURS, Fleet, InstanceType, Nodes, Option, cache_nodes, instance_types
from harness.choosing.workload import Workload
from harness.dynamodb.pricing import Prices

MONTH_S = MONTH_HOURS * 3_600
OVERHEAD_BYTES = 100  # of every stored item and index entry of DynamoDB (section C)
UNITS: tuple[Resource, ...] = ("read", "write")
_MILLION = 1_000_000
Rates = Mapping[str, Line]
"""Answers a second of each pattern, over the rate that is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One month of one store: dollars, what of them is whose, and what is bought. ``why``: it can't be had, and dollars are 0."""

    usd: Fraction
    parts: Mapping[str, Fraction]
    bought: str
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The costs of one case. ``unknown`` are the prices that are needed and not there; where there are any, nothing is computed.

    ``busy_share`` and ``bound`` vary what the workload and the figures say.
    """

    case: Case
    workload: Workload
    prices: Prices
    bound: Bound = "value"
    unknown: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()
    types: tuple[InstanceType, ...] = ()
    usd: Mapping[str, Fraction] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case, workload: Workload, prices: Prices, *, bound: Bound = "value") -> "Costs":
        """With the prices that the case needs."""
        types: tuple[InstanceType, ...] = ()
        unpriced: tuple[str, ...] = ()
        unknown = [f"the helper for {pattern} (helper_usd_month)" for pattern, usd in case.helpers if usd is None]
        multi_az = workload.availability == "multi_az"
        if case.engine is not None:
            types, unpriced = instance_types(prices, case.engine, workload.sql, multi_az=multi_az)
            if not types:
                unknown.append(f"an instance for {case.engine}{' in two zones' if multi_az else ''}")
        keys = _keys(case, workload)
        unknown += [key for key in keys.values() if prices.usd(key) is None]
        known = {name: exact(usd) for name, key in keys.items() if (usd := prices.usd(key)) is not None}
        made = cls(case=case, workload=workload, prices=prices, bound=bound, unpriced=unpriced, types=types, usd=known)
        if case.cached and made.nodes(0) is None:
            unknown.append(f"a cache node with {workload.cache.engine}")
        return replace(made, unknown=tuple(unknown))

    @property
    def possible(self) -> bool:
        """Whether nothing stands against the store but what it would have to carry, and all is known of it."""
        return not (self.case.out or self.case.lacking or self.unknown)

    def mean_usd(self) -> Fraction | None:
        """The mean month at the workload's own rates; None where one of them can't be had."""
        bills = [self.bill(month) for month in self.months]
        if any(one.why is not None for one in bills):
            return None
        return sum((one.usd for one in bills), Fraction(0)) / len(bills)

    @property
    def months(self) -> range:
        """The months that are compared, from today's on."""
        return range(self.workload.growth.months)

    def curve(self, rates: Rates) -> Curve:
        """The mean month over the rate."""
        return total([self.month_curve(month, rates) for month in self.months], Fraction(1, len(self.months)))

    def month_curve(self, month: int, rates: Rates) -> Curve:
        """One month over the rate."""
        fixed = sum((exact(usd) for _, usd in self.case.helpers if usd is not None), Fraction(0))
        nodes = self.nodes(month)
        fixed += nodes.usd_month if nodes is not None else 0
        always = Curve.straight(Line(fixed=fixed))
        if self.case.engine is None:
            return total([always, *self._units_curves(month, rates)])
        options = self.fleet(month, rates).options(self.types, sharding=self.workload.sql.sharding)
        return total([always, Curve.cheapest((one.until, one.usd) for one in options)])

    def bill(self, month: int) -> Bill:
        """One month at the workload's own rates."""
        rates = self.own_rates()
        parts: dict[str, Fraction] = {
            f"helper for {name}": exact(usd) for name, usd in self.case.helpers if usd is not None
        }
        bought = [f"a helper for {name}" for name, _ in self.case.helpers]
        if (nodes := self.nodes(month)) is not None:
            parts["cache"] = nodes.usd_month
            bought.insert(0, str(nodes))
        if self.case.engine is None:
            parts |= self._units_parts(month, rates)
            bought.insert(0, self._capacity(month, rates))
        else:
            fleet = self.fleet(month, rates)
            option = self._best(fleet)
            if option is None:
                why = fleet.why_none(self.types, Fraction(1), sharding=self.workload.sql.sharding)
                return Bill(usd=Fraction(0), parts={}, bought="", why=why)
            parts |= self._instance_parts(month, rates, option)
            bought.insert(0, str(option))
        return Bill(usd=sum(parts.values(), Fraction(0)), parts=parts, bought=" + ".join(bought))

    def own_rates(self) -> Rates:
        """The workload's rates, over a factor on all of them: 1 is as it is."""
        return {name: Line(each=exact(use.rate_per_s)) for name, use in self.workload.patterns.items()}

    def fleet(self, month: int, rates: Rates) -> Fleet:
        """What a SQL store has to carry."""
        multi_az = self.workload.availability == "multi_az"
        stored = self._items(month) * exact(self.workload.data.item_bytes)
        return Fleet(
            load=self._sum(month, rates, "cpu_s", self.case.needs),
            primary=self._sum(month, rates, "cpu_s", [need for need in self.case.needs if need.primary]),
            stored_bytes=stored, hot_bytes=stored * exact(self.workload.data.hot_share),
            storage_usd_per_byte=self.usd["storage_multi_az" if multi_az else "storage"] / GB,
        )  # fmt: skip

    def nodes(self, month: int) -> Nodes | None:
        """The cache in front, holding the hot items; None without one."""
        if not self.case.cached:
            return None
        hot_items = self._items(month) * exact(self.workload.data.hot_share)
        replicas = 1 if self.workload.availability == "multi_az" else 0
        return cache_nodes(
            self.prices, self.workload.cache.engine, hot_items, self.workload.data.item_bytes, replicas=replicas
        )

    def units_per_s(self, month: int, kind: Resource) -> Fraction:
        """Units a second that DynamoDB is asked for at the workload's own rates."""
        return self._sum(month, self.own_rates(), kind, self.case.needs).at(Fraction(1))

    def _best(self, fleet: Fleet) -> Option | None:
        enough = [
            one for one in fleet.options(self.types, sharding=self.workload.sql.sharding)
            if one.until is None or one.until >= 1
        ]  # fmt: skip
        return min(enough, key=lambda one: (one.usd, one.count, one.type.name), default=None)

    def _sum(self, month: int, rates: Rates, resource: Resource, needs: Sequence[Need]) -> Line:
        result = Line()
        for _, line in self._each(month, rates, resource, needs):
            result = result.plus(line)
        return result

    def _each(self, month: int, rates: Rates, resource: Resource, needs: Sequence[Need]) -> Iterator[tuple[str, Line]]:
        """What each pattern takes of a resource a second."""
        growth = self.workload.growth
        more = (1 + exact(growth.rate_percent_a_month) / 100) ** month
        for need in needs:
            for takes, measure in need.takes:
                if takes == resource:
                    each = measure.at(self._items(month), self.bound) * need.missed(self.bound) * more
                    yield need.pattern, rates[need.pattern].times(each)

    def _items(self, month: int) -> Fraction:
        more = 1 + exact(self.workload.growth.items_percent_a_month) / 100
        return self.workload.data.items * more**month

    def _units_curves(self, month: int, rates: Rates) -> Iterator[Curve]:
        yield Curve.straight(Line(fixed=self._dynamodb_storage(month)))
        for kind in UNITS:
            line = self._sum(month, rates, kind, self.case.needs)
            if self.workload.dynamodb.capacity == "on_demand":
                yield Curve.straight(line.times(self._usd_a_unit(kind)))
            else:
                usd = self._usd_a_unit(kind)
                yield Curve.at_least(usd, line.times(usd / exact(self.workload.dynamodb.utilisation)))

    def _usd_a_unit(self, kind: Resource) -> Fraction:
        """A month of one unit a second."""
        if self.workload.dynamodb.capacity == "on_demand":
            return self.usd.get(kind, Fraction(0)) / _MILLION * MONTH_S
        return self.usd[kind] * MONTH_HOURS

    def _units_parts(self, month: int, rates: Rates) -> dict[str, Fraction]:
        parts: dict[str, Fraction] = {}
        one = Fraction(1)
        for kind in UNITS:
            usd = self._usd_a_unit(kind)
            if self.workload.dynamodb.capacity == "provisioned":
                usd /= exact(self.workload.dynamodb.utilisation)
            for name, line in self._each(month, rates, kind, self.case.needs):
                parts[name] = parts.get(name, Fraction(0)) + line.at(one) * usd
        parts["storage"] = self._dynamodb_storage(month)
        curves = total(list(self._units_curves(month, rates))).at(one)
        assert curves is not None, "units can be had at every rate"
        if (least := curves - sum(parts.values(), Fraction(0))) > 0:
            parts["least capacity"] = least
        return parts

    def _dynamodb_storage(self, month: int) -> Fraction:
        item_bytes = exact(self.workload.data.item_bytes) + OVERHEAD_BYTES
        return self._items(month) * item_bytes / GB * self.usd["storage"]

    def _instance_parts(self, month: int, rates: Rates, option: Option) -> dict[str, Fraction]:
        """The instances by the CPU that each pattern takes of them; unused ones by the same shares."""
        one = Fraction(1)
        cpu = [(name, line.at(one)) for name, line in self._each(month, rates, "cpu_s", self.case.needs)]
        used = sum((each for _, each in cpu), Fraction(0))
        parts = (
            {name: option.instances_usd * each / used for name, each in cpu}
            if used
            else {"instances": option.instances_usd}
        )
        return parts | {"storage": option.storage_usd}

    def _capacity(self, month: int, rates: Rates) -> str:
        units = [self._sum(month, rates, kind, self.case.needs).at(Fraction(1)) for kind in UNITS]
        how = "on demand"
        if self.workload.dynamodb.capacity == "provisioned":
            used = self.workload.dynamodb.utilisation
            units, how = (
                [max(Fraction(1), each / exact(used)) for each in units],
                f"provisioned, used to {100 * used:g} %",
            )
        read, write = (f"{float(each):,.4g}" for each in units)
        return f"{read} read and {write} write units a second {how}"


def _keys(case: Case, workload: Workload) -> dict[str, str]:
    """The keys of the prices that a case needs, by what they are for."""
    if case.engine is not None:
        zones = "_multi_az" if workload.availability == "multi_az" else ""
        return {f"storage{zones}": f"rds.storage{zones}_gb_month_usd"}
    keys = {"storage": "dynamodb.storage_gb_month_usd"}
    if workload.dynamodb.capacity == "provisioned":
        return keys | {"read": "dynamodb.provisioned_rcu_hour_usd", "write": "dynamodb.provisioned_wcu_hour_usd"}
    used = {resource for need in case.needs for resource, _ in need.takes}
    return keys | {kind: f"dynamodb.on_demand_{kind}_usd_per_million" for kind in UNITS if kind in used}
