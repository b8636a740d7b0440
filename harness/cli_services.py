"""`dbharness services` and `dynamodb`: embedded servers without a scenario."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli_shared import JsonOption, print_json, say

if TYPE_CHECKING:
    from harness.local.services import State

SCHEMA = 1  # of what --json prints: members may be added


def register(app: typer.Typer) -> None:
    """Mount `dynamodb`, and `services` with its three."""
    services = typer.Typer(no_args_is_help=True, help="The embedded servers, kept up for several runs.")
    for name, command in (("up", services_up), ("down", services_down), ("status", services_status)):
        services.command(name)(command)
    app.add_typer(services, name="services")
    app.command()(dynamodb)


def services_up(
    speed: Annotated[float, typer.Option(help="Speed of the DynamoDB twin's clock.")] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Start all embedded servers and leave them running."""
    from harness.local import services

    _show(services.services_up(dynamodb_speed=speed), as_json=as_json)


def services_down(as_json: JsonOption = False) -> None:
    """Stop what `services up` started."""
    from harness.local import services

    stopped = services.services_down()
    if as_json:
        print_json({"schema": SCHEMA, "stopped": stopped})
    else:
        say(["stopped" if stopped else "nothing was up"])


def services_status(as_json: JsonOption = False) -> None:
    """Say what is up, and where."""
    from harness.local import services

    _show(services.services_status(), as_json=as_json)


def _show(state: "State | None", *, as_json: bool) -> None:
    if as_json:
        print_json({"schema": SCHEMA, "up": state is not None} | (asdict(state) if state else {}))
    else:
        say(_lines(state))


def _lines(state: "State | None") -> Iterator[str]:
    """A line for each service: where it answers, and what it is."""
    if state is None:
        yield "nothing is up"
        return
    if state.dynamodb_url:
        speed = f", speed {state.dynamodb_speed:g}"
        yield f"dynamodb  {state.dynamodb_url}  ({state.products['dynamodb']}{speed})"
    for node in state.cache:
        yield f"cache     {node.host}:{node.port}  ({state.products['valkey']})"
    for engine, at in state.sql.items():
        url = f"{at.user}:{at.password}@{at.host}:{at.port}/{at.database}"
        yield f"{engine:9} {url}  ({state.products[engine]})"
    for missing, why in state.unavailable.items():
        yield f"{missing:9} not available: {why}"


def dynamodb(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 asks the system.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(help="How much faster than the wall its clock runs.")] = 1.0,
    require_signature: Annotated[
        bool, typer.Option("--require-signature", help="Refuse what isn't signed with the key.")
    ] = False,
    access_key: Annotated[
        str | None, typer.Option(metavar="ID", help="The key's id; AWS_ACCESS_KEY_ID where not given.")
    ] = None,
    secret_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The secret key; AWS_SECRET_ACCESS_KEY where not given.")
    ] = None,
    service_time: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: how long answers take, for each operation.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the service times.")] = 0,
    control: Annotated[bool, typer.Option("--control", help="Offer /_twin/ beyond loopback too.")] = False,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Read tables from there, and write them when stopped.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: what AWS doesn't publish; docs/twin.md lists it.")
    ] = None,
    partition_limits: Annotated[bool, typer.Option(help="Throttle hot partitions as well as tables.")] = True,
) -> None:
    """Run the DynamoDB twin in the foreground; any AWS SDK can talk to it."""
    from harness.local.dynamodb.wire.options import options_of
    from harness.local.dynamodb.wire.server import serve

    options = options_of(
        host=host, port=port, speed=speed, require_signature=require_signature, access_key=access_key,
        secret_key_file=secret_key_file, service_time=service_time, seed=seed, control=control,
        partition_limits=partition_limits, data=data, parameters=parameters,
    )  # fmt: skip
    raise typer.Exit(serve(options))
