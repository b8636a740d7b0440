"""The harness's side of a TCP proxy: starts it under the warden and tells it how to behave."""

import json
import os
import socket
import sys
from typing import Any

from harness.errors import CannotMeasure
from harness.local.processes import UNPRIVILEGED_UID, Warden, unprivileged_uid
from harness.paths import PROJECT_ROOT

_READY = "listening on "
_ANSWER_S = 10.0


class TcpProxy:
    """A proxy in front of ``target``, at ``address``; what each mode does says ``harness.local.tcp_proxy``.

    Each order opens a control connection of its own, so greenlets and threads may give them; it is in effect on return.
    Raises CannotMeasure where the proxy is gone or refuses. It ends with the warden.
    """

    def __init__(
        self,
        warden: Warden,
        target: tuple[str, int],
        *,
        name: str = "tcp_proxy",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._warden, self._name, self._target = warden, name, target
        self._control = warden.scratch / f"{name}.control"
        self.address: tuple[str, int] = (host, port)

    def start(self, timeout_s: float = 20.0) -> None:
        """Start, where no port was given at one asked from the system; returns when it listens, with ``address`` set.

        Raises ServerFailed where it can't, say because the port is taken.
        """
        host, port = self.address
        log = self._warden.scratch / f"{self._name}.log"
        command = [
            sys.executable, "-m", "harness.local.tcp_proxy", "--listen", host, "--port", str(port),
            "--target", "{}:{}".format(*self._target), "--control", str(self._control),
        ]  # fmt: skip
        if unprivileged_uid() is not None:
            command += ["--drop-to", str(UNPRIVILEGED_UID)]
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
        self._warden.spawn(self._name, command, log=log, env=environment, unprivileged=False)
        where = self._warden.announced(self._name, "the TCP proxy", _READY, log=log, timeout_s=timeout_s)
        self.address = (host, int(where.rpartition(":")[2]))

    def pass_on(self) -> None:
        """Mode pass; what was held goes on first."""
        self._ask({"do": "mode", "mode": "pass"})

    def delay(self, delay_ms: float) -> None:
        """Mode delay, each way."""
        self._ask({"do": "mode", "mode": "delay", "delay_ms": delay_ms})

    def black_hole(self) -> None:
        """Mode black_hole: accept, and hold all that comes."""
        self._ask({"do": "mode", "mode": "black_hole"})

    def drop(self) -> None:
        """Mode drop: as if the network had lost the address."""
        self._ask({"do": "mode", "mode": "drop"})

    def refuse(self) -> None:
        """Mode refuse: nobody listens, open connections are closed."""
        self._ask({"do": "mode", "mode": "refuse"})

    def reset(self) -> None:
        """Mode reset, for open and new connections."""
        self._ask({"do": "mode", "mode": "reset"})

    def retarget(self, host: str, port: int) -> None:
        """Forward connections made from now on to another target."""
        self._ask({"do": "target", "host": host, "port": port})

    def state(self) -> dict[str, Any]:
        """``mode``, ``delay_ms``, ``target``, connections (``accepted_``, ``open_``) and bytes.

        Bytes handed on: ``to_target_bytes``, ``to_client_bytes``; held now: ``held_to_target_bytes``,
        ``held_to_client_bytes``.
        """
        return self._ask({"do": "state"})

    def stop(self) -> None:
        """End its process: its connections with it."""
        self._warden.kill(self._name)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as control:
                control.settimeout(_ANSWER_S)
                control.connect(str(self._control))
                control.sendall(json.dumps(request).encode() + b"\n")
                with control.makefile("rb") as replies:
                    line = replies.readline()
            answer: dict[str, Any] = json.loads(line)
        except (OSError, ValueError) as error:
            raise CannotMeasure(f"the TCP proxy {self._name} doesn't answer: {error}") from error
        if not answer.pop("ok"):
            raise CannotMeasure(f"the TCP proxy {self._name} refuses {request}: {answer['error']}")
        return answer
