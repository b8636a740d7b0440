"""Checks as a table: what failed first in the eye, with the setting that is at fault."""

from collections.abc import Sequence
from typing import Any

from harness.aws.posture import Check
from harness.plan_output import Rows


def table(checks: Sequence[Check]) -> Rows:
    """A row for each."""
    rows: list[tuple[str, ...]] = [
        (f"{'pass' if check.passed else 'FAIL'} {check.subject} {check.setting}", check.expected, check.found)
        for check in checks
    ]
    return "Posture", ("check", "expected", "found"), rows


def sentence(name: str, checks: Sequence[Check]) -> str:
    """How many passed, and what did not."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return f"{name}: all {len(checks)} checks passed"
    what = "; ".join(f"{check.subject}: {check.setting} is {check.found}" for check in failed)
    return f"{name}: {len(failed)} of {len(checks)} checks failed: {what}"


def as_record(name: str, checks: Sequence[Check]) -> dict[str, Any]:
    """For JSON."""
    keys = ("subject", "setting", "expected", "found", "passed")
    rows = [{key: getattr(check, key) for key in keys} for check in checks]
    return {"schema": 1, "name": name, "passed": all(check.passed for check in checks), "checks": rows}
