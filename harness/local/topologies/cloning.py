"""A copy of a data directory: how a replica is made, how a failed writer is rebuilt, and what a snapshot of a volume is."""

import shutil
from pathlib import Path

from harness.errors import ServerFailed
from harness.local.processes import Warden, log_tail

PATIENCE_S = 120.0


def clone(warden: Warden, source: Path, target: Path) -> None:
    """Copy the folder ``source`` to ``target``, in place of such as was there, as the servers' own and nobody else's to enter.

    No server may run on ``target``, nor, unless all its threads stand still, on ``source``. A process of its own does it, which
    ends with the servers: a thousand files copied here would keep the load from its turn. Raises ServerFailed.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700)
    warden.give(target)
    name = f"clone-{target.parent.name}-{target.name}"
    log = warden.scratch / f"{name}.log"
    warden.spawn(name, ["cp", "-a", f"{source}/.", str(target)], log=log)
    if code := warden.wait(name, PATIENCE_S):
        raise ServerFailed(f"{source} can't be copied to {target}: cp ended with exit code {code}", log_tail(log))
    target.chmod(0o700)  # cp gave it the mode of its source
