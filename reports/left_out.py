"""What of a scenario's settings doesn't run where it was asked for: a finding each, *not measured*, with the reason."""

from reports.findings import Finding
from reports.load import Run
from reports.words import absent


def left_out(run: Run, scenario: str) -> list[Finding]:
    """One for each thing that the manifest says was left out."""
    return [
        absent(run, scenario, f"{scenario}.left_out", "", "none", reason, {"what": what})
        for what, reason in run.scenario(scenario).get("left_out", {}).items()
    ]
