"""Planted trials of rds_operations: operations by when they were due and how long they took, in milliseconds of the trial."""

from collections.abc import Iterable, Mapping
from typing import Any

from rundir import PlantedRun, trial

NAME = "rds_operations"
EXTRA: Any = {"engine": "text", "part": "text", "lag_ns": "int"}
SERVERS = {"mysql": "MariaDB 10.11.19", "postgres": "PostgreSQL 18.6"}
DRIVERS = {"mysql": "pymysql", "postgres": "psycopg"}
MS = 1_000_000
PARTS = ("parameters", "backup", "pitr", "snapshots", "replica_lag", "connections")
DELETED_AT = "2026-11-24T12:50:00+00:00"
DELETED_WALL_NS = 1_795_524_600 * 10**9  # the same instant


def begin_ns(number: int) -> int:
    """When a trial begins."""
    return (number + 1) * 1000 * 10**9


def evenly(
    op: str, count: int, *, ms: float, every_ms: float = 10.0, from_ms: float = 0.0, **fields: Any
) -> list[dict[str, Any]]:
    """So many operations, one every ``every_ms``, each of which took ``ms`` from when it was due."""
    return [{"op": op, "due_ms": from_ms + every_ms * at, "ms": ms + at % 3 / 1000} | fields for at in range(count)]


