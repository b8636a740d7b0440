"""On what a page's figures were measured: the day, the commit, the machine, the versions."""

import platform
from collections.abc import Mapping
from datetime import UTC, datetime

from harness import rundir


def measured_on(products: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Day, commit and machine; and the versions of libraries and of what else is given. Both without a full stop."""
    git, machine = rundir.git_state(), rundir.machine()
    commit = f"commit {git['commit'][:7]}{' with changes' if git['dirty'] else ''}" if git else "no commit"
    versions = rundir.versions() | dict(products or {})
    versions.pop("dbharness", None)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {commit}; {machine['cores']} cores of {machine['cpu']}, {platform.system()} "
        f"{platform.release()}, load average {machine['load_1min_at_start']:.1f} at the end",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
    )
