"""The command line: brings the commands together, and says in one line what a user can mend."""

import signal
import sys

import typer

from harness import (
    cli_aa,
    cli_choose,
    cli_compare,
    cli_doctor,
    cli_gates,
    cli_history,
    cli_plan,
    cli_run,
    cli_services,
    cli_ui,
)
from harness.cli_shared import err
from harness.errors import HarnessError
from harness.reader import until_reader_goes

app = typer.Typer(
    name="dbharness", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Benchmarks managed databases: RDS, DynamoDB, ElastiCache; on AWS or on one laptop.",
)  # fmt: skip
cli_run.register(app)
cli_ui.register(app)
cli_compare.register(app)
cli_plan.register(app)
cli_choose.register(app)
cli_services.register(app)
cli_aa.register(app)
cli_history.register(app)
cli_gates.register(app)
cli_doctor.register(app)


@app.command(
    "aws",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
)
def aws(context: typer.Context) -> None:
    """The AWS target; `dbharness aws --help` says what there is."""
    from harness.aws.cli import app as aws_app  # boto3 is imported where it is used

    aws_app(args=context.args, prog_name="dbharness aws")


def main() -> None:
    """Entry point: one line instead of a traceback for anything a user can mend."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(until_reader_goes(_answered))


def _answered() -> int:
    try:
        app()
    except HarnessError as error:
        err.print(str(error), markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _terminate(*_: object) -> None:
    """SIGTERM unwinds like Ctrl-C, so that everything is stopped on the way out."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
