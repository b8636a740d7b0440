"""The table of docs/aws-faults.md, line by line; and that nothing untagged is touched and nothing tagged forgotten."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from aws_account import START, Account, Fault, Killed

from harness.aws.deploy import Order, up
from harness.aws.failures import AwsError
from harness.aws.safety import Refused
from harness.aws.stacks import Stack, StackFailed, StackRefused
from harness.aws.teardown import TakenDown, down, expired
from harness.errors import HarnessError
from tools.aws_faults import PAGE, ROWS, Row

NAME = "demo"
LATER = START + timedelta(hours=4)


class Clock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def pace(self) -> Any:
        from harness.aws.api import Pace

        return Pace(
            monotonic_s=lambda: self.now_s,
            sleep=self._sleep,
            now=lambda: START,
            poll_s=5,
            patience_s=60,
            tag_patience_s=30,
        )

    def _sleep(self, s: float) -> None:
        self.now_s += s


def _order(**more: Any) -> Order:
    settled = {
        "name": NAME,
        "template": "{}",
        "parameters": {"DeletionProtection": "true"},
        "expires": LATER,
    }
    return Order(**{**settled, **more})


def _up(account: Account, said: list[str] | None = None, **more: Any) -> Stack:
    told = said if said is not None else []
    return up(account.aws(NAME), _order(**more), agree=told.append, pace=Clock().pace(), progress=told.append)


def _down(account: Account, said: list[str] | None = None, *, keep_snapshots: bool = False) -> TakenDown:
    told = said if said is not None else []
    return down(
        account.aws(NAME),
        NAME,
        keep_snapshots=keep_snapshots,
        agree=told.append,
        pace=Clock().pace(),
        progress=told.append,
    )


def _standing(**more: Any) -> Account:
    account = Account(**more)
    _up(account)
    return account


def _state(account: Account) -> tuple[Any, ...]:
    """What a refusal must leave as it was."""
    return (
        {name: stack["StackStatus"] for name, stack in account.stacks.items()},
        {name: bucket["objects"] for name, bucket in account.buckets.items()},
        {id: instance["DeletionProtection"] for id, instance in account.instances.items()},
        sorted(account.snapshots),
        sorted(account.tables),
    )


def _planted(account: Account, row: Row) -> None:
    account.asked.clear()
    account.creation_fails, account.deletion_sticks = row.creation_fails, row.deletion_sticks
    if row.code or row.killed:
        account.faults = [
            Fault(call=row.call, code=row.code, said=row.said, killed=row.killed, at=row.at, times=row.times)
        ]


def _healed(account: Account) -> None:
    account.faults, account.creation_fails, account.deletion_sticks = [], None, None


def _run(account: Account, row: Row) -> Any:
    return _down(account) if row.command == "down" else _up(account)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.command}, {row.call}, {row.failure}")
def test_each_line_of_the_table_of_faults_comes_out_as_it_says(row: Row) -> None:
    """The fault is met, the user reads what the line promises, and the same command then goes through."""
    account = Account() if row.command == "up" else _standing()
    if row.command == "down":
        account.snapshot("nightly", NAME)
    if row.command == "up again":
        account.changes = [{"Action": "Modify", "LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table"}]
    before = _state(account)
    _planted(account, row)
    if row.killed:
        with pytest.raises(Killed):
            _run(account, row)
    elif row.says:
        with pytest.raises(HarnessError) as raised:
            _run(account, row)
        assert not [text for text in row.says if text not in str(raised.value)], str(raised.value)
        assert "\n" not in str(raised.value)
    else:
        _run(account, row)
    assert account.asked.count(row.call) >= row.at, "the call was never made"
    if row.undone:
        assert _state(account) == before
    _healed(account)
    if row.first == "down":
        with pytest.raises(StackRefused, match="aws down demo"):
            _up(account)
        _down(account)
        assert account.stacks == {}
    again = _run(account, row)
    if row.command == "down":
        assert again == TakenDown(kept=(), left=())
        assert _state(account) == ({}, {}, {}, [], [])
    else:
        assert again.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        assert list(account.stacks) == [NAME]


def _with_company() -> Account:
    """A stack with what is made beside it, and what isn't its own."""
    account = _standing()
    tags = [{"Key": "dbharness", "Value": NAME}]
    account.snapshot("nightly", NAME)
    account.instance("demo-restored", tags)
    account.cluster("demo-restored-cluster", tags)
    account.snapshot("theirs", "other")
    account.instance("plain", [])
    return account


