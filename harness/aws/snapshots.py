"""Snapshots and restores of a stack's databases, each timed: how much would be lost (RPO), how long until it answers (RTO).

What is made carries the stack's tag and one of its own from the call that makes it, and is taken down again unless it is to
be kept. What a process that was killed left behind is found by these tags and taken down by ``clean``.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from harness.aws.api import Pace
from harness.aws.calls import TAG
from harness.aws.failures import AwsError
from harness.aws.restorable import BROKEN, Database, Databases, Snapshot
from harness.errors import CannotMeasure, HarnessError

MADE, KEPT = "dbharness-operation", "dbharness-keep"
EXPIRES = "dbharness-expires"
"""Tags: which operation made it; that it is kept on purpose; when ``sweep`` may take it."""
RestoredBy = Literal["snapshot", "point_in_time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a database answered to somebody who can reach it: the newest row's time, where a row was asked for."""

    newest: datetime | None = None


class Probe(Protocol):
    """Asks a database from where it can be reached."""

    def ask(self, database: Database) -> Answer:
        """Return once it answers. Raises CannotMeasure where it doesn't."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A snapshot that was made: how long it took from asking until it was *available*."""

    source: Database
    snapshot: Snapshot
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A database that was restored. ``behind_s``: how old the newest state was that could be had when it was asked for.

    ``available_s`` and ``answers_s`` count from asking; ``row_behind_s`` is by how much the newest row restored is older than
    the source's newest when it was asked for. None is what wasn't measured.
    """

    source: Database
    by: RestoredBy
    name: str
    behind_s: float | None
    available_s: float
    answers_s: float | None
    row_behind_s: float | None
    poll_s: float


class Operations:
    """Snapshots and restores of one kind of database for one stack; ``say`` prints a line."""

    def __init__(
        self, databases: Databases, stack: str, say: Callable[[str], None], *, expires: str | None = None,
        keep: bool = False, probe: Probe | None = None, pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self._rds, self._stack, self._say, self._keep, self._probe = databases, stack, say, keep, probe
        self._pace = pace or Pace()
        self.id = f"{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(2)}"
        self._expires = expires
        self._databases: list[str] = []
        self._copies: list[str] = []

    def snapshot(self, name: str) -> Copied:
        """A manual snapshot of a database. Raises AwsError, CannotMeasure."""
        source = self._rds.look_at(name)
        return self._copy(source)

    def restore(self, name: str, snapshot: str | None = None) -> Restored:
        """A new database from a snapshot: the one named, or one that is made now. Raises AwsError, CannotMeasure."""
        source = self._rds.look_at(name)
        before = self._newest(source)
        snapshot = snapshot or self._copy(source).snapshot.id
        taken, now = self._rds.look_at_copy(snapshot).taken, self._rds.look_at(name).seen
        behind_s = (now - taken).total_seconds() if taken else None
        return self._restored(
            source, "snapshot", behind_s, before, lambda new, tags: self._rds.restore(source, snapshot, new, tags)
        )

    def restore_to_point_in_time(self, name: str, at: datetime | None = None) -> Restored:
        """A new database at a time, or the newest that there is. Raises AwsError, CannotMeasure."""
        source = self._rds.look_at(name)
        if source.newest_restorable is None:
            raise CannotMeasure(
                f"{source.what} {name} has no restorable time: automated backups are off or the first isn't done; wait for it"
            )
        behind_s = (source.seen - source.newest_restorable).total_seconds()
        return self._restored(
            source, "point_in_time", behind_s, self._newest(source),
            lambda new, tags: self._rds.restore_to(source, at, new, tags),
        )  # fmt: skip

    def take_down(self) -> None:
        """Delete what this object made, unless it is to be kept. Raises AwsError that says what is left."""
        if self._keep:
            for name in (*self._databases, *self._copies):
                self._say(f"kept: {name}; `dbharness aws down` takes it down with the stack")
            return
        _take_down(self._rds, self._databases, self._copies, self._pace, self._say)

    def _copy(self, source: Database) -> Copied:
        name = self._name("snap")
        self._say(f"snapshot {name} of {source.what} {source.id}")
        self._copies.append(name)
        since_s = self._pace.monotonic_s()
        self._rds.copy(source, name, self._tags())
        snapshot = self._until(lambda: self._rds.look_at_copy(name), f"snapshot {name}")
        return Copied(source=source, snapshot=snapshot, took_s=self._pace.monotonic_s() - since_s)

    def _restored(
        self, source: Database, by: RestoredBy, behind_s: float | None, before: datetime | None,
        begin: Callable[[str, Sequence[dict[str, str]]], None],
    ) -> Restored:  # fmt: skip
        name = self._name("back")
        self._say(f"restoring {source.what} {source.id} as {name} ({by.replace('_', ' ')})")
        self._databases.append(name)
        since_s = self._pace.monotonic_s()
        begin(name, self._tags())
        made = self._until(lambda: self._rds.look_at(name), f"{source.what} {name}")
        available_s = self._pace.monotonic_s() - since_s
        answers_s = row_behind_s = None
        if self._probe is not None:
            answer = self._probe.ask(made)
            answers_s = self._pace.monotonic_s() - since_s
            if before is not None and answer.newest is not None:
                row_behind_s = (before - answer.newest).total_seconds()
        return Restored(
            source=source, by=by, name=name, behind_s=behind_s, available_s=available_s, answers_s=answers_s,
            row_behind_s=row_behind_s, poll_s=self._pace.poll_s,
        )  # fmt: skip

    def _newest(self, source: Database) -> datetime | None:
        """The source's newest row, asked for before anything is restored."""
        return self._probe.ask(source).newest if self._probe is not None else None

    def _until(self, look: Callable[[], Any], what: str) -> Any:
        """Look until it is *available*; just after the call that makes it, RDS may not know it yet."""
        since_s, status = self._pace.monotonic_s(), "not there"
        while self._pace.monotonic_s() - since_s <= self._pace.patience_s:
            try:
                found = look()
                status = found.status
            except AwsError as error:
                if error.trouble != "missing":
                    raise
            else:
                if status == "available":
                    return found
                if status in BROKEN:
                    raise CannotMeasure(f"{what} is {status}: RDS's events say why")
            self._pace.sleep(self._pace.poll_s)
        raise CannotMeasure(f"{what} is {status} after {self._pace.patience_s:g} s")

    def _name(self, what: str) -> str:
        return f"{self._stack}-{what}-{self.id}-{len(self._databases) + len(self._copies) + 1}"

    def _tags(self) -> list[dict[str, str]]:
        pairs = {TAG: self._stack, MADE: self.id}
        if self._expires:
            pairs[EXPIRES] = self._expires
        if self._keep:
            pairs[KEPT] = "true"
        return [{"Key": key, "Value": value} for key, value in pairs.items()]


