"""The minimal IAM policies: what the declared calls take, what CloudFormation takes for the template, and nothing else.

``python -m harness.aws.policy [STACK]`` writes docs/iam-policy.json and docs/iam-policy-stack-1.json and on, for one stack's name
or, as committed, for all that begin with ``dbharness-``. Each is as long as IAM lets a managed policy be at most; whoever deploys is
given all of them.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.aws.calls import BEGINS, CALLS, LOAD, TAG, Grant, Tagged
from harness.aws.stack_grants import BY_TYPE, through_stack
from harness.paths import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs"
ANY_STACK = f"{BEGINS}*"
MOST_CHARACTERS = 6_144
"""Of a managed policy, white space left out (IAM's quota)."""
VERSION = "2012-10-17"
"""Of IAM's policy language, the latest there is."""
_KEYS: dict[Tagged, str] = {"resource": f"aws:ResourceTag/{TAG}", "request": f"aws:RequestTag/{TAG}"}
_THROUGH_STACK = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}


def granted() -> tuple[Grant, ...]:
    """All that the code itself needs."""
    return (*(grant for call in CALLS for grant in call.grants), *LOAD)


def policies(stack: str = ANY_STACK) -> dict[str, str]:
    """The text of each file by its name."""
    documents = {"iam-policy.json": _document(statements(granted(), stack))}
    for number, some in enumerate(_packed(statements(through_stack(BY_TYPE), stack)), start=1):
        documents[f"iam-policy-stack-{number}.json"] = _document(some)
    return {name: json.dumps(document, indent=2) + "\n" for name, document in documents.items()}


def statements(grants: Iterable[Grant], stack: str = ANY_STACK) -> list[dict[str, Any]]:
    """A policy's statements; ``stack`` narrows them to what is tagged, and where no tag can be, named with that stack's name.

    Actions that are granted on the same resources under the same condition share a statement: a policy's length is limited.
    """
    resources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for grant in grants:
        condition = json.dumps(_condition(grant, stack), sort_keys=True)
        resources[grant.action, condition].add(_place(grant, stack))
    actions: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (action, condition), places in resources.items():
        where = ("*",) if "*" in places else tuple(sorted(places))
        actions[condition, where].append(action)
    return [_statement(*key, names) for key, names in sorted(actions.items())]


def characters(document: dict[str, Any]) -> int:
    """As IAM counts them."""
    return len(json.dumps(document, separators=(",", ":")))


def _document(made: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": made}


def _packed(made: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """In as many documents as they take, in order."""
    some: list[dict[str, Any]] = []
    for statement in made:
        if some and characters(_document([*some, statement])) > MOST_CHARACTERS:
            yield some
            some = []
        some.append(statement)
    yield some


def _place(grant: Grant, stack: str) -> str:
    """What has our tag is told by it: the action says already which kinds it can be."""
    return "*" if grant.tagged == "resource" else grant.resource.format(stack=stack)


def _statement(condition: str, where: tuple[str, ...], actions: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": "Allow", "Action": _few(sorted(actions)), "Resource": _few(where)}
    if keys := json.loads(condition):
        made["Condition"] = keys
    return made


def _few(values: Iterable[str]) -> str | list[str]:
    """IAM takes one text for a list of one, and a policy's length is limited."""
    several = list(values)
    return several[0] if len(several) == 1 else several


def _condition(grant: Grant, stack: str) -> dict[str, Any]:
    """StringLike holds for no request or resource that lacks the key, whatever the pattern."""
    keys = {} if grant.where is None else dict([grant.where])
    if grant.tagged != "no":
        keys[_KEYS[grant.tagged]] = stack
    return ({"StringLike": keys} if keys else {}) | (_THROUGH_STACK if grant.through_stack else {})


def write(folder: Path = FOLDER, stack: str = ANY_STACK) -> None:
    """Write the files, over those that are there."""
    for old in folder.glob("iam-policy*.json"):
        old.unlink()
    for name, text in policies(stack).items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write(stack=sys.argv[1] if len(sys.argv) > 1 else ANY_STACK)
