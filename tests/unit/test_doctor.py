"""The doctor says what is there, what that limits, and one command that mends it; and what it means for each scenario."""

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config import CacheSettings
from harness.doctor import machine, programs, surroundings
from harness.doctor.examination import runnable
from harness.doctor.findings import Check, Examined, Runnable, State
from harness.doctor.surroundings import Keeper
from harness.errors import CannotMeasure
from harness.noise import Noise
from harness.services import Needs

QUIET = Noise(
    governors=("performance",), turbo=False, smt=False, clock="tsc", virtual=False, container=False, quota_cores=None,
    quota_stops=None, steal_share=0.0, load_1min=0.0, waiting_share=0.0, swap_used_bytes=0,
)  # fmt: skip
EVERYTHING = (
    machine.PYTHON, machine.RUNS, machine.TEMPORARY, machine.LOOPBACK, machine.MINTTL, machine.TIMERFD, programs.POSTGRES,
    programs.MYSQL, programs.VALKEY, programs.REDIS, programs.PGBOUNCER,
)  # fmt: skip
FAILOVER = Needs(sql_servers=("mysql", "postgres"))
CACHE = Needs(cache=True, engines=("mysql", "postgres"))
TWIN = Needs(dynamodb=True)


def having(**otherwise: State) -> list[Check]:
    """Everything ok but what is named, by its first letters."""
    return [
        Check(
            subject=subject, found="as found", needed_for="this",
            state=next((state for name, state in otherwise.items() if subject.startswith(name)), "ok"),
        )
        for subject in EVERYTHING
    ]  # fmt: skip