def left_behind(databases: Databases, stack: str) -> tuple[list[str], list[str]]:
    """Databases and snapshots that operations for this stack made and didn't take down, but for those kept on purpose."""

    def ours(tags: dict[str, str]) -> bool:
        return tags.get(TAG) == stack and MADE in tags and KEPT not in tags

    return (
        [one.id for one in databases.made() if ours(one.tags) and one.status != "deleting"],
        [one.id for one in databases.copies() if ours(one.tags)],
    )


def clean(databases: Databases, stack: str, say: Callable[[str], None], pace: Pace | None = None) -> int:
    """Take down what is :func:`left_behind`; how many things that were."""
    made, copies = left_behind(databases, stack)
    if made or copies:
        say(f"left behind by an operation that didn't end: {', '.join([*made, *copies])}")
    _take_down(databases, made, copies, pace or Pace(), say)
    return len(made) + len(copies)


def _take_down(
    databases: Databases, made: Sequence[str], copies: Sequence[str], pace: Pace, say: Callable[[str], None]
) -> None:
    """Delete all; the first failure is raised when all were tried, with what is left."""
    left: list[str] = []
    failure: HarnessError | None = None
    for delete, names in ((databases.delete, made), (databases.delete_copy, copies)):
        for name in names:
            try:
                if _delete(delete, name, pace):
                    say(f"deleted: {name}")
            except HarnessError as error:
                failure = failure or error
                left.append(name)
    for name in made:
        if name not in left and not _gone(databases, name, pace):
            left.append(name)
            failure = failure or CannotMeasure(f"{name} is still being deleted after {pace.patience_s:g} s")
    if failure is not None:
        raise CannotMeasure(
            f"{failure}; still there and billed: {', '.join(left)}: `dbharness aws restore --clean` takes it down, and so does "
            "`dbharness aws down`"
        ) from failure


def _delete(delete: Callable[[str], None], name: str, pace: Pace) -> bool:
    """Ask until RDS takes it: while something is created it can't be deleted. False where it wasn't there."""
    since_s = pace.monotonic_s()
    while True:
        try:
            delete(name)
        except AwsError as error:
            if error.trouble == "missing":
                return False
            if error.trouble != "conflict" or pace.monotonic_s() - since_s > pace.patience_s:
                raise
            pace.sleep(pace.poll_s)
        else:
            return True


def _gone(databases: Databases, name: str, pace: Pace) -> bool:
    since_s = pace.monotonic_s()
    while pace.monotonic_s() - since_s <= pace.patience_s:
        try:
            databases.look_at(name)
        except AwsError as error:
            if error.trouble == "missing":
                return True
            raise
        pace.sleep(pace.poll_s)
    return False
