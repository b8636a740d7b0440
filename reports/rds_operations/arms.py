"""The scenario's words: parts, arms, operations, and what RDS calls the states of a parameter group."""

from collections.abc import Mapping

NAME, TITLE = "rds_operations", "What day-two operations take, and what clients notice"
PARAMETERS, BACKUP, PITR, SNAPSHOTS, LAG, CONNECTIONS = PARTS = (
    "parameters", "backup", "pitr", "snapshots", "replica_lag", "connections",
)  # fmt: skip
# Parts whose answers open the report; the others' do where none of these was asked for.
OPENING = (PARAMETERS, BACKUP, PITR, LAG)
READ, WRITE, LAG_OP, CONNECT = "read", "write", "lag", "connect"
DEFAULT = "default"  # the group that changes nothing
QUIET, BASE_BACKUP = "quiet", "base_backup"
CREATE, RESTORE = "create", "restore"
BELOW, ABOVE = "below", "above"
PENDING, DYNAMIC = "pending-reboot", "dynamic"

# What each part gives first, with its unit: what is said to be absent where no trial of it ended.
FIRST: Mapping[str, tuple[str, str]] = {
    PARAMETERS: ("writes_per_s", "writes/s"),
    BACKUP: ("backup_overhead_ratio", "ratio"),
    PITR: ("rto_s", "s"),
    SNAPSHOTS: ("snapshot_s", "s"),
    LAG: ("lag_p50_ms", "ms"),
    CONNECTIONS: ("connections_until_refused", "connections"),
}
# What goes on in an arm, to follow a comma; the arm itself where it isn't known. Groups of parameters have their own names.
MEANWHILE: Mapping[tuple[str, str], str] = {
    (BACKUP, QUIET): "no backup under way",
    (BACKUP, BASE_BACKUP): "while base backups are made",
    (SNAPSHOTS, CREATE): "while a snapshot is made",
    (SNAPSHOTS, RESTORE): "while a snapshot is restored beside it",
    (PITR, RESTORE): "a bad DELETE and a restore to the second before it",
}
HOST_REASON = (
    "a killed process leaves the kernel's page cache, so that writes which were never fsynced survive it as they wouldn't survive the loss "
    "of their host; nothing here drops them (F6)"
)
