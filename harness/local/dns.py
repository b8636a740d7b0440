"""A small DNS server on loopback: the endpoints of an RDS database, CNAMEs to addresses, with a TTL of 5 s (D2)."""

import os
import socket
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from threading import Thread

import dnslib

TTL_S = 5
_REPLIES_KEPT = 64
_ID_BYTES = 2  # a message's id comes first; all else of it is the same whenever the same is asked and answered


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a name points, in the order of the answer, and for how long a resolver may keep that."""

    addresses: tuple[str, ...]
    ttl_s: int

    @property
    def address(self) -> str:
        """The one that a client takes which takes the first."""
        return self.addresses[0]


class DnsServer:
    """Answers for the names it was told; ``move`` re-points one. Runs in a thread (a greenlet where patched).

    A name of several addresses, as readers have, is answered with all of them, each time beginning with the next.
    """

    def __init__(self, host: str = "127.0.0.1", ttl_s: int = TTL_S) -> None:
        self.ttl_s = ttl_s
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self._zone: dict[str, deque[str]] = {}
        self._replies: dict[tuple[bytes, int], bytes] = {}  # by question and TTL, without their ids
        self._thread = Thread(target=self._serve, name="dns", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; the port is free on return."""
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as farewell:
                farewell.sendto(b"", self.address)
            self._thread.join()
        self._socket.close()

    def move(self, name: str, *addresses: str) -> None:
        """Point ``name`` at ``addresses`` from now on; at none, and it isn't known any more."""
        self._zone[f"{name.lower()}."] = deque(addresses)
        self._replies = {}  # another one: a reply that is being made may be the old one, and goes where nobody looks

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            try:
                reply = self._reply(data)
            except (dnslib.DNSError, ValueError):  # not a question: whoever sent it waits for nothing
                continue
            self._socket.sendto(reply, client)

    def _reply(self, data: bytes) -> bytes:
        """The answer to a question, from those given already where nothing takes turns: clients ask a thousand times a second."""
        replies, asked = self._replies, (data[_ID_BYTES:], self.ttl_s)
        if asked in replies:
            return data[:_ID_BYTES] + replies[asked]
        packed, turns = self._made_reply(data)
        if not turns and len(replies) < _REPLIES_KEPT:
            replies[asked] = packed[_ID_BYTES:]
        return packed

    def _made_reply(self, data: bytes) -> tuple[bytes, bool]:
        """The answer, and whether the next will be another."""
        question = dnslib.DNSRecord.parse(data)
        reply = question.reply()
        name = str(question.q.qname).lower()
        addresses = self._zone.get(name)
        if not addresses:
            reply.header.rcode = dnslib.RCODE.NXDOMAIN
        elif question.q.qtype in (dnslib.QTYPE.A, dnslib.QTYPE.ANY):
            host = f"az-{'-'.join(sorted(address.rpartition('.')[2] for address in addresses))}.{name}"
            reply.add_answer(dnslib.RR(name, dnslib.QTYPE.CNAME, ttl=self.ttl_s, rdata=dnslib.CNAME(host)))
            for address in addresses:
                reply.add_answer(dnslib.RR(host, dnslib.QTYPE.A, ttl=self.ttl_s, rdata=dnslib.A(address)))
            addresses.rotate(-1)
        return reply.pack(), len(addresses or ()) > 1


def resolve(name: str, server: tuple[str, int], timeout_s: float = 1.0) -> Answer:
    """Ask ``server`` for the addresses of ``name``, following no cache.

    Raises TimeoutError when it doesn't answer, socket.gaierror when it doesn't know the name.
    """
    question_id = os.urandom(_ID_BYTES)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout_s)
        asking.connect(server)
        asking.send(question_id + _question(name))
        reply = asking.recv(4096)
    answer = _answer(reply[_ID_BYTES:])
    if reply[:_ID_BYTES] != question_id or answer is None:
        raise socket.gaierror(socket.EAI_NONAME, f"{server[0]}:{server[1]} knows no address of {name}")
    return answer


@lru_cache(_REPLIES_KEPT)
def _question(name: str) -> bytes:
    """The question for a name's address, without an id."""
    packed: bytes = dnslib.DNSRecord.question(name).pack()
    return packed[_ID_BYTES:]


@lru_cache(_REPLIES_KEPT)
def _answer(reply: bytes) -> Answer | None:
    """What a reply, without its id, says; None where it has no address."""
    records = dnslib.DNSRecord.parse(bytes(_ID_BYTES) + reply).rr
    addresses = tuple(str(record.rdata) for record in records if record.rtype == dnslib.QTYPE.A)
    return Answer(addresses, min(record.ttl for record in records)) if addresses else None
