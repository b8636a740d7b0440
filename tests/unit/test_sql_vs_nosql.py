"""sql_vs_nosql: which trials there are, which questions are drawn, and which settings are refused."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from scripted_store import ScriptedStore

from harness import dataset
from harness.config import load
from harness.errors import UsageError
from harness.stores_compared.patterns import PATTERNS
from harness.stores_compared.plan import trials_of
from harness.stores_compared.questions import NO_DELAY, STOP_WORDS, Questions, tables_of
from harness.stores_compared.settings import READS, SqlVsNosqlSettings
from scenarios.sql_vs_nosql import SqlVsNosql

STORES = {
    "postgres": ScriptedStore("postgres"),
    "dynamodb": ScriptedStore("dynamodb", cannot_do={"full_text": "it has no index of words"}),
    "postgres_cached": ScriptedStore("postgres_cached"),
}


def settings(**given: Any) -> SqlVsNosqlSettings:
    return SqlVsNosqlSettings.model_validate(given)


def planned(**given: Any) -> Any:
    return trials_of(settings(**given), STORES, "a seed")


@pytest.fixture(scope="module")
def january() -> dataset.Dataset:
    return dataset.load((1,))


def drawn(data: dataset.Dataset, *, seed: int = 1, **given: Any) -> Questions:
    return Questions(data, settings(**given), lambda *names: random.Random(f"{seed}{names}"))


def test_every_pattern_is_asked_of_every_arm_that_can_once_a_round() -> None:
    """13 patterns: postgres has all, dynamodb all but the search for words, the cached arm the two reads it is asked for; two rounds."""
    trials = planned(parts=["patterns"], cached_patterns=["count", "flight_by_key"], rounds=2)
    counts = Counter(trial.arm for trial in trials)
    assert counts == {"postgres": 26, "dynamodb": 24, "postgres_cached": 4}
    assert {trial.labels["pattern"] for trial in trials if trial.arm == "postgres"} == set(PATTERNS)
    assert {trial.labels["pattern"] for trial in trials if trial.arm == "postgres_cached"} == {"count", "flight_by_key"}
    assert all(trial.labels["part"] == "patterns" for trial in trials)


def test_arms_of_a_pattern_are_side_by_side_in_seeded_order() -> None:
    """A pair is one cell in one round; the same seed gives the same plan, another one another."""
    trials = planned(rounds=2)
    pairs: dict[int, set[Any]] = {}
    for trial in trials:
        pairs.setdefault(trial.pair, set()).add((trial.step, *trial.labels.values()))
    assert all(len(cells) == 1 for cells in pairs.values())
    assert [trial.trial for trial in trials] == list(range(len(trials)))
    assert trials == planned(rounds=2)
    assert trials != trials_of(settings(rounds=2), STORES, "another seed")


def test_a_step_is_the_number_of_flights_in_the_table() -> None:
    """The largest in part patterns, but for what is written anew; every size in part growth, which no cached arm is asked in."""
    trials = planned(
        sizes=[4000, 1000], attribute_items=700, bulk_items=300, growth_patterns=["ad_hoc", "count"], rounds=1
    )
    steps = {(trial.labels["part"], trial.labels["pattern"]): set[str]() for trial in trials}
    for trial in trials:
        assert trial.params["flights"] == int(trial.step)
        steps[trial.labels["part"], trial.labels["pattern"]].add(trial.step)
    assert steps["patterns", "add_attribute"] == {"700"} and steps["patterns", "bulk_load"] == {"300"}
    assert all(steps["patterns", pattern] == {"4000"} for pattern in READS)
    assert {key: step for key, step in steps.items() if key[0] == "growth"} == {
        ("growth", "ad_hoc"): {"1000", "4000"}, ("growth", "count"): {"1000", "4000"},
    }  # fmt: skip
    assert {trial.arm for trial in trials if trial.labels["part"] == "growth"} == {"postgres", "dynamodb"}


def test_growth_asks_only_what_is_asked_at_all() -> None:
    trials = planned(patterns=["count", "full_text"], growth_patterns=["ad_hoc", "count"], rounds=1)
    assert {trial.labels["pattern"] for trial in trials} == {"count", "full_text"}
    assert {trial.labels["pattern"] for trial in trials if trial.labels["part"] == "growth"} == {"count"}


def test_questions_are_the_seeds_own(january: dataset.Dataset) -> None:
    """The same seed draws the same questions and tables, another one others."""
    one, same, other = drawn(january), drawn(january), drawn(january, seed=2)
    assert one.order == same.order != other.order
    for pattern in PATTERNS.values():
        assert one.of("patterns", pattern.name) == same.of("patterns", pattern.name)
        assert tuple(one.of("patterns", pattern.name).parameters[0]) == pattern.parameters
    assert one.of("patterns", "flight_by_key") != other.of("patterns", "flight_by_key")


def test_few_questions_are_answered_alike_by_tables_of_every_size(january: dataset.Dataset) -> None:
    """Whole aircraft and whole days of an airport are in the smallest table, of which they take a half at most."""
    questions = drawn(january, sizes=[1000, 5000, 27004], questions=4)
    tables = tables_of(january, settings(sizes=[1000, 5000, 27004], questions=4), questions)
    assert len(questions.first_keys) <= 500
    for pattern in ("aircraft_flights", "airport_day"):
        asked = questions.of("growth", pattern).parameters
        assert len(asked) == 4
        for parameters in asked:
            counts = {tables.expected(pattern, parameters, size) for size in (1000, 5000, 27004)}
            assert len(counts) == 1 and counts.pop() > 0


def test_a_table_is_the_beginning_of_the_next_larger_one(january: dataset.Dataset) -> None:
    """First what is asked everywhere, then the flights as the data has them; every flight once."""
    questions = drawn(january, sizes=[1000, 27004])
    tables = tables_of(january, settings(sizes=[1000, 27004]), questions)
    small, large = (tables.of(size).flights["flight_key"].to_pylist() for size in (1000, 27004))
    assert large[:1000] == small and len(small) == 1000
    assert sorted(large) == sorted(january.flights["flight_key"].to_pylist())
    first = questions.first_keys
    assert small[: len(first)] == first
    assert (
        small[len(first) :]
        == [key for key in january.flights["flight_key"].to_pylist() if key not in set(first)][: 1000 - len(first)]
    )


def test_keys_come_as_often_as_the_flights_have_them(january: dataset.Dataset) -> None:
    """Of the aircraft drawn, one with twice the flights is asked for twice as often: 40,000 draws, four standard errors."""
    choice = drawn(january, keys=50).of("patterns", "aircraft_flights")
    assert len(choice.parameters) == 50 == len({str(one) for one in choice.parameters})
    numbers = choice.numbers(random.Random(3))
    counts = Counter(next(numbers) for _ in range(40_000))
    for number, weight in enumerate(choice.weights):
        share = weight / sum(choice.weights)
        assert abs(counts[number] / 40_000 - share) < 4 * (share * (1 - share) / 40_000) ** 0.5


def test_writes_are_asked_in_an_order_that_undoes_them(january: dataset.Dataset) -> None:
    """An update and a move are followed by their opposites, all in turn; one update expects what no flight has."""
    questions = drawn(january, questions=4)
    updates, moves = (questions.of("patterns", pattern) for pattern in ("update_if", "move_flight"))
    assert updates.in_order and moves.in_order
    *pairs, refused = updates.parameters
    for there, back in zip(pairs[::2], pairs[1::2], strict=True):
        assert (there["flight_key"], there["expected"], there["new"]) == (
            back["flight_key"],
            back["new"],
            back["expected"],
        )
    assert len(pairs) == 4 and refused["expected"] == NO_DELAY
    for there, back in zip(moves.parameters[::2], moves.parameters[1::2], strict=True):
        assert (there["tailnum"], there["to_tailnum"]) == (back["to_tailnum"], back["tailnum"])
        assert there["tailnum"] != there["to_tailnum"]
    numbers = updates.numbers(random.Random(1))
    assert [next(numbers) for _ in range(7)] == [0, 1, 2, 3, 4, 0, 1]


def test_words_that_are_searched_for_are_in_every_index(january: dataset.Dataset) -> None:
    """One word and two in turn, none shorter than three letters, none that MySQL leaves out."""
    asked = [str(one["words"]).split() for one in drawn(january, keys=100).of("patterns", "full_text").parameters]
    assert len(asked) == 100 and {len(words) for words in asked} == {1, 2}
    assert all(len(word) >= 3 and word not in STOP_WORDS and word == word.lower() for words in asked for word in words)


def test_more_flights_than_there_are_are_refused_with_the_way_out(january: dataset.Dataset) -> None:
    for key in ("sizes", "attribute_items", "bulk_items"):
        given = {key: [1000, 27_005] if key == "sizes" else 27_005}
        with pytest.raises(
            UsageError,
            match=rf"^sql_vs_nosql\.{key}: 27005 flights asked for, months hold 27004; lower it or name more months$",
        ):
            tables_of(january, settings(**given), drawn(january, **given))


def test_too_many_questions_for_the_smallest_table_are_refused(january: dataset.Dataset) -> None:
    """A quarter of 500 flights for 100 aircraft: one flight each, and hardly any airport has so few in a day, let alone a hundred."""
    with pytest.raises(
        UsageError, match=r"^sql_vs_nosql\.questions: 200 of tailnum asked for, only 0 have 0 flights or fewer"
    ):
        drawn(january, sizes=[500], questions=200)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arms: [oracle]", "scenarios.sql_vs_nosql.arms.0 should be 'postgres', 'postgres_flat'"),
        ("arms: []", "scenarios.sql_vs_nosql.arms must have at least 1 entry, got []"),
        ("patterns: [count, count]", "scenarios.sql_vs_nosql.patterns"),
        ("cached_patterns: [bulk_load]", "scenarios.sql_vs_nosql.cached_patterns has bulk_load, which changes data: there are flight_by_key"),
        ("growth_patterns: [full_text]", "scenarios.sql_vs_nosql.growth_patterns has full_text, whose table doesn't grow with the flights"),
        ("sizes: [100]", "scenarios.sql_vs_nosql.sizes.0 must be >= 500, got 100"),
        ("questions: 1", "scenarios.sql_vs_nosql.questions must be >= 2, got 1"),
        ("trial_s: 0", "scenarios.sql_vs_nosql.trial_s must be > 0, got 0"),
        ("cache_ttl_s: 0", "scenarios.sql_vs_nosql.cache_ttl_s must be >= 0.001, got 0"),
        ("cache_ttl: 5", "scenarios.sql_vs_nosql.cache_ttl is not a key of this section; did you mean 'cache_ttl_s'?"),
    ],
)  # fmt: skip
def test_wrong_settings_are_one_line_each_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"scenarios:\n  sql_vs_nosql:\n    {text}\n")
    with pytest.raises(UsageError) as refused:
        load(path, {"sql_vs_nosql": SqlVsNosqlSettings})
    assert str(refused.value).startswith(f"config.yaml:3: {message}")
    assert "\n" not in str(refused.value)


def test_only_what_arms_stand_on_is_started() -> None:
    """A cached arm needs its store and a cache; the flat arms need the engine, and nobody else any."""
    flat = SqlVsNosql.needs(settings(arms=["mysql_flat_cached"]))
    assert (flat.engines, flat.cache, flat.dynamodb) == (("mysql",), True, False)
    both = SqlVsNosql.needs(settings(arms=["dynamodb", "postgres_flat"]))
    assert (both.engines, both.cache, both.dynamodb) == (("postgres",), False, True)


def test_a_setting_that_is_no_list_of_reads_is_refused_whatever_it_holds() -> None:
    with pytest.raises(ValidationError, match="update_if, which changes data"):
        settings(growth_patterns=["count", "update_if"])
