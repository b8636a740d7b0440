"""`dbharness aws …`: what is asked of the AWS target on the command line."""

import typer

from harness.aws import cli_estimate, cli_run

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The AWS target: what it costs."
)  # fmt: skip


@app.callback()
def _group() -> None:
    """Commands stay commands while there is only one of them."""


cli_estimate.register(app)
cli_run.register(app)
