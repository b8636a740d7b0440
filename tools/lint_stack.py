"""cfn-lint over the stack's template, in an environment of its own: ``python -m tools.lint_stack``, part of ``make check``.

Linted are the file and what is sent of it. Warnings and remarks count as errors do; the exit code is cfn-lint's.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.aws import template
from tools import fetched

REGIONS = ("us-east-1", "eu-west-1")
_MAIN = "import sys; from cfnlint.runner import main; sys.exit(main())"  # its script would name the folder that it was made in


def main() -> int:
    """Lint both; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="stack-") as scratch:
        sent = Path(scratch) / "sent.yaml"
        sent.write_text(template.body())
        return subprocess.run(command([template.TEMPLATE, sent]), check=False).returncode


def command(paths: Sequence[Path]) -> list[str]:
    """How cfn-lint is asked about those templates."""
    options = ["--include-checks", "I", "--regions", *REGIONS, "--non-zero-exit-code", "informational"]
    return [str(fetched.python("cfn-lint")), "-c", _MAIN, *options, "--", *map(str, paths)]


if __name__ == "__main__":
    sys.exit(main())