@pytest.mark.parametrize("command", ["up", "down"])
@pytest.mark.parametrize(
    "trouble",
    [{"killed": "before"}, {"killed": "after"}, {"code": "ExpiredToken"}, {"code": "AccessDenied"}],
    ids=lambda trouble: "-".join(trouble.values()),
)
def test_at_whichever_call_it_ends_down_finds_everything_and_touches_nothing_else(
    command: str, trouble: dict[str, str]
) -> None:
    """Each call of a whole `up`, or `down`, in turn: then `down` again leaves nothing with the tag, and all that isn't ours."""
    make, act = (Account, _up) if command == "up" else (_with_company, _down)
    whole = make()
    whole.asked.clear()
    act(whole)
    calls = list(whole.asked)
    assert len(calls) > 5
    for number, call in enumerate(calls):
        account = make()
        account.asked.clear()
        account.faults = [Fault(call=call, at=calls[: number + 1].count(call), **trouble)]
        with suppress(Killed, HarnessError):  # killed after one that was refused anyway, it goes on
            act(account)
        account.faults = []
        assert _down(account) == TakenDown(kept=(), left=()), (call, number)
        assert (account.stacks, account.tables, account.buckets, account.clusters) == ({}, {}, {}, {}), (call, number)
        others = (["plain"], ["theirs"]) if command == "down" else ([], [])
        assert (list(account.instances), list(account.snapshots)) == others, (call, number)


def test_what_failed_on_the_way_is_never_made_a_second_time() -> None:
    """Killed after CreateStack, up again twice: one CreateStack was heard."""
    account = Account(faults=[Fault(call="cloudformation:CreateStack", killed="after")])
    with pytest.raises(Killed):
        _up(account)
    _up(account)
    _up(account)
    assert account.asked.count("cloudformation:CreateStack") == 1


def test_two_ups_at_once_make_one_stack() -> None:
    """Who comes second is told AlreadyExists, looks again, and waits for the first one's."""
    account, said = Account(), list[str]()
    account.polls_needed = 3

    def first(_: str) -> None:
        if not account.stacks:
            up(account.aws(NAME), _order(), agree=lambda _: None, pace=_impatient(), progress=said.append)

    with pytest.raises(StackFailed, match="still in CREATE_IN_PROGRESS"):
        first("")
    account.asked.clear()
    account.stacks, kept = {}, account.stacks

    def meanwhile(_: str) -> None:
        account.stacks = kept

    stack = up(account.aws(NAME), _order(), agree=meanwhile, pace=Clock().pace(), progress=said.append)
    assert stack.status == "CREATE_COMPLETE"
    assert account.asked.count("cloudformation:CreateStack") == 1
    assert any("waiting for that first" in line for line in said)


def _impatient() -> Any:
    from harness.aws.api import Pace

    return Pace(monotonic_s=lambda: 0.0, sleep=lambda _: None, patience_s=0)


def test_waiting_longer_than_patience_says_that_it_goes_on_without_us() -> None:
    """60 s at one look in 5 s."""
    account = Account(polls_needed=1_000)
    with pytest.raises(StackFailed, match="still in CREATE_IN_PROGRESS after 1 minutes; it goes on without us"):
        _up(account)


def test_a_stack_that_is_not_ours_is_neither_changed_nor_deleted() -> None:
    """Same name, no tag: untouched by both, and by sweep though it has an expiry tag."""
    account = _standing()
    account.stacks[NAME]["Tags"] = [{"Key": "dbharness-expires", "Value": "2020-01-01T00:00:00Z"}]
    before = _state(account)
    with pytest.raises(StackRefused, match="isn't dbharness's: it has no tag dbharness=demo"):
        _up(account)
    with pytest.raises(StackRefused, match="nothing was touched"):
        _down(account)
    account.instances, account.tables, account.buckets = {}, {}, {}
    assert expired(account.aws(NAME), START) == []
    account = _standing()
    assert _state(account) == before


