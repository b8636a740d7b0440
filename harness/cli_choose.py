"""`dbharness choose`: which store a workload should have, by what was measured."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli_shared import JsonOption, out, print_json


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(choose)


def choose(
    workload: Annotated[
        Path, typer.Argument(metavar="WORKLOAD", help="YAML: patterns with their rates, data, what is asked.")
    ],
    from_run: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Whose figures; the last of runs/ with sql_vs_nosql where not given."),
    ] = None,
    region: Annotated[str, typer.Option(help="Whose prices.")] = "us-east-1",
    prices: Annotated[str | None, typer.Option(metavar="FILE", help="A price file of your own.")] = None,
    as_json: JsonOption = False,
    out_dir: Annotated[Path | None, typer.Option("--out", help="A new directory for a report.")] = None,
) -> None:
    """Say which store is the cheapest for a workload, why, and at what rate that changes; exit 3 where none can be named."""
    from harness import store_choice

    chosen = store_choice.make(
        store_choice.Request(workload=workload, from_run=from_run, region=region, prices_file=prices, out=out_dir)
    )
    if as_json:
        print_json(chosen.record)
    else:
        store_choice.show(chosen, out)
    code = store_choice.write_report(chosen, out_dir, None if as_json else out) if out_dir is not None else 0
    raise typer.Exit(code or (0 if chosen.found else 3))
