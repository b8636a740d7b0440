"""How the section's figures were measured, a paragraph for each part that was in the run."""

from collections.abc import Iterator

from reports.rds_operations.arms import BACKUP, CONNECTIONS, LAG, PARAMETERS, PARTS, PITR, SNAPSHOTS
from reports.rds_operations.cells import Measured

_TEXTS = {
    PARAMETERS: (
        "Parameter groups: RDS's words and rules on real servers. A dynamic parameter is applying until the server itself says that it runs with it; a "
        "static one is pending-reboot until the instance is rebooted. Each trial gives the instance one group, has writers commit row after row in a "
        "closed loop, kills the server under them (kill -9), starts it again and looks every write up: acknowledged and absent is lost. Writes a second "
        "count from the first measured one to the kill; geometric mean over trials, groups against the default paired by round. A killed process "
        "leaves the kernel's page cache: what a lost host would lose isn't measured (F6)."
    ),
    BACKUP: (
        "Backups: pg_basebackup or mariadb-backup, one after the other for as long as is measured, against the same load without; the log is archived in "
        "both. Reads and writes are due evenly and count from when they were due. Ratios are of a round's two medians, paired."
    ),
    PITR: (
        "Point-in-time restore: load, a base backup under it, more load, then a bad DELETE of every other row of the trial, somewhere in a second that "
        "is drawn. A new instance is restored beside the old one to the whole second before, as RDS restores: the base backup copied, the archived log "
        "replayed. RTO counts from when the restore was asked for to the first row read and the first written. The set of rows is held against what "
        "clients were told: all acknowledged before that second must be there, none sent after it may; what was under way then may be or not. RPO is from "
        "the first acknowledgement before the DELETE that isn't there to the DELETE. RDS also makes the new instance's host and volume, "
        "which takes minutes and isn't here."
    ),
    SNAPSHOTS: (
        "Snapshots: the server's processes stand still while its directory is copied, which is the state that a crash would leave; a restore copies "
        "it to a second instance, which recovers from it. Its seconds end at the first query that is answered. Equal is what checksums of every table say, "
        "with every write that was acknowledged before. RDS copies only what changed since the last snapshot, and loads a restored volume as it is read."
    ),
    LAG: (
        "Replica lag: a row is written with the primary's own time, at the statement, and an asynchronous replica is asked every 0.5 ms until it "
        "shows it; how old it is then, by the replica, is the lag, its commit included. Both servers share one clock and one machine: no network is in it."
    ),
    CONNECTIONS: (
        "Connection limits: max_connections is applied, two readers and two writers connect, then others one by one, to half the limit or past it, as "
        "an application that isn't a superuser."
    ),
}  # fmt: skip


def method(found: Measured) -> tuple[str, ...]:
    """What was done, part by part, and what wasn't asked."""
    return tuple(_paragraphs(found))


def _paragraphs(found: Measured) -> Iterator[str]:
    seen = {cell.part for cell in found.cells if cell.trials}
    yield from (text for part, text in _TEXTS.items() if part in seen)
    missing = [part for part in PARTS if part not in found.parts]
    if missing:
        yield f"Not asked in this run: {', '.join(missing)}."
