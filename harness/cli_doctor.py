"""`dbharness doctor`: what this machine can run."""

import typer

from harness.cli_shared import CONFIG, ConfigOption, JsonOption, print_json, say


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("doctor")(doctor)


def doctor(as_json: JsonOption = False, config: ConfigOption = CONFIG) -> None:
    """Say what this machine can run, and how to mend what it can't; exit 3 where nothing could be measured."""
    from harness.doctor.examination import examine

    found = examine(config)
    if as_json:
        print_json(found.as_record())
    else:
        say(found.lines())
    raise typer.Exit(found.exit_code)
