"""What the report's arithmetic makes of a demand: by hand, and by walking a store forward in small steps."""

import math
import random
from collections.abc import Sequence

import pytest

from reports.capacity_modes.arithmetic import Stretch, Supply, expected

TABLE = Supply(per_s=4.0, store_s=300.0)  # B2: 1,200 units


def flat(multiple: float, length_s: float) -> Stretch:
    """So many times the table's capacity."""
    return Stretch(from_per_s=4 * multiple, to_per_s=4 * multiple, length_s=length_s)


def ramp(peak: float, ramp_s: float, hold_s: float) -> list[Stretch]:
    """From nothing to a multiple, which is then held."""
    rise = [Stretch(from_per_s=0.0, to_per_s=4 * peak, length_s=ramp_s)] if ramp_s else []
    return [*rise, flat(peak, hold_s)]


def walked(demand: Sequence[Stretch], supply: Supply, tick_s: float = 0.005) -> tuple[float, float]:
    """When it was first empty, and the units refused, found the slow way."""
    full = store = supply.per_s * supply.store_s
    now_s, onset_s, refused = 0.0, math.inf, 0.0
    for stretch in demand:
        for tick in range(round(stretch.length_s / tick_s)):
            at = (tick + 0.5) * tick_s / stretch.length_s
            store += (supply.per_s - stretch.from_per_s - at * (stretch.to_per_s - stretch.from_per_s)) * tick_s
            if store < 0:
                onset_s = min(onset_s, now_s)
                refused, store = refused - store, 0.0
            store = min(store, full)
            now_s += tick_s
    return onset_s, refused


@pytest.mark.parametrize(
    ("demand", "onset_s", "refused"),
    [
        # The ramp takes 300·1²/(2·2) = 75 s' worth of the 300; the other 225 drain at 1 a second, after the ramp: 525 s.
        # From then to 700 s 4 units a second are too many: 700.
        (ramp(2, 300, 400), 525, 700),
        # All 300 drain at 2 a second; then 8 units a second for 850 s.
        (ramp(3, 0, 1000), 150, 6800),
        # 2000·1²/4 = 500 > 300, so within the ramp: over by (t − 1000)/1000 from 1000 s on; (t − 1000)²/2000 = 300.
        # By 2000 s the ramp has asked for 500 s' worth above capacity: 200·4 refused; then 4·100.
        (ramp(2, 2000, 100), 1774.597, 1200),
        (ramp(1, 300, 1000), math.inf, 0),
        (ramp(0.5, 300, 1000), math.inf, 0),
        # A spike from 0.5 to 5 times: 300 s of store at 4 a second last 75 s; 16 units a second are refused for 225 s.
        ([flat(0.5, 120), flat(5, 300), flat(0.5, 300)], 195, 3600),
        # Two spikes: the first empties the store at 100 s; 250 s of rest at 0.2 bring 200 s' worth back, gone after 50 s.
        ([flat(4, 150), flat(0.2, 250), flat(5, 100)], 100, 12 * 50 + 16 * 50),
        # Falling from 3 to 0: above capacity by 2 − t/100 until 200 s, in all 200 s' worth: never empty.
        ([Stretch(from_per_s=12.0, to_per_s=0.0, length_s=300)], math.inf, 0),
        # Falling from 5 to 0 in 500 s: 4t − t²/200 = 300 at 400 − √(160000 − 60000) = 83.772 s; above capacity in all 800.
        ([Stretch(from_per_s=20.0, to_per_s=0.0, length_s=500)], 83.772, 2000),
    ],
)
def test_a_store_is_empty_and_refuses_what_is_demanded_above_capacity(
    demand: list[Stretch], onset_s: float, refused: float
) -> None:
    found = expected(demand, TABLE)
    assert found.onset_s == pytest.approx(onset_s, abs=0.001)
    assert found.refused_units == pytest.approx(refused, abs=0.01)
    assert found.share == pytest.approx(refused / sum(one.units for one in demand), abs=1e-6)
    walked_s, units = walked(demand, TABLE)
    assert found.onset_s == pytest.approx(walked_s, abs=0.05)
    assert found.refused_units == pytest.approx(units, rel=0.001, abs=0.5)


def test_any_demand_of_any_stretches_comes_to_what_walking_it_says() -> None:
    """Forty demands; the seed is printed."""
    seed = 20_130_101
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(40):
        rates = [(rng.uniform(0, 20), rng.uniform(0, 20)) for _ in range(rng.randint(1, 6))]
        demand = [Stretch(from_per_s=a, to_per_s=b, length_s=float(rng.randint(5, 80))) for a, b in rates]
        supply = Supply(per_s=rng.uniform(1, 15), store_s=rng.choice([1.0, 20.0, 60.0]))
        onset_s, refused = walked(demand, supply)
        found = expected(demand, supply)
        assert found.onset_s == pytest.approx(onset_s, abs=0.1) or abs(found.refused_units) < 1, (demand, supply)
        assert found.refused_units == pytest.approx(refused, rel=0.01, abs=1), (demand, supply)
