"""The endpoint's name server: CNAME to an address with RDS's TTL, moved at once."""

import socket
from collections.abc import Iterator

import pytest

from harness.local.dns import DnsServer, resolve


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    server = DnsServer()
    server.start()
    yield server
    server.stop()


def test_a_name_points_where_it_was_moved_last_with_a_ttl_of_five_seconds(dns: DnsServer) -> None:
    """First one zone, then the other, at the next question; names ignore case."""
    dns.move("mysql.dbharness.test", "127.0.1.1")
    first = resolve("mysql.dbharness.test", dns.address)
    dns.move("mysql.dbharness.test", "127.0.1.2")
    assert (first.address, first.ttl_s) == ("127.0.1.1", 5)
    assert resolve("MySQL.dbharness.test", dns.address).address == "127.0.1.2"


def test_a_name_of_several_addresses_is_answered_with_all_each_time_beginning_with_the_next(dns: DnsServer) -> None:
    """Readers: three answers, and the fourth is the first again; a moved name forgets who isn't a reader any more."""
    dns.move("readers.test", "127.0.1.1", "127.0.1.2", "127.0.1.3")
    answers = [resolve("readers.test", dns.address).addresses for _ in range(4)]
    assert [addresses[0] for addresses in answers] == ["127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.1"]
    assert answers[1] == ("127.0.1.2", "127.0.1.3", "127.0.1.1")
    dns.move("readers.test", "127.0.1.3")
    assert resolve("readers.test", dns.address).addresses == ("127.0.1.3",)
    dns.move("readers.test")
    with pytest.raises(socket.gaierror):
        resolve("readers.test", dns.address)


def test_another_time_to_live_is_what_it_is_told() -> None:
    """Of the name and of the address behind it: the least of both is what a resolver may keep."""
    server = DnsServer(ttl_s=1)
    server.start()
    server.move("a.test", "127.0.1.1")
    assert resolve("a.test", server.address).ttl_s == 1
    server.stop()


def test_an_unknown_name_is_an_error_of_the_resolvers_kind(dns: DnsServer) -> None:
    """As getaddrinfo would raise it."""
    with pytest.raises(socket.gaierror, match="knows no address of other.test"):
        resolve("other.test", dns.address)


def test_garbage_does_not_stop_the_server(dns: DnsServer) -> None:
    """It is ignored, and the next question answered."""
    dns.move("a.test", "127.0.1.1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
        for garbage in (b"\x00", b"\xff" * 40, b"GET / HTTP/1.1\r\n\r\n"):
            rude.sendto(garbage, dns.address)
    assert resolve("a.test", dns.address).address == "127.0.1.1"


def test_a_server_that_is_silent_is_a_timeout() -> None:
    """A bound socket that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(TimeoutError):
            resolve("a.test", silent.getsockname(), timeout_s=0.05)


def test_what_was_answered_before_is_answered_anew_after_a_change(dns: DnsServer) -> None:
    """Twice the same, then after another TTL, after several addresses that take turns, and after none."""
    name = "again.dbharness.test"

    def answers(count: int) -> list[tuple[tuple[str, ...], int]]:
        return [(answer.addresses, answer.ttl_s) for answer in (resolve(name, dns.address) for _ in range(count))]

    dns.move(name, "127.0.1.1")
    assert answers(2) == [(("127.0.1.1",), 5)] * 2
    dns.ttl_s = 1
    assert answers(1) == [(("127.0.1.1",), 1)]
    dns.move(name, "127.0.1.2", "127.0.1.3")
    assert answers(3) == [(order, 1) for order in (("127.0.1.2", "127.0.1.3"), ("127.0.1.3", "127.0.1.2")) * 2][:3]
    dns.move(name)
    with pytest.raises(socket.gaierror):
        resolve(name, dns.address)
