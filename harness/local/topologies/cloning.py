"""A copy of a stopped server's data directory: how a replica is made, and how a failed writer is rebuilt."""

import shutil
from pathlib import Path

from harness.local.processes import Warden


def clone(warden: Warden, source: Path, target: Path) -> None:
    """Copy the folder ``source`` to ``target``, in place of such as was there, as the servers' own and nobody else's to enter.

    No server may run on either. What isn't a regular file (a socket that a killed server left) isn't copied.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    warden.give(target)
    for path in sorted(source.rglob("*")):
        copied = target / path.relative_to(source)
        if path.is_dir():
            copied.mkdir(mode=0o700)
        elif path.is_file():
            shutil.copyfile(path, copied)
            copied.chmod(0o600)
        else:
            continue
        warden.give(copied)
