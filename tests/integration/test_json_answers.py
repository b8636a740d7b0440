"""Every command that answers something takes ``--json``, and then prints one JSON document with its ``schema`` and nothing else.

The commands are walked, not listed: one that is added has to take the option, and has to be asked here.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer.main
from aws_account import Account
from planted_choices import cpu, planted_run
from typer.testing import CliRunner

from harness import calibration, config, selftest
from harness.aws import cli_operations, cli_run, cli_stack
from harness.aws.cli import app as aws_app
from harness.aws.restorable import Database
from harness.aws.snapshots import Copied, Restored
from harness.aws.teardown import Expired
from harness.calibration import Calibrated
from harness.cli import app
from harness.paths import PROJECT_ROOT
from harness.planted.truths import Recovery, Truth
from harness.rundir import RunDir
from harness.selftest_record import record_of

STACK = "dbharness-lab"
NO_ANSWER = {"dynamodb": "serves until it is stopped", "ui": "serves until it is stopped"}
DATABASE = Database(
    what="instance", id="x", status="available", engine="mysql", version="8.4", size="db.t4g.micro", storage_gb=20, multi_az=False,
    host="h", port=3306, newest_restorable=None, seen=datetime(2026, 12, 1, tzinfo=UTC),
)  # fmt: skip


def leaves(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by what is typed; those of AWS have an app of their own behind ``aws``."""
    if path == ("aws",):
        group = typer.main.get_command(aws_app)
    if not hasattr(group, "commands"):
        yield " ".join(path), group
        return
    for name, command in group.commands.items():
        yield from leaves(command, (*path, name))


