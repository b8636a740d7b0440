"""What isn't ours, or looks like production, is never touched; the refusal says why and what to do."""

import pytest

from harness.aws.safety import Resource, looks_like_production, refuse


def _instance(name: str = "lab-mysqldatabase-1a2b", protected: bool = False, **tags: str) -> Resource:
    return Resource(
        arn=f"arn:aws:rds:us-east-1:123456789012:db:{name}", kind="DB instance", name=name, tags=tags,
        deletion_protection=protected,
    )  # fmt: skip


def test_what_has_the_stack_s_tag_may_be_interrupted() -> None:
    """Further tags don't matter."""
    assert refuse(_instance(dbharness="lab", team="data"), "RebootDBInstance", "lab") is None


def test_what_has_no_tag_is_refused() -> None:
    """The whole message is held here: action, thing, reason, way out."""
    assert refuse(_instance(team="data"), "RebootDBInstance", "lab") == (
        "RebootDBInstance of DB instance lab-mysqldatabase-1a2b is refused: it has no tag dbharness=lab, so it isn't ours; "
        "tag it if it may be interrupted and destroyed"
    )


def test_another_stack_s_thing_is_refused() -> None:
    """Two people's stacks in one account."""
    reason = refuse(_instance(dbharness="bench"), "DeleteDBInstance", "lab")
    assert reason is not None
    assert "dbharness=bench, not dbharness=lab" in reason


@pytest.mark.parametrize(
    "tags",
    [{"Environment": "production"}, {"env": "PROD"}, {"prod": ""}, {"Name": "orders-prod-eu"}, {"stage": "Prd2"}],
)
def test_a_tag_that_says_production_outweighs_ours(tags: dict[str, str]) -> None:
    """Key or value, in whatever case."""
    reason = refuse(_instance(dbharness="lab", **tags), "FailoverDBCluster", "lab")
    assert reason is not None
    assert "looks like production" in reason
    assert next(iter(tags)) in reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prod", True), ("prod-orders", True), ("orders_PROD_1", True), ("ordersProd", True), ("prod2", True), ("eu.prd", True),
        ("production", True), ("non-prod", True), ("products", False), ("reproduce", False), ("lab", False), ("", False),
        ("productionline", False), ("sprod", False),
    ],
)  # fmt: skip
def test_production_is_a_word(text: str, expected: bool) -> None:
    """Of letters beside none of its own case's run: products is another word; non-prod is refused to be safe."""
    assert looks_like_production(text) is expected


def test_a_name_that_says_production_is_refused() -> None:
    """Whatever its tags."""
    reason = refuse(_instance("prod-mysql", dbharness="lab"), "RebootDBInstance", "lab")
    assert reason is not None
    assert "name prod-mysql looks like production" in reason


def test_deletion_protection_that_the_stack_did_not_set_is_refused() -> None:
    """Somebody has put it there to keep the thing; where the stack asked for it, it says nothing."""
    protected = _instance(protected=True, dbharness="lab")
    reason = refuse(protected, "DeleteDBInstance", "lab")
    assert reason is not None
    assert "deletion protection that the stack didn't set" in reason
    assert refuse(protected, "DeleteDBInstance", "lab", ours_protected=True) is None
