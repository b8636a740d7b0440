"""A run stops at its limit of money: by the hourly rate since the stack began, and what is spent besides."""

import pytest

from harness.aws.deployment import CacheNodes, Database, Deployment, Part, Work
from harness.aws.estimate import estimate
from harness.aws.price_sheet import PriceSheet
from harness.aws.spend_guard import SpendGuard
from harness.config import Config, load_prices

HOUR_NS = 3_600 * 10**9


class Clock:
    def __init__(self) -> None:
        self.ns = 5 * HOUR_NS

    def __call__(self) -> int:
        return self.ns


def guard(max_usd: float = 1.0) -> tuple[SpendGuard, Clock]:
    clock = Clock()
    return SpendGuard(max_usd=max_usd, clock_ns=clock), clock


def test_nothing_is_spent_before_a_rate_is_told() -> None:
    """And there is no end to what is left."""
    fresh, clock = guard()
    clock.ns += HOUR_NS
    assert (fresh.usd, fresh.left_s, fresh.stop()) == (0.0, float("inf"), None)


def test_it_goes_on_just_below_the_limit_and_stops_at_it() -> None:
    """$0.50 an hour reach $1 after two hours: 7,200 s; a nanosecond earlier they haven't."""
    spent, clock = guard()
    spent.charge(0.50)
    assert spent.left_s == pytest.approx(7_200)
    clock.ns += HOUR_NS
    assert (spent.usd, spent.left_s) == (pytest.approx(0.50), pytest.approx(3_600))
    clock.ns += HOUR_NS - 1_000
    assert spent.stop() is None
    clock.ns += 1_000
    assert spent.stop() == "$1.00 spent, --max-usd is $1.00: stopped"
    assert spent.left_s == 0.0


def test_a_rate_may_change_and_what_was_spent_stays() -> None:
    """An hour at $0.20, then half an hour at $1: $0.20 + $0.50."""
    spent, clock = guard()
    spent.charge(0.20)
    clock.ns += HOUR_NS
    spent.charge(1.00)
    clock.ns += HOUR_NS // 2
    assert spent.usd == pytest.approx(0.70)


def test_a_stack_is_paid_for_from_its_beginning() -> None:
    """Two hours old when the run begins: $0.40 are gone, $0.60 at $0.20 an hour last three hours."""
    spent, clock = guard()
    spent.charge(0.20, began_ns=clock.ns - 2 * HOUR_NS)
    assert (spent.usd, spent.left_s) == (pytest.approx(0.40), pytest.approx(3 * 3_600))


def test_requests_are_spent_at_once() -> None:
    """$0.90 of requests and a quarter of an hour at $0.40 are the limit."""
    spent, clock = guard()
    spent.charge(0.40)
    spent.spend(0.90)
    clock.ns += HOUR_NS // 4
    assert spent.stop() is not None


def test_it_says_at_least_where_a_price_isnt_known() -> None:
    """The limit then holds for what is known."""
    spent = SpendGuard(max_usd=1.0, clock_ns=Clock(), at_least=True)
    spent.spend(1.5)
    assert spent.stop() == "at least $1.50 spent, --max-usd is $1.00: stopped"


def test_what_costs_more_than_the_limit_leaves_doesnt_begin() -> None:
    """Ten hours of two nodes at $0.0128 are $0.256: more than $0.25, less than $0.26."""
    work = Work(parts=(Part(name="run", seconds=36_000, how="given"),))
    sheet = PriceSheet(prices=load_prices(Config()))
    nodes = CacheNodes(engine="valkey", node_type="cache.t4g.micro", nodes=2)
    planned = estimate(Deployment(caches=(nodes,)), work, sheet)
    assert guard(0.25)[0].refuse(planned) == (
        "the planned run costs $0.26, --max-usd leaves $0.25; raise it, or measure less"
    )
    assert guard(0.26)[0].refuse(planned) is None
    unknown = Database(engine="postgres", topology="single_az", instance_class="db.x2g.16xlarge", storage_gb=0.0)
    more = estimate(Deployment(caches=(nodes,), databases=(unknown,)), work, sheet)
    assert str(guard(0.25)[0].refuse(more)).startswith("the planned run costs at least $0.26")


def test_what_nobody_knows_the_price_of_doesnt_begin_under_a_limit() -> None:
    """It could cost anything."""
    sheet = PriceSheet(prices=load_prices(Config(region="mars-1"), of_any_region=True))
    planned = estimate(Deployment(secrets=1), Work(parts=()), sheet)
    assert str(guard()[0].refuse(planned)).startswith("nothing of what it costs in mars-1 is known")


def test_the_past_is_counted_once() -> None:
    """A second rate begins now."""
    spent, clock = guard()
    spent.charge(0.20, began_ns=clock.ns - HOUR_NS)
    with pytest.raises(ValueError, match="counted already"):
        spent.charge(0.30, began_ns=clock.ns - HOUR_NS)


@pytest.mark.parametrize("max_usd", [0.0, -1.0, float("inf"), float("nan")])
def test_a_limit_that_limits_nothing_is_refused(max_usd: float) -> None:
    """Zero, less, without end, or no number."""
    with pytest.raises(ValueError, match="--max-usd must be above 0"):
        guard(max_usd)


def test_a_rate_that_cant_be_is_refused() -> None:
    """Money doesn't come back."""
    with pytest.raises(ValueError, match="dollars an hour"):
        guard()[0].charge(-0.1)
    with pytest.raises(ValueError, match="dollars, 0 or more"):
        guard()[0].spend(float("nan"))
