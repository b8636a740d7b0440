"""`dbharness ui`: scenarios started and watched in a browser."""

import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli_shared import CONFIG, ConfigOption, ProfileOption, SeedOption, SetOption, TargetOption, err
from harness.errors import CannotMeasure

if TYPE_CHECKING:
    from harness import suite

HOST, PORT = "127.0.0.1", 8089


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(ui)


def ui(
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="[SCENARIO]", help="Which to offer; all, to choose from, where none is named."),
    ] = None,
    profile: ProfileOption = None,
    target: TargetOption = None,
    seed: SeedOption = None,
    overrides: SetOption = None,
    host: Annotated[
        str, typer.Option(help="Address to serve at; beyond loopback it asks for a password (DBHARNESS_UI_PASSWORD).")
    ] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to serve at.")] = PORT,
    config: ConfigOption = CONFIG,
) -> None:
    """Serve Locust's web UI with a start page, live charts and a link to the report; Ctrl-C ends all of it."""
    from harness import suite

    asked = suite.Request(
        scenarios=(scenario,) if scenario else (), profile=profile, target=target, out=None, seed=seed,
        overrides=tuple(overrides or ()), config=config, command=(),
    )  # fmt: skip
    suite.checked(asked)
    refuse_taken(host, port)
    shown = f"[{host}]" if ":" in host else host
    err.print(f"start a run at http://{shown}:{port}/dbharness/start; Ctrl-C ends all of it", markup=False)
    os.environ["DBHARNESS_CONFIG"] = str(config.resolve())
    command = locust_command(asked, host=host, port=port)
    os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - Ctrl-C is Locust's then, with nobody between


def locust_command(asked: "suite.Request", *, host: str, port: int) -> list[str]:
    """What Python is told to run: one scenario's file, or all of them with the class picker."""
    from harness.paths import PROJECT_ROOT
    from harness.registry import locustfile

    what = (
        ["-f", str(locustfile(asked.scenarios[0]))]
        if asked.scenarios
        else ["-f", f"{PROJECT_ROOT / 'scenarios'}/", "--class-picker"]
    )
    options = {"profile": asked.profile, "target": asked.target, "seed": asked.seed}
    said = [f"--harness-{name}={value}" for name, value in options.items() if value is not None]
    return [
        "-m",
        "locust",
        *what,
        f"--web-host={host}",
        f"--web-port={port}",
        *said,
        *_each("--harness-set", asked.overrides),
    ]


def refuse_taken(host: str, port: int) -> None:
    """Raises CannotMeasure where something listens there already, or the address isn't this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotMeasure(
                f"can't serve at {host}:{port}: {error.strerror}; give another --port, or --host"
            ) from error


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [f"{option}={value}" for value in values]
