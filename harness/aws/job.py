"""What a run on load generators is told, and what it tells while it runs: two small objects in the run's folder of the bucket."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

PORT = 5557  # Locust's; the stack's security group lets it through inside the application tier alone
HOME = "/var/lib/dbharness"
"""Where run directories are on every generator: the same path, since the master names it to its workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run. ``most_s``: after so long the master ends it in order, whether anybody watches or not."""

    run: str
    scenarios: tuple[str, ...]
    profile: str | None
    seed: int | None
    overrides: tuple[str, ...]
    master: str
    workers: int
    most_s: float
    config: str
    command: tuple[str, ...] = ()
    target: str = "aws"
    port: int = PORT

    def to_json(self) -> bytes:
        """As it is put to the bucket."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """As it was put there."""
        record: dict[str, Any] = json.loads(text)
        lists = {name: tuple(record[name]) for name in ("scenarios", "overrides", "command")}
        return cls(**{**record, **lists})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the master is: ``record`` as a scenario's process tells it; ``spread`` whether workers take part; ``ended``."""

    scenario: str = ""
    record: dict[str, Any] | None = None
    spread: bool = False
    ended: bool = False

    def to_json(self) -> bytes:
        """As it is put to the bucket."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """As it was put there."""
        return cls(**json.loads(text))


def job_key(run: str) -> str:
    """Where the job is, below the run's prefix."""
    return f"{prefix(run)}/control/job.json"


def progress_key(run: str) -> str:
    """Where the progress is."""
    return f"{prefix(run)}/control/progress.json"


def prefix(run: str) -> str:
    """Where a run is in its bucket."""
    return f"runs/{run}"
