"""A place elsewhere that a run is kept in: any URL that pyarrow has a file system for (``s3://bucket/prefix``).

A run is always written to a local directory, where nothing can stall the load; what ``begin`` and ``send`` do is copy
it. The manifest goes last, so that whoever finds one finds all that it speaks of.
"""

from collections.abc import Sequence
from pathlib import Path

from harness.errors import CannotMeasure, UsageError
from harness.filesystems import FAILURES, MANIFEST, Folder, is_url, said


class Destination:
    """The run directory's copy at ``url``."""

    def __init__(self, url: str) -> None:
        self._folder = Folder.at(url, "--out")
        self.name = self._folder.name

    @classmethod
    def of(cls, out: str) -> "Destination | None":
        """The destination that ``--out`` names; None where that is a local folder. Raises UsageError."""
        return cls(out) if is_url(out) else None

    def begin(self, run: Path) -> None:
        """Copy the manifest before anything is measured; UsageError where a run is there already or nothing may be."""
        try:
            there = self._folder.has(MANIFEST)
        except FAILURES as error:
            raise UsageError(f"--out {self.name}: can't be read: {said(error)}") from error
        if there:
            raise UsageError(f"--out {self.name}: holds a run already; name a place that doesn't exist")
        try:
            self._folder.put(run / MANIFEST, MANIFEST)
        except FAILURES as error:
            raise UsageError(f"--out {self.name}: can't be written: {said(error)}") from error

    def send(self, run: Path) -> int:
        """Copy all files of the run, over what is there; returns their number. Raises CannotMeasure; the run stays."""
        try:
            return self._folder.put_run(run)
        except FAILURES as error:
            raise CannotMeasure(f"{self.name}: can't be written: {said(error)}; the run is kept in {run}") from error

    def send_only(self, run: Path, names: Sequence[str]) -> None:
        """Copy those of these files that are there, while the run goes on. Raises CannotMeasure."""
        try:
            for name in names:
                if (run / name).exists():
                    self._folder.put(run / name, name)
        except FAILURES as error:
            raise CannotMeasure(f"{self.name}: can't be written: {said(error)}") from error
