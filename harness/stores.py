"""Stores of runs: a folder, or a URL of any file system that pyarrow has, with a run directory in each of its folders.

A store has no index and no format of its own. What compares runs reads manifest.json and findings.json alone, so of a store elsewhere
these two come into the project's cache, and only where they changed; a whole run comes by ``fetch``.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import CannotMeasure, UsageError
from harness.filesystems import FAILURES, MANIFEST, Folder, said
from harness.paths import cache_dir, runs_dir

FINDINGS = "findings.json"
UNREADABLE = "unreadable"
COMPLETE = "complete"
_NAME = re.compile(r"[\w][\w.@+-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A run in a store. ``path`` is a directory with its manifest and, where they were made, its findings.

    ``status`` is the manifest's, or *unreadable*; then nothing else is known of it.
    """

    name: str
    path: Path
    status: str
    started: str
    profile: str
    target: str
    commit: str
    scenarios: tuple[str, ...]
    findings: bool

    @property
    def whole(self) -> bool:
        """Whether it can be a baseline."""
        return self.status == COMPLETE and self.findings

    def as_record(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name, "path": str(self.path), "status": self.status, "started": self.started, "profile": self.profile,
            "target": self.target, "commit": self.commit, "scenarios": list(self.scenarios), "findings": self.findings,
        }  # fmt: skip


class Store:
    """One store; a place that is a run directory itself is a store of that run."""

    def __init__(self, folder: Folder, place: str, option: str) -> None:
        self.name, self._folder, self._place, self._option = folder.name, folder, place, option

    @classmethod
    def of(cls, place: str | None, option: str = "--store") -> "Store":
        """The store that ``option`` names, ``runs/`` where it names none. Raises UsageError for a URL that can't be."""
        where = str(runs_dir()) if place is None else place
        return cls(Folder.at(where, option), where, option)

    def entries(self) -> list[Entry]:
        """The runs there, in the order they started, unreadable ones first. Raises UsageError where there is no such place."""
        local = self._folder.local
        if local is not None and not local.is_dir():
            raise UsageError(f"{self._option} {self.name}: no such folder; {self.way_out}")
        try:
            found = [entry for one in self._folders() if (entry := self._read(one)) is not None]
        except FAILURES as error:
            raise CannotMeasure(f"{self._option} {self.name}: can't be read: {said(error)}") from error
        return sorted(found, key=lambda entry: (entry.started, entry.name))

    @property
    def way_out(self) -> str:
        """What to do where the store has nothing."""
        return f"put a run there: dbharness baseline add RUN --store {self.name}"

    def runs(self, scenario: str | None = None, last: int | None = None) -> list[Path]:
        """Directories of the whole runs (of ``scenario``, the ``last`` so many), in the order they started.

        Each has at least manifest.json and findings.json; of a local store it is the run directory itself.
        """
        whole = [
            entry.path for entry in self.entries()
            if entry.whole and (scenario is None or scenario in entry.scenarios)
        ]  # fmt: skip
        return whole if last is None else whole[-last:] if last > 0 else []

    def add(self, run: Path, name: str | None = None) -> str:
        """Copy a whole run into the store, under its own name unless ``name`` is given; returns where it is.

        Raises UsageError for what is no whole run or stands there already.
        """
        entry = _entry(run.resolve().name, run)
        if entry.status == UNREADABLE:
            raise UsageError(f"{run}: has no manifest.json that can be read; give a folder that `dbharness run` wrote")
        if entry.status != COMPLETE:
            raise UsageError(f"{run}: is {entry.status}; a baseline needs a whole run")
        if not entry.findings:
            raise UsageError(f"{run}: has no findings yet; make its report first: dbharness report {run}")
        target = self._folder.below(_checked(name or entry.name))
        try:
            if target.has(MANIFEST):
                raise UsageError(f"{target.name}: holds a run already; give this one another name with --name")
            target.put_run(run)
        except FAILURES as error:
            raise CannotMeasure(f"{target.name}: can't be written: {said(error)}") from error
        return target.name

    def fetch(self, entry: Entry, into: Path) -> int:
        """Copy all of a run to ``into``, which isn't there yet; the number of files. Raises UsageError, CannotMeasure."""
        if into.exists():
            raise UsageError(f"--out {into}: exists; name a folder that doesn't")
        try:
            source = self._folder if self._folder.has(MANIFEST) else self._folder.below(entry.name)
            return source.get_run(into)
        except FAILURES as error:
            shutil.rmtree(into, ignore_errors=True)
            raise CannotMeasure(f"{self.name}: {entry.name} can't be copied to {into}: {said(error)}") from error

    def _folders(self) -> list[Folder]:
        """What may be runs; ``latest`` is another name of one that is there."""
        if self._folder.has(MANIFEST):
            return [self._folder]
        local = self._folder.local
        names = self._folder.folders()
        return [self._folder.below(name) for name in names if local is None or not (local / name).is_symlink()]

    def _read(self, run: Folder) -> Entry | None:
        """The run, after its manifest and findings came to this machine; None for a folder without a manifest."""
        there = run.entries([MANIFEST, FINDINGS])
        if MANIFEST not in there:
            return None
        name = _last(run)
        if run.local is not None:
            return _entry(name, run.local)
        path = cache_dir() / "stores" / hashlib.sha256(self._place.encode()).hexdigest()[:16] / name
        path.mkdir(parents=True, exist_ok=True)
        for file in (MANIFEST, FINDINGS):
            if file not in there:
                (path / file).unlink(missing_ok=True)
            elif not _is_as(path / file, there[file]):
                run.get(file, path / file)
                os.utime(path / file, ns=(there[file].mtime_ns, there[file].mtime_ns))
        return _entry(name, path)


def _is_as(file: Path, there: Any) -> bool:
    """Whether the copy was made of what is there now, by size and time."""
    with contextlib.suppress(OSError):
        here = file.stat()
        return bool((here.st_size, here.st_mtime_ns) == (there.size, there.mtime_ns))
    return False


def _last(folder: Folder) -> str:
    return folder.root.rstrip("/").rpartition("/")[2]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name {name}: use letters, digits and . _ @ + - in the name of a run")
    return name


def _entry(name: str, path: Path) -> Entry:
    manifest: Any = None
    with contextlib.suppress(OSError, ValueError):
        manifest = json.loads((path / MANIFEST).read_text())
    readable = isinstance(manifest, dict) and isinstance(manifest.get("scenarios"), dict)
    known = manifest if readable else {}
    git = known.get("git")
    return Entry(
        name=name,
        path=path,
        status=str(known.get("status")) if readable else UNREADABLE,
        started=str(known.get("started") or ""),
        profile=str(known.get("profile") or ""),
        target=str(known.get("target") or ""),
        commit=str(git.get("commit") or "") if isinstance(git, dict) else "",
        scenarios=tuple(known.get("scenarios") or ()),
        findings=(path / FINDINGS).is_file(),
    )
