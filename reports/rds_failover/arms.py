"""The scenario's words: parts, topologies, faults, and the client arms that watch one failover side by side."""

from collections.abc import Mapping, Sequence

NAME, TITLE = "rds_failover", "Down for how long, and is anything lost"
FAILOVER, DURABILITY, SYNCHRONY = "failover", "durability", "synchrony"
PROBES: Mapping[str, str] = {"write_probe": "write", "read_probe": "read"}
WRITE, READ = "write_probe", "read_probe"
TUNED, REFERENCE, ALL = "tuned", "reference", "all"
BLOCKED = "Blocked"  # error_code of a tick that found no free connection
DEFAULT = "default"  # durability as RDS has it
PACE_RDS = "rds"

TOPOLOGIES: Mapping[str, str] = {
    "multi_az_instance": "Multi-AZ instance",
    "multi_az_cluster": "Multi-AZ cluster",
    "single_az": "Single-AZ",
    "async_replica": "Asynchronous replica",
}
# Those that may not lose what they acknowledged when a process dies, under the parameters that RDS has.
KEEPS = ("multi_az_instance", "multi_az_cluster", "single_az")
# A fault, as *after …* goes on.
FAULTS: Mapping[str, str] = {
    "crash": "a crash (kill -9)",
    "hang": "a hang (SIGSTOP)",
    "planned": "a planned failover",
    "black_hole": "a black hole (the old address stops answering)",
    "by_hand": "a fault by hand that nobody asked for",
}
# A client arm: as the subject of a sentence, and as the row of a chart; the first one opens the report.
CLIENTS: Mapping[str, tuple[str, str]] = {
    TUNED: ("the tuned client", "tuned"),
    "tuned_ttl": ("the tuned client behind a resolver that keeps the TTL", "tuned, TTL resolver"),
    "keepalive": ("the client with TCP keepalive", "TCP keepalive"),
    "pool_pre_ping": ("the pool with pre-ping", "pool, pre-ping"),
    "pool": ("the pool without pre-ping", "pool"),
    "multi_host": ("the client that knows both hosts", "multi-host"),
    "proxy": ("the client behind a proxy", "proxy"),
    "reader": ("the client of the reader name", "reader name"),
    "naive": ("the naive client", "naive"),
    REFERENCE: ("the client that goes straight to the server itself", "server itself"),
}
# The same where it differs by engine: what stands in for RDS Proxy, and for a driver's option that MySQL's doesn't have.
OF_ENGINE: Mapping[tuple[str, str], str] = {
    ("postgres", "proxy"): "the client behind PgBouncer",
    ("mysql", "proxy"): "the client behind a proxy that moves new connections only",
    ("postgres", "multi_host"): "the client whose driver knows both hosts",
    ("mysql", "multi_host"): "the client that tries both hosts in turn",
}
# Clients that send an ambiguous write again without a token: their duplicates are a result, no mistake of the tool.
BLIND = ("pool", "pool_pre_ping")
# An event, as the timeline names it, in the order that they come in.
EVENTS: Mapping[str, str] = {
    "fault_injected": "fault",
    "failover_asked": "failover asked for",
    "fault_detected": "controller detects it",
    "fenced": "old server fenced",
    "server_started": "server started",
    "promoted": "reader promoted",
    "server_ready": "server ready",
    "dns_moved": "DNS moved",
    "proxy_told": "proxy told",
}


def client_words(client: str, engine: str) -> str:
    """A client arm as the subject of a sentence; one that isn't known is called by its name."""
    words = CLIENTS[client][0] if client in CLIENTS else f"client {client.replace('_', ' ')}"
    return OF_ENGINE.get((engine, client), words)


def client_row(client: str) -> str:
    """A client arm as the row of a chart."""
    return CLIENTS[client][1] if client in CLIENTS else client.replace("_", " ")


def in_order(clients: Sequence[str]) -> list[str]:
    """Client arms, each once, in the order of CLIENTS; those that aren't known stand before the server itself."""
    known = list(CLIENTS)
    last = len(known) - 1
    return sorted(set(clients), key=lambda client: (known.index(client) if client in known else last - 0.5, client))
