"""Starts the responder as a server of the warden's, and asks it what it has answered."""

import json
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.errors import ServerFailed
from harness.local.processes import Warden, log_tail

HOST = "127.0.0.1"
_PROGRAM = Path(__file__).with_name("responder.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the responder did for one server: requests it answered itself, requests it passed on, bytes of the former."""

    replayed: int
    passed_on: int
    asked_bytes: int
    answered_bytes: int

    def since(self, earlier: "Counts") -> "Counts":
        """What was added since ``earlier``."""
        return Counts(
            replayed=self.replayed - earlier.replayed,
            passed_on=self.passed_on - earlier.passed_on,
            asked_bytes=self.asked_bytes - earlier.asked_bytes,
            answered_bytes=self.answered_bytes - earlier.answered_bytes,
        )


class Responder:
    """One responder for several servers; ``ports`` has the port of each by its name."""

    def __init__(self, pid: int, ports: dict[str, int], control: int) -> None:
        self.pid, self.ports, self._control = pid, ports, control

    @classmethod
    def start(cls, warden: Warden, servers: Mapping[str, tuple[str, int]], timeout_s: float = 10.0) -> Self:
        """In front of ``servers`` (host and port by name; ``dynamodb…`` speaks HTTP). Raises ServerFailed."""
        log = warden.scratch / "responder.log"
        words = [
            f"{name}={'http' if name.startswith('dynamodb') else 'plain'}:{host}:{port}"
            for name, (host, port) in servers.items()
        ]
        command = [sys.executable, "-I", "-S", str(_PROGRAM), *words]
        pid = warden.spawn("responder", command, log=log, unprivileged=False)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            said = log.read_text() if log.exists() else ""
            if said.endswith("}\n"):
                ports: dict[str, int] = json.loads(said)
                return cls(pid, ports, ports.pop("control"))
            if (code := warden.exit_code("responder")) is not None:
                raise ServerFailed(f"the responder ended with exit code {code}", log_tail(log))
            time.sleep(0.005)
        raise ServerFailed(f"the responder didn't listen within {timeout_s:g} s", log_tail(log))

    def cpu_ns(self) -> int:
        """CPU time that it has taken so far: the part of a floor that isn't the client's."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0])

    def counts(self) -> dict[str, Counts]:
        """The counts of each server, by its name."""
        with socket.create_connection((HOST, self._control), 5.0) as connection:
            told = b"".join(iter(lambda: connection.recv(65_536), b""))
        return {name: Counts(**counts) for name, counts in json.loads(told).items()}
