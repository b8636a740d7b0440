"""The cache that stands in for ElastiCache: one server, or a cluster of three, as section ``cache`` of the configuration says."""

import secrets
import time

from harness.cache.client import CacheClient, CacheError
from harness.cache.cluster import SLOTS
from harness.cache.endpoint import CacheEndpoint
from harness.config import CacheSettings
from harness.local import cache_programs
from harness.local.cache_server import CacheServer
from harness.local.certificates import Certificates
from harness.local.processes import Warden

HOST = "127.0.0.1"
CLUSTER_NODES = 3
NODE_TIMEOUT_MS = 2_000  # a node that doesn't answer the others for that long counts as failed
_WHOLE = {
    "cluster_state": "ok", "cluster_known_nodes": str(CLUSTER_NODES), "cluster_size": str(CLUSTER_NODES),
    "cluster_slots_ok": str(SLOTS),
}  # fmt: skip


class Caches:
    """The servers of one cache. CannotMeasure where TLS is asked for and no server with it can be had.

    ``engine`` is what it stands in for, ``product`` names server and mode as a report does: ``Redis 7.0.15, AUTH, TLS``.
    """

    def __init__(self, warden: Warden, mode: CacheSettings) -> None:
        program = (cache_programs.redis if mode.tls else cache_programs.valkey)(warden)
        count = CLUSTER_NODES if mode.cluster else 1
        words = [word for word, there in (("AUTH", mode.auth), ("TLS", mode.tls)) if there]
        self.engine = program.engine
        self.product = ", ".join([program.product, *words, *([f"cluster of {count}"] if mode.cluster else [])])
        self._mode = mode
        certificates = Certificates.make(warden, HOST) if mode.tls else None
        password = secrets.token_hex(16) if mode.auth else None
        ports = [warden.port(HOST) for _ in range(2 * count)]
        self._bus_ports = ports[count:]
        self.servers = tuple(
            CacheServer(
                warden, program,
                CacheEndpoint(
                    host=HOST, port=port, password=password, tls=mode.tls, cluster=mode.cluster,
                    authority_pem=certificates.authority_pem if certificates else None,
                ),
                name=f"{program.engine}-{number}" if mode.cluster else program.engine,
                certificates=certificates, settings=self._settings(bus) if mode.cluster else None,
            )
            for number, (port, bus) in enumerate(zip(ports, self._bus_ports, strict=False), 1)
        )  # fmt: skip

    def start(self, timeout_s: float = 20.0) -> None:
        """Start all; returns when each answers, and a cluster has all its slots everywhere. Raises ServerFailed."""
        deadline = time.monotonic() + timeout_s
        for server in self.servers:
            server.start(deadline - time.monotonic())
        if self._mode.cluster:
            self.form(deadline)

    def form(self, deadline: float) -> None:
        """Make a cluster of servers that run, by ``deadline`` (monotonic, s). Raises ServerFailed, which names the node."""
        for number, server in enumerate(self.servers):
            try:
                self._take_slots(number)
            except CacheError as error:
                raise server.failed(f"doesn't take its slots: {error}") from error
        for server in self.servers:
            self._await_whole(server, deadline)

    def _settings(self, bus_port: int) -> dict[str, str]:
        settings = {
            "cluster-enabled": "yes", "cluster-port": str(bus_port), "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
        }  # fmt: skip
        return settings | ({"tls-cluster": "yes"} if self._mode.tls else {})

    def _take_slots(self, number: int) -> None:
        """An equal share to each; all but the first make themselves known to it, and through it to each other."""
        first, last = (SLOTS * place // len(self.servers) for place in (number, number + 1))
        with CacheClient.at(self.servers[number].endpoint) as client:
            client.command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
            client.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)  # equal ones would have to be settled first
            if number:
                client.command("CLUSTER", "MEET", *self.servers[0].endpoint.address, self._bus_ports[0])

    def _await_whole(self, server: CacheServer, deadline: float) -> None:
        said: dict[str, str] = {}
        with CacheClient.at(server.endpoint) as client:
            while not said.items() >= _WHOLE.items():
                if time.monotonic() > deadline:
                    wrong = [f"{name} {said.get(name)}" for name, value in _WHOLE.items() if said.get(name) != value]
                    raise server.failed(f"doesn't see a whole cluster: {', '.join(wrong)}")
                time.sleep(0.02)
                try:
                    said = _cluster_info(client)
                except CacheError as error:
                    raise server.failed(f"left the cluster: {error}") from error


def _cluster_info(client: CacheClient) -> dict[str, str]:
    lines = client.command("CLUSTER", "INFO").decode().split()
    return dict(line.split(":", 1) for line in lines)
