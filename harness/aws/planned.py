"""What a profile plans to do on a deployment: its scenarios' own plans, put into hours and request units."""

import os
from collections.abc import Sequence
from functools import cache

from harness import dataset, registry
from harness.aws import run_length
from harness.aws.deployment import Deployment, Part, Work
from harness.cache.experiments.plan import Plan
from harness.cache.experiments.settings import CacheHitRateSettings
from harness.cache.experiments.skews import KeySpace, key_space
from harness.config import Config, Settings
from harness.dynamodb.capacity_plan import trials_of
from harness.errors import UsageError
from harness.plan import Trial

SCENARIOS = ("query_vs_scan", "capacity_modes", "cache_hit_rate", "rds_failover")
_DONT_PATCH = "LOCUST_SKIP_MONKEY_PATCH"
_SLOTS = 256  # of the load generators: enough for every trial's readers


def scenario_models() -> dict[str, type[Settings]]:
    """Each scenario's model of its settings, for ``config.load``; this process's sockets stay as they are.

    Importing a scenario imports Locust, which would patch them under boto3, if that is at work already (F4). No load is made here.
    """
    before = os.environ.get(_DONT_PATCH)
    os.environ[_DONT_PATCH] = "1"
    try:
        return registry.settings_models()
    finally:  # what is started from here decides for itself
        if before is None:
            del os.environ[_DONT_PATCH]
        else:
            os.environ[_DONT_PATCH] = before


def work(config: Config, deployed: Deployment, scenarios: Sequence[str] = ()) -> Work:
    """Deploying, those scenarios one after another (all where none is named), and taking down.

    Raises UsageError for a scenario whose length isn't known, CannotMeasure for settings it can't be planned with.
    """
    for name in scenarios:
        if name not in SCENARIOS:
            raise UsageError(f"how long {name} takes isn't known; there are {', '.join(SCENARIOS)}")
    up, down = run_length.deploying()
    chosen = [name for name in SCENARIOS if not scenarios or name in scenarios]
    return Work(parts=(up, *(_part(name, config, deployed) for name in chosen), down))


def _part(name: str, config: Config, deployed: Deployment) -> Part:
    settings = config.scenarios[name]
    match name:
        case "query_vs_scan":
            return run_length.query_vs_scan(settings)
        case "capacity_modes":
            return run_length.capacity_modes(trials_of(settings, seed=str(config.seed)))
        case "cache_hit_rate":
            return run_length.cache_hit_rate(_cache_trials(settings, config))
    return run_length.rds_failover(deployed.databases, trials=settings.trials)


def _cache_trials(settings: CacheHitRateSettings, config: Config) -> list[Trial]:
    data = dataset.load(config.months)

    @cache
    def space(skew: str, keys: int) -> KeySpace:
        return key_space(skew, keys=keys, data=data)

    # How large part size's answers are is asked of a database; how long its trials last doesn't depend on it.
    plan = Plan(settings=settings, space=space, answer_bytes=settings.value_bytes, slots=_SLOTS)
    engines = {part: list(settings.engines_of(part)) for part in settings.parts}
    return plan.trials(engines, seed=str(config.seed))