@pytest.mark.parametrize(("version", "state"), [((3, 10, 9), "missing"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")])
def test_python_from_3_11_on(version: tuple[int, int, int], state: str) -> None:
    """As pyproject.toml asks."""
    check = machine.python(version)
    assert check.state == state
    assert check.mend == "make PYTHON=/path/to/python3.11 setup"


def test_one_core_or_a_control_group_of_less_than_two_is_a_limit() -> None:
    """Of four cores 1.5 may be used: the quota counts."""
    assert machine.cores_of(1, QUIET).state == "limited"
    assert machine.cores_of(2, QUIET).state == "ok"
    check = machine.cores_of(4, replace(QUIET, quota_cores=1.5))
    assert (check.state, check.found) == ("limited", "4, of which a control group allows 1.5")


@pytest.mark.parametrize(("free_gb", "state"), [(0.5, "missing"), (2, "limited"), (5, "ok")])
def test_memory_that_is_free(free_gb: float, state: str) -> None:
    """Below 1 GB nothing is measured well, below 4 GB not everything."""
    assert machine.memory(8e9, free_gb * 1e9).state == state


@pytest.mark.parametrize(
    ("most", "state", "found"),
    [
        (128, "missing", "128 at most"), (1024, "limited", "1,024 at most"), (4096, "ok", "4,096 at most"),
        (resource.RLIM_INFINITY, "ok", "unlimited"),
    ],
)  # fmt: skip
def test_open_files(most: int, state: str, found: str) -> None:
    """The hard limit; -1 stands for none."""
    check = machine.open_files(most)
    assert (check.state, check.found) == (state, found)


def test_a_folder_that_is_to_be_made_is_judged_by_the_one_it_would_be_in(tmp_path: Path) -> None:
    """Its free space is the disk's; nothing is made."""
    check = machine.folder("runs", tmp_path / "not" / "there", "samples", "mend")
    where, _, room = check.found.partition(": ")
    assert where == f"{tmp_path}/not/there"
    assert float(room.split(" GB")[0]) == pytest.approx(shutil.disk_usage(tmp_path).free / 1e9, abs=1)
    assert not (tmp_path / "not").exists()


def test_a_folder_without_room_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.1 GB, or no more than 5,000 files; a file system that counts none has no such limit."""

    def disk(free_bytes: float, files: int, inodes: int) -> None:
        of = os.statvfs_result((4096, 4096, 0, 0, int(free_bytes // 4096), files, inodes, inodes, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _: of)

    for free, files, inodes, state in (
        (0.1e9, 10**6, 10**6, "missing"), (1e9, 10**6, 10**6, "limited"), (9e9, 10**6, 5_000, "limited"),
        (9e9, 10**6, 10**6, "ok"), (9e9, 0, 0, "ok"),
    ):  # fmt: skip
        disk(free, files, inodes)
        assert machine.folder("runs", tmp_path, "samples", "mend").state == state


def test_addresses_that_cannot_be_bound_are_named_with_the_command_that_makes_the_first() -> None:
    """Two of three."""
    check = machine.loopback(("127.0.1.1", "127.0.1.2", "127.0.3.1"), lambda address: address == "127.0.1.1")
    assert (check.state, check.found) == ("missing", "127.0.1.2, 127.0.3.1 can't be had")
    assert check.mend == "sudo ip address add 127.0.1.2/8 dev lo"
    assert machine.loopback(("127.0.1.1", "127.0.3.3"), lambda _: True).found == "127.0.1.1 to 127.0.3.3"


def test_what_the_kernel_refuses_is_missing_in_its_own_words() -> None:
    """Tried, not looked up."""

    def refuses() -> None:
        raise OSError(92, "Protocol not available")

    check = machine.option("IP_MINTTL", refuses, "a fault", "run on Linux")
    assert (check.state, check.found, check.mend) == ("missing", "Protocol not available", "run on Linux")
    assert machine.option("IP_MINTTL", lambda: None, "a fault", "run on Linux").state == "ok"


def test_a_clock_that_is_slow_to_read_and_a_noisy_machine_are_limits() -> None:
    """A reading of 1.5 µs; a governor that follows the load."""
    assert machine.clock("tsc", 45).state == "ok"
    assert machine.clock("acpi_pm", 1500).found == "acpi_pm, read in 1500 ns"
    assert machine.clock("acpi_pm", 1500).state == "limited"
    assert machine.quiet(QUIET).state == "ok"
    noisy = machine.quiet(replace(QUIET, governors=("powersave",)))
    assert noisy.state == "limited" and "governor powersave" in noisy.found
    assert noisy.mend == "sudo cpupower frequency-set -g performance"


def test_a_server_that_cannot_be_had_says_why() -> None:
    """In the words of what looks for it."""

    def gone() -> str:
        raise CannotMeasure("no MariaDB server: `make setup` hasn't fetched it")

    check = programs.server("MySQL", gone, "failovers", "make setup")
    assert check.line(5) == (
        "missing  MySQL no MariaDB server: `make setup` hasn't fetched it · for failovers · mend: make setup"
    )
    assert programs.server("MySQL", lambda: "MariaDB 10.11", "failovers", "make setup").line(5) == (
        "ok       MySQL MariaDB 10.11 · for failovers"
    )


def test_a_server_that_is_fetched_at_first_use_is_a_limit_where_it_can_be_and_missing_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By whether there is an apt-get."""
    monkeypatch.setattr(programs.fetching, "can_fetch", lambda: True)
    assert programs.fetched("Redis", lambda: None, "TLS", "mend", "redis-server").state == "limited"
    monkeypatch.setattr(programs.fetching, "can_fetch", lambda: False)
    check = programs.fetched("Redis", lambda: None, "TLS", "mend", "redis-server")
    assert (check.state, check.mend) == ("missing", "install redis-server with this system's packages")
    assert programs.fetched("Redis", lambda: "Redis 7.2", "TLS", "mend", "redis-server").found == "Redis 7.2"


def test_a_program_says_its_version_itself(tmp_path: Path) -> None:
    """The first name that is there; one that doesn't run is missing."""
    good, broken = tmp_path / "good", tmp_path / "broken"
    good.write_text("#!/bin/sh\necho 'Good 1.2.3'\necho more\n")
    broken.write_text("#!/bin/sh\nexit 3\n")
    for path in (good, broken):
        path.chmod(0o755)
    where = {"good": str(good), "broken": str(broken)}
    found = programs.program("Good", ("absent", "good"), "tests", "mend", where.get)
    assert (found.state, found.found) == ("ok", "Good 1.2.3")
    assert programs.program("Good", ("broken",), "tests", "mend", where.get).state == "missing"
    assert programs.program("Good", ("absent",), "tests", "mend", where.get).found == "not found"


def test_of_credentials_only_names_are_said(tmp_path: Path) -> None:
    """Where they may be, and nothing of what is in them."""
    none = surroundings.credentials({}, tmp_path)
    assert (none.state, none.found) == ("missing", "none in the environment or ~/.aws")
    (tmp_path / "elsewhere").write_text("planted-in-a-file")
    environment = {
        "AWS_ACCESS_KEY_ID": "planted-id", "AWS_SECRET_ACCESS_KEY": "planted-secret",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "elsewhere"),
    }  # fmt: skip
    found = surroundings.credentials(environment, tmp_path)
    assert found.state == "ok"
    assert found.found == f"may be in AWS_ACCESS_KEY_ID, {tmp_path / 'elsewhere'}; nobody was asked"
    assert "planted" not in json.dumps([found.found, found.mend])


@pytest.mark.parametrize(
    ("environment", "state", "found"),
    [
        ({}, "ok", "none"),
        ({"HTTPS_PROXY": "http://user:word@proxy"}, "limited", "https_proxy, not passed by for 127.0.0.1"),
        ({"http_proxy": "http://p", "NO_PROXY": "localhost, 127.0.0.1"}, "ok", "http_proxy, passed by for 127.0.0.1"),
        ({"http_proxy": "http://p", "no_proxy": "*"}, "ok", "http_proxy, passed by for 127.0.0.1"),
    ],
)
def test_proxies_are_named_without_their_addresses(environment: dict[str, str], state: str, found: str) -> None:
    """One may have a password in it."""
    check = surroundings.proxies(environment)
    assert (check.state, check.found) == (state, found)


def test_servers_that_run_and_folders_that_were_left_are_told_apart() -> None:
    """A run that goes on is waited for; `services up` has its own end; a folder that no process keeps can go."""
    run = Keeper(pid=7, age_s=180, scratch=Path("/tmp/dbharness-a"), detached=False)
    up = replace(run, pid=8, scratch=Path("/tmp/dbharness-b"), detached=True)
    left = Path("/tmp/dbharness-c")
    assert surroundings.leftovers([], []).state == "ok"
    going_on = surroundings.leftovers([run], [run.scratch])
    assert (going_on.found, going_on.mend) == (
        "servers of another run for 3 minutes (pid 7)",
        "wait until it has ended",
    )
    assert surroundings.leftovers([run, up], [run.scratch, up.scratch]).mend == "dbharness services down"
    abandoned = surroundings.leftovers([run], [run.scratch, left])
    assert abandoned.mend == "rm -r /tmp/dbharness-c"
    assert abandoned.found.endswith("; 1 folder of servers that are gone: /tmp/dbharness-c")


@pytest.mark.parametrize(
    ("needs", "checks", "state", "why"),
    [
        (FAILOVER, having(), "ok", "runs"),
        (FAILOVER, having(MySQL="missing"), "limited", "runs without MySQL"),
        (
            FAILOVER,
            having(MySQL="missing", Postgre="missing"),
            "missing",
            "can't run: neither of MySQL, PostgreSQL is here",
        ),
        (FAILOVER, having(loopback="missing"), "missing", "can't run: loopback addresses: as found"),
        (FAILOVER, having(PgB="missing", IP="missing"), "limited", "runs without PgBouncer, IP_MINTTL"),
        (FAILOVER, having(Valkey="missing"), "ok", "runs"),
        (CACHE, having(Valkey="missing"), "missing", "can't run: Valkey: as found"),
        (CACHE, having(Redis="missing"), "ok", "runs"),
        (Needs(engines=("mysql",)), having(MySQL="missing"), "missing", "can't run: MySQL isn't here"),
        (TWIN, having(timerfd="missing"), "limited", "runs without timerfd"),
        (TWIN, having(run="missing"), "missing", "can't run: run directory: as found"),
        (TWIN, having(MySQL="missing", Postgre="missing", PgB="limited"), "ok", "runs"),
    ],
)
def test_a_scenario_runs_by_what_it_needs(needs: Needs, checks: list[Check], state: str, why: str) -> None:
    """What it needs and hasn't stops it or limits it; what others need doesn't matter to it."""
    assert runnable("s", needs, checks, tls=False) == Runnable(scenario="s", state=state, why=why)  # type: ignore[arg-type]


def test_a_cache_with_tls_is_a_redis() -> None:
    """Then Valkey doesn't matter."""
    assert CacheSettings(tls=True).tls
    assert runnable("s", CACHE, having(Redis="missing"), tls=True).state == "missing"
    assert runnable("s", CACHE, having(Valkey="missing"), tls=True).state == "ok"


def test_exit_is_3_only_where_nothing_can_be_measured() -> None:
    """One scenario that runs, in whatever way, is enough."""

    def examined(*states: State) -> Examined:
        scenarios = [Runnable(scenario=str(number), state=state, why="…") for number, state in enumerate(states)]
        return Examined(checks=having(MySQL="missing"), scenarios=scenarios)

    assert examined("missing", "limited").exit_code == 0
    assert examined("missing", "missing").exit_code == 3
    assert list(examined("missing", "ok").lines())[-1] == "10 of 11 are ok; 1 of 2 scenarios can run here"


def test_this_machine_is_examined_without_anything_being_fetched_started_or_left(tmp_path: Path) -> None:
    """In a process of its own, with an empty cache and home: servers that aren't wheels aren't found, and none is fetched."""
    environment = os.environ | {
        "HOME": str(tmp_path / "home"), "DBHARNESS_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path),
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "doctor", "--json"], capture_output=True, text=True, timeout=60,
        env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    checks = {check["subject"]: check for check in told["checks"]}
    assert checks["PostgreSQL"]["found"].startswith("PostgreSQL ") and checks["PostgreSQL"]["state"] == "ok"
    assert checks["Valkey"]["state"] == checks["Python"]["state"] == "ok"
    assert all(check["mend"] for check in told["checks"] if check["state"] != "ok")
    assert [one["scenario"] for one in told["scenarios"]] == [
        "query_vs_scan", "capacity_modes", "cache_hit_rate", "rds_failover", "sql_vs_nosql", "rds_operations",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_the_zones_of_this_machine_can_be_bound_or_are_said_not_to_be() -> None:
    """By an independent bind of the first."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.1.1", 0))
            can = True
        except OSError:
            can = False
    check = machine.loopback(("127.0.1.1",), machine._can_bind)
    assert (check.state == "ok") == can
