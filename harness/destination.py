"""A place elsewhere that a run is kept in: any URL that pyarrow has a file system for (``s3://bucket/prefix``).

A run is always written to a local directory, where nothing can stall the load; what ``begin`` and ``send`` do is copy
it. The manifest goes last, so that whoever finds one finds all that it speaks of.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs

from harness.errors import CannotMeasure, UsageError

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")
_MANIFEST = "manifest.json"
_WITHOUT_FOLDERS = ("s3", "gcs", "abfs")


class Destination:
    """The run directory's copy at ``url``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        # Neither what stands before the host nor the options after the path are for a message or a log.
        self.name = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        if parts.password:
            raise UsageError(
                f"--out {self.name}: a key in the URL would be kept in the manifest; give it by environment"
            )
        try:
            self._files, self._root = pa.fs.FileSystem.from_uri(url)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise UsageError(
                f"--out {self.name}: {_said(error).replace(url, self.name)}; give a folder, or a URL like s3://bucket/prefix"
            ) from error

    @classmethod
    def of(cls, out: str) -> "Destination | None":
        """The destination that ``--out`` names; None where that is a local folder. Raises UsageError."""
        return cls(out) if _URL.match(out) else None

    def begin(self, run: Path) -> None:
        """Copy the manifest before anything is measured; UsageError where a run is there already or nothing may be."""
        try:
            there = self._files.get_file_info(f"{self._root}/{_MANIFEST}").type != pa.fs.FileType.NotFound
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"--out {self.name}: can't be read: {_said(error)}") from error
        if there:
            raise UsageError(f"--out {self.name}: holds a run already; name a place that doesn't exist")
        try:
            self._copy(run, run / _MANIFEST)
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"--out {self.name}: can't be written: {_said(error)}") from error

    def send(self, run: Path) -> int:
        """Copy all files of the run, over what is there; returns their number. Raises CannotMeasure; the run stays."""
        files = [path for path in sorted(run.rglob("*")) if path.is_file() and path.suffix != ".partial"]
        files.sort(key=lambda path: path == run / _MANIFEST)
        for path in files:
            try:
                self._copy(run, path)
            except (pa.ArrowException, OSError) as error:
                raise CannotMeasure(
                    f"{self.name}: can't be written: {_said(error)}; the run is kept in {run}"
                ) from error
        return len(files)

    def send_only(self, run: Path, names: Sequence[str]) -> None:
        """Copy those of these files that are there, while the run goes on. Raises CannotMeasure."""
        try:
            for name in names:
                if (run / name).exists():
                    self._copy(run, run / name)
        except (pa.ArrowException, OSError) as error:
            raise CannotMeasure(f"{self.name}: can't be written: {_said(error)}") from error

    def _copy(self, run: Path, path: Path) -> None:
        target = f"{self._root}/{path.relative_to(run).as_posix()}"
        if self._files.type_name not in _WITHOUT_FOLDERS:
            self._files.create_dir(target.rpartition("/")[0], recursive=True)
        pa.fs.copy_files(str(path), target, pa.fs.LocalFileSystem(), self._files)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())
