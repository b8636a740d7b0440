"""The minimal IAM policy: what the declared calls take, and nothing else. ``python -m harness.aws.policy`` writes it."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.aws.calls import CALLS, LOAD, TAG, Grant, Tagged
from harness.paths import PROJECT_ROOT

FILE = PROJECT_ROOT / "docs" / "iam-policy.json"
VERSION = "2012-10-17"
"""Of IAM's policy language, the latest there is."""
_KEYS: dict[Tagged, str] = {"resource": f"aws:ResourceTag/{TAG}", "request": f"aws:RequestTag/{TAG}"}


def granted() -> tuple[Grant, ...]:
    """All that the code needs."""
    return (*(grant for call in CALLS for grant in call.grants), *LOAD)


def policy(grants: Iterable[Grant], stack: str = "*") -> dict[str, Any]:
    """The policy document; ``stack`` narrows it to what is tagged with that stack's name.

    Actions that are granted on the same resources under the same condition share a statement.
    """
    resources: dict[tuple[str, Tagged, tuple[tuple[str, str], ...]], set[str]] = defaultdict(set)
    for grant in grants:
        resources[grant.action, grant.tagged, grant.values].add(grant.resource)
    actions: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for (action, tagged, values), where in resources.items():
        actions[tagged, values, tuple(sorted(where))].append(action)
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Action": sorted(names),
                "Resource": where[0] if len(where) == 1 else list(where),
                **_condition(tagged, values, stack),
            }
            for (tagged, values, where), names in sorted(actions.items())
        ],
    }


def text(stack: str = "*") -> str:
    """The file's text."""
    return json.dumps(policy(granted(), stack), indent=2) + "\n"


def _condition(tagged: Tagged, values: tuple[tuple[str, str], ...], stack: str) -> dict[str, Any]:
    """StringLike holds for no resource or request that lacks the key, whatever the pattern."""
    keys = dict(values)
    if tagged != "no":
        keys[_KEYS[tagged]] = stack
    return {"Condition": {"StringLike": keys}} if keys else {}


def write(path: Path = FILE) -> None:
    """Write the policy for any stack's name."""
    path.write_text(text())


if __name__ == "__main__":
    write()
