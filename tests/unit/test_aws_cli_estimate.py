"""`dbharness aws estimate` on the command line: tables, JSON, options that can't be meant, and the page in docs."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from harness.aws import cli_estimate, estimate_page
from harness.aws.price_list import Call
from harness.cli import app as whole
from harness.errors import UsageError


def run(*arguments: str, call: Call | None = None) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    cli_estimate.register(app, None if call is None else lambda _endpoint, _profile: call)
    return CliRunner().invoke(app, ["estimate", *arguments])


def record(*arguments: str, call: Call | None = None) -> dict[str, Any]:
    answer = run(*arguments, "--json", call=call)
    assert answer.exit_code == 0, answer.output
    found: dict[str, Any] = json.loads(answer.stdout)["estimates"]
    return found


def lines(estimate: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["what"]: one for one in estimate["lines"]}


def test_all_three_sizes_are_estimated_where_none_is_named() -> None:
    """Each says what it is and what it misses; full says that it is more than one stack."""
    answer = run()
    assert answer.exit_code == 0
    for said in ("quick: at least $", "standard: at least $", "full: at least $", "three stacks", "Not counted: taxes"):
        assert said in answer.stdout


def test_a_total_is_the_sum_of_its_lines() -> None:
    """Added up here from the JSON."""
    for estimate in record().values():
        known = [one["usd_run"] for one in estimate["lines"] if one["usd_run"] is not None]
        assert estimate["usd_run"] == {"usd": pytest.approx(sum(known)), "at_least": True}
        hourly = [one["usd_hour"] for one in estimate["lines"] if one["usd_hour"] is not None]
        assert estimate["usd_hour"]["usd"] == pytest.approx(sum(hourly))


def test_one_size_and_one_scenario_can_be_asked_for() -> None:
    """Failovers of two Multi-AZ instances: 2 × 6 × 420 s = 1.4 h, and 65 minutes around them: 2.483 h."""
    found = record("rds_failover", "--for", "quick")
    assert list(found) == ["quick"]
    assert found["quick"]["hours"] == pytest.approx(1.4 + 65 / 60)


def test_a_generators_price_can_be_given() -> None:
    """Two at $0.10 are $0.20 an hour, by whoever gave it."""
    generators = lines(record("--for", "quick", "--generator-usd-hour", "0.1")["quick"])[
        "EC2 load generators: c6i.large"
    ]
    assert (generators["usd_hour"], generators["source"]) == (pytest.approx(0.2), "as given")


def test_a_parameter_of_the_stack_changes_what_is_deployed() -> None:
    """Without databases there are no lines of RDS."""
    found = record("--for", "quick", "--parameter", "MySqlTopology=none", "--parameter", "PostgresTopology=none")
    assert not [what for what in lines(found["quick"]) if what.startswith("RDS")]


def test_a_region_without_prices_is_unknown_and_never_zero() -> None:
    """No price of it is in the file."""
    answer = run("--for", "quick", "--region", "mars-1")
    assert answer.exit_code == 0
    assert answer.stdout.startswith("quick: unknown for ")
    assert "no price secretsmanager.secret_month_usd for mars-1" in answer.stdout


def test_the_price_list_is_asked_where_it_is_asked_for() -> None:
    """It knows a secret here, at $0.80 a month: three for an hour are $2.40/730; of the rest it knows nothing."""

    def call(service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if params["ServiceCode"] != "AWSSecretsManager":
            return {"PriceList": []}
        tier = {"beginRange": "0", "pricePerUnit": {"USD": "0.80"}}
        listed = {
            "product": {"attributes": {"usagetype": "USE1-AWSSecretsManager-Secrets"}},
            "terms": {"OnDemand": {"a.b": {"priceDimensions": {"a.b.c": tier}}}}, "publicationDate": "2026-11-20T00:00:00Z",
        }  # fmt: skip
        return {"PriceList": [json.dumps(listed)]}

    found = lines(record("--for", "quick", "--from-price-list", call=call)["quick"])
    assert found["Secrets Manager"]["usd_hour"] == pytest.approx(2.4 / 730)
    assert found["Secrets Manager"]["source"] == "AWS Price List, published 2026-11-20"
    assert found["Interface endpoints"]["source"].startswith("https://aws.amazon.com/privatelink/pricing/")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--for", "huge"], "--for huge: expected quick, standard, full"),
        (["--parameter", "Colour"], "--parameter Colour: expected NAME=VALUE"),
        (["--parameter", "Colour=red"], "the stack has no parameter Colour"),
        (["--parameter", "CacheShards=x"], "the stack's parameter CacheShards: expected a whole number, found 'x'"),
        (["--generator-usd-hour", "-1"], "--generator-usd-hour must be 0 or more, got -1"),
        (["--backup-gb", "nan"], "--backup-gb must be 0 or more, got nan"),
        (["--region", "us-east-1", "--prices", "/nowhere.yaml"], "prices_file /nowhere.yaml: No such file"),
    ],
)
def test_an_option_that_cant_be_meant_is_named(arguments: list[str], said: str) -> None:
    """In one line, before anything is shown."""
    answer = run(*arguments)
    assert isinstance(answer.exception, UsageError)
    assert str(answer.exception).startswith(said)
    assert answer.stdout == ""


def test_it_is_there_under_dbharness_aws() -> None:
    """With its own options, which the outer command passes on."""
    answer = CliRunner().invoke(whole, ["aws", "estimate", "rds_failover", "--for", "quick", "--json"])
    assert answer.exit_code == 0
    assert list(json.loads(answer.stdout)["estimates"]) == ["quick"]


def test_the_page_in_docs_is_what_the_tool_says() -> None:
    """After a change of settings or prices: python -m harness.aws.estimate_page."""
    assert estimate_page.PAGE.read_text() == estimate_page.page()
