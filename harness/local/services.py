"""The embedded services a scenario needs: started together, or shared with those that ``services up`` keeps running."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from harness.cache.endpoint import CacheEndpoint
from harness.config import CacheSettings
from harness.dynamodb.access import DynamoAccess
from harness.errors import CannotMeasure, UsageError
from harness.local.cache_server import CacheServer
from harness.local.caches import Caches
from harness.local.doors import Doors
from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.sql_proxy import SqlProxy, make_proxy
from harness.local.sqlserver import SqlServer
from harness.local.tcp_proxy_control import TcpProxy
from harness.local.topologies.make import make
from harness.local.topologies.model import Topology, TopologyName
from harness.local.topologies.volume import MAKE
from harness.local.twin import TwinServer
from harness.paths import cache_dir
from harness.services import Needs, Place
from harness.sql.endpoint import Engine, SqlEndpoint

HOST = "127.0.0.1"
SERVERS: Mapping[Engine, Callable[[Warden, tuple[str, ...]], SqlServer]] = {
    "postgres": PostgresServer,
    "mysql": MariaDbServer,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is up and where; also the file that ``services up`` leaves for others to attach to."""

    control: str
    dynamodb_url: str | None = None
    dynamodb_speed: float = 1.0
    dynamodb_partition_limits: bool = True
    cache: tuple[CacheEndpoint, ...] = ()
    sql: dict[Engine, SqlEndpoint] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The state as ``asdict`` gave it and a file or a message kept it."""
        sql = {engine: SqlEndpoint(**endpoint) for engine, endpoint in record["sql"].items()}
        cache = tuple(CacheEndpoint(**endpoint) for endpoint in record["cache"])
        return cls(**{**record, "sql": sql, "cache": cache})

    def offers(self, needs: Needs) -> bool:
        """Whether everything needed is up already; a scenario that stops or alters servers wants its own."""
        same = self.dynamodb_speed, self.dynamodb_partition_limits
        wanted = needs.dynamodb_speed, needs.dynamodb_partition_limits
        twin = not needs.dynamodb or (self.dynamodb_url is not None and same == wanted)
        cache = not needs.cache or (bool(self.cache) and _mode(self.cache[0]) == needs.cache_mode)
        known = {*self.sql, *self.unavailable}
        own = needs.dynamodb_own or needs.cache_own or needs.sql_servers
        return twin and cache and not own and known.issuperset(needs.engines)


class LocalServices:
    """Services that are up; ``close`` ends what was started here and leaves what was attached to.

    ``cache_servers`` are those that the scenario may start, stop and kill: its own, as each ``topology`` is.
    """

    def __init__(
        self,
        warden: Warden | None,
        state: State,
        cache_servers: tuple[CacheServer, ...] = (),
    ) -> None:
        self._warden, self.state = warden, state
        self.cache_servers = cache_servers
        self._rooms = 0

    @classmethod
    def up(cls, needs: Needs) -> Self:
        """Everything ``needs`` names, from ``services up`` where that offers it all, else started now, side by side.

        A database that can't be had on this system is in ``unavailable`` with the reason, all else runs. Raises
        ServerFailed, with the server's last log lines, for one that should start and doesn't.
        """
        state = _live_state()
        if state is not None and state.offers(needs):
            return cls(None, state)
        warden = Warden.start()
        try:
            state, cache_servers = _start(warden, needs, "")
        except BaseException:
            warden.close()
            raise
        return cls(warden, state, cache_servers)

    @property
    def dynamodb(self) -> DynamoAccess:
        """How the twin is asked."""
        return DynamoAccess(url=self.dynamodb_url)

    @property
    def dynamodb_url(self) -> str:
        """Where the twin answers."""
        assert self.state.dynamodb_url, "the scenario's needs don't name DynamoDB"
        return self.state.dynamodb_url

    @property
    def cache_nodes(self) -> tuple[CacheEndpoint, ...]:
        """The cache's nodes: one, but for a cluster."""
        assert self.state.cache, "the scenario's needs don't name a cache"
        return self.state.cache

    @property
    def cache(self) -> CacheEndpoint:
        """The cache that is one node."""
        (node,) = self.cache_nodes
        return node

    @property
    def sql(self) -> dict[Engine, SqlEndpoint]:
        """Databases that run, by engine."""
        return self.state.sql

    @property
    def products(self) -> dict[str, str]:
        """Product and version of each service."""
        return self.state.products

    @property
    def unavailable(self) -> dict[str, str]:
        """What can't be had here, and why in one line."""
        return self.state.unavailable

    @property
    def places(self) -> dict[str, Place]:
        """Stand-ins, all of them."""
        return dict.fromkeys(self.products, "local model")

    @property
    def table_prefix(self) -> str:
        """None: the twin is nobody else's."""
        return ""

    def make_table(self, definition: Mapping[str, Any]) -> None:
        """See Services."""
        name = definition["TableName"]
        with self.dynamodb.lean() as client:
            client.call("DeleteTable", {"TableName": name})
            created = client.call("CreateTable", dict(definition))
        if created.status != 200:
            raise CannotMeasure(f"CreateTable {name}: {created.error_code}: {created.body.get('message')}")

    def as_record(self) -> dict[str, Any]:
        """See Services."""
        return asdict(self.state)

    def topology(self, engine: Engine, name: TopologyName, **options: Any) -> Topology:
        """The servers of one database, not created yet; they end with the services that were started here.

        Each time others, in a room of their own.

        ``options`` as ``harness.local.topologies.make`` says. Raises CannotMeasure where the engine can't be had.
        """
        assert self._warden, "others use these services too: nobody may break them"
        if engine in self.unavailable:
            raise CannotMeasure(self.unavailable[engine])
        self._rooms += 1
        return make(self._warden.room(f"t{self._rooms}"), engine, name, **options)

    def sql_server(
        self, engine: Engine, zones: tuple[str, ...], settings: Mapping[str, str], name: str
    ) -> tuple[SqlServer, Warden]:
        """A server of its own, not created yet, in a room of its own, and the room; it ends with the services started here.

        It may be started at any of ``zones``. Raises CannotMeasure where the engine can't be had.
        """
        assert self._warden, "others use these services too: nobody may break them"
        if engine in self.unavailable:
            raise CannotMeasure(self.unavailable[engine])
        self._rooms += 1
        room = self._warden.room(f"s{self._rooms}")
        return MAKE[engine](room, zones, settings, name=name), room

    def tcp_proxy(self, target: tuple[str, int], name: str) -> TcpProxy:
        """A proxy before one of the services that were started here; it ends with them."""
        assert self._warden, "others use these services too: nothing is put before them"
        proxy = TcpProxy(self._warden, target, name=name)
        proxy.start()
        return proxy

    def doors(self, zones: Sequence[str], port: int) -> Doors:
        """Doors before the zones of a topology that was started here; they end with it."""
        assert self._warden, "others use these services too: nothing is put before them"
        doors = Doors(self._warden, zones, port)
        doors.start()
        return doors

    def sql_proxy(self, behind: SqlEndpoint) -> SqlProxy:
        """A proxy as RDS has one, not started yet, before a database of ``topology``; see ``harness.local.sql_proxy``."""
        assert self._warden, "others use these services too: nothing is put before them"
        self._rooms += 1
        return make_proxy(self._warden, behind, name=f"proxy-{self._rooms}")

    def close(self) -> None:
        """End what was started for this scenario."""
        if self._warden is not None:
            self._warden.close()


