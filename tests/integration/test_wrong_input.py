"""What a user can get wrong, and what can be missing: one line that says where and what to do, and an exit code."""

import json
import re
import resource
import socket
import subprocess
from pathlib import Path

import pytest
from whole_runs import ROOT, Place

CONFIG = ROOT / "config.yaml"


def line_of(file: Path, beginning: str) -> int:
    """The number of the first line that begins so."""
    return next(
        number for number, line in enumerate(file.read_text().splitlines(), 1) if line.strip().startswith(beginning)
    )


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """The project's configuration with one thing wrong."""
    text = CONFIG.read_text()
    assert text.count(old) == 1, old
    file = tmp_path / "config.yaml"
    file.write_text(text.replace(old, new))
    return file


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    pairs: 6  ", "    pair: 6  ", r"config.yaml:{line}: .*query_vs_scan.pair is not.*pairs"),
        ("    pairs: 6  ", "    pairs: six  ", r"config.yaml:{line}: .*query_vs_scan.pairs.*six"),
        ("    trial_s: 0.025 ", "    trial_s: -1 ", r"config.yaml:{line}: .*query_vs_scan.trial_s.*-1"),
        ("profile: quick ", "profile: quirk ", r"config.yaml:{line}: .*quirk.*smoke, quick, standard"),
        ("seed: 20130101 ", "seed: [1 ", r"config.yaml:\d+: .*"),
    ],
    ids=["unknown key", "wrong type", "negative duration", "unknown profile", "not YAML"],
)
def test_a_mistake_in_the_configuration_is_said_with_its_line(
    place: Place, tmp_path: Path, old: str, new: str, says: str
) -> None:
    """Exit 2, file and line, what was found, no traceback, and no run directory."""
    file = changed(tmp_path, old, new)
    done = place.call("run", "query_vs_scan", "--config", str(file), "--out", str(place.run))
    assert done.returncode == 2, done.stderr
    pattern = says.replace("{line}", str(line_of(file, new.strip())))
    assert re.search(pattern, " ".join(done.stderr.split())), done.stderr
    assert "Traceback" not in done.stderr
    assert not place.run.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "query_vs_scam"), "unknown scenario 'query_vs_scam'; there are .*query_vs_scan"),
        (("run", "--profile", "huge"), "huge"),
        (("run", "--set", "query_vs_scan.pears=3"), "pears"),
        (("run", "--set", "nonsense"), "nonsense"),
        (("run", "--seed", "many"), "'--seed'.*valid integer"),
        (("run", "--target", "moon"), "moon"),
        (("report", "{empty}"), "is not a run directory"),
        (("report", "{missing}"), "is not a run directory"),
        (("dynamodb", "--port", "99999"), "'--port'.*65535"),
        (("dynamodb", "--port", "0", "--speed", "-1"), "-1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_on_the_command_line_is_exit_2(
    place: Place, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    """What was found and, where there is one, the way out; no traceback."""
    empty = tmp_path / "empty"
    empty.mkdir()
    filled = [word.format(empty=empty, missing=tmp_path / "missing") for word in words]
    done = place.call(*filled, timeout_s=30)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(says, " ".join(done.stderr.replace("│", " ").split())), done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_directory_that_is_in_use_is_not_written_over(place: Place) -> None:
    """--out on a directory that holds something: exit 2, and what it holds is untouched."""
    place.run.mkdir()
    (place.run / "notes.txt").write_text("mine")
    done = place.call("run", "query_vs_scan", "--out", str(place.run))
    assert done.returncode == 2, done.stderr
    assert str(place.run) in done.stderr.replace("\n", "")
    assert [path.name for path in place.run.iterdir()] == ["notes.txt"]


def test_target_aws_without_a_stack_or_services_of_ones_own_says_so(place: Place) -> None:
    """--target aws and no section aws: one line with the way out, exit 3, nothing begun."""
    done = place.call("run", "query_vs_scan", "--target", "aws", "--out", str(place.run))
    assert done.returncode == 3
    assert "no stack and no aws: section; `dbharness aws up` makes a stack" in " ".join(done.stderr.split())
    assert not place.run.exists()


def test_a_port_that_is_taken_is_named(place: Place) -> None:
    """dbharness dynamodb on a port somebody listens at: exit 3."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = place.call("dynamodb", "--port", str(port), timeout_s=30)
    assert done.returncode == 3, done.stderr
    assert f"127.0.0.1:{port}" in done.stderr and "Traceback" not in done.stderr


def run_in(environment: dict[str, str], place: Place, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command line in an environment of its own."""
    return subprocess.run(place.command(*words), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def without_mariadb(place: Place) -> dict[str, str]:
    """An environment in which there is no MariaDB."""
    return place.environment | {"DBHARNESS_MARIADB": str(place.temporary)}


def test_without_mariadb_its_figures_are_not_measured_and_all_else_is(place: Place) -> None:
    """Exit 0 with a warning; MySQL's findings are null with the reason, PostgreSQL's are measured."""
    environment = without_mariadb(place)
    words = [
        "run",
        "rds_failover",
        "--profile",
        "smoke",
        "--set",
        "rds_failover.trials=1",
        "--set",
        "rds_failover.cap_s=10",
        "--out",
        str(place.run),
    ]
    done = subprocess.run(place.command(*words), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search("warning: .*mysql not measured: .*MariaDB", " ".join((done.stdout + done.stderr).split()))
    findings = json.loads((place.run / "findings.json").read_text())
    mysql = [finding for finding in findings if finding["labels"]["engine"] == "mysql"]
    assert mysql and all(f["status"] == "not_measured" and f["value"] is None for f in mysql)
    assert all("MariaDB" in finding["reason"] for finding in mysql)
    postgres = next(
        finding for finding in findings if finding["id"].endswith("postgres.multi_az_instance.crash.write_downtime_s")
    )
    assert postgres["status"] == "measured" and postgres["value"] > 0


def test_a_scenario_that_has_nothing_to_measure_is_exit_3(place: Place) -> None:
    """Only MySQL asked for, and none there."""
    environment = without_mariadb(place)
    words = ["run", "rds_failover", "--set", "rds_failover.engines=[mysql]", "--out", str(place.run)]
    done = subprocess.run(place.command(*words), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "MariaDB" in done.stdout + done.stderr and "Traceback" not in done.stderr
    assert place.manifest()["scenarios"]["rds_failover"]["status"] == "not_measured"
    assert "Not measured" in (place.run / "report.html").read_text()


def test_a_server_that_will_not_start_is_said_with_its_own_last_words_and_the_others_go_on(place: Place) -> None:
    """A MariaDB that is something else: cache_hit_rate isn't measured, exit 3; query_vs_scan is."""
    for name in ("usr/sbin/mariadbd", "usr/bin/mariadb-install-db"):
        program = place.temporary / "broken" / name
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\ncase $* in *--version*) echo 'mariadbd  Ver 10.0-broken'; exit 0;; esac\n"
                           "echo 'out of luck today' >&2; exit 7\n")  # fmt: skip
        program.chmod(0o755)
    environment = place.environment | {"DBHARNESS_MARIADB": str(place.temporary / "broken")}
    words = ["run", "cache_hit_rate", "query_vs_scan", "--profile", "smoke", "--set", "query_vs_scan.pairs=1"]
    done = run_in(environment, place, *words, "--out", str(place.run))
    assert done.returncode == 3, done.stdout + done.stderr
    statuses = {name: entry["status"] for name, entry in place.manifest()["scenarios"].items()}
    assert statuses == {"cache_hit_rate": "not_measured", "query_vs_scan": "complete"}
    assert "out of luck today" in place.manifest()["scenarios"]["cache_hit_rate"]["reason"]
    assert "out of luck today" in done.stdout + done.stderr


def test_a_full_disk_ends_the_run_with_a_line_and_its_servers_with_it(place: Place) -> None:
    """Files can't grow beyond 200 kB, as on a disk without room: exit 3, no traceback, nothing left running."""

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    words = ["run", "query_vs_scan", "--profile", "smoke", "--set", "query_vs_scan.pairs=20", "--out", str(place.run),
             "--set", "query_vs_scan.parts=[table_items]"]  # fmt: skip
    done = subprocess.run(
        place.command(*words), cwd=ROOT, env=place.environment, capture_output=True, text=True, timeout=120,
        preexec_fn=no_room,
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert re.search("File too large|No space left", done.stdout + done.stderr)
    assert place.leftovers() == []