COMMANDS = dict(leaves(typer.main.get_command(app)))
ANSWERING = sorted(COMMANDS.keys() - NO_ANSWER.keys())


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where a command is asked: a folder, a run that was measured, and what stands in for AWS and for minutes of load."""

    folder: Path
    run: Path
    patch: pytest.MonkeyPatch

    def typed(self, *words: object) -> tuple[int, str]:
        """In a process of its own, as a user does."""
        command = [sys.executable, "-m", "harness.cli", *map(str, words)]
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, env=os.environ | {"DBHARNESS_CACHE": str(self.cache)}, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    @property
    def cache(self) -> Path:
        """A cache of the test's own, so that its services are nobody else's; what was fetched is that of all."""
        folder = self.folder / "cache"
        if not folder.exists():
            folder.mkdir()
            real = Path(os.environ.get("DBHARNESS_CACHE", PROJECT_ROOT / ".cache"))
            for name in ("mariadb", "others", "dataset"):
                if (real / name).exists():
                    (folder / name).symlink_to(real / name)
        return folder

    def faked(self, *words: object) -> tuple[int, str]:
        """In this process, where something was put in the place of what takes minutes or money."""
        done = CliRunner().invoke(app, [*map(str, words)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout

    def on_aws(self, *words: object) -> tuple[int, str]:
        """The same of a command behind ``aws``."""
        done = CliRunner().invoke(aws_app, [*map(str, words)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout


def a_stack(world: World) -> None:
    """A stack that stands in an account in memory."""
    account = Account()
    world.patch.setattr(cli_stack, "Aws", lambda _, **more: account.aws(more["stack"]))
    assert world.on_aws("up", STACK, "--yes", "--max-usd", "500")[0] == 0


def services(world: World, *words: str) -> tuple[int, str]:
    """After `services up`, which is ended whatever happens."""
    try:
        up = world.typed("services", "up", "--json")
        return up if words == ("up",) else world.typed("services", *words, "--json")
    finally:
        world.typed("services", "down")


def selftest_of(world: World) -> tuple[int, str]:
    truth = Truth(name="service time", finding="planted.p50_ms", value=5.0, error=0.75, unit="ms")
    recoveries = (Recovery(truth=truth, found=5.2, why=None),)
    outcome = selftest.Outcome(recoveries=recoveries, record=record_of(recoveries, 30.0))
    world.patch.setattr(selftest, "run", lambda *_, **__: outcome)
    return world.faked("selftest", "--json")


def calibrate_of(world: World) -> tuple[int, str]:
    world.patch.setattr(
        calibration, "run", lambda _: Calibrated(machine={"cores": 2}, offers=(), unavailable={"mysql": "gone"})
    )
    return world.faked("calibrate", "--json")


def aws_run(world: World) -> tuple[int, str]:
    """A run that a load generator made is gathered: here it is one of this machine."""
    a_stack(world)
    there = SimpleNamespace(aws=None, config=config.Config(), settings=None)
    world.patch.setattr(cli_run, "stack_asked_for", lambda *_, **__: there)
    world.patch.setattr(cli_run, "redactor_of", lambda _: None)
    world.patch.setattr(config.Config, "model_copy", lambda self, **_: self)
    world.patch.setattr(cli_run.remote, "bucket_of", lambda *_: "b")
    world.patch.setattr(cli_run.remote, "gather", lambda *_, **__: RunDir(world.run))
    return world.on_aws("run", "--gather", "20261128-120301-a1b2c3", "--out", world.folder / "gathered", "--json")


class Operations:
    """Snapshots and restores that are done at once."""

    id = "x"

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def snapshot(self, _: str) -> Copied:
        return Copied(source=DATABASE, snapshot=SimpleNamespace(), took_s=61.0)  # type: ignore[arg-type]

    def restore(self, _: str, __: str | None) -> Restored:
        return Restored(
            source=DATABASE, by="snapshot", name="y", behind_s=60.0, available_s=300.0, answers_s=None, row_behind_s=None, poll_s=5,
        )  # fmt: skip

    def take_down(self) -> None: ...


def operation(world: World, name: str) -> tuple[int, str]:
    there = SimpleNamespace(aws=SimpleNamespace(stack=STACK), outputs={}, basis="aws")
    world.patch.setattr(cli_operations, "stack_asked_for", lambda *_: there)
    world.patch.setattr(cli_operations, "_database", lambda *_: (SimpleNamespace(what="instance"), "x", None))
    world.patch.setattr(cli_operations, "_clean", lambda _: None)
    world.patch.setattr(cli_operations, "Operations", Operations)
    return world.on_aws(name, "--yes", "--out", world.folder / name, "--json")


def up(world: World) -> tuple[int, str]:
    account = Account()
    world.patch.setattr(cli_stack, "Aws", lambda _, **more: account.aws(more["stack"]))
    return world.on_aws("up", STACK, "--yes", "--max-usd", "500", "--json")


def down(world: World) -> tuple[int, str]:
    a_stack(world)
    return world.on_aws("down", STACK, "--yes", "--json")


def sweep(world: World) -> tuple[int, str]:
    a_stack(world)
    over = Expired(name=STACK, expires=datetime(2020, 1, 1, tzinfo=UTC), standing=True)
    world.patch.setattr(cli_stack, "expired", lambda *_: [over])
    return world.on_aws("sweep", "--yes", "--json")


def again(world: World, name: str = "again") -> Path:
    """The same run under another name, as if it had been made twice."""
    path = world.folder / name
    shutil.copytree(world.run, path)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"id": name}))
    return path


def gate(world: World) -> tuple[int, str]:
    return world.typed("gate", again(world), "--gate", "all query_vs_scan.units_ratio >= 2", "--json")


def compare(world: World) -> tuple[int, str]:
    return world.typed("compare", world.run, again(world), "--out", world.folder / "comparison", "--json")


def ab(world: World) -> tuple[int, str]:
    """One pair of a little more than a second each."""
    small = ["--profile", "smoke", "--set", "query_vs_scan.parts=[arms]", "--set", "query_vs_scan.table_items=[1000]"]
    sides = ["--a", "query_vs_scan.trial_s=0.05", "--b", "query_vs_scan.trial_s=0.06", "--pairs", 2]
    return world.typed("ab", "query_vs_scan", *sides, *small, "--out", world.folder / "ab", "--json")


def aa(world: World) -> tuple[int, str]:
    """Six pairs of trials of a tenth of a second, once."""
    few = ["--comparisons", 1, "--pairs", 6, "--trial-s", 0.1, "--warm-up-s", 0.02]
    code, printed = world.typed("aa", *few, "--out", world.folder / "aa", "--json")
    return (0 if code == 1 else code), printed  # a false alarm is an answer too


def history(world: World) -> tuple[int, str]:
    again(world, "store/one")
    return world.typed("history", world.folder / "store", "--json")


def baseline(world: World, what: str) -> tuple[int, str]:
    store = world.folder / "store"
    added = world.typed("baseline", "add", world.run, "--store", store, "--name", "one", "--json")
    if what == "add":
        return added
    fetched = ["--out", world.folder / "fetched"] if what == "fetch" else []
    return world.typed("baseline", what, "--store", store, *fetched, "--json")


def plan(world: World) -> tuple[int, str]:
    trace = world.folder / "demand.csv"
    trace.write_text("time,reads_per_s,writes_per_s\n2026-11-01T00:00:00Z,10,5\n2026-11-01T00:01:00Z,20,5\n")
    return world.typed("plan", trace, "--item-bytes", 500, "--json", "--out", world.folder / "plan")


def plan_cache(world: World) -> tuple[int, str]:
    trace = world.folder / "keys.csv"
    trace.write_text("key\n" + "a\nb\na\nc\na\n" * 20)
    return world.typed("plan-cache", trace, "--item-bytes", "500", "--reads-per-s", "100", "--json")


def choose(world: World) -> tuple[int, str]:
    """500 look-ups a second, of a run with one figure of one store."""
    run = planted_run(world.folder / "planted", [cpu("postgres", "flight_by_key", 1.0)], [])
    workload = world.folder / "workload.yaml"
    workload.write_text("data: {items: 1000, item_bytes: 1000}\npatterns:\n  flight_by_key: {rate_per_s: 500}\n")
    return world.typed("choose", workload, "--from-run", run, "--json")


# What is typed -> the command, asked for JSON: its exit code and all that it printed.
ASKED: dict[str, Callable[[World], tuple[int, str]]] = {
    "run": lambda world: (0, (world.run.parent / "said").read_text()),
    "report": lambda world: world.typed("report", world.run, "--json"),
    "calibrate": calibrate_of,
    "selftest": selftest_of,
    "plan": plan,
    "plan-cache": plan_cache,
    "choose": choose,
    "services up": lambda world: services(world, "up"),
    "services status": lambda world: services(world, "status"),
    "services down": lambda world: services(world, "down"),
    "compare": compare,
    "ab": ab,
    "aa": aa,
    "gate": gate,
    "history": history,
    "baseline add": lambda world: baseline(world, "add"),
    "baseline list": lambda world: baseline(world, "list"),
    "baseline fetch": lambda world: baseline(world, "fetch"),
    "doctor": lambda world: world.typed("doctor", "--json"),
    "aws estimate": lambda world: world.typed("aws", "estimate", "--for", "quick", "--json"),
    "aws check": lambda world: world.typed("aws", "check", "--template", "--json"),
    "aws up": up,
    "aws down": down,
    "aws sweep": sweep,
    "aws run": aws_run,
    "aws snapshot": lambda world: operation(world, "snapshot"),
    "aws restore": lambda world: operation(world, "restore"),
}


@pytest.fixture(scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run; what `run --json` printed lies beside it."""
    path = tmp_path_factory.mktemp("json") / "run"
    words = [
        "query_vs_scan",
        "--profile",
        "smoke",
        "--set",
        "query_vs_scan.parts=[arms]",
        "--set",
        "query_vs_scan.pairs=2",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "run", *words, "--out", str(path), "--json"], cwd=PROJECT_ROOT,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path.parent / "said").write_text(done.stdout)
    return path


