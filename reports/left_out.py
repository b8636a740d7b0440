"""What of a scenario isn't there though it was asked for: a finding each, *not measured*, with the reason."""

from collections import Counter

from reports.findings import Finding
from reports.load import Run
from reports.words import absent, count


def left_out(run: Run, scenario: str) -> list[Finding]:
    """One for each thing that the manifest says was left out."""
    return [
        absent(run, scenario, f"{scenario}.left_out", "", "none", reason, {"what": what})
        for what, reason in run.scenario(scenario).get("left_out", {}).items()
    ]


def lost_arms(run: Run, scenario: str) -> list[Finding]:
    """One for each arm whose trials ended and left no samples: else its figures would be missing without a word."""
    ended = Counter(trial["arm"] for trial in run.scenario(scenario).get("trials") or () if trial["done"])
    if not ended or not (there := run.arms(scenario)):
        return []
    return [
        absent(
            run, scenario, f"{scenario}.samples", "", "none",
            f"{count(ended[arm], 'trial')} of it ended, and there are no samples of them", {"arm": arm}, headline=True,
        )
        for arm in sorted(ended.keys() - there)
    ]  # fmt: skip