class PlantedOperations:
    """Collects trials; ``write`` puts them into the run."""

    def __init__(self, planted: PlantedRun) -> None:
        self.planted = planted
        self.rows: list[dict[str, Any]] = []
        self.planned: list[dict[str, Any]] = []

    def trial(
        self, part: str, arm: str, step: str, rows: Iterable[Mapping[str, Any]], *, pair: int, engine: str = "mysql",
        done: bool = True, **params: Any,
    ) -> int:  # fmt: skip
        """One trial; a row has ``op``, ``due_ms``, ``ms``, and ``closed`` where nothing was due. Returns its number."""
        number = len(self.planned)
        usual: dict[str, Any] = {"reads_per_s": 100.0, "writes_per_s": 100.0, "warm_up_s": 0.1}
        labels = {"part": part, "engine": engine}
        self.planned.append(trial(number, arm, step, pair=pair, done=done, labels=labels, params=usual | params))
        for row in map(dict, rows):
            due_ns = begin_ns(number) + round(row.pop("due_ms") * MS)
            closed = row.pop("closed", False)
            times = {
                "t_intended": None if closed else due_ns,
                "t_start": due_ns,
                "t_end": due_ns + round(row.pop("ms") * MS),
            }
            common = {
                "trial": number,
                "pair": pair,
                "arm": arm,
                "step": step,
                "engine": engine,
                "part": part,
                "lag_ns": -1,
            }
            self.rows.append(common | {"client": DRIVERS[engine], "op_id": len(self.rows)} | times | row)
        return number

    def group(
        self, arm: str, *, pair: int, writes: int, lost: int = 0, engine: str = "mysql", ms: float = 1.0, killed: bool = True,
        ledger: bool = True, **counts: int,
    ) -> int:  # fmt: skip
        """A parameter group: so many writes, one after the other, ``ms`` each; killed as the last of them is answered."""
        rows = evenly("write", writes, ms=ms, every_ms=ms, closed=True)
        number = self.trial(
            "parameters", arm, arm, [row | {"ms": ms} for row in rows], pair=pair, engine=engine, writers=1
        )
        if killed:
            self.event("killed", number, writes * ms)
            self.event("recovered", number, writes * ms + 500, group=arm, seconds=0.25)
        if ledger:
            names = ("failed", "ambiguous", "phantom", "duplicate", "ambiguous_present")
            self.event(
                "ledger_checked",
                number,
                writes * ms + 600,
                group=arm,
                acknowledged=writes,
                lost=lost,
                **dict.fromkeys(names, 0) | counts,
            )
        return number

    def parameter(
        self, number: int, name: str, value: str, *, reboot_s: float | None = None, applied_s: float | None = 0.02
    ) -> None:
        """A dynamic parameter that was applied, or a static one that its reboot applied."""
        group, static = self.planned[number]["arm"], reboot_s is not None
        self.event(
            "parameter", number, -500, group=group, name=name, value=value, apply_type="static" if static else "dynamic",
            status_before="in-sync", status_after="pending-reboot" if static else "in-sync", applied_s=None if static else applied_s,
        )  # fmt: skip
        if static:
            self.event("reboot", number, -400, group=group, seconds=reboot_s, status_after="in-sync")

    def under_load(
        self, part: str, arm: str, step: str, *, pair: int, ms: float, from_ms: float = 200.0, until_ms: float = 800.0,
        engine: str = "mysql", rows: Iterable[Mapping[str, Any]] | None = None, **params: Any,
    ) -> int:  # fmt: skip
        """Reads and writes due every 10 ms for a second, of which what is done lasts from 200 to 800 ms; ``ms`` then, else 1 ms."""
        slow = [
            {"op": op, "due_ms": 10.0 * at, "ms": (ms if from_ms <= 10 * at <= until_ms else 1.0) + at % 3 / 1000}
            for op in ("read", "write") for at in range(100)
        ]  # fmt: skip
        number = self.trial(part, arm, step, slow if rows is None else rows, pair=pair, engine=engine, **params)
        self.event("operation_began", number, from_ms)
        self.event("operation_ended", number, until_ms)
        return number

    def backup(self, number: int, seconds: float, *, size: int = 20_000_000) -> None:
        """A base backup that was made in a trial."""
        self.event("backup_began", number, 200, method="mariadb-backup")
        self.event(
            "backup_ended",
            number,
            200 + 1e3 * seconds,
            method="mariadb-backup",
            seconds=seconds,
            bytes=size,
            flights=1000,
        )

    def restored(
        self,
        *,
        pair: int,
        engine: str = "mysql",
        rto_s: float = 2.0,
        rpo_s: float = 0.4,
        alike: bool = True,
        **counts: int,
    ) -> int:
        """A bad DELETE at 800 ms and a restore to the second before, 400 ms earlier, with exactly its 1,000 rows."""
        number = self.under_load("pitr", "restore", "before_delete", pair=pair, ms=1.0, engine=engine, flights=1000)
        self.backup(number, 0.3)
        at_ns = begin_ns(number) + 800 * MS
        self.planted.event(
            NAME, "bad_delete", trial=number, t_ns=at_ns, engine=engine, part="pitr", rows=50, second=DELETED_AT
        )
        self.planted.events[-1]["wall_ns"] = DELETED_WALL_NS + 400 * MS
        found = {"missing": 0, "surplus": 0, "under_way": 1, "lost": 40} | counts
        self.event(
            "restored", number, 5000, second=DELETED_AT, rows_expected=1000, rows_found=1000, rpo_s=rpo_s, rows_deleted=50,
            others_alike=alike, flights=1000, log_s=0.5, archived_s=0.1, copied_s=0.5, recovered_s=1.0, rto_read_s=rto_s - 0.1,
            rto_write_s=rto_s, **found,
        )  # fmt: skip
        return number

    def snapshot(
        self, arm: str, flights: int, *, pair: int, seconds: float, engine: str = "mysql", unlike: Iterable[str] = ()
    ) -> int:
        """A snapshot that was made or restored, under load that stood still for as long as it is made."""
        still = range(20, 20 + round(100 * min(seconds, 0.7)))
        rows = [
            {"op": op, "due_ms": 10.0 * at, "ms": 1.0 if at not in still else 10.0 * (still.stop - at)}
            for op in ("read", "write") for at in range(100)
        ]  # fmt: skip
        number = self.under_load(
            "snapshots", arm, str(flights), pair=pair, ms=1.0, engine=engine, rows=rows, flights=flights
        )
        equal = {"rows_equal": not list(unlike), "unlike": list(unlike)} if arm == "restore" else {}
        self.event(
            "snapshot",
            number,
            900,
            operation=arm,
            method="volume",
            flights=flights,
            bytes=1000 * flights,
            seconds=seconds,
            **equal,
        )
        return number

    def lag(
        self, arm: str, per_s: float, lags_ms: Iterable[float], *, pair: int, engine: str = "mysql", unseen: int = 0
    ) -> int:
        """Beats that a replica showed so long after, one every 10 ms; the last ``unseen`` never."""
        rows = [
            {"op": "lag", "due_ms": 10.0 * at, "ms": ms + 1, "lag_ns": round(ms * MS)} for at, ms in enumerate(lags_ms)
        ]
        for at in range(unseen):
            late = {"outcome": "timeout", "error_code": "TimeoutError"}
            rows.append({"op": "lag", "due_ms": 10.0 * (len(rows) + at), "ms": 1.0} | late)
        return self.trial("replica_lag", arm, f"{per_s:g}", rows, pair=pair, engine=engine, writes_per_s=per_s)

    def connections(
        self, arm: str, *, pair: int, opened: int, refused: int = 0, limit: int = 30, engine: str = "mysql", ms: float = 1.0,
        error: tuple[str, str] = ("1040", "Too many connections"), failed: int = 0,
    ) -> int:  # fmt: skip
        """Four are held, ``opened`` more come one every 5 ms, and ``refused`` after them aren't let in; ``failed`` writes fail."""
        rows = evenly("read", 20, ms=ms) + evenly("write", 20 - failed, ms=ms)
        rows += evenly("write", failed, ms=1.0, from_ms=200.0, outcome="error", error_code="2013")
        rows += evenly("connect", opened, ms=2.0, every_ms=5.0)
        rows += evenly(
            "connect", refused, ms=0.5, every_ms=5.0, from_ms=5.0 * opened, outcome="error", error_code=error[0]
        )
        number = self.trial(
            "connections",
            arm,
            str(limit),
            rows,
            pair=pair,
            engine=engine,
            max_connections=limit,
            held=4,
            opened=opened + refused,
        )
        for at in range(refused):
            self.event(
                "refused_connection",
                number,
                5.0 * (opened + at),
                error=error[0],
                text=error[1],
                number=opened + 4,
                limit=limit,
            )
        self.event("connections", number, 900, opened=opened, limit=limit)
        return number

    def event(self, kind: str, number: int, at_ms: float = 0.0, /, **fields: Any) -> None:
        """An event of a trial, so long after its begin."""
        labels = self.planned[number]["labels"]
        t_ns = begin_ns(number) + round(at_ms * MS)
        self.planted.event(NAME, kind, trial=number, t_ns=t_ns, engine=labels["engine"], part=labels["part"], **fields)

    def write(self, engines: tuple[str, ...] = ("mysql",), parts: tuple[str, ...] = (), **fields: Any) -> None:
        """Samples and manifest; ``parts`` are those that were planned where they aren't given."""
        planned = {one["labels"]["part"] for one in self.planned}
        asked = parts or tuple(part for part in PARTS if part in planned)
        if self.rows:
            self.planted.samples(NAME, self.rows, EXTRA)
        params = {
            "engines": list(engines),
            "parts": list(asked),
            "parameter_groups": ["default", "durable_off", "small_buffers"],
        }
        self.planted.scenario(NAME, params=params, trials=self.planned, servers=SERVERS, **fields)


