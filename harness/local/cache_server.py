"""One embedded cache server, nothing saved to disk: Valkey or Redis, with a password and TLS where asked for."""

import signal
import time
from collections.abc import Mapping

from harness.cache.client import CacheClient, CacheError
from harness.cache.endpoint import CacheEndpoint
from harness.errors import ServerFailed
from harness.local.cache_programs import CacheProgram
from harness.local.certificates import Certificates
from harness.local.processes import Warden, log_tail

SETTINGS: Mapping[str, str] = {
    "save": "",
    "appendonly": "no",
    "maxmemory-policy": "allkeys-lru",
    "io-threads": "1",
    # Its histograms, 20 KB a command, count against maxmemory and come and go with CONFIG RESETSTAT.
    "latency-tracking": "no",
}


class CacheServer:
    """One node on loopback; it keeps its port when it is killed and started again, and loses what it held."""

    def __init__(
        self,
        warden: Warden,
        program: CacheProgram,
        endpoint: CacheEndpoint,
        *,
        name: str,
        certificates: Certificates | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.endpoint, self.name = endpoint, name
        self._warden, self._program = warden, program
        self._log = warden.scratch / f"{name}.log"
        self._folder = warden.folder(name)
        self._configure(certificates, {**SETTINGS, **(settings or {})})

    def start(self, timeout_s: float = 10.0) -> None:
        """Start; returns when it answers. Raises ServerFailed with its last log lines."""
        command = [str(self._program.path), str(self._folder / "server.conf")]
        pid = self._warden.spawn(self.name, command, log=self._log, env=self._program.environment)
        deadline = time.monotonic() + timeout_s
        with CacheClient.at(self.endpoint) as client:
            while True:
                try:
                    if client.info("server")["process_id"] == str(pid):  # not whoever else has the port
                        return
                    said = "another server answers there"
                except CacheError as error:
                    said = str(error)
                if self._warden.exit_code(self.name) is not None or time.monotonic() > deadline:
                    raise self.failed(f"didn't start: {said}")
                time.sleep(0.005)

    def kill(self) -> None:
        """SIGKILL; gone on return, and its connections with it."""
        self._warden.kill(self.name)

    def hang(self) -> None:
        """SIGSTOP: its connections stay open and nothing is answered, until ``resume`` or ``kill``."""
        self._warden.signal(self.name, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT, after ``hang``: what was asked meanwhile is answered."""
        self._warden.signal(self.name, signal.SIGCONT)

    def failed(self, what: str) -> ServerFailed:
        """The error that says ``what`` is wrong with this server, and its own last words."""
        host, port = self.endpoint.address
        return ServerFailed(f"{self.name} at {host}:{port} {what}", log_tail(self._log))

    def _configure(self, certificates: Certificates | None, settings: Mapping[str, str]) -> None:
        """Its settings in a file that only it can read: a command line, and a password in it, can be read by everybody."""
        host, port = self.endpoint.address
        if certificates:
            listening = {
                "port": "0", "tls-port": str(port), "tls-cert-file": str(certificates.server_file),
                "tls-key-file": str(certificates.key_file), "tls-ca-cert-file": str(certificates.authority_file),
                "tls-auth-clients": "no",
            }  # fmt: skip
        else:
            listening = {"port": str(port)}
        if self.endpoint.password is not None:
            listening["requirepass"] = self.endpoint.password
        words = {"bind": host, "dir": str(self._folder), **listening, **settings}
        file = self._folder / "server.conf"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} {_quoted(value)}\n" for name, value in words.items()))
        self._warden.give(file)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
