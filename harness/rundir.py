"""The run directory: manifest, events and the place of the samples.

``manifest.json`` is replaced as a whole at each change, so a reader never sees half of one; ``events.jsonl`` grows by
whole lines. Schema versions stand in the manifest; their history stands in CHANGELOG.md.
"""

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from harness.config import Config
from harness.dynamodb.pricing import Prices
from harness.errors import CannotMeasure, UsageError
from harness.noise import noise
from harness.paths import PROJECT_ROOT, in_checkout, runs_dir
from harness.recorder import SAMPLES_SCHEMA, clock_pair
from harness.redaction import Redactor

MANIFEST_SCHEMA = 1
FINDINGS_SCHEMA = 1
_LIBRARIES = (
    "locust",
    "gevent",
    "pyarrow",
    "pandas",
    "numpy",
    "boto3",
    "PyMySQL",
    "psycopg",
    "SQLAlchemy",
    "hiredis",
    "ddsketch",
    "numba",
)


class RunDir:
    """One run's directory, open for writing by the harness; ``redactor``, where there is one, goes over all that is written."""

    def __init__(self, path: Path, redactor: Redactor | None = None) -> None:
        self.path, self.redactor = path, redactor

    @classmethod
    def create(cls, path: Path | None, config: Config, prices: Prices, *, source: str, command: list[str]) -> "RunDir":
        """Make the directory (a new one under ``runs/`` where ``path`` is None) with a manifest that says *running*."""
        if path is None:
            path = fresh(runs_dir())
        else:
            refuse_taken(path)
        run = cls(path, redactor_of(config))
        try:
            (path / "samples").mkdir(parents=True, exist_ok=True)
            run._write(
                {
                    "schema": MANIFEST_SCHEMA,
                    "samples_schema": SAMPLES_SCHEMA,
                    "findings_schema": FINDINGS_SCHEMA,
                    "id": path.name,
                    "status": "running",
                    "reason": None,
                    "started": now_iso(),
                    "ended": None,
                    "seed": config.seed,
                    "profile": config.profile,
                    "target": config.target,
                    "config": config.as_used(),
                    "config_source": source,
                    "command": command,
                    "writer_pid": os.getpid(),
                    "git": git_state(),
                    "versions": versions(),
                    "machine": machine(),
                    "prices": prices.as_record(),
                    "dataset": None,
                    "scenarios": {},
                }
            )
        except OSError as error:
            raise CannotMeasure(f"{path}: {error.strerror}; name another place with --out") from error
        return run

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands on disk."""
        document: dict[str, Any] = json.loads((self.path / "manifest.json").read_text())
        return document

    def update(self, **fields: Any) -> None:
        """Replace top-level fields of the manifest."""
        self._write(self.manifest | fields)

    def update_scenario(self, name: str, **fields: Any) -> None:
        """Replace fields of one scenario's entry, making it where there is none."""
        manifest = self.manifest
        manifest["scenarios"][name] = manifest["scenarios"].get(name, {}) | fields
        self._write(manifest)

    def finish(self, reason: str | None = None) -> str:
        """Close the manifest with the status that its scenarios add up to; returns that status."""
        statuses = {entry["status"] for entry in self.manifest["scenarios"].values()}
        if reason or statuses & {"partial", "running"}:
            status = "partial"
        elif not statuses or statuses <= {"not_measured", "failed"}:
            status = "failed"
        else:
            status = "complete"
        self.update(status=status, reason=reason, ended=now_iso())
        self.note_hashes()
        return status

    def note_hashes(self) -> None:
        """Keep the SHA-256 of every file that figures are computed from; one that was noted before stays as it was."""
        noted: dict[str, str] = self.manifest.get("hashes", {})
        files = {path.relative_to(self.path).as_posix(): path for path in _computed_from(self.path)}
        self.update(hashes=noted | {name: _sha256(path) for name, path in files.items() if name not in noted})

    def samples_path(self, scenario: str, worker: str) -> Path:
        """Where one worker's samples of one scenario go."""
        return self.path / "samples" / f"{scenario}.{worker}.arrows"

    def redact_logs(self) -> None:
        """Go over the logs that other processes wrote here, where anything is to be redacted."""
        if self.redactor is None:
            return
        for log in (self.path / "logs").glob("*.log"):
            log.write_text(self.redactor.text(log.read_text(errors="replace")))

    def log_path(self, name: str) -> Path:
        """Where the log of one process goes; logs are kept with the run."""
        folder = self.path / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    def point_latest(self) -> None:
        """Make ``latest`` beside this run point at it (only where runs are kept together)."""
        link = self.path.parent / "latest"
        if self.path.parent != runs_dir() or (link.exists() and not link.is_symlink()):
            return
        fresh = self.path.parent / f".latest-{os.getpid()}"
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self.path.name)
            fresh.replace(link)

    def _write(self, manifest: Mapping[str, Any]) -> None:
        target = self.path / "manifest.json"
        partial = target.with_suffix(".json.partial")
        written = self.redactor.tree(manifest) if self.redactor else manifest
        partial.write_text(json.dumps(written, indent=1, default=str) + "\n")
        partial.replace(target)


