"""`dbharness aws …`: what is asked of the AWS target on the command line."""

import typer

from harness.aws import cli_estimate, cli_operations, cli_run, cli_stack

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Measure on AWS: estimate, up, check, run, down, in this order. docs/aws.md leads from an empty account to a report."
)  # fmt: skip

cli_estimate.register(app)
cli_stack.register(app)
cli_run.register(app)
cli_operations.register(app)
