"""`dbharness aws run`: what it costs is shown and agreed to first, and generators get the stack's outputs in section ``aws``."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_aws import ScriptedAws
from typer.testing import CliRunner

from harness.aws import cli_operations, cli_parts, cli_run, template
from harness.aws.cli import app
from harness.aws.deployment import Work
from harness.aws.estimate import Estimate, Line
from harness.aws.gateway import Aws
from harness.aws.generators import Generator
from harness.aws.remote import Asked, Where
from harness.errors import CannotMeasure, UsageError
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
            "Tags": [{"Key": "dbharness", "Value": STACK}],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in template.stack_parameters(given).items()
            ],
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
        }  # fmt: skip
        self.stack: dict[str, Any] = stack
        scripted.on("cloudformation", "DescribeStacks", lambda _: {"Stacks": [self.stack]})
        monkeypatch.setattr(cli_parts, "Aws", lambda *_, **__: scripted.gateway())
        there = Where(bucket="b", generators=(Generator(id="i-1", address="10.0.0.1"),))
        monkeypatch.setattr(cli_run.remote, "where", lambda *_, **__: there)
        monkeypatch.setattr(cli_run.remote, "run", self._run)
        monkeypatch.setattr(cli_run, "report_of", lambda *_, **__: (0, None))

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
    """Its rate is the estimate's, so that the limit is some time away, not for ever; requests on demand count from the start.

    query_vs_scan's quick profile reads and writes on demand: more than nothing, and it all fits into 500 dollars.
    """
    assert asks("--yes", "--max-usd", "500").exit_code == 0
    assert 0 < asks.guard.left_s < float("inf")
    assert 0.001 < asks.guard.usd < 500


def test_a_stack_whose_hour_has_no_known_price_can_t_be_limited(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests alone are priced: time would never reach the limit, so nothing begins."""

    def line(usd: float | None, *, hourly: bool) -> Line:
        return Line(
            what="x", quantity=1.0, unit="", usd_per_unit=usd, source="", usd_hour=usd, usd_run=usd, hourly=hourly
        )

    costs = Estimate(region="r", work=Work(parts=()), lines=(line(None, hourly=True), line(1.0, hourly=False)))
    monkeypatch.setattr(cli_run.cli_estimate, "for_stacks", lambda *_, **__: costs)
    said = asks("--yes", "--max-usd", "500")
    assert "what the stack costs an hour is unknown" in str(said.exception)
    assert asks.asked is None


def test_a_stack_without_our_tag_is_refused_first(asks: Asks) -> None:
    """Its outputs would say where files are put and commands are sent."""
    asks.stack["Tags"] = [{"Key": "team", "Value": "data"}]
    said = asks("--yes", "--max-usd", "500")
    assert "isn't dbharness's: it has no tag" in str(said.exception)
    assert asks.asked is None


@pytest.mark.parametrize("run", ["", "../other", "a/b", "a b"])
def test_a_run_to_gather_is_named_by_its_id_or_nothing_is_done(asks: Asks, run: str) -> None:
    """An empty one, as of a variable of the shell that isn't set, doesn't begin a run that costs."""
    said = asks("--gather", run, "--yes", "--max-usd", "500")
    assert isinstance(said.exception, UsageError) and "expected a run's id" in str(said.exception)
    assert asks.asked is None


def test_a_run_is_gathered_where_no_generator_is_left(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bucket is all that is looked for."""

    def none(*_: Any, **__: Any) -> Where:
        raise CannotMeasure("nothing in service")

    def gathered(_: Any, bucket: str, run: str, out: Path, *__: Any, **___: Any) -> RunDir:
        assert (bucket, run) == ("dbharness-test-runbucket-x", "20261128-120301-a1b2c3")
        out.mkdir()
        (out / "manifest.json").write_text(json.dumps({"status": "complete"}))
        return RunDir(out)

    monkeypatch.setattr(cli_run.remote, "where", none)
    monkeypatch.setattr(cli_run.remote, "gather", gathered)
    assert asks("--gather", "20261128-120301-a1b2c3").exit_code == 0


def test_an_endpoint_elsewhere_is_paid_for_as_aws_is(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is on this machine costs nothing: an endpoint in a VPC leads to AWS."""
    gateway = cli_parts.Aws

    def elsewhere(*words: Any, **more: Any) -> Any:
        made = gateway(*words, **more)
        made.endpoint_url = more["endpoint_url"]
        return made

    monkeypatch.setattr(cli_parts, "Aws", elsewhere)
    said = asks("--yes", "--target-endpoint", "https://vpce-1.cloudformation.us-east-1.vpce.amazonaws.com")
    assert "--yes on AWS wants --max-usd" in str(said.exception)


def test_findings_that_can_t_be_written_leave_nothing_standing(tmp_path: Path) -> None:
    """What was made is taken down, and one line says that they are lost; a file in the way is said before anything is made."""
    (tmp_path / "file").write_text("")
    taken: list[str] = []
    operations: Any = SimpleNamespace(id="x", take_down=lambda: taken.append("down"))
    with pytest.raises(UsageError, match="written nowhere"):
        cli_operations._measured(operations, list, tmp_path / "file" / "below")
    assert taken == ["down"]
    with pytest.raises(UsageError, match="is no folder"):
        cli_parts.writable(tmp_path / "file")


def test_a_snapshot_and_a_time_are_not_both_restored(asks: Asks) -> None:
    """One of them would be passed over in silence."""
    said = CliRunner().invoke(app, ["restore", "--stack", STACK, "--snapshot", "s", "--point-in-time", "--yes"])
    assert "--snapshot and a point in time: give one of them" in str(said.exception)


def test_what_answers_on_loopback_is_not_aws_and_gets_nobodys_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore takes AWS_ENDPOINT_URL from the environment, whatever the command line says."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    aws = Aws("us-east-1", stack=STACK)
    assert not aws.at_aws
    assert aws.client("rds")._request_signer._credentials.access_key == "local"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    aws = Aws("us-east-1", stack=STACK)
    assert aws.at_aws
    assert aws.client("rds")._request_signer._credentials.access_key == "AKIAREAL"


def test_an_unknown_scenario_and_a_full_folder_are_said_first(asks: Asks) -> None:
    """Before anything is sent."""
    said = asks("nonsense", "--yes", "--max-usd", "500")
    assert "unknown scenario 'nonsense'" in str(said.exception)
    asks.out.mkdir()
    (asks.out / "x").write_text("")
    assert "exists and isn't empty" in str(asks("--yes", "--max-usd", "500").exception)
