"""The permissions that we declare, held against AWS's own list of actions, resources and condition keys."""

import re
from typing import Any

import orjson
import pytest

from harness.aws.calls import CALLS, Grant
from harness.aws.policy import granted
from harness.aws.stack_grants import BY_TYPE
from tools import fetched

Reference = dict[str, Any]
GRANTS = tuple(dict.fromkeys([*granted(), *(grant for grants in BY_TYPE.values() for grant in grants)]))


@pytest.fixture(scope="module")
def reference() -> Reference:
    found: Reference = orjson.loads(fetched.service_authorization().read_bytes())
    return found


def _kinds(reference: Reference, grant: Grant) -> dict[str, dict[str, Any]]:
    """The resource types of the grant's action whose ARN the grant's resource can be, by name."""
    service, name = grant.action.split(":")
    action, types = reference[service]["privileges"][name], reference[service]["resources"]
    return {
        kind: types[kind] for kind in action["resource_types"] if kind and _fits(types[kind]["arn"], grant.resource)
    }


def _fits(arn: str, pattern: str) -> bool:
    """Whether a pattern of ours is one of such ARNs: each variable part stands for whatever we have there.

    What is AWS's own, such as its documents, has no account in its ARN.
    """
    shape = "".join(
        ".+" if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{[^}]+\})", arn) if part
    )
    return any(re.fullmatch(shape, each) for each in (pattern, pattern.replace("::", ":aws:")))


def _keys(reference: Reference, grant: Grant, kinds: dict[str, dict[str, Any]]) -> set[str]:
    """The condition keys that the action takes, by itself or by what it is aimed at."""
    service, name = grant.action.split(":")
    aimed = reference[service]["privileges"][name]["resource_types"]
    own = {key for each in aimed.values() for key in each["condition_keys"]}
    return own | {key for kind in kinds.values() for key in kind["condition_keys"]}


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: f"{grant.action} {grant.resource} {grant.tagged}")
def test_a_permission_is_one_that_aws_has_on_such_a_resource_under_such_a_condition(
    grant: Grant, reference: Reference
) -> None:
    """Else IAM would take the policy and never grant the action."""
    service, name = grant.action.split(":")
    assert name in reference[service]["privileges"], "no such action"
    kinds = _kinds(reference, grant)
    assert grant.resource == "*" or kinds, "the action isn't granted on such a resource"
    keys = _keys(reference, grant, kinds)
    if grant.tagged != "no":
        assert f"aws:{grant.tagged.title()}Tag/${{TagKey}}" in keys
    if grant.where is not None:
        assert grant.where[0] in keys


NAMED_WIDER = frozenset({"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketTagging", "s3:DeleteBucket", "s3:PutObject",
                         "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"})  # fmt: skip
"""S3 knows the key, for buckets that tags were made a condition of first; ours are told by name."""


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.service}:{call.operation}")
def test_whatever_changes_something_and_can_be_narrowed_by_our_tag_is(call: Any, reference: Reference) -> None:
    """By AWS's own word for what an action does: Read and List are granted on all, so that a tag can be read."""
    for grant in call.grants:
        service, name = grant.action.split(":")
        action = reference[service]["privileges"][name]
        if action["access_level"] in ("Read", "List") or grant.tagged != "no" or grant.action in NAMED_WIDER:
            continue
        keys = _keys(reference, grant, _kinds(reference, grant))
        theirs = "::" in grant.resource or ":default" in grant.resource  # AWS's own document, an engine's default group
        assert theirs or not keys & {"aws:ResourceTag/${TagKey}", "aws:RequestTag/${TagKey}"}, grant.action


def test_every_resource_that_an_action_cannot_do_without_is_granted(reference: Reference) -> None:
    """IAM asks about each of them: a permission on one is none."""
    for call in CALLS:
        for action in {grant.action for grant in call.grants}:
            mine = [grant for grant in call.grants if grant.action == action]
            service, name = action.split(":")
            needed = {
                kind
                for kind, each in reference[service]["privileges"][name]["resource_types"].items()
                if kind and each["required"]
            }
            covered = {kind for grant in mine for kind in _kinds(reference, grant)}
            assert any(grant.resource == "*" for grant in mine) or needed <= covered, f"{action}: {needed - covered}"
