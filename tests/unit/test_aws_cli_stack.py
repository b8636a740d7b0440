"""Where and as whom `up`, `down` and `sweep` ask, and what they don't begin at all."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_account import Account
from typer.testing import CliRunner

from harness.aws import cli_stack
from harness.aws.cli import app
from harness.aws.teardown import Expired, TakenDown
from harness.errors import UsageError

OVER = datetime(2020, 1, 1, tzinfo=UTC)


def _invoke(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("region: us-east-1\naws: {region: eu-west-1, profile: lab}\n")
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What gateways are made with; each leads to an account with nothing in it."""
    made: list[dict[str, Any]] = []

    def gateway(region: str, **more: Any) -> Any:
        made.append({"region": region, **more})
        return Account().aws(more["stack"])

    monkeypatch.setattr(cli_stack, "Aws", gateway)
    return made


def test_section_aws_says_where_and_as_whom(config: Path, asked: list[dict[str, Any]]) -> None:
    """As `run` has it: in another account or region `down` would find nothing, and say that nothing is there."""
    said = _invoke("down", "dbharness-lab", "--yes", "--config", str(config))
    assert said.exit_code == 0, said.output
    assert {(one["region"], one["profile"]) for one in asked} == {("eu-west-1", "lab")}
    assert "nothing carries dbharness=dbharness-lab in eu-west-1" in said.output


def test_the_command_line_goes_before_section_aws(config: Path, asked: list[dict[str, Any]]) -> None:
    """Both of them."""
    words = ("--region", "us-west-2", "--aws-profile", "anna")
    assert _invoke("down", "dbharness-lab", "--yes", "--config", str(config), *words).exit_code == 0
    assert {(one["region"], one["profile"]) for one in asked} == {("us-west-2", "anna")}


@pytest.mark.parametrize("name", ["", "dbharness-x y", "arn:aws:cloudformation:us-east-1:1:stack/dbharness-x/1"])
def test_down_of_what_is_no_name_doesn_t_say_that_nothing_is_there(name: str, asked: list[dict[str, Any]]) -> None:
    """An empty variable of the shell, a typing error, an id: nobody is asked."""
    said = _invoke("down", name, "--yes")
    assert isinstance(said.exception, UsageError)
    assert asked == []


def test_down_of_a_full_stack_s_common_name_says_what_stands(
    monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]
) -> None:
    """Made --for full there are three stacks, and none of the name itself: exit 1 as long as one of them is there."""
    account = Account()
    account.aws("dbharness-lab-single-az").call(
        "cloudformation", "CreateStack", StackName="dbharness-lab-single-az", TemplateBody="{}", Parameters=[],
        Tags=[{"Key": "dbharness", "Value": "dbharness-lab-single-az"}],
    )  # fmt: skip
    monkeypatch.setattr(cli_stack, "Aws", lambda _, **more: account.aws(more["stack"]))
    said = _invoke("down", "dbharness-lab", "--yes")
    assert (said.exit_code, "STILL THERE: stack dbharness-lab-single-az" in said.output) == (1, True), said.output
    assert list(account.stacks) == ["dbharness-lab-single-az"]


def test_a_stack_that_down_would_refuse_isn_t_made(asked: list[dict[str, Any]]) -> None:
    """prod as a word of its name."""
    said = _invoke("up", "dbharness-prod-eu", "--yes", "--max-usd", "500")
    assert "looks like production: `down` would refuse it" in str(said.exception)
    assert asked == []


def test_a_stack_that_is_prolonged_while_others_are_swept_stays(
    monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]
) -> None:
    """Two are over; the first one's deletion takes a while, in which somebody prolongs the second."""
    over = [Expired(name=f"dbharness-{name}", expires=OVER, standing=True) for name in ("a", "b")]
    gone: list[str] = []

    def down(_: Any, name: str, **__: Any) -> TakenDown:
        gone.append(name)
        del over[:]
        return TakenDown(kept=(), left=())

    monkeypatch.setattr(cli_stack, "expired", lambda *_: list(over))
    monkeypatch.setattr(cli_stack, "down", down)
    said = _invoke("sweep", "--yes")
    assert (said.exit_code, gone) == (0, ["dbharness-a"])
    assert "dbharness-b: was prolonged, or went, meanwhile" in said.output