def services_up(dynamodb_speed: float = 1.0) -> State:
    """Start everything and leave it running; raises UsageError when something is up already."""
    if _live_state() is not None:
        raise UsageError("services are up already; `dbharness services down` stops them")
    warden = Warden.start_detached()
    try:
        needs = Needs(dynamodb=True, dynamodb_speed=dynamodb_speed, cache=True, engines=("postgres", "mysql"))
        state, *_ = _start(warden, needs, str(warden.scratch / "control"))
        _write_state(state)
    except BaseException:
        warden.close()
        raise
    warden.detach()
    return state


def services_down() -> bool:
    """Stop what ``services_up`` left running; False when there was nothing."""
    state = _live_state()
    _state_file().unlink(missing_ok=True)
    if state is None:
        return False
    Warden.attach(Path(state.control)).close()
    return True


def services_status() -> State | None:
    """What is up, None when nothing is."""
    return _live_state()


def _start(warden: Warden, needs: Needs, control: str) -> tuple[State, tuple[CacheServer, ...]]:
    """Start what is needed at the same time; the first failure is raised when all have come to an end."""
    products: dict[str, str] = {}
    unavailable: dict[str, str] = {}
    starts: list[Callable[[], object]] = []
    twin = caches = None
    if needs.dynamodb:
        twin = TwinServer(warden, needs.dynamodb_speed, partition_limits=needs.dynamodb_partition_limits)
        products["dynamodb"] = twin.product
        starts.append(twin.start)
    if needs.cache:
        caches = Caches(warden, needs.cache_mode)
        products[caches.engine] = caches.product
        starts.append(caches.start)
    servers: dict[Engine, SqlServer] = {}
    for engine in dict.fromkeys((*needs.engines, *needs.sql_servers)):
        try:
            server = SERVERS[engine](warden, (HOST,))
        except CannotMeasure as error:
            unavailable[engine] = str(error)
            continue
        products[engine] = server.product
        if engine in needs.engines:
            servers[engine] = server
            starts.append(lambda server=server: _run(server))  # type: ignore[misc]
    with ThreadPoolExecutor(max_workers=max(1, len(starts))) as pool:
        for started in [pool.submit(start) for start in starts]:
            started.result()
    state = State(
        control=control, dynamodb_url=twin.url if twin else None, dynamodb_speed=needs.dynamodb_speed,
        dynamodb_partition_limits=needs.dynamodb_partition_limits,
        cache=tuple(server.endpoint for server in caches.servers) if caches else (),
        sql={engine: server.endpoint(HOST) for engine, server in servers.items()},
        products=products, unavailable=unavailable,
    )  # fmt: skip
    return state, caches.servers if caches and needs.cache_own else ()


def _mode(node: CacheEndpoint) -> CacheSettings:
    """The section ``cache`` that gives such a node."""
    return CacheSettings(auth=node.password is not None, tls=node.tls, cluster=node.cluster)


def _run(server: SqlServer) -> None:
    server.create()
    server.start(HOST)


def _state_file() -> Path:
    return cache_dir() / "services.json"


def _write_state(state: State) -> None:
    """For others of this user only: it holds passwords."""
    path = _state_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(state), file)


def _live_state() -> State | None:
    """The state left by ``services up``, if its warden still answers."""
    try:
        record = json.loads(_state_file().read_text())
        warden = Warden.attach(Path(record["control"]))
    except (OSError, ValueError, KeyError):
        return None
    with contextlib.closing(_Detached(warden)):
        return State.from_record(record)


@dataclass(frozen=True, slots=True)
class _Detached:
    """Lets go of a warden, instead of ending it."""

    warden: Warden

    def close(self) -> None:
        self.warden.detach()
