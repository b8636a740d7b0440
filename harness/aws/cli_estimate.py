"""`dbharness aws estimate`: what a deployment costs an hour and for a planned run, before anything is deployed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from harness import config as configuration
from harness import plan_output
from harness.aws import estimate_output, planned, price_list
from harness.aws.deployment import PROFILE_OF, SIZES, STACKS, Parameters, Size, of_stacks
from harness.aws.estimate import Estimate, estimate
from harness.aws.price_sheet import PriceSheet, Quote, generator_key
from harness.aws.template import stack_parameters
from harness.cli_shared import CONFIG, ConfigOption, JsonOption, ScenarioNames, SetOption, out, print_json
from harness.config import Config
from harness.errors import UsageError

_EVER = "2099-01-01T00:00:00Z"  # an estimate ends with its run
CallFactory = Callable[[str | None, str | None], price_list.Call]
"""Makes what asks the Pricing API: of an endpoint other than AWS's, and of a profile of credentials, where there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line; ``parameters`` are laid over those of every stack."""

    sizes: tuple[Size, ...] = SIZES
    scenarios: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    config: Path = CONFIG
    region: str | None = None
    prices_file: str | None = None
    parameters: Parameters = field(default_factory=dict)
    generator_usd_hour: float | None = None
    backup_gb: float = 0.0


def estimates(asked: Request, call: price_list.Call | None = None) -> dict[Size, Estimate]:
    """An estimate for each size; with ``call``, by the Pricing API's prices before the file's.

    Raises UsageError, and whatever ``call`` raises.
    """
    models, made = planned.scenario_models(), {}
    for size in asked.sizes:
        given = [f"{key}={value}" for key, value in _own(asked) if value is not None]
        config = configuration.load(
            asked.config, models, profile=PROFILE_OF[size], overrides=(*asked.overrides, *given)
        )  # fmt: skip
        made[size] = _estimate(asked, config, size, call)
    return made


def for_stacks(
    stacks: Sequence[Parameters],
    config: Config,
    scenarios: Sequence[str] = (),
    *,
    sheet: PriceSheet,
    backup_gb: float = 0,
) -> Estimate:
    """What stacks of those parameters cost while those scenarios run on them; what isn't named has the template's default.

    Raises UsageError for parameters that the template doesn't take.
    """
    if not 0 <= backup_gb < float("inf"):
        raise UsageError(f"--backup-gb must be 0 or more, got {backup_gb:g}")
    items = config.scenarios["query_vs_scan"].largest
    try:
        complete = [stack_parameters({"ExpiresAt": _EVER, **stack}) for stack in stacks]
        deployed = of_stacks(complete, items=items, backup_gb=backup_gb)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return estimate(deployed, planned.work(config, deployed, scenarios), sheet)


def file_sheet(config: Config) -> PriceSheet:
    """The prices of the file; a region that isn't in it has none. Raises UsageError."""
    return PriceSheet(prices=configuration.load_prices(config, of_any_region=True))


def register(app: typer.Typer, call_of: CallFactory | None = None) -> None:
    """Mount ``estimate`` in an app. ``call_of`` makes what asks the Pricing API; the gateway's where not given."""

    @app.command("estimate")
    def command(
        scenarios: ScenarioNames = None,
        size: Annotated[
            list[str] | None,
            typer.Option("--for", help="How large: quick, standard or full; repeatable, all where not given."),
        ] = None,
        overrides: SetOption = None,
        parameters: Annotated[
            list[str] | None,
            typer.Option(
                "--parameter", metavar="NAME=VALUE", help="A parameter of the stack (docs/aws-stack.md); repeatable."
            ),
        ] = None,
        config: ConfigOption = CONFIG,
        region: Annotated[str | None, typer.Option(help="Whose prices; config.yaml's where not given.")] = None,
        prices: Annotated[str | None, typer.Option(metavar="FILE", help="A price file of your own.")] = None,
        from_price_list: Annotated[
            bool, typer.Option("--from-price-list", help="Ask AWS's Pricing API first; wants credentials.")
        ] = False,
        generator_usd_hour: Annotated[
            float | None, typer.Option(help="Price of one load generator an hour, which the price file hasn't.")
        ] = None,
        backup_gb: Annotated[float, typer.Option(help="Backups and snapshots together, GB.")] = 0.0,
        endpoint_url: Annotated[
            str | None,
            typer.Option(
                "--target-endpoint", metavar="URL", help="Ask this endpoint instead of AWS, such as moto's server."
            ),
        ] = None,
        aws_profile: Annotated[
            str | None, typer.Option(metavar="NAME", help="Profile of credentials to use, for --from-price-list.")
        ] = None,
        as_json: JsonOption = False,
    ) -> None:
        """Say what a deployment costs an hour and for the planned run, with each line's price and source."""
        asked = Request(
            sizes=_sizes(size or SIZES), scenarios=tuple(scenarios or ()), overrides=tuple(overrides or ()), config=config,
            region=region, prices_file=prices, parameters=_parameters(parameters or ()),
            generator_usd_hour=generator_usd_hour, backup_gb=backup_gb,
        )  # fmt: skip
        call = (call_of or _gateway)(endpoint_url, aws_profile) if from_price_list else None
        made = estimates(asked, call)
        if as_json:
            print_json(as_record(made))
        else:
            show(made, out)


def show(made: Mapping[Size, Estimate], console: Console) -> None:
    """Each estimate with its tables, and what none of them counts."""
    for size, one in made.items():
        tables = (estimate_output.lengths(one), estimate_output.lines(one))
        plan_output.show(estimate_output.sentences(size, one), tables, (), console)
    console.print(estimate_output.NOT_COUNTED, markup=False)


def as_record(made: Mapping[Size, Estimate]) -> dict[str, Any]:
    """All of them for JSON."""
    return {"schema": 1, "estimates": {size: one.as_record() for size, one in made.items()}}


def _estimate(asked: Request, config: Config, size: Size, call: price_list.Call | None) -> Estimate:
    stacks = [{**stack, **asked.parameters} for stack in STACKS[size]]
    sheet = file_sheet(config)
    if (usd := asked.generator_usd_hour) is not None:
        if not 0 <= usd < float("inf"):
            raise UsageError(f"--generator-usd-hour must be 0 or more, got {usd:g}")
        keys = {generator_key(str(stack["GeneratorType"])) for stack in stacks}
        sheet = sheet.with_quotes({key: Quote(usd=usd, source="as given") for key in keys})
    made = for_stacks(stacks, config, asked.scenarios, sheet=sheet, backup_gb=asked.backup_gb)
    if call is None:
        return made
    found = price_list.read(call, config.region, [key for key in made.keys if key not in sheet.quotes])
    return for_stacks(stacks, config, asked.scenarios, sheet=sheet.with_quotes(found.quotes), backup_gb=asked.backup_gb)


def _own(asked: Request) -> tuple[tuple[str, str | None], ...]:
    return (("region", asked.region), ("prices_file", asked.prices_file))


def _sizes(names: Sequence[str]) -> tuple[Size, ...]:
    for name in names:
        if name not in SIZES:
            raise UsageError(f"--for {name}: expected {', '.join(SIZES)}")
    return tuple(size for size in SIZES if size in names)


def _parameters(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise UsageError(f"--parameter {one}: expected NAME=VALUE, such as MySqlTopology=none")
        found[name] = value
    return found


def _gateway(endpoint_url: str | None, profile: str | None) -> price_list.Call:
    from harness.aws.gateway import Aws

    return Aws(price_list.REGION, stack="", endpoint_url=endpoint_url, profile=profile).call
