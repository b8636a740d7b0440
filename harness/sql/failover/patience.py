"""How long the client arms wait: what a team would set beside a failover of that pace."""

from collections.abc import Mapping

from harness.local.pace import PaceName
from harness.sql.clients.model import ClientSettings
from harness.sql.dialling import Keepalive

PATIENCE: Mapping[PaceName, ClientSettings] = {
    # A failover of a second: whoever has waited for a quarter of one knows that something is wrong.
    "fast": ClientSettings(),
    # One of a minute: time-outs that a slow query doesn't run into, keepalives as vendors' guides have them.
    "rds": ClientSettings(
        connect_timeout_s=2.0, read_timeout_s=3.0, reference_timeout_s=1.0, back_off_s=0.2, patience_s=150.0,
        keepalive=Keepalive(idle_s=5, interval_s=5, probes=3, user_timeout_ms=20_000),
    ),
}  # fmt: skip
