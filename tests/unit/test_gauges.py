"""What a twin's tables, a cache's servers and a failover's zones are like from one look to the next."""

from typing import Any

from harness.cache.gauge import gauged as cache_gauged
from harness.cache.gauge import reached_database
from harness.local.twin_control import gauged as twin_gauged
from harness.recorder import Observation
from harness.sql.failover.ledgers import ArmLedgers
from harness.sql.failover.probes import up_or_down
from harness.sql.failover.zones import ZoneStates


def meter(read: float, write: float, mode: str = "provisioned") -> dict[str, Any]:
    """A table's, with 5 read and 2 write units a second, and 300 and 100 saved."""
    buckets = {
        kind: {"buckets": [{"limit": "Provisioned", "units": units, "units_per_s": rate}]}
        for kind, units, rate in (("read", 300.0, 5.0), ("write", 100.0, 2.0))
    }
    return {
        "read": {"consumed_units": read}, "write": {"consumed_units": write}, "admission": {"mode": mode} | buckets,
    }  # fmt: skip


def state(now_s: float, **tables: dict[str, Any]) -> dict[str, Any]:
    return {"now_s": now_s, "tables": {name: {"meters": meters} for name, meters in tables.items()}}


def test_units_are_a_second_of_the_services_own_clock() -> None:
    """120 read units in a minute of its clock are 2/s, however long the wall took; the bucket says what is saved."""
    before, now = state(0.0, t={"table": meter(10.0, 0.0)}), state(60.0, t={"table": meter(130.0, 6.0)})
    assert dict(twin_gauged(before, now)) == {
        "read_units_per_s": 2.0, "read_provisioned_per_s": 5.0, "read_burst_units": 300.0,
        "write_units_per_s": 0.1, "write_provisioned_per_s": 2.0, "write_burst_units": 100.0,
    }  # fmt: skip


def test_the_table_is_meant_that_most_was_asked_of_and_an_index_has_its_own_name() -> None:
    """``b`` took 1 + 4 units, ``a`` 3; on demand nothing is provisioned."""
    before = state(
        0.0, a={"table": meter(0, 0)}, b={"table": meter(0, 0, "on_demand"), "index/by_dest": meter(0, 0, "on_demand")}
    )
    now = state(
        1.0, a={"table": meter(3, 0)}, b={"table": meter(1, 0, "on_demand"), "index/by_dest": meter(0, 4, "on_demand")}
    )
    assert dict(twin_gauged(before, now)) == {
        "read_units_per_s": 1.0, "write_units_per_s": 0.0,
        "read_units_per_s|by_dest": 0.0, "write_units_per_s|by_dest": 4.0,
    }  # fmt: skip


def test_nothing_is_said_of_a_table_that_is_new_or_that_nobody_asks() -> None:
    """What a new one took is its loading; no time or nothing asked is no rate."""
    before = state(0.0, old={"table": meter(5, 0)})
    assert dict(twin_gauged(before, state(1.0, old={"table": meter(5, 0)}, new={"table": meter(900, 0)}))) == {}
    assert dict(twin_gauged(before, state(0.0, old={"table": meter(9, 0)}))) == {}
    assert dict(twin_gauged(before, state(1.0))) == {}


INFO = {
    "keyspace_hits": 100, "keyspace_misses": 100, "evicted_keys": 10, "expired_keys": 0, "used_memory": 5_000, "maxmemory": 0,
}  # fmt: skip


def test_a_caches_rates_stand_over_the_time_between_two_looks() -> None:
    """Half a second: 30 hits of 40, 5 evicted are 10/s; a limit is told where there is one."""
    now = INFO | {"keyspace_hits": 130, "keyspace_misses": 110, "evicted_keys": 15, "maxmemory": 6_000}
    assert cache_gauged(INFO, now, 0.5) == {
        "memory_bytes": 5_000, "memory_limit_bytes": 6_000, "server_hit_rate": 0.75, "evicted_per_s": 10.0,
        "expired_per_s": 0.0,
    }  # fmt: skip


def test_a_counter_that_was_set_to_zero_counts_from_there_and_the_first_look_has_no_rate() -> None:
    """2 hits and 6 misses since it was: 25 %."""
    now = INFO | {"keyspace_hits": 2, "keyspace_misses": 6, "evicted_keys": 0}
    assert cache_gauged(INFO, now, 1.0)["server_hit_rate"] == 0.25
    assert cache_gauged({}, now, 0.0) == {"memory_bytes": 5_000}


def test_a_query_reached_the_database_where_time_was_spent_there() -> None:
    """A hit has no such time, nor has what failed before."""
    counted = [reached_database("read", Observation(extra={"db_ns": ns})) for ns in (5, 0, None, -1)]
    assert counted == ["database", "database", None, None]
    assert reached_database("read", Observation()) is None


def test_a_probe_counts_as_up_or_down_by_arm_and_by_what_it_asks() -> None:
    """A commit of part synchrony is no probe."""
    extra = {"client_arm": "tuned"}
    assert up_or_down("read_probe", Observation(extra=extra)) == "up|tuned reads"
    assert up_or_down("write_probe", Observation(outcome="ambiguous", extra=extra)) == "down|tuned writes"
    assert up_or_down("commit", Observation(extra=extra)) is None


def test_zones_go_through_a_failover_word_by_word() -> None:
    """The writer crashes, is found and fenced; the standby takes over and is published. Other events change nothing."""
    zones = ZoneStates("10.0.0.1", zones=("10.0.0.1", "10.0.0.2"))
    seen = [zones.told()]
    for kind, zone, fault in (
        ("fault_injected", "10.0.0.1", "crash"), ("fault_detected", "10.0.0.1", ""), ("fenced", "10.0.0.1", ""),
        ("promoted", "10.0.0.2", ""), ("server_ready", "10.0.0.2", ""), ("proxy_told", "10.0.0.2", ""),
        ("dns_moved", "10.0.0.2", ""),
    ):  # fmt: skip
        zones.note(kind, zone, fault)
        seen.append(zones.told())
    assert [(one["zone|zone 1"], one["zone|zone 2"]) for one in seen] == [
        ("writer", "standby"), ("crashed", "standby"), ("found failed", "standby"), ("fenced", "standby"),
        ("fenced", "taking over"), ("fenced", "takes writes, not published"), ("fenced", "takes writes, not published"),
        ("fenced", "writer"),
    ]  # fmt: skip


def test_a_reader_is_one_and_a_zone_that_nobody_named_is_called_by_its_address() -> None:
    """As on RDS, where only the present writer's address is known."""
    assert ZoneStates("b", zones=("a", "b"), readers=("a",)).told() == {
        "zone|zone 1": "reader",
        "zone|zone 2": "writer",
    }
    assert ZoneStates("10.0.0.9").told() == {"zone|10.0.0.9": "writer"}


def test_a_ledger_tells_what_writers_were_told_so_far() -> None:
    """Three writes of two arms: one acknowledged after it was ambiguous, one ambiguous after it failed, one failed."""
    numbers = iter(range(1, 4))
    ledgers = ArmLedgers(("tuned", "pool"), lambda: next(numbers))
    for arm, outcomes in (("tuned", ("ambiguous", "ok")), ("tuned", ("error", "ambiguous")), ("pool", ("error",))):
        write_id = ledgers.begin(arm)
        for outcome in outcomes:
            ledgers.note(arm, write_id, outcome)
    assert ledgers.told() == {"acknowledged_count": 1, "ambiguous_count": 1, "failed_count": 1}
