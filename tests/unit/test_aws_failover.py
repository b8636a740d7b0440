"""A fail-over that RDS carries out, with everything around it scripted: the API, the name, the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.aws.databases import Database
from harness.aws.failover import ManagedFailover
from harness.aws.failures import AwsError
from harness.aws.names import name_server
from harness.aws.safety import Refused
from harness.errors import UsageError
from harness.local.dns import Answer
from harness.sql.endpoint import SqlEndpoint

BEGUN = datetime(2026, 11, 28, 12, tzinfo=UTC)


class World:
    """A clock that sleeping moves on; RDS whose events become known at their time; a name that moves at 12 s."""

    def __init__(self, events: dict[float, str], *, moves_s: float = 12.0, refusal: Exception | None = None) -> None:
        self.now_s, self._events, self._moves_s, self._refusal = 0.0, events, moves_s, refusal
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.troubles: list[Exception] = []
        self.stop_at_s = 30.0

    def guarded(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        self.asked.append((operation, params))
        if self._refusal:
            raise self._refusal
        return {}

    def paginate(self, service: str, operation: str, key: str, /, **params: Any) -> list[dict[str, Any]]:
        self.asked.append((operation, params))
        if self.troubles:
            raise self.troubles.pop()
        return [
            {"Date": BEGUN + timedelta(seconds=at), "Message": said} for at, said in self._events.items() if at <= self.now_s
        ]  # fmt: skip

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.now_s >= self.stop_at_s:
            self.failover.stop()

    def note(self, kind: str, zone: str, /, **fields: Any) -> None:
        self.told.append((kind, zone, fields))

    def watched(self, *, by_cluster: bool = False) -> ManagedFailover:
        """Asked for at once, then watched to the end."""
        topology = "multi_az_cluster" if by_cluster else "multi_az_instance"
        endpoint = SqlEndpoint(engine="mysql", host="db", port=1, user="u", password="p", database="d")
        self.failover = ManagedFailover(
            self, Database(endpoint=endpoint, id="lab", topology=topology, place="aws"),  # type: ignore[arg-type]
            lambda: Answer(("10.0.0.1" if self.now_s < self._moves_s else "10.0.0.2",), 5), self.note,
            sleep_s=self.sleep, clock_ns=lambda: int(self.now_s * 1e9), wall_s=lambda: BEGUN.timestamp() + self.now_s,
        )  # fmt: skip
        self.failover.fail_over_planned(self.note)
        self.failover.watch(self.note)
        return self.failover


def test_an_instance_is_rebooted_with_failover_and_its_events_stand_at_their_own_time() -> None:
    """0013 at 4 s and 0049 at 15 s by RDS's clock, the name's new answer at 12 s within one look."""
    world = World(
        {
            4.0: "Multi-AZ instance failover started.",
            15.0: "Multi-AZ instance failover completed",
            16.0: "DB instance restarted",
        }
    )
    assert world.watched().failure is None
    assert world.asked[0] == ("RebootDBInstance", {"DBInstanceIdentifier": "lab", "ForceFailover": True})
    events = [(fields["id"], fields["t_ns"] / 1e9) for kind, _, fields in world.told if kind == "rds_event"]
    assert events == [
        ("RDS-EVENT-0013", pytest.approx(4)),
        ("RDS-EVENT-0049", pytest.approx(15)),
        ("", pytest.approx(16)),
    ]
    assert [zone for kind, zone, _ in world.told if kind == "dns_moved"] == ["10.0.0.2"]
    assert [zone for kind, zone, _ in world.told if kind == "dns_answered"] == ["10.0.0.1", "10.0.0.2"]
    assert world.now_s < 31


def test_a_cluster_is_failed_over_as_one() -> None:
    """FailoverDBCluster, and events of the cluster: 0073 begins it, 0071 ends it."""
    world = World({2.0: "Started cross AZ failover to DB instance: b", 9.0: "Completed failover to DB instance: b"})
    world.watched(by_cluster=True)
    assert world.asked[0] == ("FailoverDBCluster", {"DBClusterIdentifier": "lab"})
    assert {params["SourceType"] for operation, params in world.asked if operation == "DescribeEvents"} == {
        "db-cluster"
    }
    assert [fields["id"] for kind, _, fields in world.told if kind == "rds_event"] == [
        "RDS-EVENT-0073",
        "RDS-EVENT-0071",
    ]


def test_one_that_rds_abandons_is_no_failover() -> None:
    """0034: one was recent. The trial says so in RDS's own words."""
    said = "Abandoning user requested failover since a failover recently occurred on the database instance."
    failure = World({3.0: said}, moves_s=1e9).watched().failure
    assert failure is not None and str(failure) == f"RDS: {said} (RDS-EVENT-0034)"


def test_a_database_that_is_not_ours_is_left_alone() -> None:
    """The gateway refuses by its tags; nothing counts as accepted."""
    world = World({}, refusal=Refused("reboot of DB instance lab is refused: it has no tag"))
    failure = world.watched().failure
    assert isinstance(failure, Refused)
    assert "failover_accepted" not in [kind for kind, *_ in world.told]


def test_a_busy_control_plane_is_asked_again_and_a_refusal_ends_the_watch() -> None:
    """Throttled at one look, the event comes with the next; denied, the failure is kept."""
    world = World({1.0: "Multi-AZ instance failover started."})
    world.troubles = [AwsError("busy", trouble="throttled")]
    assert world.watched().failure is None
    assert "rds_event" in [kind for kind, *_ in world.told]
    world = World({})
    world.troubles = [AwsError("not authorized", trouble="denied")]
    assert str(world.watched().failure) == "not authorized"


def test_the_name_server_is_the_one_given_or_the_system_s_first(tmp_path: Path) -> None:
    """An address with or without a port; IPv6 servers are passed over."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("search x\nnameserver fe80::1\nnameserver 10.0.0.2\n")
    assert name_server("127.0.0.1:5353") == ("127.0.0.1", 5353)
    assert name_server("10.0.0.2") == ("10.0.0.2", 53)
    assert name_server(None, resolv) == ("10.0.0.2", 53)
    with pytest.raises(UsageError, match=r"aws\.dns: expected an IPv4 address"):
        name_server("resolver.example")
    resolv.write_text("search x\n")
    with pytest.raises(UsageError, match="names no IPv4 name server"):
        name_server(None, resolv)
