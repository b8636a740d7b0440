"""Locust's dispatcher as ours: users stay where they are until somebody asks for another spread."""

import pytest
from locust import User
from locust.runners import WorkerNode

from harness.dispatching import StandingDispatcher


class Slot(User):
    """A user class, of which none is made."""


def dispatcher(*workers: str, users: int) -> StandingDispatcher:
    """One that has given all users out."""
    made = StandingDispatcher([WorkerNode(id=name) for name in workers], [Slot])
    given_out(made, users)
    return made


def given_out(made: StandingDispatcher, users: int) -> dict[str, int]:
    """What a master's ``start`` sends last, by worker."""
    made.new_dispatch(target_user_count=users, spawn_rate=100)
    *_, last = made
    return {worker: sum(some.values()) for worker, some in last.items()}


def test_workers_that_come_and_go_move_nobody() -> None:
    """Five users on two: a third connects and the first leaves, and Locust sends what it sent before; nor does it begin to by itself."""
    made = dispatcher("a_1", "b_2", users=5)
    before = made.shares()
    made.add_worker(WorkerNode(id="c_3"))
    made.remove_worker(WorkerNode(id="a_1"))
    assert before == made.shares() == given_out(made, 5) == {"a_1": 3, "b_2": 2}
    assert made.dispatch_in_progress


@pytest.mark.parametrize(
    ("there", "shares"),
    [
        (("a_1",), {"a_1": 5}),
        (("a_1", "b_2", "c_3"), {"a_1": 2, "b_2": 2, "c_3": 1}),
        (("b_2", "c_3"), {"b_2": 3, "c_3": 2}),
    ],
)
def test_all_users_are_spread_over_those_that_are_there_when_it_is_asked_for(
    there: tuple[str, ...], shares: dict[str, int]
) -> None:
    """One left, one more, one for another; asked for the same again, nothing changes."""
    made = dispatcher("a_1", "b_2", users=5)
    assert made.spread_over([WorkerNode(id=name) for name in there])
    assert given_out(made, 5) == shares == made.shares()
    assert not made.spread_over([WorkerNode(id=name) for name in there])
