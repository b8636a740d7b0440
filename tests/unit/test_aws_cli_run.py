"""`dbharness aws run`: what it costs is shown and agreed to first, and generators get the stack's outputs in section ``aws``."""

import json
from pathlib import Path
from typing import Any

import pytest
from scripted_aws import ScriptedAws
from typer.testing import CliRunner

from harness.aws import cli_run, template
from harness.aws.cli import app
from harness.aws.generators import Generator
from harness.aws.remote import Asked, Where
from harness.errors import UsageError
from harness.rundir import RunDir

STACK = "dbharness-test"
OUTPUTS = {
    "ProvisionedTableName": "dbharness-test-provisioned", "OnDemandTableName": "dbharness-test-on-demand",
    "RunBucketName": "dbharness-test-runbucket-x", "GeneratorGroupName": "generators",
}  # fmt: skip


class Asks:
    """The command with a stack that stands, and a run that isn't made: what it was asked to do is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.asked: Asked | None = None
        self.guard: Any = None
        self.out = tmp_path / "out"
        scripted = ScriptedAws(STACK)
        given = {"ExpiresAt": "2026-12-01T00:00:00Z"}
        stack = {
            "StackName": STACK, "StackStatus": "CREATE_COMPLETE", "CreationTime": 0,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in template.stack_parameters(given).items()
            ],
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
        }  # fmt: skip
        scripted.on("cloudformation", "DescribeStacks", {"Stacks": [stack]})
        monkeypatch.setattr(cli_run, "Aws", lambda *_, **__: scripted.gateway())
        there = Where(bucket="b", generators=(Generator(id="i-1", address="10.0.0.1"),))
        monkeypatch.setattr(cli_run.remote, "where", lambda *_, **__: there)
        monkeypatch.setattr(cli_run.remote, "run", self._run)
        monkeypatch.setattr(cli_run, "make_report", lambda _: 0)

    def _run(self, _: Any, __: Any, asked: Asked, guard: Any, *___: Any, **____: Any) -> tuple[RunDir, str | None]:
        self.asked, self.guard = asked, guard
        asked.out.mkdir()
        (asked.out / "manifest.json").write_text(json.dumps({"status": "complete"}))
        return RunDir(asked.out), None

    def __call__(self, *words: str, answer: str = "") -> Any:
        return CliRunner().invoke(
            app,
            ["run", "query_vs_scan", "--stack", STACK, "--profile", "quick", "--out", str(self.out), *words],
            input=answer,
        )


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asks:
    return Asks(monkeypatch, tmp_path)


def test_generators_get_the_outputs_and_the_stacks_name_but_nobodys_profile(asks: Asks) -> None:
    """They have no way to CloudFormation, and log in by their own role."""
    said = asks("--yes", "--max-usd", "500", "--aws-profile", "anna")
    assert said.exit_code == 0, said.output
    assert asks.asked is not None
    (section,) = [json.loads(one.removeprefix("aws=")) for one in asks.asked.overrides if one.startswith("aws=")]
    assert (section["stack"], section["filled"], section["profile"]) == (STACK, True, None)
    assert section["region"] == "us-east-1", "where the stack is, whatever the generators' configuration says"
    assert section["dynamodb"]["tables"]["provisioned"] == "dbharness-test-provisioned"
    assert asks.asked.scenarios == ("query_vs_scan",)


def test_what_it_costs_is_shown_before_it_is_asked(asks: Asks) -> None:
    """The estimate, what is unknown, the limit; *no* begins nothing."""
    said = asks("--max-usd", "500", answer="n\n")
    assert isinstance(said.exception, UsageError)
    assert "is estimated at at least $" in said.output
    assert "stopped at $500.00" in said.output
    assert asks.asked is None


def test_yes_without_a_limit_is_refused(asks: Asks) -> None:
    """Nobody would see what it costs."""
    said = asks("--yes")
    assert "--yes on AWS wants --max-usd" in str(said.exception)
    assert asks.asked is None


def test_a_limit_below_the_estimate_begins_nothing(asks: Asks) -> None:
    """One cent."""
    said = asks("--yes", "--max-usd", "0.01")
    assert isinstance(said.exception, UsageError)
    assert asks.asked is None


def test_the_guard_counts_what_the_stack_costs_an_hour(asks: Asks) -> None:
    """Its rate is the estimate's, so that the limit is some time away, not for ever."""
    assert asks("--yes", "--max-usd", "500").exit_code == 0
    assert 0 < asks.guard.left_s < float("inf")
    assert asks.guard.usd < 0.01


def test_an_unknown_scenario_and_a_full_folder_are_said_first(asks: Asks) -> None:
    """Before anything is sent."""
    said = asks("nonsense", "--yes", "--max-usd", "500")
    assert "unknown scenario 'nonsense'" in str(said.exception)
    asks.out.mkdir()
    (asks.out / "x").write_text("")
    assert "exists and isn't empty" in str(asks("--yes", "--max-usd", "500").exception)
