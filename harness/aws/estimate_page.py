"""Writes docs/aws-estimate.md: what `dbharness aws estimate` answers, from the configuration and the prices that come with dbharness.

`python -m harness.aws.estimate_page` writes it anew; a test holds it current.
"""

from pathlib import Path

from harness.aws import cli_estimate, estimate_output, run_length
from harness.aws.deployment import Size
from harness.aws.estimate import Estimate
from harness.paths import PROJECT_ROOT
from harness.plan_output import Rows

PAGE = PROJECT_ROOT / "docs" / "aws-estimate.md"
WITHOUT_DIURNAL = "capacity_modes.parts=[ramp,steps,spike,policy,back_pressure]"
NO_SERVERS = ("MySqlTopology=none", "PostgresTopology=none", "CacheShards=0")
_HEAD = """# What it costs on AWS

Made by `python -m harness.aws.estimate_page`; nothing on this page was run on AWS. `dbharness aws estimate` says the same on a terminal,
and with `--json` for programs. Prices come from `harness/prices.yaml`, each line with its source and when it was read; they were read by hand, so
verify before quoting. A price that isn't there makes its line *unknown*, never zero, and the total *at least*. `--from-price-list` asks AWS's
Pricing API for all of them first (`pricing:GetProducts`, wants credentials), `--generator-usd-hour` gives the one that no page here
has, `--prices` names a file of your own.

Billed by the whole hour: cache nodes, provisioned capacity, interface endpoints. By the month of 730 hours, and in parts of it: storage, secrets, alarms.
"""
_LENGTHS = """
## How long a run is

Nothing runs faster than the wall on AWS, so capacity_modes' service seconds are seconds. Assumed, not measured: {up:g} minutes to deploy, {down:g} to
take down, {rest:g} s from one failover to the next, {answer:g} s for an answer of DynamoDB with some dozen items, {page:g} s a page of 1 MB,
{between:g} s between two trials of cache_hit_rate. A failover takes what is typical at most (D1). Not planned, since they need the twin's clock or
limits, or a cache that can be killed: {left_out}.
"""


def page() -> str:
    """The page as it should be."""
    made = cli_estimate.estimates(cli_estimate.Request())
    no_servers = dict(one.split("=") for one in NO_SERVERS)
    lean = cli_estimate.Request(
        sizes=("standard",), scenarios=("capacity_modes",), overrides=(WITHOUT_DIURNAL,), parameters=no_servers
    )
    left_out = ", ".join(f"{name}'s `{part}`" for name, parts in run_length.NOT_ON_AWS.items() for part in parts)
    lengths = _LENGTHS.format(
        up=run_length.UP_S / 60, down=run_length.DOWN_S / 60, rest=run_length.REST_S, answer=run_length.ANSWER_S,
        page=run_length.PAGE_S, between=run_length.BETWEEN_TRIALS_S, left_out=left_out,
    )  # fmt: skip
    return "\n".join(
        (
            _HEAD, *(f"* {estimate_output.headline(size, one)}" for size, one in made.items()), lengths,
            _cheaper(cli_estimate.estimates(lean)["standard"]), *(_section(size, one) for size, one in made.items()),
            f"{estimate_output.NOT_COUNTED}\n",
        )
    )  # fmt: skip


def write(path: Path = PAGE) -> None:
    """Write it."""
    path.write_text(page())


def _cheaper(made: Estimate) -> str:
    """One scenario after another needs less to stand: only what it asks."""
    command = f"dbharness aws estimate capacity_modes --for standard --set '{WITHOUT_DIURNAL}' " + " ".join(
        f"--parameter {one}" for one in NO_SERVERS
    )
    return (
        "What makes *standard* long is capacity_modes, and of it the part `diurnal`: five hours of a day a trial. Databases and caches stand "
        "idle meanwhile. That scenario without it, on a stack of its own:\n\n"
        f"```\n{command}\n```\n\n{estimate_output.total(made.run)} for {made.work.hours:,.1f} h.\n"
    )


def _section(size: Size, made: Estimate) -> str:
    first, *rest = estimate_output.sentences(size, made)
    parts = (f"## {size}", first, *rest, *map(estimate_output.markdown, _tables(made)))
    return "\n\n".join(parts) + "\n"


def _tables(made: Estimate) -> tuple[Rows, ...]:
    return estimate_output.lengths(made), estimate_output.lines(made)


if __name__ == "__main__":
    write()
