"""Target aws without an account: whatever answers at the endpoints that the configuration gives, and a report that says so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rds_api import Instance, served
from tls_front import before_postgres
from whole_runs import Place

from harness import flights
from harness.config import CacheSettings
from harness.dynamodb.client import DynamoClient
from harness.local.caches import Caches
from harness.local.certificates import Certificates
from harness.local.dns import DnsServer
from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.topologies.model import ZONES
from harness.local.topologies.volume import ALWAYS, VolumeTopology
from harness.local.twin import TwinServer

NAME = "db.dbharness.test"


def run(place: Place, scenario: str, *settings: str, timeout_s: float = 150) -> str:
    """The command line with its settings; what it printed."""
    words = ["run", scenario, "--profile", "smoke", "--target", "aws", "--out", str(place.run)]
    done = place.call(*words, *(word for one in settings for word in ("--set", one)), timeout_s=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def findings(place: Place) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((place.run / "findings.json").read_text())
    return found


@pytest.fixture
def twin(warden: Warden) -> Iterator[str]:
    server = TwinServer(warden, 1.0, partition_limits=False)
    server.start()
    yield server.url


def tables_at(url: str) -> list[str]:
    with DynamoClient(url) as client:
        names: list[str] = client.call("ListTables", {}).body["TableNames"]
    return names


def test_query_vs_scan_is_measured_at_an_endpoint_that_nobody_takes_for_aws(place: Place, twin: str) -> None:
    """The twin by the configuration's endpoint: same findings, another label, no table left.

    By A4, as on target local: 4,000 flights of some 430 bytes are 1.7 MB; a Scan of them takes over a hundred times a Query's units.
    """
    told = run(
        place, "query_vs_scan", f"aws.dynamodb.endpoint_url={twin}", "query_vs_scan.parts=[table_items, neighbour]"
    )
    assert "endpoint override, DynamoDB's API" in told
    found = findings(place)
    assert {one["basis"] for one in found} == {"endpoint_override", "modelled"}
    assert {one["target"] for one in found} == {"endpoint override"}
    (left_out,) = [one for one in found if one["id"] == "query_vs_scan.left_out"]
    assert left_out["status"] == "not_measured" and left_out["labels"] == {"what": "neighbour"}
    (ratio,) = [
        one for one in found
        if one["id"] == "query_vs_scan.units_ratio" and one["labels"].get("question") == "aircraft" and one["labels"]["step"] == "4000"  # type: ignore[attr-defined]
    ]  # fmt: skip
    assert 100 < float(str(ratio["value"])) < 400
    page = (place.run / "report.html").read_text()
    assert "target aws by endpoint override: not AWS" in page and "local model" not in page
    assert tables_at(twin) == []
    assert not place.leftovers()


def test_redaction_leaves_no_endpoint_in_anything_but_the_samples(place: Place, twin: str) -> None:
    """aws.redact: neither the manifest, its command, the logs nor the report has it."""
    run(
        place,
        "query_vs_scan",
        f"aws.dynamodb.endpoint_url={twin}",
        "query_vs_scan.parts=[table_items]",
        "aws.redact=true",
    )
    port = twin.rpartition(":")[2]
    written = [path for path in place.run.rglob("*") if path.is_file() and "samples" not in path.parts]
    assert {"manifest.json", "events.jsonl", "report.html", "query_vs_scan.log"} <= {path.name for path in written}
    assert [path.name for path in written if f"127.0.0.1:{port}" in path.read_text()] == []
    assert place.manifest()["config"]["aws"]["dynamodb"]["endpoint_url"] == "endpoint-1"


def test_a_table_that_is_there_already_is_never_replaced(place: Place, twin: str) -> None:
    """Its name says ours and nobody can read its tags there: not measured, in one line, and it stays."""
    name = "dbharness-own-flights_1000"
    with DynamoClient(twin) as client:
        assert client.call("CreateTable", flights.table_definition(name)).status == 200
    words = ["--set", f"aws.dynamodb.endpoint_url={twin}", "--set", "query_vs_scan.parts=[table_items]"]
    done = place.call("run", "query_vs_scan", "--profile", "smoke", "--target", "aws", "--out", str(place.run), *words)
    assert done.returncode == 3
    assert f"table {name} is there already" in str(place.manifest()["scenarios"]["query_vs_scan"]["reason"])
    assert tables_at(twin) == [name]


def test_capacity_modes_puts_its_demand_on_the_two_tables_that_are_named(place: Place, twin: str) -> None:
    """Multiples are of what is provisioned there (5 and 5); the clock is the service's own; nothing throttles at 1 times."""
    with DynamoClient(twin) as client:
        for name, units in (("mine-p", 5), ("mine-d", None)):
            client.call(
                "CreateTable", flights.table_definition(name, read_capacity_units=units, write_capacity_units=units)
            )
    run(
        place, "capacity_modes", f"aws.dynamodb.endpoint_url={twin}", "aws.dynamodb.tables={provisioned: mine-p, on_demand: mine-d}",
        "capacity_modes.parts=[steps, hot]", "capacity_modes.multiples=[1]", "capacity_modes.flat_least_service_s=2",
        "capacity_modes.flat_most_service_s=2", "capacity_modes.rest_s=0",
    )  # fmt: skip
    entry = place.manifest()["scenarios"]["capacity_modes"]
    assert {trial["params"]["speed"] for trial in entry["trials"]} == {1.0}
    assert {trial["params"]["read_capacity_units"] for trial in entry["trials"]} == {5}
    assert list(entry["left_out"]) == ["hot"]
    samples = place.samples("capacity_modes")
    assert set(samples["outcome"]) == {"ok"}
    # 5 reads and 5 writes a second for 2 s on each of two tables, in one round
    assert samples.groupby("arm").size().between(16, 22).all()
    (compared, *_) = [one for one in findings(place) if one["id"] == "capacity_modes.cloudwatch.difference_share"]
    assert compared["status"] == "not_measured" and "no CloudWatch counts there" in str(compared["reason"])
    assert sorted(tables_at(twin)) == ["mine-d", "mine-p"]


