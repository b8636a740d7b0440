"""`dbharness services` and `dynamodb`: embedded servers without a scenario."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli_shared import out

if TYPE_CHECKING:
    from harness.local.services import State


def register(app: typer.Typer) -> None:
    """Mount `dynamodb`, and `services` with its three."""
    services = typer.Typer(no_args_is_help=True, help="The embedded servers, kept up for several runs.")
    for name, command in (("up", services_up), ("down", services_down), ("status", services_status)):
        services.command(name)(command)
    app.add_typer(services, name="services")
    app.command()(dynamodb)


def services_up(
    speed: Annotated[float, typer.Option(help="Speed of the DynamoDB twin's clock.")] = 1.0,
) -> None:
    """Start all embedded servers and leave them running."""
    from harness.local import services

    _print_services(services.services_up(dynamodb_speed=speed))


def services_down() -> None:
    """Stop what `services up` started."""
    from harness.local import services

    out.print("stopped" if services.services_down() else "nothing was up", markup=False)


def services_status() -> None:
    """Say what is up, and where."""
    from harness.local import services

    _print_services(services.services_status())


def _print_services(state: "State | None") -> None:
    """A line for each service: where it answers, and what it is."""
    if state is None:
        out.print("nothing is up", markup=False)
        return
    if state.dynamodb_url:
        speed = f", speed {state.dynamodb_speed:g}"
        out.print(f"dynamodb  {state.dynamodb_url}  ({state.products['dynamodb']}{speed})", markup=False)
    for node in state.cache:
        out.print(f"cache     {node.host}:{node.port}  ({state.products['valkey']})", markup=False)
    for engine, at in state.sql.items():
        url = f"{at.user}:{at.password}@{at.host}:{at.port}/{at.database}"
        out.print(f"{engine:9} {url}  ({state.products[engine]})", markup=False)
    for missing, why in state.unavailable.items():
        out.print(f"{missing:9} not available: {why}", markup=False)


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
