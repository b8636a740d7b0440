"""Folders on any file system that pyarrow has, by URL (``s3://bucket/prefix``) or by path; what a URL hides stays hidden."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs

from harness.errors import UsageError

FAILURES = (pa.ArrowException, OSError)  # what asking a file system may raise
MANIFEST = "manifest.json"
_URL = re.compile(r"[a-z][a-z0-9+.-]+://")
_WITHOUT_FOLDERS = ("s3", "gcs", "abfs")


def is_url(place: str) -> bool:
    """Whether the text is a URL, rather than a path."""
    return bool(_URL.match(place))


def said(error: Exception) -> str:
    """What a file system said, in one line."""
    return " ".join(str(error).split())


class Folder:
    """One folder; ``name`` is what a message or a log may have of where it is. The methods raise ``FAILURES``."""

    def __init__(self, name: str, files: pa.fs.FileSystem, root: str) -> None:
        self.name, self.root, self._files = name, root, files

    @classmethod
    def at(cls, place: str, option: str) -> "Folder":
        """The folder that ``option`` names. Raises UsageError for a URL with a key in it or without a file system."""
        if not is_url(place):
            path = Path(place).absolute()
            return cls(place, pa.fs.LocalFileSystem(), path.as_posix())
        parts = urlsplit(place)
        # Neither what stands before the host nor the options after the path are for a message or a log.
        name = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        if parts.password:
            raise UsageError(f"{option} {name}: a key in the URL would be kept in the manifest; give it by environment")
        try:
            files, root = pa.fs.FileSystem.from_uri(place)
        except (*FAILURES, ValueError) as error:
            raise UsageError(
                f"{option} {name}: {said(error).replace(place, name)}; give a folder, or a URL like s3://bucket/prefix"
            ) from error
        return cls(name, files, root)

    @property
    def local(self) -> Path | None:
        """Its path where it is on this machine."""
        return Path(self.root) if self._files.type_name == "local" else None

    def below(self, name: str) -> "Folder":
        """A folder inside it."""
        return Folder(f"{self.name.rstrip('/')}/{name}", self._files, f"{self.root.rstrip('/')}/{name}")

    def folders(self) -> list[str]:
        """The names of the folders in it, in order; none where it isn't there."""
        inside = self._files.get_file_info(pa.fs.FileSelector(self.root, allow_not_found=True))
        return sorted(one.base_name for one in inside if one.type == pa.fs.FileType.Directory)

    def entries(self, names: Sequence[str]) -> dict[str, pa.fs.FileInfo]:
        """Those of these files that are there."""
        found = self._files.get_file_info([f"{self.root}/{name}" for name in names])
        return {name: one for name, one in zip(names, found, strict=True) if one.type == pa.fs.FileType.File}

    def has(self, name: str) -> bool:
        """Whether this file is there."""
        return bool(self.entries([name]))

    def put(self, local: Path, name: str) -> None:
        """Copy a local file to ``name`` in here, over what is there."""
        target = f"{self.root}/{name}"
        if self._files.type_name not in _WITHOUT_FOLDERS:
            self._files.create_dir(target.rpartition("/")[0], recursive=True)
        pa.fs.copy_files(str(local), target, pa.fs.LocalFileSystem(), self._files)

    def put_run(self, run: Path) -> int:
        """Copy all files of a run directory but half-written ones, its manifest last: who finds one finds all; their number."""
        files = [path for path in sorted(run.rglob("*")) if path.is_file() and path.suffix != ".partial"]
        files.sort(key=lambda path: path == run / MANIFEST)
        for path in files:
            self.put(path, path.relative_to(run).as_posix())
        return len(files)

    def get(self, name: str, local: Path) -> None:
        """Copy ``name`` in here to a local file, whose folder is there; whole or not at all."""
        beside = local.with_name(f".{local.name}.partial")
        try:
            pa.fs.copy_files(f"{self.root}/{name}", str(beside), self._files, pa.fs.LocalFileSystem())
            beside.replace(local)
        finally:
            beside.unlink(missing_ok=True)

    def get_run(self, local: Path) -> int:
        """Copy all files of a run directory to a local one, its manifest last; their number."""
        inside = self._files.get_file_info(pa.fs.FileSelector(self.root, recursive=True))
        names = [one.path.removeprefix(self.root).lstrip("/") for one in inside if one.type == pa.fs.FileType.File]
        for name in sorted(names, key=lambda name: (name == MANIFEST, name)):
            (local / name).parent.mkdir(parents=True, exist_ok=True)
            self.get(name, local / name)
        return len(names)
