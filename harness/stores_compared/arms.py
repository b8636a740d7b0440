"""The arms by name: who makes each. A cached arm has, behind its cache, the very store that stands without one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.scenario import Context
from harness.sql.endpoint import Engine
from harness.stores_compared.cached import CachedStore
from harness.stores_compared.dynamodb.store import DynamoStore
from harness.stores_compared.settings import CACHED, SqlVsNosqlSettings, plain
from harness.stores_compared.sql.store import SqlStore
from harness.stores_compared.store import Store

Make = Callable[[Context, SqlVsNosqlSettings], Store | None]
Front = Callable[[Store, Context, SqlVsNosqlSettings], Store]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """``plain``: those without a cache that are asked, or stand behind one; ``arms``: all that are asked, in the settings' order."""

    plain: Mapping[str, Store]
    arms: Mapping[str, Store]

    def close(self) -> None:
        """Close their own connections."""
        for store in {id(store): store for store in (*self.arms.values(), *self.plain.values())}.values():
            store.close()


def stores_of(context: Context, settings: SqlVsNosqlSettings) -> Stores:
    """The arms of the settings that can be had here."""
    made = {
        name: MAKERS[name](context, settings) for name in dict.fromkeys(map(plain, settings.arms)) if name in MAKERS
    }
    there = {name: store for name, store in made.items() if store is not None}
    arms: dict[str, Store] = {}
    for arm in settings.arms:
        if plain(arm) not in there:
            continue
        if not arm.endswith(CACHED):
            arms[arm] = there[plain(arm)]
        else:
            arms[arm] = CACHE(there[plain(arm)], context, settings)
    return Stores(plain=there, arms=arms)


def _sql(context: Context, engine: Engine, *, flat: bool) -> Store | None:
    """None where the engine can't be had, which the services say."""
    endpoint = context.services.sql.get(engine)
    return SqlStore(endpoint, flat=flat) if endpoint else None


MAKERS: Mapping[str, Make] = {
    "postgres": lambda context, _: _sql(context, "postgres", flat=False),
    "postgres_flat": lambda context, _: _sql(context, "postgres", flat=True),
    "mysql": lambda context, _: _sql(context, "mysql", flat=False),
    "mysql_flat": lambda context, _: _sql(context, "mysql", flat=True),
    "dynamodb": DynamoStore,
}
CACHE: Front = CachedStore
