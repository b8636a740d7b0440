"""The commands ``history`` and ``baseline``: runs kept in a store, and how their figures went over time."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli_shared import JsonOption, print_json, say

StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="DIR|URL", help="Where runs are kept; runs/ where not given.")
]
ScenarioOption = Annotated[str | None, typer.Option(help="Only runs of this scenario.")]
_COMMIT_LETTERS = 9
_SCHEMA = 1  # of what --json prints: members may be added

baseline_app = typer.Typer(no_args_is_help=True, help="Runs that others are held against, in a folder or at a URL.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(baseline_app, name="baseline")
    app.command()(history)


def history(
    store: Annotated[
        str | None, typer.Argument(metavar="[STORE]", help="A folder of runs or a URL of one; runs/ where not given.")
    ] = None,
    scenario: Annotated[list[str] | None, typer.Option(help="Only these; repeatable.")] = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(metavar="SELECTOR", help="Only figures of this id, or id{label=value,…}; repeatable."),
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the last so many runs of a series.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Runs of this one; the newest run's where not given.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Runs that differ in machine, seed or dataset stay in the series; repeatable."
        ),
    ] = None,
    out_dir: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the page there.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which figures changed their level over the runs of a store, when, and what else changed there."""
    from harness.report_child import ask
    from harness.stores import Store

    kept = Store.of(store, "STORE")
    words = ["--store", kept.name, "--way-out", kept.way_out, *(["--json"] if as_json else [])]
    for option, values in (("--scenario", scenario), ("--figure", figure), ("--allow", allow)):
        words += [word for value in values or () for word in (option, value)]
    page = None if out_dir is None else str(out_dir.resolve())
    for option, value in (("--last", None if last is None else str(last)), ("--profile", profile), ("--out", page)):
        words += [] if value is None else [option, value]
    raise typer.Exit(ask("reports.history", [*words, "--", *(str(entry.path) for entry in kept.entries())]))


@baseline_app.command("add")
def add(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    store: StoreOption = None,
    name: Annotated[str | None, typer.Option(help="Its name there; its own where not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a whole run into a store."""
    from harness.stores import Store

    _say_place(Store.of(store).add(run, name), as_json=as_json)


@baseline_app.command("list")
def listing(store: StoreOption = None, scenario: ScenarioOption = None, as_json: JsonOption = False) -> None:
    """Say which runs a store has, in the order they started."""
    from harness.stores import Store

    kept = Store.of(store)
    entries = [entry for entry in kept.entries() if scenario is None or scenario in entry.scenarios]
    if as_json:
        print_json({"schema": _SCHEMA, "store": kept.name, "runs": [entry.as_record() for entry in entries]})
        return
    if not entries:
        say([f"{kept.name}: no runs; {kept.way_out}"])
        return
    rows = [("run", "started", "profile", "target", "commit", "status", "scenarios")]
    for entry in entries:
        status = entry.status if entry.findings or entry.status != "complete" else "complete, without findings"
        rows.append(
            (entry.name, entry.started, entry.profile, entry.target, entry.commit[:_COMMIT_LETTERS], status, ", ".join(entry.scenarios))
        )  # fmt: skip
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)


@baseline_app.command("fetch")
def fetch(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Its name in the store; the newest whole run where not given.")
    ] = None,
    store: StoreOption = None,
    scenario: ScenarioOption = None,
    out_dir: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The run directory to make; one under runs/ where not given."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a run out of a store, with its samples, and say where it is."""
    from harness.errors import UsageError
    from harness.paths import runs_dir
    from harness.stores import Store

    kept = Store.of(store)
    entries = [entry for entry in kept.entries() if scenario is None or scenario in entry.scenarios]
    asked = [entry for entry in entries if (entry.whole if run is None else entry.name == run)]
    if not asked:
        about = f"no run {run}" if run else "no whole run"
        known = (
            f"; there are {', '.join(entry.name for entry in entries[-5:])}" if run and entries else f"; {kept.way_out}"
        )
        raise UsageError(f"{kept.name}: {about}{f' of {scenario}' if scenario else ''}{known}")
    into = out_dir or runs_dir() / asked[-1].name
    kept.fetch(asked[-1], into)
    _say_place(str(into), as_json=as_json)


def _say_place(place: str, *, as_json: bool) -> None:
    """Where a run is now."""
    if as_json:
        print_json({"schema": _SCHEMA, "run": place})
    else:
        say([place])
