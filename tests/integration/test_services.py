"""Services as scenarios ask for them, and as `services up` keeps them."""

import contextlib
import socket
from pathlib import Path

import pytest

from harness.cache.client import CacheClient
from harness.errors import CannotMeasure, UsageError
from harness.local import mariadb_fetch, services
from harness.local.services import LocalServices, services_down, services_status, services_up
from harness.services import Needs
from harness.sql.connections import connect


def test_everything_needed_is_up_together_and_answers() -> None:
    """A cache and both databases, with their products named."""
    with contextlib.closing(LocalServices.up(Needs(cache=True, engines=("postgres", "mysql")))) as up:
        with CacheClient.at(up.cache) as cache:
            cache.set("a", "1")
            assert cache.get("a") == b"1"
        for engine in ("postgres", "mysql"):
            with connect(up.sql[engine]) as connection:
                assert connection.query("SELECT 1") == [(1,)]
        assert up.products["postgres"].startswith("PostgreSQL ")
        assert up.products["mysql"].startswith("MariaDB ")
        assert up.unavailable == {}


def test_a_database_that_cannot_be_had_is_named_and_all_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL reads not measured; PostgreSQL is measured."""

    def nothing() -> None:
        raise CannotMeasure("no MariaDB server: none in this test")

    monkeypatch.setattr(mariadb_fetch, "find", nothing)
    with contextlib.closing(LocalServices.up(Needs(engines=("postgres", "mysql")))) as up:
        assert up.unavailable == {"mysql": "no MariaDB server: none in this test"}
        assert list(up.sql) == ["postgres"]


def test_a_topology_is_made_of_an_engine_that_is_there_and_refused_with_the_reason_for_one_that_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is started for either until it is created; the product of the one is known."""
    monkeypatch.setattr(mariadb_fetch, "find", _missing)
    with contextlib.closing(LocalServices.up(Needs(sql_servers=("postgres", "mysql")))) as up:
        assert up.unavailable == {"mysql": "no MariaDB server: none in this test"}
        assert up.sql == {} and list(up.products) == ["postgres"]
        with pytest.raises(CannotMeasure, match="^no MariaDB server: none in this test$"):
            up.topology("mysql", "single_az")
        topology = up.topology("postgres", "multi_az_instance")
        assert (topology.product, topology.zones) == (up.products["postgres"], ("127.0.1.1", "127.0.1.2"))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((topology.writer, topology.endpoint(topology.writer).port), 1)


def test_an_engine_that_runs_and_is_broken_elsewhere_is_started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named among both kinds of needs."""
    monkeypatch.setattr(mariadb_fetch, "find", _missing)
    with contextlib.closing(LocalServices.up(Needs(engines=("postgres",), sql_servers=("postgres",)))) as up:
        with connect(up.sql["postgres"]) as connection:
            assert connection.query("SELECT 1") == [(1,)]
        assert up.topology("postgres", "single_az").endpoint("127.0.1.1").port != up.sql["postgres"].port


def test_services_up_are_shared_until_they_are_taken_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario attaches and leaves them running; a second `up` is refused; `down` ends them, once."""
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mariadb_fetch, "find", _missing)
    state = services_up()
    try:
        with pytest.raises(UsageError, match="services are up already"):
            services_up()
        with contextlib.closing(LocalServices.up(Needs(cache=True))) as attached:
            assert (attached.cache,) == state.cache
        assert services_status() == state
        mode = (tmp_path / "cache" / "services.json").stat().st_mode & 0o777
        assert mode == 0o600
        with contextlib.closing(LocalServices.up(Needs(dynamodb=True, dynamodb_speed=9.0))) as own:
            assert own.dynamodb_url != state.dynamodb_url
    finally:
        assert services_down()
    assert services_status() is None
    assert not services_down()


def _missing() -> None:
    raise CannotMeasure("no MariaDB server: none in this test")


def test_a_state_file_of_services_long_gone_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left by a machine that lost power."""
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path))
    (tmp_path / "services.json").write_text('{"control": "/nowhere/control"}')
    assert services.services_status() is None
