"""In which state each zone of a failover is, as its events tell: for who looks on while it goes on. Pure."""

from collections.abc import Iterable

FAULTS = {"crash": "crashed", "hang": "hangs", "black_hole": "cut off", "planned": "asked to fail over"}
AFTER = {
    "fault_detected": "found failed", "fenced": "fenced", "server_started": "taking over", "promoted": "taking over",
    "server_ready": "takes writes, not published", "dns_moved": "writer",
}  # fmt: skip


class ZoneStates:
    """A word for each zone; those of ``zones`` are called by their number, others by their address."""

    def __init__(self, writer: str, *, zones: Iterable[str] = (), readers: Iterable[str] = ()) -> None:
        zones = tuple(zones)
        self._numbers = {zone: f"zone {number}" for number, zone in enumerate(zones, 1)}
        self._words = dict.fromkeys(zones, "standby") | dict.fromkeys(readers, "reader") | {writer: "writer"}

    def note(self, kind: str, zone: str, fault: str = "") -> None:
        """An event of the failover; one that says nothing of a zone's state changes none."""
        word = FAULTS.get(fault, fault) if kind == "fault_injected" else AFTER.get(kind)
        if word:
            self._words[zone] = word

    def told(self) -> dict[str, str]:
        """``zone|zone 1`` -> its word."""
        return {f"zone|{self._numbers.get(zone, zone)}": word for zone, word in self._words.items()}
