"""A client of a cluster: every key at the node that holds its slot, a lean connection to each node.

Slots, hash tags and redirections are those of the Valkey and Redis cluster specification. Several keys in one command must
have one slot, which a hash tag gives them: ``{user}:name`` and ``{user}:orders``.
"""

import time
from binascii import crc_hqx
from collections.abc import Callable, Sequence
from typing import Any

from harness.cache.client import CacheClient, CacheError, CacheReplyError, KeyCommands, Word, trust
from harness.cache.endpoint import CacheEndpoint

SLOTS = 16_384
MOST_REDIRECTIONS = 5
REFRESH_EVERY_S = 1.0  # at the most: a node that stays away mustn't cost two questions an operation

Address = tuple[str, int]
Remap = Callable[[Address], Address]


def _where_it_is(address: Address) -> Address:
    return address


def key_slot(key: Word) -> int:
    """The slot of a key: CRC16 (XMODEM) of what stands between its first ``{`` and the next ``}``, else of all of it."""
    data = key if isinstance(key, bytes) else str(key).encode()
    begin = data.find(b"{")
    if begin >= 0 and (end := data.find(b"}", begin + 1)) > begin + 1:
        data = data[begin + 1 : end]
    return crc_hqx(data, 0) % SLOTS


class ClusterClient(KeyCommands):
    """Follows MOVED and ASK, up to five for a command, and counts them in ``moved`` and ``asked``; for one greenlet or thread.

    ``nodes`` are the endpoints that are asked where the slots are, until one answers; login and TLS of the first are those of
    all. A node that is missing ends its command with CacheError in the times of CacheClient and is never waited for elsewhere: no
    other node has its keys. What the cluster itself refuses (CLUSTERDOWN, TRYAGAIN) is a CacheReplyError of that code. The
    map of slots is read again after either, at most once in REFRESH_EVERY_S and for at most ``timeout_s`` to connect
    and to answer. ``remap`` gives the address at which a node of the cluster's own map is reached.
    """

    __slots__ = (
        "_clients", "_clock_s", "_endpoint", "_known", "_read_s", "_remap", "_slots", "_stale", "_timeout_s", "_tls", "asked", "moved",
    )  # fmt: skip

    def __init__(
        self,
        nodes: Sequence[CacheEndpoint],
        timeout_s: float = 2.0,
        *,
        remap: Remap = _where_it_is,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = nodes[0]
        self._timeout_s, self._remap, self._clock_s = timeout_s, remap, clock_s
        self._tls = trust(self._endpoint) if self._endpoint.tls else None
        self._known = [node.address for node in nodes]  # whom to ask for the map, in this order
        self._slots: list[Address] = []
        self._stale, self._read_s = True, float("-inf")
        self._clients: dict[Address, CacheClient] = {}
        self.moved = self.asked = 0

    def delete(self, *keys: str | bytes) -> int:
        """Delete keys, whatever their slots: one command a key; returns how many there were."""
        return sum(int(self.command("DEL", key)) for key in keys)

    def command(self, *words: Word) -> Any:
        """One command of one slot, at the node that has it; the key is the word after the command's name.

        Scripts (EVAL, EVALSHA) have it behind their text and the number of keys.
        """
        slot = key_slot(words[3] if words[0] in ("EVAL", "EVALSHA") else words[1])
        node, asking, hops = self._holder(slot), False, 0
        while True:
            try:
                return self._ask(node, words) if asking else self._client(node).command(*words)
            except CacheReplyError as error:
                if error.error_code not in ("MOVED", "ASK") or hops == MOST_REDIRECTIONS:
                    self._stale = self._stale or error.error_code in ("CLUSTERDOWN", "MOVED")
                    raise
                hops, asking, node = hops + 1, error.error_code == "ASK", _target(error, node)
                if asking:
                    self.asked += 1
                else:
                    self.moved += 1
                    self._slots[slot], self._stale = node, True
            except CacheError:
                self._missing(node)
                raise

    def address_of(self, key: str | bytes) -> Address:
        """See KeyCommands; the node's own address, whatever it is reached at."""
        return self._holder(key_slot(key))

    def close(self) -> None:
        """See KeyCommands."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _holder(self, slot: int) -> Address:
        if self._stale:
            self._refresh()
        return self._slots[slot]

    def _ask(self, node: Address, words: Sequence[Word]) -> Any:
        """At the node that a slot is moving to: it takes the one command that follows ASKING."""
        _, reply = self._client(node).pipeline([("ASKING",), words])
        if isinstance(reply, CacheReplyError):
            raise reply
        return reply

    def _client(self, node: Address) -> CacheClient:
        client = self._clients.get(node)
        if client is None:
            client = self._clients[node] = self._open(node, self._timeout_s)
        return client

    def _open(self, node: Address, timeout_s: float) -> CacheClient:
        return CacheClient.at(self._endpoint.at(*self._remap(node)), timeout_s, tls=self._tls)

    def _missing(self, node: Address) -> None:
        """Whoever didn't answer is asked last for the map."""
        self._stale = True
        if node in self._known:
            self._known.remove(node)
            self._known.append(node)

    def _refresh(self) -> None:
        """Read the map of slots from the first node that answers; raises CacheError only where there is none yet."""
        now_s = self._clock_s()
        if self._slots and now_s - self._read_s < REFRESH_EVERY_S:
            return
        self._read_s, deadline_s = now_s, now_s + self._timeout_s
        failure: CacheError | None = None
        for place, node in enumerate(nodes := list(self._known)):
            left_s = deadline_s - self._clock_s()
            if left_s <= 0:
                break
            try:
                with self._open(node, left_s / (len(nodes) - place)) as client:
                    ranges = client.command("CLUSTER", "SLOTS")
            except CacheError as error:
                failure = failure or error
                self._missing(node)
                continue
            self._take(ranges, node)
            return
        if failure and not self._slots:
            raise failure

    def _take(self, ranges: list[Any], told_by: Address) -> None:
        """The map as CLUSTER SLOTS gives it; a slot that nobody has stays with ``told_by``, who says CLUSTERDOWN."""
        slots, nodes = [told_by] * SLOTS, [told_by]
        for first, last, *holders in ranges:
            addresses = [_address(holder, told_by) for holder in holders]
            slots[first : last + 1] = addresses[:1] * (last + 1 - first)
            nodes += addresses
        self._slots, self._stale = slots, False
        self._known = list(dict.fromkeys([*nodes, *self._known]))
        for gone in self._clients.keys() - set(nodes):
            self._clients.pop(gone).close()


def open_cache(nodes: Sequence[CacheEndpoint], timeout_s: float = 2.0, *, remap: Remap = _where_it_is) -> KeyCommands:
    """A client of the one node, or of the cluster that the nodes belong to; see ClusterClient for ``remap``."""
    if nodes[0].cluster:
        return ClusterClient(nodes, timeout_s, remap=remap)
    return CacheClient.at(nodes[0].at(*remap(nodes[0].address)), timeout_s)


def _address(holder: Sequence[Any], told_by: Address) -> Address:
    """Host and port of one node in CLUSTER SLOTS; without a host it is where the question went."""
    return holder[0].decode() if holder[0] else told_by[0], int(holder[1])


def _target(error: CacheReplyError, node: Address) -> Address:
    """Where ``MOVED 3999 10.0.0.7:6381`` sends: host and port, the asked node's host where it gives none."""
    host, _, port = str(error).split()[2].rpartition(":")
    return host or node[0], int(port)
