"""The conductor hands every slot its stream and every operation is recorded once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CannotMeasure
from harness.scenario import Stream
from harness.sharing import share_out


def stream(slots: int | None) -> Stream:
    return Stream(tickets=iter(()), slots=slots)


def test_streams_that_ask_for_slots_get_them_and_the_others_share_the_rest() -> None:
    """Two probes of two slots each, the writers take what is left of seven."""
    read, write, writers = stream(2), stream(2), stream(None)
    shares = Counter(map(id, share_out([read, write, writers], 7)))
    assert [shares[id(s)] for s in (read, write, writers)] == [2, 2, 3]


def test_too_few_slots_for_the_streams_says_how_many_to_give() -> None:
    """Three streams can't run in two slots."""
    with pytest.raises(CannotMeasure, match="needs at least 3 slots, has 2; give -u 3 or more"):
        share_out([stream(1), stream(1), stream(None)], 2)


@given(asked=st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=1, max_size=5), spare=st.integers(0, 10))
def test_every_stream_has_a_slot_and_none_has_more_than_it_asked_for(asked: list[int | None], spare: int) -> None:
    """Whatever is asked for, and never more shares than slots."""
    streams = [stream(slots) for slots in asked]
    slots = len(streams) + spare
    shares = share_out(streams, slots)
    given_to = Counter(map(id, shares))
    assert len(shares) <= slots
    for s in streams:
        assert given_to[id(s)] >= 1
        assert s.slots is None or given_to[id(s)] <= s.slots
