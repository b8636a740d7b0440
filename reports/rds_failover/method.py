"""How the section's figures were measured, for what was in the run."""

from collections.abc import Iterator, Sequence

import pandas as pd

from reports.places import is_aws
from reports.rds_failover.arms import DURABILITY, FAILOVER, PACE_RDS, REFERENCE, SYNCHRONY
from reports.rds_failover.brown_out import TIMES, WINDOW
from reports.rds_failover.cells import Case, Measured
from reports.words import milliseconds, seconds

_TOPOLOGIES = {
    "single_az": "Single-AZ: one server, started again in its place.",
    "multi_az_instance": "Multi-AZ instance: two loopback addresses are two zones and one data directory is their synchronously "
    "replicated volume; the standby starts on the same bytes and recovers from its log.",
    "multi_az_cluster": "Multi-AZ cluster: a writer and two readers, a commit waits for one of them (MariaDB semi-synchronous, AFTER_SYNC, "
    "never falling back; PostgreSQL ANY 1); the most advanced reader is promoted, the old writer rebuilt.",
    "async_replica": "Asynchronous replica: nobody waits for it, and its stream is delayed; what it hasn't got is lost when it is promoted.",
}


def method(found: Measured) -> tuple[str, ...]:
    """A paragraph for each thing that was done."""
    seen = [case for case in found.cases if case.trials]
    return (*(_failovers(found, seen) if seen else ()), *_parts(found, seen))


def _failovers(found: Measured, seen: Sequence[Case]) -> Iterator[str]:
    interval_ms = 1e3 * seen[0].interval_s
    if is_aws(found.run):
        yield (
            "Each fail-over was asked of RDS (RebootDBInstance with ForceFailover, FailoverDBCluster). Its events and the answers of the "
            "database's name are noted beside the probes; what RDS does in between it doesn't tell."
        )
    else:
        yield " ".join(
            _TOPOLOGIES[name] for name in dict.fromkeys(case.topology for case in seen) if name in _TOPOLOGIES
        )
        yield (
            "A controller does RDS's part: it asks the server, notices, fences it, has another take over and moves the DNS name (TTL 5 s). "
            f"{_pace(seen)} It is a process that is killed, not a host that is lost: the kernel's page cache survives."
        )
    yield (
        f"One fault is one trial for all clients at once; each reads and writes in open loops due every {interval_ms:g} ms. Downtime is the "
        f"longest gap after the fault between two that were answered; the true one is up to {2 * interval_ms:g} ms shorter, and the "
        "interval's lower end says so. Median over trials between order statistics. A client that isn't back when its trial ends "
        f"{_cap(seen)}was down for at least as long as it was watched without an answer. A tick without a free connection is blocked."
    )
    if any(client == REFERENCE for _, client in found.watches):
        yield (
            "The server itself is a fresh connection at every tick to each zone's address, past DNS: what a client is down beyond it is its "
            "own. The error window runs from the begin of the first attempt that failed to the end of the last, reads and writes together."
        )
    yield (
        "Steps of a client, each over when it was first taken at the address that writes were answered from in the end: the first failed "
        "attempt (detection), the name that gives this address (DNS), TCP connected, authenticated, a read, a write. A step that a client "
        "doesn't take has no part."
    )
    yield (
        f"Brown-out: from when reads and writes are answered again until the first window of {WINDOW} operations in a row, both kinds together "
        f"({seconds(WINDOW / 2 * interval_ms / 1e3)} at one of each every {interval_ms:g} ms), whose p99 by nearest rank is within {TIMES:g} × that of "
        "its kind before the faults of the cell. Fewer operations have no p99 but their maximum. An operation counts from when it was due; "
        "unanswered, it took for ever."
    )
    yield (
        "Every write has an id. One whose connection broke before the answer is ambiguous. After each failover every id is looked up: "
        "acknowledged and absent is lost, refused and present is phantom, present more than once is duplicate. A read went backwards if it saw "
        "an older newest row than one that had ended before it began."
    )
    here = (
        ""
        if is_aws(found.run)
        else (
            " Seconds on one machine without a network compare clients, engines and topologies with each other; they don't foretell RDS's own."
        )
    )
    yield f"For a Multi-AZ instance AWS gives 60 to 120 s as typical, for a cluster under 35 s (D1).{here}"


def _pace(seen: Sequence[Case]) -> str:
    paces = {case.pace for case in seen}
    if paces == {PACE_RDS}:
        return "Its delays are those published for RDS (D1), their split an assumption."
    if PACE_RDS in paces:
        return "It goes as fast as it can; in cells at RDS's pace its delays are those published (D1), their split an assumption."
    return "It goes as fast as it can."


def _cap(seen: Sequence[Case]) -> str:
    caps = sorted({float(case.params["cap_s"]) for case in seen if not pd.isna(case.params.get("cap_s"))})
    return f"({' or '.join(map(seconds, caps))} after the fault) " if caps else ""


def _parts(found: Measured, seen: Sequence[Case]) -> Iterator[str]:
    if any(case.part == DURABILITY for case in seen):
        yield (
            "Durability steps set one parameter away from what RDS has and kill the process. What they lose is what was still in the process's "
            "own memory; what was in the page cache stays, so a step that loses nothing here may lose a lost host's writes (F6)."
        )
    if len(found.planned) and (found.planned["label_part"] == SYNCHRONY).any():
        yield (
            "Synchrony: one connection commits one row after the other, topologies in seeded order in every round; differences are paired by "
            f"round. The delay between zones ({milliseconds(1)} is one each way) holds up the replication streams, as a distance would. A Multi-AZ "
            "instance is modelled: its standby copies blocks, so that every flush waits for a round trip; PostgreSQL flushes once a commit, MySQL "
            "twice (redo log and binary log)."
        )
    not_asked = [part for part in (FAILOVER, DURABILITY, SYNCHRONY) if not _planned(found, part)]
    if not_asked and FAILOVER not in not_asked:
        yield f"Not asked in this run: {', '.join(not_asked)}."


def _planned(found: Measured, part: str) -> bool:
    return bool(len(found.planned) and (found.planned["label_part"] == part).any())