def _computed_from(run: Path) -> Iterator[Path]:
    """What a report reads besides the manifest: samples, events, and the plan that a planner left."""
    yield from sorted(path for path in (run / "samples").glob("*") if path.suffix != ".partial")
    yield from (path for name in ("events.jsonl", "plan.json") if (path := run / name).exists())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def redactor_of(config: Config) -> Redactor | None:
    """What takes names out of what a run writes, where the configuration says so."""
    return Redactor.of(config.aws) if config.aws is not None and config.aws.redact else None


class Events:
    """Appends timestamped annotations to events.jsonl, a whole line at a time."""

    def __init__(self, run: RunDir, scenario: str) -> None:
        self._file = (run.path / "events.jsonl").open("a", buffering=1)
        self._scenario, self._redactor = scenario, run.redactor

    def add(self, kind: str, *, trial: int | None = None, t_ns: int | None = None, **fields: Any) -> int:
        """Write one event; ``t_ns`` (monotonic) defaults to now. Returns the monotonic time written."""
        monotonic, wall = clock_pair()
        when = monotonic if t_ns is None else t_ns
        record = {
            "t_ns": when,
            "wall_ns": wall - (monotonic - when),
            "scenario": self._scenario,
            "trial": trial,
            "kind": kind,
        }
        told = self._redactor.tree(fields) if self._redactor else fields
        self._file.write(json.dumps(record | told) + "\n")
        return when

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def command_line() -> list[str]:
    """What was typed to start this process, without the path of the program."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def now_iso() -> str:
    """The wall clock in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def git_state() -> dict[str, Any] | None:
    """The checkout's commit and whether it was altered; None outside a checkout."""
    if not in_checkout():
        return None

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def versions() -> dict[str, str]:
    """Versions of ourselves, Python and the libraries that figures depend on."""
    found = {"dbharness": metadata.version("dbharness"), "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in _LIBRARIES}


def machine() -> dict[str, Any]:
    """The machine that makes the load: processor, cores, memory, system, and what makes its figures noisy."""
    cores = len(os.sched_getaffinity(0))
    return {
        "cpu": _cpu_model(), "cores": cores, "memory_bytes": psutil.virtual_memory().total,
        "os": _os_name(), "kernel": platform.release(), "load_1min_at_start": os.getloadavg()[0],
        "noise": noise(cores=cores).as_record(),
    }  # fmt: skip


def refuse_taken(path: Path) -> None:
    """Raises UsageError for an ``--out`` that holds something already."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"--out {path}: exists and isn't an empty directory; name one that doesn't exist")


def fresh(parent: Path, prefix: str = "") -> Path:
    """A new directory whose name nobody has taken: the time, then a counter where two start in one second."""
    stamp = prefix + time.strftime("%Y%m%d-%H%M%S")
    for candidate in _names(stamp):
        try:
            (parent / candidate).mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise CannotMeasure(f"{parent}: {error.strerror}; name another place with --out") from error
        return parent / candidate
    raise CannotMeasure(f"{parent}: a thousand runs have started in this second; clear it up")


def _names(stamp: str) -> Iterator[str]:
    yield stamp
    for number in range(2, 1000):
        yield f"{stamp}-{number}"


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _os_name() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return platform.system()
