"""The workers of a run as its master knows them, each with what became of it."""

from dataclasses import dataclass, field
from typing import Any

from harness.clocks import Clocks


@dataclass(slots=True, kw_only=True)
class Member:
    """One worker of the run, whatever became of it; ``index`` numbers its samples file. ``lost`` says how it was lost."""

    id: str
    index: int
    clocks: Clocks = field(default_factory=lambda: Clocks(shift_ns=0, ahead_ns=0, error_ns=0))
    host: str = ""
    pid: int = 0
    slots: int = 0
    rows: int | None = None
    kept: int | None = None  # rows of one that didn't live to tell, as its file has them
    joined_before: int | None = None  # the first trial that it was there for, where that isn't the plan's first
    lost: str | None = None
    lost_in: int | None = None

    def as_record(self) -> dict[str, Any]:
        """The manifest's member of ``workers``."""
        record: dict[str, Any] = {
            "worker": str(self.index), "host": self.host, "pid": self.pid, "slots": self.slots, "rows": self.rows,
            "clocks": self.clocks.as_record(),
        }  # fmt: skip
        if self.joined_before is not None:
            record["joined_before"] = self.joined_before
        if self.lost is not None:
            record |= {"kept": self.kept, "lost": self.lost}
        return record

    def as_lost(self) -> dict[str, Any]:
        """The manifest's member of ``workers_lost``, and what the event ``worker_lost`` has."""
        return {"worker": str(self.index), "host": self.host, "reason": self.lost, "trial": self.lost_in}


def name_of(member: Member) -> str:
    """A worker as logs and errors name it."""
    return f"worker {member.index} ({member.id})"


def host_of(worker: str) -> str:
    """The host in Locust's name of a worker."""
    return worker.rpartition("_")[0]
