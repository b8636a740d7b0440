"""What backups of both engines share: where they are kept, the process that archives the log, and the steps of a restore."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from harness.errors import CannotMeasure, ServerFailed
from harness.local.processes import Warden, log_tail
from harness.local.sqlserver import Command, carry_out
from harness.sql.recovery.model import BaseBackup, newest_by

PATIENCE_S = 20.0  # until the archive has what was committed
LONG_S = 600.0  # a backup, a restore
LOOK_AGAIN_S = 0.005


class Kept:
    """Base backups and the archived log of the server ``whose``, in a folder of their own: what S3 is to RDS."""

    def __init__(self, warden: Warden, whose: str) -> None:
        self._warden, self._whose = warden, whose
        self._folder = warden.folder(f"{whose}-backups")
        self._archiver = f"{whose}-log-archive"
        self._archiver_log = warden.scratch / f"{self._archiver}.log"
        self._archiving = False
        self._backups: list[BaseBackup] = []
        self._count = 0
        self._covered: datetime | None = None
        self.log = self._folder / "log"
        self.log.mkdir(mode=0o700)
        warden.give(self.log)

    def carry_out(self, command: Command) -> None:
        """Run a program to its end. Raises ServerFailed."""
        carry_out(self._warden, self._whose, command, patience_s=LONG_S)

    def archive(self, command: Command) -> None:
        """Have the log archived by a program that doesn't end; one that did before is followed by this one."""
        self.stop_archiving()
        self._warden.spawn(self._archiver, command.argv, log=self._archiver_log, env=command.environment)
        self._archiving = True

    def stop_archiving(self) -> None:
        """The program is gone on return, if there was one."""
        if self._archiving:
            self._warden.kill(self._archiver)
            self._archiving = False

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something of the archive. Raises ServerFailed, with the program's last lines, where it doesn't come."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            if not self._archiving or self._warden.exit_code(self._archiver) is not None:
                raise ServerFailed(
                    f"nobody archives the log of {self._whose} any more; begin again", log_tail(self._archiver_log)
                )
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"the archived log of {self._whose} {what} within {PATIENCE_S:g} s", log_tail(self._archiver_log)
                )
            time.sleep(LOOK_AGAIN_S)

    def log_bytes(self) -> int:
        """What the files of the archived log hold; none once it is removed."""
        with suppress(FileNotFoundError), os.scandir(self.log) as files:
            return sum(file.stat().st_size for file in files)
        return 0

    def place(self) -> Path:
        """Where the next base backup goes; nothing is there yet."""
        self._count += 1
        return self._folder / f"base-{self._count}"

    def add(self, folder: Path, seconds: float, ended_at: datetime) -> BaseBackup:
        """A base backup that is complete."""
        backup = BaseBackup(folder=folder, seconds=seconds, ended_at=ended_at)
        self._backups.append(backup)
        return backup

    def covers(self, latest: datetime) -> datetime:
        """The archive has the log up to ``latest``, which is returned."""
        self._covered = latest
        return latest

    def chosen(self, before: datetime) -> BaseBackup:
        """The base backup to restore ``before`` from. Raises UsageError, and CannotMeasure where the log doesn't reach so far."""
        backup = newest_by(self._backups, before)
        if self._covered is None or before > self._covered:
            there = (
                f"the archived log is known to reach {self._covered.isoformat()}"
                if self._covered
                else "no log is archived"
            )
            raise CannotMeasure(f"nothing can be restored to {before.isoformat()} yet: {there}")
        return backup

    def remove(self) -> None:
        """All of it."""
        self.stop_archiving()
        self._backups.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


class Steps:
    """How long one thing after the other took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times what is inside."""
        began_s = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began_s
