"""A door before each zone's server, at an address of its own, behind which the zone can vanish from the network.

Clients that dial the doors instead of the zones meet a black hole where the servers themselves, and the controller that
looks after them, are as reachable as ever: what a lost network path to an availability zone is to its clients.
"""

from collections.abc import Sequence

from harness.local.processes import Warden
from harness.local.tcp_proxy_control import TcpProxy

_ZONES, _DOORS = "127.0.1.", "127.0.3."


class Doors:
    """A TCP proxy at ``127.0.3.N:port`` before each zone ``127.0.1.N:port``. They end with the warden."""

    def __init__(self, warden: Warden, zones: Sequence[str], port: int) -> None:
        self._proxies = {
            zone: TcpProxy(warden, (zone, port), name=f"door_{zone}_{port}", host=door_of(zone), port=port)
            for zone in zones
        }

    def start(self) -> None:
        """Open all; raises ServerFailed where a door's address is taken."""
        for proxy in self._proxies.values():
            proxy.start()

    def address(self, zone: str) -> str:
        """What is dialled instead of ``zone``, at the same port."""
        return self._proxies[zone].address[0]

    def black_hole(self, zone: str) -> None:
        """From now on nothing comes in by this door, and nothing out: not even that the server behind it has ended."""
        self._proxies[zone].drop()

    def heal(self) -> None:
        """All doors are open again. Connections of before go on where both of their ends still live, and are reset where not."""
        for proxy in self._proxies.values():
            proxy.pass_on()

    def stop(self) -> None:
        """Close all for good, their connections with them."""
        for proxy in self._proxies.values():
            proxy.stop()


def door_of(zone: str) -> str:
    """The address of a zone's door: ``127.0.1.N`` has ``127.0.3.N``."""
    if not zone.startswith(_ZONES):
        raise ValueError(f"zone: an address {_ZONES}N, got {zone!r}")
    return _DOORS + zone.removeprefix(_ZONES)
