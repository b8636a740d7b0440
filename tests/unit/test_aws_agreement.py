"""What costs money or destroys is shown, held against a limit, and asked about."""

import pytest
from typer.testing import CliRunner

from harness.aws import agreement, cli_stack
from harness.aws.cli import app
from harness.aws.deployment import Part, Work
from harness.aws.estimate import Estimate, Line
from harness.errors import UsageError

ENDPOINT = ("--target-endpoint", "http://127.0.0.1:9")


def _estimate(*usd_hour: float | None) -> Estimate:
    """Lines of so much an hour, for a planned run of 2 h."""
    lines = tuple(
        Line(
            what=f"thing {at}", quantity=1.0, unit="× h", usd_per_unit=usd, source="s", usd_hour=usd,
            usd_run=None if usd is None else usd * 2,
        )
        for at, usd in enumerate(usd_hour)
    )  # fmt: skip
    parts = (Part(name="all", seconds=7_200, how="said"),)
    return Estimate(region="us-east-1", work=Work(parts=parts), lines=lines)


def test_what_is_shown_is_the_run_the_hour_and_the_time_until_expiry_and_what_is_unknown() -> None:
    """$1.50 an hour: $3 for 2 h, $12 for 8 h; an unknown line makes each of them *at least*."""
    said = agreement.said("quick", _estimate(1.0, 0.5, None), 8.0)
    assert said[0].startswith("quick: at least $3.00 for 2.0 h, at least $1.50 an hour while it stands")
    assert said[1] == "Unknown, and so in no sum: thing 2."
    assert said[2] == "Left standing until it may be swept, 8 h: at least $12.00."


def test_nothing_known_is_unknown_and_never_zero() -> None:
    """No price at all: no dollars anywhere."""
    assert agreement.said("quick", _estimate(None), 8.0)[2].endswith("8 h: unknown.")


@pytest.mark.parametrize(
    ("max_usd", "reason"),
    [(12.0, None), (11.99, "standing for 8 h costs"), (2.99, "the planned run costs"), (0.0, "must be above 0")],
)
def test_the_limit_holds_for_the_run_and_for_standing_until_the_expiry(max_usd: float, reason: str | None) -> None:
    """$1.50 an hour: the run of 2 h is $3, 8 h are $12; the limit itself is within it."""
    if reason is None:
        agreement.affordable(_estimate(1.0, 0.5), 8.0, max_usd, lambda: 0)
        return
    with pytest.raises(UsageError, match=reason):
        agreement.affordable(_estimate(1.0, 0.5), 8.0, max_usd, lambda: 0)


@pytest.mark.parametrize(("answer", "says"), [(False, "not agreed to"), (None, "nobody is there to ask.*--yes")])
def test_no_and_nobody_there_both_prevent_it(answer: bool | None, says: str) -> None:
    """Only a yes goes on."""
    with pytest.raises(agreement.NotAgreed, match=says):
        agreement.Asking(yes=False, ask=lambda _: answer).agree("delete stack x")


def test_yes_in_advance_asks_nobody_and_yes_when_asked_goes_on() -> None:
    """The question is the step itself."""
    asked: list[str] = []
    agreement.Asking(yes=True, ask=lambda _: pytest.fail("was asked")).agree("create stack x")
    agreement.Asking(yes=False, ask=lambda question: not asked.append(question)).agree("create stack x")
    assert asked == ["create stack x?"]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("up", "dbharness-x", "--yes"), "--yes on AWS wants --max-usd"),
        (("up", "orders", *ENDPOINT), "begins with dbharness-"),
        (("up", "dbharness-X", *ENDPOINT), "lower-case"),
        (("up", "dbharness-x", "--for", "huge", *ENDPOINT), "expected quick, standard, full"),
        (("up", "dbharness-x", "--hours", "0", *ENDPOINT), "--hours must be above 0"),
        (("up", "dbharness-x", "--hours", "169", *ENDPOINT), "168 at most"),
        (("up", "dbharness-x", "--parameter", "Generators", *ENDPOINT), "expected NAME=VALUE"),
        (("up", "dbharness-x", "--parameter", "Generator=1", *ENDPOINT), "did you mean Generators"),
        (("up", "dbharness-x", "--template", "/nowhere", *ENDPOINT), "name a readable file"),
        (("up", "dbharness-x", "--max-usd", "0.01", *ENDPOINT), "--max-usd"),
        (("check",), "check a STACK, or --template"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked_of_aws(argv: tuple[str, ...], says: str) -> None:
    """Nothing listens at that endpoint: had it been asked, the error would be another."""
    result = CliRunner().invoke(app, argv)
    assert isinstance(result.exception, UsageError), result.output
    assert says in str(result.exception)


def test_our_own_template_passes_its_check() -> None:
    """Asks nobody; exit 0."""
    result = CliRunner().invoke(app, ["check", "--template"])
    assert (result.exit_code, "FAIL" in result.output) == (0, False), result.output


def test_the_full_size_is_a_stack_for_each_topology() -> None:
    """Each with the topology behind the name; one stack has the name itself."""
    from harness.aws.deployment import STACKS

    assert [name for name, _ in cli_stack._named("dbharness-x", STACKS["quick"])] == ["dbharness-x"]
    assert [name for name, _ in cli_stack._named("dbharness-x", STACKS["full"])] == [
        "dbharness-x-single-az", "dbharness-x-multi-az-instance", "dbharness-x-multi-az-cluster",
    ]  # fmt: skip
