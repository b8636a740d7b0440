"""What of each scenario's settings runs on managed services, and what is left out with which reason."""

import pytest

from harness.cache.experiments.managed import for_managed
from harness.cache.experiments.settings import CacheHitRateSettings
from harness.dynamodb.capacity_arms import Scaling, Units
from harness.dynamodb.capacity_managed import for_tables, on_real_tables
from harness.dynamodb.capacity_plan import CapacityModesSettings, trials_of
from harness.errors import CannotMeasure
from harness.sql.failover.managed import for_rds
from harness.sql.failover.settings import RdsFailoverSettings

FIVE = Units(5, 5)


def test_a_cache_that_nobody_may_limit_holds_all_or_nothing() -> None:
    """Sizes below the whole, policies and parts that need them are left out; a flush is the only fault."""
    narrowed = for_managed(CacheHitRateSettings())
    settings = narrowed.settings
    assert isinstance(settings, CacheHitRateSettings)
    assert set(settings.parts) == {"size", "ttl", "write_share", "warm_up", "stale", "stampede", "lost"}
    assert (settings.cache_shares, settings.warm_up_shares, settings.faults) == ((1.0,), (1.0,), ("flush",))
    assert {"trips", "skew", "value_size", "policy", "lost.kill", "lost.hang", "lost.slow"} <= set(narrowed.left_out)


def test_a_lost_cache_without_a_flush_is_left_out_whole() -> None:
    """Kill alone: nothing of the part remains; asked for alone, nothing remains at all."""
    assert "lost" not in for_managed(CacheHitRateSettings(parts=("ttl", "lost"), faults=("kill",))).settings.parts  # type: ignore[attr-defined]
    with pytest.raises(CannotMeasure, match="nothing of parts policy runs on aws"):
        for_managed(CacheHitRateSettings(parts=("policy",)))


def test_demand_on_real_tables_is_at_speed_1_without_a_scale_model() -> None:
    """In multiples of what is provisioned; on-demand's rates are the published ones (B5: 12,000 and 4,000)."""
    settings, left_out = for_tables(CapacityModesSettings(pairs=1), FIVE, None)
    assert set(settings.parts) == {"ramp", "steps", "spike", "policy"}
    assert {"hot", "back_pressure", "diurnal", "spike.autoscaled", "spike.on_demand_warm"} <= set(left_out)
    trials = on_real_tables(trials_of(settings, "seed"), settings, scaled=False)
    assert [trial.trial for trial in trials] == list(range(len(trials)))
    assert {trial.params["speed"] for trial in trials} == {1.0}
    assert {trial.params["on_demand_read_rate"] for trial in trials} == {12_000.0}
    assert {trial.arm for trial in trials} == {"provisioned", "on_demand", "none", "standard", "adaptive"}


def test_a_table_under_auto_scaling_is_called_so() -> None:
    """Its capacity doesn't stay: no provisioned arm, no retry policies on it."""
    scaling = Scaling(target_percent=60, least=FIVE, most=50)
    settings, left_out = for_tables(CapacityModesSettings(pairs=1), FIVE, scaling)
    trials = on_real_tables(trials_of(settings, "seed"), settings, scaled=True)
    assert {trial.arm for trial in trials} == {"autoscaled", "on_demand"} and "policy" in left_out
    assert {trial.params["target_percent"] for trial in trials if trial.arm == "autoscaled"} == {60}


def test_a_fail_over_is_the_one_that_rds_is_asked_for() -> None:
    """Faults that nobody can inject are left out, and so is an engine of another topology."""
    narrowed = for_rds(
        RdsFailoverSettings(synchrony_ms=(1,)), {"mysql": "multi_az_instance", "postgres": "multi_az_cluster"}
    )
    settings = narrowed.settings
    assert isinstance(settings, RdsFailoverSettings)
    assert (settings.engines, settings.cells, settings.synchrony_ms) == (
        ("mysql",),
        ("multi_az_instance.planned.rds",),
        (),
    )
    assert set(narrowed.left_out) == {
        "multi_az_instance.crash", "multi_az_instance.hang", "synchrony", "postgres.multi_az_cluster",
    }  # fmt: skip


def test_engines_that_do_not_fail_over_are_said() -> None:
    """The settings name MySQL, and PostgreSQL is what fails over."""
    with pytest.raises(CannotMeasure, match=r"postgres fails over, rds_failover\.engines names mysql"):
        for_rds(RdsFailoverSettings(engines=("mysql",)), {"postgres": "multi_az_cluster"})
