"""Starts the twin of DynamoDB as a server of the warden's."""

import os
import sys
from importlib.metadata import version

from harness.local.processes import UNPRIVILEGED_UID, Warden, unprivileged_uid
from harness.paths import PROJECT_ROOT

HOST = "127.0.0.1"
_READY = "listening on "


class TwinServer:
    """One twin on loopback, its clock ``speed`` times the wall's; ``partition_limits`` as the twin's option says."""

    def __init__(self, warden: Warden, speed: float = 1.0, *, partition_limits: bool = True) -> None:
        self._warden, self.speed, self.partition_limits = warden, speed, partition_limits
        self.product = f"DynamoDB twin {version('dbharness')}"
        self.url = ""

    def start(self, timeout_s: float = 20.0) -> None:
        """Start at a port asked from the system; returns when it listens, with ``url`` set.

        It starts as ourselves and gives up root's rights after its imports: a Python below a private home directory
        can't be read by the unprivileged user.
        """
        log = self._warden.scratch / "dynamodb.log"
        command = [
            sys.executable,
            "-m",
            "harness.local.dynamodb",
            "--host",
            HOST,
            "--port",
            "0",
            "--speed",
            f"{self.speed!r}",
        ]
        if not self.partition_limits:
            command.append("--no-partition-limits")
        if unprivileged_uid() is not None:
            command += ["--drop-to", str(UNPRIVILEGED_UID)]
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
        self._warden.spawn("dynamodb", command, log=log, env=environment, unprivileged=False)
        self.url = self._warden.announced("dynamodb", "the DynamoDB twin", _READY, log=log, timeout_s=timeout_s)
