"""What answers at an address: a service of AWS's, or something else that was given in its place. Pure."""

import ipaddress
from urllib.parse import urlsplit

from harness.services import Place

_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def place_of(host_or_url: str) -> Place:
    """By the name alone: whatever isn't called as AWS calls its endpoints is an override, be it a tunnel to the service."""
    host = urlsplit(host_or_url).hostname if "://" in host_or_url else host_or_url
    return "aws" if (host or "").lower().rstrip(".").endswith(_OF_AWS) else "endpoint override"


def is_loopback(host: str) -> bool:
    """Whether it is an address of this machine, or its usual name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
