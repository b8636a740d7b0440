"""The part of RDS in a Multi-AZ instance: watches the server, fences it, starts the standby, moves the endpoint.

Two loopback addresses are two AZs, one data directory is the synchronously replicated volume: starting a server on the
other address is what a block-replicated standby does after a process crash, crash recovery on the same bytes included.
It isn't a lost host: the kernel's page cache survives (F6 in docs/facts.md).
"""

import logging
import socket
import time
from collections.abc import Callable

from harness.errors import ServerFailed
from harness.local.dns import DnsServer
from harness.local.services import ZONES
from harness.local.sqlserver import SqlServer

logger = logging.getLogger(__name__)
CHECK_EVERY_S = 0.02
FAILED_CHECKS = 2

OnEvent = Callable[[str, str], None]  # what happened, and in which zone


class Controller:
    """Keeps one server available at one DNS name; ``watch`` runs in a greenlet of its own for one trial."""

    def __init__(
        self, server: SqlServer, dns: DnsServer, name: str, *, sleep_s: Callable[[float], None] = time.sleep
    ) -> None:
        self.server, self.name, self.active = server, name, ZONES[0]
        self.failure: ServerFailed | None = None
        self._dns, self._sleep_s = dns, sleep_s
        self._watching = False

    def start(self) -> None:
        """Start the server in the first zone and publish it."""
        self.server.start(self.active)
        self._dns.move(self.name, self.active)

    def watch(self, on_event: OnEvent) -> None:
        """Until ``stop``: check the active server, and fail over when two checks in a row fail.

        Events: fault_detected, fenced, server_started (about to be), server_ready, dns_moved. A standby that won't
        start ends the watch with ``failure`` set.
        """
        self._watching, failed = True, 0
        while self._watching:
            failed = 0 if self._answers() else failed + 1
            if failed == FAILED_CHECKS:
                try:
                    self._fail_over(on_event)
                except ServerFailed as error:
                    logger.error("%s", error)
                    self.failure = error
                    return
                failed = 0
            self._sleep_s(CHECK_EVERY_S)

    def stop(self) -> None:
        """End the watch after its present check."""
        self._watching = False

    def _fail_over(self, on_event: OnEvent) -> None:
        failed, standby = self.active, ZONES[1 - ZONES.index(self.active)]
        on_event("fault_detected", failed)
        self.server.kill()
        on_event("fenced", failed)
        on_event("server_started", standby)
        self.server.start(standby)
        on_event("server_ready", standby)
        self.active = standby
        self._dns.move(self.name, standby)
        on_event("dns_moved", standby)

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.active, self.server.endpoint(self.active).port), 0.2).close()
        except OSError:
            return False
        return True
