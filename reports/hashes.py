"""Whether the files that figures are computed from are those that were written: their SHA-256 against the manifest's ``hashes``."""

import hashlib
from collections.abc import Iterator, Mapping

import pyarrow.fs

from reports.folder import Folder
from reports.samples import FOLDER

_BLOCK = 1 << 20  # bytes read at a time: a file may be larger than memory


def altered(folder: Folder, noted: Mapping[str, str], scenario: str | None = None) -> Iterator[str]:
    """A sentence for each file of the run that isn't the one whose digest was noted, or wasn't noted, or is gone.

    Of a ``scenario`` alone what its figures are made of: its own samples, and what is the whole run's. Raises what stands in
    ``FAILURES`` where the folder can't be read.
    """
    there = {f"{FOLDER}/{name}" for name in folder.names(FOLDER) if not name.endswith(".partial")}
    for name in sorted(noted.keys() | there):
        if scenario is not None and name.startswith(f"{FOLDER}/") and not name.startswith(f"{FOLDER}/{scenario}."):
            continue
        if name not in noted:
            yield f"{name} wasn't there when the run was closed"
        elif name not in there and not _is_file(folder, name):
            yield f"{name} is missing: it was there when the run was closed"
        elif (digest := _sha256(folder, name)) != noted[name]:
            yield f"{name} isn't what was written: its SHA-256 is {digest[:16]}…, and {noted[name][:16]}… was noted"


def _is_file(folder: Folder, name: str) -> bool:
    (found,) = folder.files.get_file_info([f"{folder.root}/{name}"])
    return bool(found.type == pyarrow.fs.FileType.File)


def _sha256(folder: Folder, name: str) -> str:
    digest = hashlib.sha256()
    with folder.open(name) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
