"""What of cache_hit_rate runs on a cache that others keep: nobody may limit, kill, stop or slow it down there. Pure."""

from typing import Any

from harness.cache.experiments.settings import CacheHitRateSettings, Part
from harness.errors import CannotMeasure
from harness.scenario import Narrowed

WHOLE = 1.0
LIMITED = "ElastiCache takes no CONFIG, so its memory can't be limited to a share of the data, nor its policy changed in a run"
FAULTS = "nobody can kill, stop or slow down a node of ElastiCache; it is emptied alone"
_LIMITED_PARTS: tuple[Part, ...] = ("trips", "skew", "value_size", "policy")


def for_managed(settings: CacheHitRateSettings) -> Narrowed:
    """All data in the cache or none, and of the faults ``flush``. Raises CannotMeasure where nothing is left."""
    left_out: dict[str, str] = {part: LIMITED for part in settings.parts if part in _LIMITED_PARTS}
    parts = [part for part in settings.parts if part not in _LIMITED_PARTS]
    update: dict[str, Any] = {}
    if "size" in parts:
        update["cache_shares"] = (WHOLE,)
        left_out |= {f"size.{share:g}": LIMITED for share in settings.cache_shares if share < WHOLE}
    if "warm_up" in parts:
        update["warm_up_shares"] = (WHOLE,)
        left_out |= {f"warm_up.{share:g}": LIMITED for share in settings.warm_up_shares if share < WHOLE}
    if "lost" in parts:
        left_out |= {f"lost.{fault}": FAULTS for fault in settings.faults if fault != "flush"}
        update["faults"] = ("flush",)
        if "flush" not in settings.faults:
            parts.remove("lost")
    if not parts:
        raise CannotMeasure(f"cache_hit_rate: nothing of parts {', '.join(settings.parts)} runs on aws: {LIMITED}")
    return Narrowed(settings=settings.model_copy(update=update | {"parts": tuple(parts)}), left_out=left_out)