def everything(operations: PlantedOperations) -> None:
    """Every part, two rounds."""
    for pair in range(2):
        operations.group("default", pair=pair, writes=400)
        number = operations.group("durable_off", pair=pair, writes=900, lost=30, ms=0.5)
        operations.parameter(number, "innodb_flush_log_at_trx_commit", "0")
        number = operations.group("small_buffers", pair=pair, writes=300)
        operations.parameter(number, "innodb_log_file_size", "8M", reboot_s=0.6)
        for arm, ms in (("quiet", 1.0), ("base_backup", 3.0)):
            number = operations.under_load("backup", arm, "1000", pair=10 + pair, ms=ms, flights=1000)
            if arm == "base_backup":
                operations.backup(number, 0.4)
        operations.restored(pair=20 + pair)
        for flights, seconds in ((1000, 0.1), (10_000, 0.4)):
            for arm in ("create", "restore"):
                operations.snapshot(arm, flights, pair=30 + pair, seconds=seconds)
        operations.lag("idle", 0, [1 + at % 5 for at in range(60)], pair=40 + pair)
        operations.lag("writes_high", 500, [2 + at % 9 for at in range(60)], pair=40 + pair)
        operations.connections("below", pair=50 + pair, opened=11)
        operations.connections("above", pair=50 + pair, opened=26, refused=5)
