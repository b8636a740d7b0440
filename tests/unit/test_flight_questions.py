"""What is asked of the flights: it fits every table, its answers are the data's, and every process chooses the same."""

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from harness import dataset
from harness.errors import UsageError
from harness.flight_questions import Flights, SmallAnswers, range_of_aircraft


@pytest.fixture(scope="module")
def flights() -> Flights:
    return Flights(dataset.load((1,)))


def rng_of(*names: object) -> random.Random:
    return random.Random("/".join(map(str, names)))


def chosen(flights: Flights, **changes: Any) -> SmallAnswers:
    settings = {"aircraft": 8, "airports": 2, "least_items": 1000, "rng_of": rng_of} | changes
    return SmallAnswers(flights, **settings)


def made_up(aircraft: list[str]) -> Any:
    """Flights of these aircraft, one after the other, each with a row of its own."""
    fake = SimpleNamespace(aircraft=aircraft, rows=[(str(at),) for at in range(len(aircraft))])
    fake._keys = [str(at) for at in range(len(aircraft))]
    fake.asked = lambda *words, **more: Flights.asked(fake, *words, **more)
    return fake


def test_answers_stay_the_same_in_every_table_from_the_smallest_on(flights: Flights) -> None:
    """Theirs are the first flights of the order: a quarter of the smallest for aircraft, a quarter for airports."""
    small = chosen(flights)
    assert sorted(small.order) == list(range(27_004))
    by_row = {flights.rows[at]: place for place, at in enumerate(small.order)}
    for one in (*small.aircraft, *small.airport, *small.route):
        assert one.answer
        assert all(by_row[row] < 500 for row in one.answer)
    assert all(by_row[row] < 250 for one in small.aircraft for row in one.answer)


def test_an_answer_is_all_that_the_data_has(flights: Flights) -> None:
    """For each aircraft, airport and route: as many flights as a count over the data's columns gives."""
    small = chosen(flights)
    tails, dests = Counter(flights.aircraft), Counter(flights.dest)
    both = Counter(zip(flights.aircraft, flights.dest, strict=True))
    for one in small.aircraft:
        (tail,) = one.question.where["tailnum"]
        assert len(one.answer) == len(one.question.keys) == tails[tail]
    for one in small.airport:
        assert len(one.answer) == dests[one.question.where["dest"][0]]
    for one in small.route:
        (tail,), (dest,) = one.question.where["tailnum"], one.question.where["dest"]
        assert len(one.answer) == both[tail, dest]


def test_of_a_route_a_filter_throws_at_least_half_away_where_an_aircraft_flies_to_several_airports(
    flights: Flights,
) -> None:
    """It is asked for a destination that has at most half of the aircraft's flights, if there is one."""
    for one, aircraft in zip(*(getattr(chosen(flights), name) for name in ("route", "aircraft")), strict=True):
        places = flights.of_aircraft[aircraft.question.where["tailnum"][0]]
        shares = [count / len(places) for count in Counter(flights.dest[at] for at in places).values()]
        assert len(one.answer) <= len(places) / 2 or min(shares) > 0.5


def test_every_process_chooses_the_same(flights: Flights) -> None:
    """From the same seed, the same questions and the same order."""
    one, other = chosen(flights), chosen(flights)
    assert (one.order, one.route) == (other.order, other.route)


def test_too_few_keys_that_fit_say_what_to_do(flights: Flights) -> None:
    """In a table of 40 flights, 10 airports would have one flight each: there are not so many."""
    with pytest.raises(
        UsageError, match="have 1 flights or fewer.* table_items and item_size_items; raise these or ask for fewer"
    ):
        chosen(flights, airports=10, least_items=40, aircraft=1)


def test_a_range_is_as_near_to_its_share_as_whole_aircraft_come() -> None:
    """A has 1 flight, B 2, C 4, D 3: 30 % of 10 is D alone or A with B; 70 % is C with D or A to C; 100 % is all."""
    flights = made_up(["A", "B", "B", "C", "C", "C", "C", "D", "D", "D"])
    drawn: dict[float, set[tuple[str, ...]]] = {}
    for seed in range(20):
        for share in (0.1, 0.3, 0.7, 1.0):
            one = range_of_aircraft(flights, range(10), share, random.Random(seed), most_keys=3)
            tails = tuple(one.question.where["tailnum"])
            drawn.setdefault(share, set()).add(tails)
            assert len(one.answer) == 10 * share
            assert len(one.question.keys) == (len(one.answer) if share <= 0.3 else 0)
    assert drawn == {
        0.1: {("A",)}, 0.3: {("A", "B"), ("D",)}, 0.7: {("A", "B", "C"), ("C", "D")}, 1.0: {("A", "B", "C", "D")}
    }  # fmt: skip


def test_a_share_of_less_than_one_flight_is_one(flights: Flights) -> None:
    """0.001 % of January's 27,004 flights: an aircraft with a single one."""
    one = range_of_aircraft(flights, range(27_004), 0.00001, random.Random(1), most_keys=2000)
    assert len(one.answer) == len(one.question.where["tailnum"]) == 1


@pytest.mark.parametrize("share", [0.0001, 0.001, 0.01, 0.1])
def test_a_range_of_january_is_nearly_its_share(flights: Flights, share: float) -> None:
    """Among 3,000 aircraft there is a range that is off by less than one flight."""
    one = range_of_aircraft(flights, range(27_004), share, random.Random(1), most_keys=2000)
    assert abs(len(one.answer) - share * 27_004) < 1