def test_what_looks_like_production_is_refused_before_anything_is_touched() -> None:
    """A tag that says prod on the stack, whatever its dbharness tag says."""
    account = _standing()
    account.stacks[NAME]["Tags"].append({"Key": "env", "Value": "prod"})
    before = _state(account)
    with pytest.raises(Refused, match="looks like production"):
        _down(account)
    assert _state(account) == before


def test_protection_that_somebody_else_set_is_refused_and_ours_is_lifted() -> None:
    """The stack was made without it: then the instance's is another's care. Made with it, it is ours to lift."""
    account = Account()
    _up(account, parameters={"DeletionProtection": "false"})
    account.instances["demo-mysql"]["DeletionProtection"] = True
    before = _state(account)
    with pytest.raises(Refused, match="demo-mysql.*deletion protection that the stack didn't set"):
        _down(account)
    assert _state(account) == before
    said: list[str] = []
    account = _standing()
    assert account.instances["demo-mysql"]["DeletionProtection"]
    assert _down(account, said) == TakenDown(kept=(), left=())
    assert "lifted our deletion protection of demo-mysql" in said


def test_an_untagged_member_of_our_stack_is_refused() -> None:
    """Somebody took the tag off the database: it isn't deleted, nor is anything else."""
    account = _standing()
    account.instances["demo-mysql"]["TagList"] = []
    before = _state(account)
    with pytest.raises(Refused, match="demo-mysql.*has no tag dbharness=demo"):
        _down(account)
    assert _state(account) == before


def test_snapshots_stay_by_choice_and_another_stack_s_always() -> None:
    """Kept ones are listed as kept; without the choice ours go, the other's stays."""
    account = _standing()
    account.snapshot("ours", NAME)
    account.snapshot("theirs", "other")
    found = _down(account, keep_snapshots=True)
    assert ([thing.id for thing in found.kept], found.left) == (["ours"], ())
    assert _down(account) == TakenDown(kept=(), left=())
    assert sorted(account.snapshots) == ["theirs"]


def test_an_instance_restored_beside_the_stack_goes_before_it() -> None:
    """It lies in the stack's subnets: deleted first, by its tag."""
    account, said = _standing(), list[str]()
    account.instance("demo-restored", [{"Key": "dbharness", "Value": NAME}])
    _down(account, said)
    assert account.instances == {}
    assert account.asked.index("rds:DeleteDBInstance") < account.asked.index("cloudformation:DeleteStack")


def test_a_cluster_restored_beside_the_stack_goes_before_it_as_soon_as_rds_lets_it() -> None:
    """Still being made, it is refused twice; its instance has the tag too, and goes with it, never by a call of its own."""
    account = _standing(busy=2)
    account.cluster("demo-restored", [{"Key": "dbharness", "Value": NAME}])
    assert _down(account) == TakenDown(kept=(), left=())
    assert (account.clusters, account.instances) == ({}, {})
    assert account.asked.count("rds:DeleteDBCluster") == 3
    assert "rds:DeleteDBInstance" not in account.asked
    assert account.asked.index("rds:DeleteDBCluster") < account.asked.index("cloudformation:DeleteStack")


def test_a_cluster_that_outlived_its_stack_is_found_and_removed() -> None:
    """No stack of the name any more: the tag alone leads to it."""
    account = Account()
    account.cluster("demo-restored", [{"Key": "dbharness", "Value": NAME}])
    account.cluster("theirs", [{"Key": "dbharness", "Value": "other"}])
    assert _down(account) == TakenDown(kept=(), left=())
    assert list(account.clusters) == ["theirs"]


def test_what_nobody_here_can_remove_is_listed_as_left() -> None:
    """A thing of a kind without a remover keeps its tag after the patience of 30 s: it is named."""
    account = _standing()
    account.others = [("arn:aws:ec2:us-east-1:123456789012:volume/vol-1", [{"Key": "dbharness", "Value": NAME}])]
    said: list[str] = []
    found = _down(account, said)
    assert [(thing.kind, thing.id) for thing in found.left] == [("ec2:volume", "vol-1")]
    assert "dbharness=demo is still on ec2:volume vol-1" in said


