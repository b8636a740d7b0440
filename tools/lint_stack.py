"""cfn-lint over the stack's template, in an environment of its own: ``python -m tools.lint_stack``, part of ``make check``.

Linted are the file, what is sent of it, and a copy with the parameters' defaults in their places: cfn-lint holds versions, classes
and numbers against what each region has, but only where they stand themselves. Warnings and remarks count as errors do.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.aws import template
from tools import fetched

REGIONS = ("us-east-1", "eu-west-1")
_MAIN = "import sys; from cfnlint.runner import main; sys.exit(main())"  # its script would name the folder that it was made in
_NONE = "0"  # leaves out what it is the number of, so it never stands in its place
_UNUSED_PARAMETER = "W2001"


def main() -> int:
    """Lint all three; returns 1 if there is anything to remark."""
    text = template.TEMPLATE.read_text()
    with tempfile.TemporaryDirectory(prefix="stack-") as scratch:
        sent, filled = Path(scratch) / "sent.yaml", Path(scratch) / "defaults.yaml"
        sent.write_text(template.body())
        filled.write_text(with_defaults(text))
        asked = (command([template.TEMPLATE, sent]), command([filled], without=(_UNUSED_PARAMETER,)))
        return max(min(subprocess.run(each, check=False).returncode, 1) for each in asked)


def with_defaults(text: str) -> str:
    """The template with the default in the place of each reference to a parameter that takes more than a few values."""
    head, resources = text.split("\nResources:\n")
    open_ended = {
        name: parameter.default
        for name, parameter in template.load(text).parameters.items()
        if parameter.default not in (None, "", _NONE) and not parameter.allowed and name != "GeneratorImage"
    }
    names = "|".join(open_ended)
    filled = re.sub(rf"!Ref ({names})\b", lambda found: f'"{open_ended[found[1]]}"', resources)
    return f"{head}\nResources:\n{filled}"


def command(paths: Sequence[Path], *, without: Sequence[str] = ()) -> list[str]:
    """How cfn-lint is asked about those templates."""
    options = ["--include-checks", "I", "--regions", *REGIONS, "--non-zero-exit-code", "informational"]
    if without:
        options += ["--ignore-checks", *without]
    return [str(fetched.python("cfn-lint")), "-c", _MAIN, *options, "--", *map(str, paths)]


if __name__ == "__main__":
    sys.exit(main())
