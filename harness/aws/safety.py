"""What may be interrupted or destroyed: what carries our tag and doesn't look like production. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.aws.calls import TAG
from harness.errors import UsageError

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PRODUCTION = re.compile(r"(?<![a-z])(prod|prd|production)(?![a-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One thing on AWS, as AWS describes it now. ``kind`` is a word for people: ``DB instance``, ``stack``."""

    arn: str
    kind: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    deletion_protection: bool = False


class Refused(UsageError):  # noqa: N818 - what happened is a refusal, not a failure
    """We don't touch it; the message says what, why, and what to do."""


def looks_like_production(text: str) -> bool:
    """Whether a word of it is prod, prd or production: ``prod-eu``, ``orders_PROD2``, ``myProd``; not ``products``."""
    return _PRODUCTION.search(_HUMP.sub(" ", text).lower()) is not None


def refuse(resource: Resource, action: str, stack: str, ours_protected: bool = False) -> str | None:
    """Why ``action`` isn't done to the resource, as one line for people, or None: it may be done.

    ``ours_protected``: the stack asked for deletion protection, so that it is no sign of somebody else's care.
    """
    begin = f"{action} of {resource.kind} {resource.name} is refused: "
    owner = resource.tags.get(TAG)
    if owner is None:
        return f"{begin}it has no tag {TAG}={stack}, so it isn't ours; tag it if it may be interrupted and destroyed"
    if owner != stack:
        return f"{begin}its tag says {TAG}={owner}, not {TAG}={stack}; name that stack if it is meant"
    sign = _sign_of_production(resource)
    if sign is not None:
        return f"{begin}its {sign} looks like production; dbharness never touches that, whatever its tag says"
    if resource.deletion_protection and not ours_protected:
        return f"{begin}it has deletion protection that the stack didn't set; take that off if it may be destroyed"
    return None


def _sign_of_production(resource: Resource) -> str | None:
    """The name or tag that says production."""
    if looks_like_production(resource.name):
        return f"name {resource.name}"
    for key, value in sorted(resource.tags.items()):
        if looks_like_production(key) or looks_like_production(value):
            return f"tag {key}={value}"
    return None