def test_a_refused_leftover_is_listed_and_the_others_go() -> None:
    """One snapshot has a tag that says production: it stays and is named; the other is removed."""
    account, said = _standing(), list[str]()
    account.snapshot("plain", NAME)
    account.snapshot("precious", NAME, env="production")
    found = _down(account, said)
    assert [thing.id for thing in found.left] == ["precious"]
    assert list(account.snapshots) == ["precious"]
    assert any("precious is refused: its tag env=production looks like production" in line for line in said)


def test_an_update_that_would_lose_data_wants_to_be_agreed_to() -> None:
    """Replacing the database is refused by name, and its change set removed; --replace-data lets it through."""
    account = _standing()
    account.changes = [
        {
            "Action": "Modify",
            "LogicalResourceId": "MySqlInstance",
            "ResourceType": "AWS::RDS::DBInstance",
            "Replacement": "True",
        }
    ]
    with pytest.raises(StackRefused, match=r"MySqlInstance \(AWS::RDS::DBInstance, replaced\).*nothing was changed"):
        _up(account)
    assert (account.change_sets, account.stacks[NAME]["StackStatus"]) == ({}, "CREATE_COMPLETE")
    assert _up(account, replace_data=True).status == "UPDATE_COMPLETE"


def test_what_is_carried_out_is_what_was_agreed_to() -> None:
    """While it is agreed to, another up puts a change set of the same name in its place: that one isn't carried out."""
    account = _standing()
    account.changes = [{"Action": "Modify", "LogicalResourceId": "Vpc", "ResourceType": "AWS::EC2::VPC"}]

    def meanwhile(_: str) -> None:
        account.change_sets[NAME] = account.change_sets[NAME] | {
            "Id": "arn:aws:cloudformation:us-east-1:1:changeSet/x/y"
        }

    with pytest.raises(AwsError, match="ChangeSetNotFound"):
        up(account.aws(NAME), _order(), agree=meanwhile, pace=Clock().pace(), progress=lambda _: None)
    assert account.stacks[NAME]["StackStatus"] == "CREATE_COMPLETE"


def test_up_again_keeps_the_hour_of_expiry_unless_it_is_to_be_prolonged() -> None:
    """LATER is 16:00; an order for 20:00 leaves that, and with prolong takes it."""
    account = _standing()
    account.changes = [{"Action": "Modify", "LogicalResourceId": "Vpc", "ResourceType": "AWS::EC2::VPC"}]
    evening = START + timedelta(hours=8)
    assert _up(account, expires=evening).tags["dbharness-expires"] == "2026-12-01T16:00:00Z"
    prolonged = _up(account, expires=evening, prolong=True)
    assert prolonged.tags["dbharness-expires"] == prolonged.parameters["ExpiresAt"] == "2026-12-01T20:00:00Z"


def test_sweep_finds_stacks_and_leftovers_whose_time_is_over_and_no_others() -> None:
    """At 17:00 the stack of 16:00 is over, and a snapshot of a stack that is gone; what a standing stack made isn't listed."""
    account = _standing()
    account.snapshot("old", "gone", **{"dbharness-expires": "2026-11-01T00:00:00Z"})
    account.snapshot("young", "fresh", **{"dbharness-expires": "2027-01-01T00:00:00Z"})
    account.snapshot("odd", "unread", **{"dbharness-expires": "never"})
    account.snapshot("early", NAME, **{"dbharness-expires": "2026-11-01T00:00:00Z"})
    before = expired(account.aws(NAME), LATER - timedelta(seconds=1))
    assert [each.name for each in before] == ["gone"]
    after = expired(account.aws(NAME), LATER + timedelta(hours=1))
    assert [(each.name, each.standing) for each in after] == [("gone", False), (NAME, True)]


def test_events_are_told_once_and_in_order() -> None:
    """Of this creation alone, oldest first; the stack's own end last."""
    account, said = Account(), list[str]()
    _up(account, said)
    told = [line for line in said if line.startswith("12:00:00")]
    assert told == ["12:00:00 demo CREATE_IN_PROGRESS", "12:00:00 demo CREATE_COMPLETE"]


def test_the_page_of_faults_is_current() -> None:
    """docs/aws-faults.md is what `python -m tools.aws_faults` writes."""
    from tools.aws_faults import page

    assert PAGE.read_text() == page()