@pytest.fixture
def world(a_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(folder=tmp_path, run=a_run, patch=monkeypatch)


def test_every_command_that_answers_takes_json_and_is_asked_here() -> None:
    """All but those that are said to answer nothing, and why."""
    without = [
        name for name in ANSWERING if "--json" not in [option for one in COMMANDS[name].params for option in one.opts]
    ]
    assert without == []
    assert sorted(ASKED) == ANSWERING
    assert NO_ANSWER.keys() <= COMMANDS.keys()


@pytest.mark.parametrize("name", ANSWERING)
def test_it_prints_one_document_with_its_schema_and_nothing_else(name: str, world: World) -> None:
    """Parsed as a whole: a word before or after it would be an error. Exit 0."""
    code, printed = ASKED[name](world)
    document = json.loads(printed)
    assert isinstance(document, dict)
    assert isinstance(document["schema"], int) and document["schema"] >= 1
    assert printed.startswith("{") and printed.endswith("}\n")
    assert code == 0


def test_a_runs_document_says_how_it_ended_and_what_its_report_says(world: World) -> None:
    """Held against the files: the manifest's status, the headline findings as findings.json has them."""
    told = json.loads((world.run.parent / "said").read_text())
    manifest = json.loads((world.run / "manifest.json").read_text())
    findings = json.loads((world.run / "findings.json").read_text())
    assert (told["run"], told["status"], told["exit_code"]) == (manifest["id"], "complete", 0)
    assert told["scenarios"]["query_vs_scan"]["status"] == "complete"
    headlines = told["report"]["headlines"]
    assert headlines and all(headline in findings for headline in headlines)
    assert Path(told["report"]["report"]) == world.run / "report.html"


def test_a_verification_is_a_document_too(world: World) -> None:
    """Of the run as it was left."""
    code, printed = world.typed("report", world.run, "--verify", "--json")
    assert (code, json.loads(printed)["verified"]) == (0, True)


def test_an_error_prints_nothing_where_a_document_is_expected(world: World) -> None:
    """It is one line on standard error, with exit 2."""
    assert world.typed("report", world.folder, "--json") == (2, "")
    assert world.typed("plan", world.folder / "none.csv", "--json") == (2, "")
