"""What a run answers for programs: the one document that `run --json` prints."""

from collections.abc import Mapping
from typing import Any

from harness.rundir import RunDir

SCHEMA = 1
_OF_SCENARIO = ("status", "reason", "unavailable", "measuring_s")


def run_record(
    directory: RunDir, exit_code: int, *, report: Mapping[str, Any] | None, gates: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The run and how it ended; ``report`` is what its report said, ``gates`` what gates.json has, None where there is none."""
    manifest = directory.manifest
    return {
        "schema": SCHEMA, "run": manifest["id"], "path": str(directory.path.resolve()), "status": manifest["status"],
        "reason": manifest["reason"], "exit_code": exit_code,
        "scenarios": {
            name: {member: entry[member] for member in _OF_SCENARIO if member in entry}
            for name, entry in manifest["scenarios"].items()
        },
        "report": report, "gates": gates,
    }  # fmt: skip
