"""Checks as a table: what failed first in the eye, with the setting that is at fault."""

from collections.abc import Sequence
from typing import Any, Protocol

from harness.plan_output import Rows


class Checked(Protocol):
    """A check of a stack or of a template."""

    @property
    def subject(self) -> str: ...  # noqa: D102
    @property
    def setting(self) -> str: ...  # noqa: D102
    @property
    def expected(self) -> str: ...  # noqa: D102
    @property
    def found(self) -> str: ...  # noqa: D102
    @property
    def passed(self) -> bool: ...  # noqa: D102


def table(checks: Sequence[Checked]) -> Rows:
    """A row for each."""
    rows: list[tuple[str, ...]] = [
        (f"{'pass' if check.passed else 'FAIL'} {check.subject} {check.setting}", check.expected, check.found)
        for check in checks
    ]
    return "Posture", ("check", "expected", "found"), rows


def sentence(name: str, checks: Sequence[Checked]) -> str:
    """How many passed, and what did not."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return f"{name}: all {len(checks)} checks passed"
    what = "; ".join(f"{check.subject}: {check.setting} is {check.found}" for check in failed)
    return f"{name}: {len(failed)} of {len(checks)} checks failed: {what}"


def as_record(name: str, checks: Sequence[Checked]) -> dict[str, Any]:
    """For JSON."""
    keys = ("subject", "setting", "expected", "found", "passed")
    rows = [{key: getattr(check, key) for key in keys} for check in checks]
    return {"schema": 1, "name": name, "passed": all(check.passed for check in checks), "checks": rows}
