"""Which node type pays for a trace: what each would hit, cost and save in a month, and what becomes of it if keys or traffic differ."""

from dataclasses import dataclass

from harness.cache.sizing.curve import HitCurve
from harness.cache.sizing.nodes import MONTH_S, SERVERLESS, Assumptions, NodeType, Requests, Serverless, node_types
from harness.cache.sizing.theory import Trips
from harness.cache.sizing.worth import Worth
from harness.dynamodb.pricing import Prices

GROWTH = (0.8, 1.2)
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is asked of the cache: its curve over memory, reads a second, and what a serverless cache bills for.

    ``stored_bytes`` are all entries together, as they are charged; ``reads_per_s`` is None where nothing tells it.
    """

    curve: HitCurve
    stored_bytes: float
    requests: Requests
    reads_per_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One cache under the demand. None is what isn't known: never zero.

    ``break_even_reads_per_s`` is the rate from which it pays, None where it never does or a price isn't known.
    """

    name: str
    memory_bytes: float | None
    usable_bytes: float | None
    hit_rate: float | None
    half_width: float | None
    usd_month: float | None
    reads_saved_month: float | None
    saved_usd_month: float | None
    net_usd_month: float | None
    break_even_reads_per_s: float | None
    mean_us: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """The same with other keys or traffic: the best then, and what the advised one would bring."""

    name: str
    keys: float
    traffic: float
    best: Outcome | None
    kept: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``best`` brings most, in dollars; it may bring less than it costs. None where a price or the rate isn't known."""

    outcomes: tuple[Outcome, ...]
    best: Outcome | None
    variations: tuple[Variation, ...]

    @property
    def pays(self) -> bool | None:
        """Whether any cache saves more than it costs; None where that isn't known."""
        return None if self.best is None or self.best.net_usd_month is None else self.best.net_usd_month > 0


def make_plan(demand: Demand, prices: Prices, worth: Worth, assumed: Assumptions, trips: Trips | None) -> Plan:
    """Every node type of the price file and the serverless cache, the best of them, and its four variations."""
    outcomes = _outcomes(demand, prices, worth, assumed, trips)
    best = _best(outcomes)
    variations = []
    for what, keys, traffic in _growths():
        others = _outcomes(_varied(demand, keys, traffic), prices, worth, assumed, trips)
        kept = next((one for one in others if best is not None and one.name == best.name), None)
        variations.append(Variation(name=what, keys=keys, traffic=traffic, best=_best(others), kept=kept))
    return Plan(outcomes=outcomes, best=best, variations=tuple(variations))


def _growths() -> list[tuple[str, float, float]]:
    """Fewer and more keys, each asked for as often as before in all; then less and more traffic to the same keys."""
    signs = [f"{100 * (one - 1):+.0f} %".replace("-", "−") for one in GROWTH]
    return [
        *((f"keys {sign}", one, 1.0) for sign, one in zip(signs, GROWTH, strict=True)),
        *((f"traffic {sign}", 1.0, one) for sign, one in zip(signs, GROWTH, strict=True)),
    ]


def _varied(demand: Demand, keys: float, traffic: float) -> Demand:
    return Demand(
        curve=demand.curve.resized(keys), stored_bytes=demand.stored_bytes * keys, requests=demand.requests,
        reads_per_s=None if demand.reads_per_s is None else demand.reads_per_s * traffic,
    )  # fmt: skip


def _outcomes(
    demand: Demand, prices: Prices, worth: Worth, assumed: Assumptions, trips: Trips | None
) -> tuple[Outcome, ...]:
    nodes = (_node(one, demand, worth, assumed, trips) for one in node_types(prices, assumed.engine))
    return (*nodes, _serverless(Serverless.of(prices, assumed.engine), demand, worth, trips))


def _best(outcomes: tuple[Outcome, ...]) -> Outcome | None:
    """The one that brings most; of equals the first, which is the smallest and cheapest."""
    known = [one for one in outcomes if one.net_usd_month is not None]
    return max(known, key=lambda one: one.net_usd_month or 0.0, default=None)


def _node(node: NodeType, demand: Demand, worth: Worth, assumed: Assumptions, trips: Trips | None) -> Outcome:
    usable, cost = node.usable_bytes(assumed), node.usd_month(assumed)
    if usable is None:
        return _unknown(node, cost)
    hit_rate, half_width = demand.curve.hit_rate(usable), float(demand.curve.half_widths(usable))
    saved_usd = None if worth.usd_per_million is None else hit_rate * worth.usd_per_million / _MILLION
    return _outcome(
        node.name, node.memory_bytes, usable, (hit_rate, half_width), demand, trips, saved_usd, fixed_usd=cost, usd_per_read=0.0
    )  # fmt: skip


def _serverless(service: Serverless, demand: Demand, worth: Worth, trips: Trips | None) -> Outcome:
    """It holds all there is, so it hits what any cache can."""
    hit_rate = demand.curve.most
    half_width = float(demand.curve.half_widths(float("inf")))
    saved_usd = None if worth.usd_per_million is None else hit_rate * worth.usd_per_million / _MILLION
    return _outcome(
        SERVERLESS, None, demand.stored_bytes, (hit_rate, half_width), demand, trips, saved_usd,
        fixed_usd=service.stored_usd_month(demand.stored_bytes),
        usd_per_read=service.usd_per_read(hit_rate, demand.requests),
    )  # fmt: skip


def _outcome(
    name: str, memory: float | None, usable: float, hits: tuple[float, float], demand: Demand, trips: Trips | None,
    saved_usd: float | None, *, fixed_usd: float | None, usd_per_read: float | None,
) -> Outcome:  # fmt: skip
    """The sums: ``saved_usd`` and ``usd_per_read`` are for one read of the trace, ``fixed_usd`` for a month."""
    reads = None if demand.reads_per_s is None else demand.reads_per_s * MONTH_S
    saved = None if reads is None or saved_usd is None else reads * saved_usd
    cost = None
    if fixed_usd is not None and usd_per_read is not None and (reads is not None or not usd_per_read):
        cost = fixed_usd + (reads or 0.0) * usd_per_read
    even = None
    if fixed_usd is not None and usd_per_read is not None and saved_usd is not None and saved_usd > usd_per_read:
        even = fixed_usd / (saved_usd - usd_per_read) / MONTH_S
    return Outcome(
        name=name, memory_bytes=memory, usable_bytes=usable, hit_rate=hits[0], half_width=hits[1], usd_month=cost,
        reads_saved_month=None if reads is None else reads * hits[0], saved_usd_month=saved,
        net_usd_month=None if saved is None or cost is None else saved - cost, break_even_reads_per_s=even,
        mean_us=None if trips is None else trips.mean_us(hits[0]),
    )  # fmt: skip


def _unknown(node: NodeType, cost: float | None) -> Outcome:
    """A node whose memory isn't known has a price and nothing else."""
    return Outcome(
        name=node.name, memory_bytes=None, usable_bytes=None, hit_rate=None, half_width=None, usd_month=cost,
        reads_saved_month=None, saved_usd_month=None, net_usd_month=None, break_even_reads_per_s=None, mean_us=None,
    )  # fmt: skip
