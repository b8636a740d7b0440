"""Where a run is: a folder of this machine, or a URL of any file system that pyarrow has; read in place, never written.

What a URL holds beside its host and path (keys, options) is kept out of ``name``, which messages and pages show.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs

FAILURES = (pa.ArrowException, OSError)  # what asking a file system may raise
_URL = re.compile(r"[a-z][a-z0-9+.-]+://")


def is_url(place: str) -> bool:
    """Whether a place is a URL; else it is a path."""
    return bool(_URL.match(place))


def shown(place: Path | str) -> str:
    """A place as a message may have it."""
    if isinstance(place, Path) or not is_url(place):
        return str(place)
    parts = urlsplit(place)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}".rstrip("/")


def said(error: Exception) -> str:
    """What a file system said, in one line: of a local file the system's own words, since whoever asked names the file."""
    known = error.errno if isinstance(error, OSError) else None
    return " ".join((os.strerror(known) if known else str(error)).split()).rstrip(".")


@dataclass(frozen=True, slots=True)
class Folder:
    """A run directory and how it is read. Reading raises what stands in ``FAILURES``."""

    name: str
    root: str
    files: pa.fs.FileSystem

    @classmethod
    def of(cls, place: Path | str) -> "Folder":
        """The folder at a path or a URL. Raises ValueError, ArrowException or OSError for a URL that pyarrow can't follow."""
        if isinstance(place, Path) or not is_url(place):
            return cls(str(place), str(Path(place).absolute()), pa.fs.LocalFileSystem())
        files, root = pa.fs.FileSystem.from_uri(place)
        return cls(root if files.type_name == "local" else shown(place), root, files)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine's own file system."""
        return bool(self.files.type_name == "local")

    def open(self, name: str) -> pa.NativeFile:
        """A file in it, to be read anywhere in any order."""
        return self.files.open_input_file(f"{self.root}/{name}")

    def read(self, name: str) -> str:
        """A file's text; what isn't UTF-8 in it is replaced."""
        with self.open(name) as file:
            return bytes(file.read()).decode(errors="replace")

    def names(self, inside: str) -> list[str]:
        """The files in one of its folders, sorted; none where there is no such folder."""
        selector = pa.fs.FileSelector(f"{self.root}/{inside}", allow_not_found=True)
        return sorted(one.base_name for one in self.files.get_file_info(selector) if one.is_file)