def test_cache_hit_rate_behind_tls_and_a_password(
    place: Place, warden: Warden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis by TLS and AUTH, PostgreSQL and MariaDB by certificates of an authority in the bundle; passwords from the environment."""
    certificates = Certificates.make(warden, "127.0.0.1")
    files = {"certificate": str(certificates.server_file), "key": str(certificates.key_file)}
    mariadb, postgres = MariaDbServer(warden, ("127.0.0.1",)), PostgresServer(warden, ("127.0.0.1",))
    mariadb.configure({"ssl_cert": files["certificate"], "ssl_key": files["key"]})
    for server in (mariadb, postgres):
        server.create()
        server.start("127.0.0.1")
    caches = Caches(warden.room("cache"), CacheSettings(auth=True, tls=True))
    caches.start()
    cache, mine, theirs = caches.servers[0].endpoint, mariadb.endpoint("127.0.0.1"), postgres.endpoint("127.0.0.1")
    bundle = place.run.with_suffix(".pem")
    bundle.write_text(certificates.authority_pem + str(cache.authority_pem))
    secrets = {"MY_PASSWORD": mine.password, "PG_PASSWORD": theirs.password, "CACHE_PASSWORD": str(cache.password)}
    for name, value in ({"SQL_USER": mine.user} | secrets).items():
        monkeypatch.setenv(name, value)
    with before_postgres((theirs.host, theirs.port), **files) as port:
        run(
            place, "cache_hit_rate", f"aws.ca_bundle={bundle}", "cache_hit_rate.parts=[ttl, policy, lost]", "cache_hit_rate.faults=[kill, flush]",
            "cache_hit_rate.parts_engines=[postgres, mysql]",
            f"aws.sql={{mysql: {{host: 127.0.0.1, port: {mine.port}, user_env: SQL_USER, password_env: MY_PASSWORD, ours: true}}, "
            f"postgres: {{host: 127.0.0.1, port: {port}, user_env: SQL_USER, password_env: PG_PASSWORD, ours: true}}}}",
            f"aws.cache={{host: {cache.host}, port: {cache.port}, password_env: CACHE_PASSWORD, ours: true}}",
        )  # fmt: skip
    entry = place.manifest()["scenarios"]["cache_hit_rate"]
    assert entry["places"] == dict.fromkeys(("redis", "postgres", "mysql"), "endpoint override")
    assert set(entry["left_out"]) == {"policy", "lost.kill"}
    assert {trial["labels"]["part"] for trial in entry["trials"]} == {"ttl", "lost"}
    for path in place.run.rglob("*"):
        if path.is_file():
            assert not [name for name, secret in secrets.items() if secret.encode() in path.read_bytes()], path


def test_a_failover_is_asked_of_rds_and_followed(place: Place, warden: Warden, monkeypatch: pytest.MonkeyPatch) -> None:
    """RDS's API on loopback, whose reboot moves a MariaDB from one zone to the other: TLS by the name's certificate in both.

    Clients that ask DNS come back, RDS's two events (0013, 0049) and the name's new answer lie between the fault and the end,
    and no acknowledged write is lost.
    """
    certificates, dns = Certificates.make(warden, NAME), DnsServer()
    settings = ALWAYS["mysql"] | {"ssl_cert": str(certificates.server_file), "ssl_key": str(certificates.key_file)}
    topology = VolumeTopology(warden, MariaDbServer(warden, ZONES[:2], settings), "multi_az_instance", ZONES[:2])
    topology.create()
    dns.start()
    dns.move(NAME, topology.writer)
    endpoint = topology.endpoint(topology.writer)
    monkeypatch.setenv("SQL_USER", endpoint.user)
    monkeypatch.setenv("SQL_PASSWORD", endpoint.password)

    def fail_over() -> None:
        topology.stop(topology.writer)
        topology.promote(ZONES[1], lambda *_: None)
        dns.move(NAME, ZONES[1])

    instance = Instance(name="orders", host=NAME, port=endpoint.port, fail_over=fail_over)
    with served(instance) as url:
        run(
            place, "rds_failover", "rds_failover.engines=[mysql]", "rds_failover.client_arms=[tuned, keepalive, reader, proxy]",
            "rds_failover.rds_before_s=1", "rds_failover.rds_cap_s=9", "rds_failover.probe_interval_ms=20", "rds_failover.connections=4",
            f"aws.endpoint_url={url}", f"aws.ca_bundle={certificates.authority_file}", f"aws.dns={dns.address[0]}:{dns.address[1]}",
            "aws.sql={mysql: {instance: orders, user_env: SQL_USER, password_env: SQL_PASSWORD}}", timeout_s=120,
        )  # fmt: skip
    dns.stop()
    assert instance.asked.count("RebootDBInstance") == 1
    events = [json.loads(line) for line in (place.run / "events.jsonl").read_text().splitlines()]
    kinds = [event["kind"] for event in events]
    assert {"fault_injected", "failover_asked", "failover_accepted", "dns_moved", "ledger_checked"} <= set(kinds)
    by_id = {event["id"]: event["t_ns"] for event in events if event["kind"] == "rds_event"}
    at = {event["kind"]: event["t_ns"] for event in events}
    assert at["failover_asked"] < by_id["RDS-EVENT-0013"] < by_id["RDS-EVENT-0049"]
    assert [event["zone"] for event in events if event["kind"] == "dns_moved"] == [ZONES[1]]
    checked = [event for event in events if event["kind"] == "ledger_checked"]
    assert {event["client_arm"] for event in checked} == {"tuned", "keepalive"}
    assert all(event["acknowledged"] > 0 and event["lost"] == 0 for event in checked)
    samples = place.samples("rds_failover")
    assert set(samples["zone"]) - {""} == {ZONES[0], ZONES[1]}
    entry = place.manifest()["scenarios"]["rds_failover"]
    assert entry["places"] == {"mysql": "endpoint override"} and "multi_az_instance.crash" in entry["left_out"]
    downtimes = [
        one for one in findings(place) if str(one["id"]).endswith("write_downtime_s") and one["value"] is not None
    ]
    assert downtimes and all(one["basis"] == "endpoint_override" for one in downtimes)
    assert not [path for path in Path(place.run).rglob("*.json*") if endpoint.password in path.read_text()]
