"""What the command modules share: where they print, and the options that several of them have."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from harness.paths import PROJECT_ROOT

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
CONFIG = PROJECT_ROOT / "config.yaml"

ScenarioNames = Annotated[
    list[str] | None, typer.Argument(metavar="[SCENARIO]…", help="Which to run; all where none is named.")
]
ProfileOption = Annotated[str | None, typer.Option(help="smoke, quick or standard; config.yaml's where not given.")]
TargetOption = Annotated[str | None, typer.Option(help="local or aws (section aws says where).")]
SeedOption = Annotated[int | None, typer.Option(help="Draws keys, orders and tables.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of config.yaml; repeatable."),
]
ConfigOption = Annotated[Path, typer.Option(help="The configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead, for programs.")]


def say(lines: Iterable[str]) -> None:
    """Lines for people, as they are, on standard output."""
    for line in lines:
        out.print(line, markup=False)


def print_json(document: Mapping[str, Any]) -> None:
    """The one document of a command that was asked for ``--json``; it says its ``schema``."""
    print(json.dumps(document, allow_nan=False))  # noqa: T201 - for programs: nothing wrapped or styled
