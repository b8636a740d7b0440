"""What the names of databases point at, asked of a name server past every cache."""

import ipaddress
from dataclasses import replace
from pathlib import Path

from harness.errors import UsageError
from harness.local.dns import TTL_S, Answer, resolve
from harness.sql.endpoint import SqlEndpoint

RESOLV_CONF = Path("/etc/resolv.conf")


def answer_of(name: str, dns: tuple[str, int]) -> Answer:
    """Where a name points now; an address is its own answer."""
    return Answer((name,), TTL_S) if _is_address(name) else resolve(name, dns)


def name_server(given: str | None, resolv_conf: Path = RESOLV_CONF) -> tuple[str, int]:
    """The name server that clients ask: that of ``aws.dns``, else the system's first. Raises UsageError without one."""
    if given:
        host, _, port = given.partition(":")
        if not _is_address(host) or not (port or "53").isdigit():
            raise UsageError(f"aws.dns: expected an IPv4 address, and perhaps a port, got {given!r}")
        return host, int(port or 53)
    try:
        lines = resolv_conf.read_text().splitlines()
    except OSError as error:
        raise UsageError(f"{resolv_conf}: {error.strerror}; name a name server with aws.dns") from error
    for line in lines:
        words = line.split()
        if words[:1] == ["nameserver"] and len(words) > 1 and _is_address(words[1]):
            return words[1], 53
    raise UsageError(f"{resolv_conf} names no IPv4 name server; name one with aws.dns")


def _is_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return False


def certified(endpoint: SqlEndpoint) -> SqlEndpoint:
    """The endpoint as one that may be dialled at any address: its certificate stays that of its name."""
    return endpoint if _is_address(endpoint.host) else replace(endpoint, server_name=endpoint.host)


def dialled(endpoint: SqlEndpoint, dns: tuple[str, int]) -> SqlEndpoint:
    """The endpoint at the address that its name points at now. Raises what asking raises: OSError, socket.gaierror."""
    return certified(endpoint).at(answer_of(endpoint.host, dns).address, endpoint.port)
