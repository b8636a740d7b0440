"""The trials: every pattern of every arm that has an answer to it, once a round; the arms of a pattern side by side."""

from collections.abc import Iterator, Mapping

from harness.plan import Cell, Trial, interleave
from harness.stores_compared.patterns import PATTERNS, Name
from harness.stores_compared.settings import CACHED, Part, SqlVsNosqlSettings
from harness.stores_compared.store import Store


def trials_of(settings: SqlVsNosqlSettings, stores: Mapping[str, Store], seed: str) -> list[Trial]:
    """See the module."""
    return interleave(list(cells_of(settings, stores)), rounds=settings.rounds, seed=seed)


def cells_of(settings: SqlVsNosqlSettings, stores: Mapping[str, Store]) -> Iterator[Cell]:
    """Part patterns at the largest size, or that of what is written; part growth at every size."""
    for part in settings.parts:
        for pattern in patterns_of(settings, part):
            for size in sizes_of(settings, part, pattern):
                if arms := arms_of(settings, stores, part, pattern):
                    yield Cell(
                        arms=arms, step=str(size), labels={"part": part, "pattern": pattern}, params={"flights": size}
                    )


def patterns_of(settings: SqlVsNosqlSettings, part: Part) -> list[Name]:
    """Those that a part asks."""
    if part == "patterns":
        return list(settings.patterns)
    return [name for name in settings.patterns if name in settings.growth_patterns]


def sizes_of(settings: SqlVsNosqlSettings, part: Part, pattern: Name) -> list[int]:
    """Of how many flights the tables are that are asked, or written."""
    if part == "growth":
        return sorted(settings.sizes)
    return [
        {"add_attribute": settings.attribute_items, "bulk_load": settings.bulk_items}.get(pattern, settings.largest)
    ]


def arms_of(settings: SqlVsNosqlSettings, stores: Mapping[str, Store], part: Part, pattern: Name) -> tuple[str, ...]:
    """Those that have an answer: one with a cache answers reads, and not while a table grows, for the cache doesn't."""
    cached = part == "patterns" and PATTERNS[pattern].reads and pattern in settings.cached_patterns
    return tuple(
        name
        for name, store in stores.items()
        if (cached or not name.endswith(CACHED)) and store.cannot(pattern) is None
    )
