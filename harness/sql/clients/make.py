"""The client arms by name."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, get_args

from harness.errors import UsageError
from harness.local.dns import resolve
from harness.sql.clients.model import Client, ClientSettings, Way
from harness.sql.clients.plain import Fresh, Plain
from harness.sql.clients.resolvers import ResolverName, make_resolver
from harness.sql.clients.retry import Retry, RetryKind
from harness.sql.clients.routes import ByName, FirstWriter, Fixed
from harness.sql.dialling import Manner

Arm = Literal[
    "tuned", "naive", "keepalive", "pool", "pool_pre_ping", "multi_host", "proxy", "tuned_ttl", "reader", "reference",
]  # fmt: skip
ARMS: tuple[Arm, ...] = get_args(Arm)
RESOLVERS: Mapping[Arm, ResolverName] = {
    "tuned": "asks",
    "naive": "for_ever",
    "keepalive": "asks",
    "pool": "caches_30s",
    "pool_pre_ping": "asks",
    "tuned_ttl": "ttl",
    "reader": "asks",
}
RETRIES: Mapping[Arm, RetryKind] = {"tuned": "token", "tuned_ttl": "token", "pool": "blind", "pool_pre_ping": "blind"}


def make(
    arm: Arm,
    way: Way,
    *,
    connections: int,
    settings: ClientSettings,
    clock_ns: Callable[[], int] = time.monotonic_ns,
) -> Client:
    """A client of its own for one trial. ``connections``: how many a pool may have; the others have one a slot.

    Raises UsageError for an arm that isn't there, or for which ``way`` lacks the name or the proxy.
    """
    if arm not in ARMS:
        raise UsageError(f"client arm: one of {', '.join(ARMS)}, got {arm!r}")
    retry = Retry(kind=RETRIES.get(arm, "none"), back_off_s=settings.back_off_s, patience_s=settings.patience_s)
    manner = _manner(arm, settings)
    if arm == "reference":
        return Fresh(arm, FirstWriter(way, manner), retry, clock_ns=clock_ns)
    if arm == "multi_host":
        return Plain(arm, FirstWriter(way, manner), retry, clock_ns=clock_ns)
    if arm == "proxy":
        if way.proxy is None:
            raise UsageError(f"client arm proxy: no proxy stands before {way.name}")
        return Plain(arm, Fixed(endpoint=way.proxy, manner=manner), retry, clock_ns=clock_ns)
    name = way.reader_name if arm == "reader" else way.name
    if name is None:
        raise UsageError(f"client arm reader: {way.name} has no readers")
    resolver = make_resolver(RESOLVERS[arm], partial(resolve, server=way.dns), settings.resolver_cache_s)
    route = ByName(way=way, name=name, resolver=resolver, manner=manner)
    if arm not in ("pool", "pool_pre_ping"):
        return Plain(arm, route, retry, clock_ns=clock_ns)
    from harness.sql.clients.pooled import Pooled  # SQLAlchemy takes a while to import: only these arms pay

    return Pooled(
        arm, route, retry, connections=connections, pre_ping=arm == "pool_pre_ping",
        checkout_timeout_s=settings.checkout_timeout_s, clock_ns=clock_ns,
    )  # fmt: skip


def _manner(arm: Arm, settings: ClientSettings) -> Manner:
    """Time-outs and keepalive by arm."""
    if arm in ("tuned", "tuned_ttl", "reader", "multi_host"):
        return Manner(connect_timeout_s=settings.connect_timeout_s, read_timeout_s=settings.read_timeout_s)
    if arm == "reference":
        limit_s = settings.reference_timeout_s
        return Manner(connect_timeout_s=limit_s, read_timeout_s=limit_s, prepared=False)
    keepalive = settings.keepalive if arm == "keepalive" else None
    # A proxy in transaction mode changes servers under its client, and prepared statements with them.
    return Manner(connect_timeout_s=None, read_timeout_s=None, keepalive=keepalive, prepared=arm != "proxy")
