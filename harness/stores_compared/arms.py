"""The arms by name: who makes each. A cached arm has, behind its cache, the very store that stands without one."""

from collections.abc import Callable, Mapping

from harness.scenario import Context
from harness.sql.endpoint import Engine
from harness.stores_compared.settings import CACHED, SqlVsNosqlSettings, plain
from harness.stores_compared.sql.store import SqlStore
from harness.stores_compared.store import Store

Make = Callable[[Context, SqlVsNosqlSettings], Store | None]
Front = Callable[[Store, Context, SqlVsNosqlSettings], Store]


def _sql(context: Context, settings: SqlVsNosqlSettings, engine: Engine, *, flat: bool) -> Store | None:
    """None where the engine can't be had, which the services say."""
    endpoint = context.services.sql.get(engine)
    return SqlStore(endpoint, flat=flat, patterns=settings.patterns) if endpoint else None


MAKERS: Mapping[str, Make] = {
    "postgres": lambda context, settings: _sql(context, settings, "postgres", flat=False),
    "postgres_flat": lambda context, settings: _sql(context, settings, "postgres", flat=True),
    "mysql": lambda context, settings: _sql(context, settings, "mysql", flat=False),
    "mysql_flat": lambda context, settings: _sql(context, settings, "mysql", flat=True),
}
CACHE: Front | None = None


def stores_of(context: Context, settings: SqlVsNosqlSettings) -> dict[str, Store]:
    """The arms of the settings that can be had, in their order: whoever sets them up does it once, behind a cache too."""
    made = {
        name: MAKERS[name](context, settings) for name in dict.fromkeys(map(plain, settings.arms)) if name in MAKERS
    }
    stores: dict[str, Store] = {}
    for arm in settings.arms:
        store = made.get(plain(arm))
        if store is None:
            continue
        if not arm.endswith(CACHED):
            stores[arm] = store
        elif CACHE is not None:
            stores[arm] = CACHE(store, context, settings)
    return stores
