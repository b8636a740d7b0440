"""Cores are kept to only where that is asked for, and a core that isn't there is said."""

import os

import pytest

from harness.affinity import keep_to, servers_apart
from harness.errors import UsageError


def test_without_a_wish_nothing_changes() -> None:
    """No cores named: where the system puts it."""
    before = os.sched_getaffinity(0)
    with servers_apart(None):
        assert os.sched_getaffinity(0) == before
    assert os.sched_getaffinity(0) == before


def test_what_is_started_keeps_off_the_loads_core_and_the_load_to_it() -> None:
    """The servers' cores inside, the load's own afterwards; where there is one core only, both share it."""
    before = os.sched_getaffinity(0)
    mine = min(before)
    try:
        with servers_apart([mine]):
            assert os.sched_getaffinity(0) == (before - {mine} or before)
        assert os.sched_getaffinity(0) == {mine}
    finally:
        keep_to(before)


def test_a_core_that_is_not_there_is_named() -> None:
    """The message has the key, the core and those that there are."""
    with (
        pytest.raises(UsageError, match=r"load.cpu_affinity: core 4711 isn't there; this process may use"),
        servers_apart([4711]),
    ):
        pass
