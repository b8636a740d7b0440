"""How often capacity may be lowered and the mode switched, by hand."""

from harness.dynamodb.parameters import AdmissionParameters
from harness.dynamodb.quotas import Decreases, Switches

HOUR_S, DAY_S = 3_600, 86_400


def test_four_decreases_a_day_are_free_then_one_an_hour() -> None:
    """Four at noon; the fifth an hour after the fourth, the sixth an hour after the fifth, to the second."""
    decreases = Decreases(AdmissionParameters())
    noon_s = DAY_S / 2
    for minute in range(4):
        assert decreases.next_s(noon_s + 60 * minute) == noon_s + 60 * minute
        decreases.record(noon_s + 60 * minute)
    assert decreases.next_s(noon_s + 200) == noon_s + 180 + HOUR_S
    decreases.record(noon_s + 180 + HOUR_S)
    assert decreases.today(noon_s + 180 + HOUR_S) == 5
    assert decreases.next_s(noon_s + 180 + HOUR_S) == noon_s + 180 + 2 * HOUR_S


def test_midnight_gives_four_new_ones() -> None:
    """The fifth is due an hour after 23:30, but midnight comes first."""
    decreases = Decreases(AdmissionParameters())
    half_past_23_s = DAY_S - HOUR_S / 2
    for _ in range(4):
        decreases.record(half_past_23_s)
    assert decreases.next_s(half_past_23_s + 1) == DAY_S
    assert decreases.today(DAY_S) == 0
    assert decreases.next_s(DAY_S) == DAY_S
    decreases.record(DAY_S)
    assert decreases.today(DAY_S) == 1


def test_a_day_holds_27_decreases_at_most() -> None:
    """Four in the first hour, then one each hour from 1:00 to 23:00: 4 + 23, as the developer guide says."""
    decreases = Decreases(AdmissionParameters())
    made, now_s = 0, 0.0
    while now_s < DAY_S:
        decreases.record(now_s)
        made += 1
        now_s = decreases.next_s(now_s)
    assert made == 27


def test_the_day_begins_where_it_is_told_to() -> None:
    """On a clock that started at 22:00, midnight is second 7,200."""
    decreases = Decreases(AdmissionParameters(day_began_s=2 * HOUR_S))
    for _ in range(4):
        decreases.record(2 * HOUR_S - 10)
    assert decreases.today(2 * HOUR_S - 1) == 4
    assert decreases.next_s(2 * HOUR_S - 1) == 2 * HOUR_S


def test_a_fifth_switch_waits_until_the_first_is_a_day_old() -> None:
    """Switches at hours 0, 1, 2 and 3: the next at hour 24, the one after at 25."""
    switches = Switches(AdmissionParameters())
    assert switches.last_s is None
    for hour in range(4):
        assert switches.next_s(hour * HOUR_S) == hour * HOUR_S
        switches.record(hour * HOUR_S)
    assert switches.next_s(5 * HOUR_S) == DAY_S
    switches.record(DAY_S)
    assert switches.next_s(DAY_S) == DAY_S + HOUR_S
    assert switches.last_s == DAY_S
