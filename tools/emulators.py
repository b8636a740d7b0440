"""Starts other people's DynamoDB emulators as servers of a warden's, on loopback, at ports of the system's choice."""

import time

from harness.errors import CannotMeasure
from harness.local.processes import Warden, log_tail
from tools import fetched

HOST = "127.0.0.1"
_TIMEOUT_S = 30.0


def start_dynalite(warden: Warden) -> int:
    """dynalite from npm, in memory, its tables there at once; returns its port."""
    port = warden.port()
    command = ["node", str(fetched.dynalite()), "--host", HOST, "--port", str(port)]
    command += ["--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0"]
    return _listening(warden, "dynalite", command, "listening", port)


def start_moto(warden: Warden) -> int:
    """moto's server from PyPI; returns its port."""
    port = warden.port()
    command = [str(fetched.python("moto")), "-m", "moto.server", "-H", HOST, "-p", str(port)]
    return _listening(warden, "moto", command, "running on", port)


def _listening(warden: Warden, name: str, command: list[str], sign: str, port: int) -> int:
    """Start a server and wait until it says that it listens."""
    log = warden.scratch / f"{name}.log"
    warden.spawn(name, command, log=log, unprivileged=False)
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        if log.exists() and sign in log.read_text(errors="replace").lower():
            return port
        if warden.exit_code(name) is not None:
            break
        time.sleep(0.02)
    raise CannotMeasure(f"{name} didn't start\n{log_tail(log)}")
