"""How long a controller takes over each part of a failover: as fast as it goes, or as long as RDS is said to.

``rds`` has D1's totals. AWS publishes no parts of them: how a total is split into detection, fencing, recovery and DNS is **our
assumption**, made so that each part is there and detection and recovery, which wait for time-outs and for a server, have most.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError
from harness.local.topologies.model import TopologyName

PaceName = Literal["fast", "rds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When a server counts as failed, and what is waited before each deed that follows; the deed's own time comes on top.

    A check every ``check_every_s``, given up after ``check_timeout_s``; ``failed_checks`` failed ones in a row are a fault.
    """

    name: PaceName
    check_every_s: float
    check_timeout_s: float
    failed_checks: int
    fencing_s: float = 0.0
    recovery_s: float = 0.0
    dns_s: float = 0.0

    @property
    def detection_s(self) -> float:
        """From the last answered check to the decision, as the failed ones are due."""
        return self.failed_checks * self.check_every_s

    @property
    def total_s(self) -> float:
        """From the last answered check to the moved name, but for what the deeds themselves take."""
        return self.detection_s + self.fencing_s + self.recovery_s + self.dns_s


# A hang is known after twice the time-out: long beside a query's tenths of a millisecond, so that a busy machine raises no alarm.
FAST = Pace(name="fast", check_every_s=0.02, check_timeout_s=0.25, failed_checks=2)
# Totals: D1, the middle of 60 to 120 s for an instance, and the 35 s that a cluster is typically under. The split is assumed.
RDS: Mapping[TopologyName, Pace] = {
    "multi_az_instance": Pace(
        name="rds", check_every_s=1.0, check_timeout_s=1.0, failed_checks=30, fencing_s=10.0, recovery_s=45.0, dns_s=5.0
    ),
    "multi_az_cluster": Pace(
        name="rds", check_every_s=1.0, check_timeout_s=1.0, failed_checks=10, fencing_s=3.0, recovery_s=17.0, dns_s=5.0
    ),
}


def pace_of(name: PaceName, topology: TopologyName) -> Pace:
    """The pace ``name`` for ``topology``; UsageError where nothing is published that ``rds`` could go by."""
    if name == "fast":
        return FAST
    if topology not in RDS:
        raise UsageError(
            f"pace rds: no duration is published for {topology}; it goes with {', '.join(RDS)}, or use pace fast"
        )
    return RDS[topology]
