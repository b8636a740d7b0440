"""dbharness ui: what Locust is told, and what is refused before anything is served."""

import socket

import pytest

from harness.cli_ui import locust_command, refuse_taken
from harness.errors import CannotMeasure
from harness.paths import PROJECT_ROOT
from harness.suite import Request


def asked(*scenarios: str, **more: object) -> Request:
    given = {"profile": None, "target": None, "seed": None, "overrides": ()} | more
    return Request(scenarios=scenarios, out=None, config=PROJECT_ROOT / "config.yaml", command=(), **given)  # type: ignore[arg-type]


def test_one_scenario_is_its_own_file_and_none_is_all_of_them_to_choose_from() -> None:
    """On the address and port asked for."""
    assert locust_command(asked("rds_failover"), host="::1", port=81) == [
        "-m", "locust", "-f", str(PROJECT_ROOT / "scenarios" / "rds_failover.py"), "--web-host=::1", "--web-port=81",
    ]  # fmt: skip
    assert locust_command(asked(), host="127.0.0.1", port=81)[2:5] == [
        "-f", f"{PROJECT_ROOT / 'scenarios'}/", "--class-picker",
    ]  # fmt: skip


def test_what_was_asked_for_is_handed_on() -> None:
    """Profile, target and seed by their own options, a seed of 0 too; every --set."""
    words = locust_command(
        asked("query_vs_scan", profile="smoke", target="aws", seed=0, overrides=("a.b=1", "c=[2]")), host="h", port=1
    )
    assert words[-5:] == [
        "--harness-profile=smoke", "--harness-target=aws", "--harness-seed=0", "--harness-set=a.b=1", "--harness-set=c=[2]",
    ]  # fmt: skip


def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    """Before Locust, which would say it with a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotMeasure, match=rf"127.0.0.1:{port}: Address already in use; give another --port"):
            refuse_taken("127.0.0.1", port)
    refuse_taken("127.0.0.1", port)


def test_a_port_that_only_an_earlier_connection_holds_is_free() -> None:
    """What has been served there a moment ago waits in TIME_WAIT."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    refuse_taken("127.0.0.1", port)
