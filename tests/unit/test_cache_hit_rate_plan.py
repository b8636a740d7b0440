"""The plan of cache_hit_rate: which trials there are, what each says of itself, and which settings are refused."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from harness.cache.experiments.plan import Plan, least_share
from harness.cache.experiments.settings import PARTS, CacheHitRateSettings
from harness.cache.experiments.skews import KeySpace
from harness.config import load
from harness.errors import CannotMeasure, UsageError
from harness.plan import Trial

EVERY = {"cache_share", "ttl_s", "write_share", "value_bytes", "policy", "skew"}
WRITERS = ("lazy", "write_through", "invalidate")


def space(skew: str, keys: int) -> KeySpace:
    """Forty aircraft of the data, all alike; else as many keys as asked for, all alike."""
    count = 40 if skew == "tailnum" else keys
    alpha = float(skew.removeprefix("zipf_")) if skew.startswith("zipf_") else 0.0
    return KeySpace(skew=skew, alpha=alpha, probabilities=np.full(count, 1 / count))


def planned(**settings: object) -> list[Trial]:
    made = CacheHitRateSettings(**settings)
    plan = Plan(settings=made, space=space, answer_bytes=3_000, slots=200)
    return plan.trials({part: made.engines_of(part) for part in made.parts}, seed="20130101/cache_hit_rate")


def of(trials: list[Trial], part: str) -> list[Trial]:
    return [trial for trial in trials if trial.labels["part"] == part]


def test_the_default_plan_has_every_part_in_order_and_every_trial_says_all_of_itself() -> None:
    """Trials and pairs are numbered through; all arms of a pair are of one part, step and engine."""
    trials = planned()
    assert [trial.trial for trial in trials] == list(range(len(trials)))
    assert list(dict.fromkeys(trial.labels["part"] for trial in trials)) == list(PARTS)
    assert all(trial.params.keys() >= EVERY for trial in trials)
    pairs: dict[int, set[tuple[str, str, str]]] = {}
    for trial in trials:
        pairs.setdefault(trial.pair, set()).add((trial.labels["part"], trial.step, trial.labels["engine"]))
    assert all(len(cells) == 1 for cells in pairs.values())
    assert sorted(pairs) == list(range(len(pairs)))


def test_arms_and_steps_are_those_of_the_parts() -> None:
    """One engine, one round: counted by hand, part by part."""
    trials = planned(engines=("postgres",), trials=1, trip_rounds=1)
    found = {part: {(trial.step, trial.arm) for trial in of(trials, part)} for part in PARTS}
    assert found["size"] == {("0", "no_cache"), *((step, "lazy") for step in ("0.02", "0.1", "0.3", "1"))}
    assert found["trips"] == {(step, "lazy") for step in ("0.1", "0.3", "0.6")}
    assert found["ttl"] == {(step, "lazy") for step in ("0.1", "0.3", "1")}
    assert {step for step, _ in found["skew"]} == {"tailnum", "dest", "zipf_0.6", "zipf_0.8", "zipf_1.0", "zipf_1.2"}
    assert found["write_share"] == {(step, arm) for step in ("0", "0.05", "0.2", "0.5") for arm in WRITERS}
    assert found["value_size"] == {
        (step, arm) for step in ("256", "1024", "4096", "16384") for arm in ("no_cache", "lazy")
    }
    assert len(found["policy"]) == 5 * 2
    assert found["warm_up"] == {(step, "lazy") for step in ("0.02", "0.1", "1")}
    assert found["stampede"] == {
        ("200_readers", arm) for arm in ("lazy", "lazy_jitter", "single_flight", "single_flight_shared", "xfetch")
    }
    assert found["lost"] == {
        (fault, arm)
        for fault in ("kill", "hang", "flush", "slow")
        for arm in ("no_timeout", "timeout", "circuit_breaker")
    }
    assert found["stale"] == {(step, arm) for step in ("20", "200") for arm in (*WRITERS, "lazy_race")}
    assert len(trials) == sum(map(len, found.values()))


def test_a_ttl_is_only_where_the_arm_has_one() -> None:
    """Writers that tell the cache keep values until they are evicted; lazy loading, which doesn't, has a TTL."""
    trials = planned(write_share_ttl_s=0.25, policy_ttl_s=33, stale_ttl_s=0.5, engines=("postgres",))
    ttls = {part: {(trial.arm, trial.params["ttl_s"]) for trial in of(trials, part)} for part in PARTS}
    assert ttls["write_share"] == {("lazy", 0.25), ("write_through", 0.0), ("invalidate", 0.0)}
    assert ttls["policy"] == {("lazy", 0.0), ("lazy_ttl", 33)}
    assert ttls["stale"] == {("lazy", 0.5), ("write_through", 0.0), ("invalidate", 0.0), ("lazy_race", 0.0)}
    assert {trial.params.get("race_ms") for trial in of(trials, "stale")} == {None, 20}


def test_ttls_are_measured_over_whole_periods() -> None:
    """At least 0.6 s: six of 0.1 s; two of 0.3 s; one of 1 s. Before that one TTL each."""
    lasting = {trial.step: (trial.params["warm_up_s"], trial.params["measured_s"]) for trial in of(planned(), "ttl")}
    assert lasting == {"0.1": (0.1, 0.6), "0.3": (0.3, 0.6), "1": (1.0, 1.0)}


def test_reads_come_as_slowly_as_che_s_t_asks_for_and_a_trial_says_whether_it_can_be_compared() -> None:
    """1,000 keys alike, room for 500: 1 − e^(−T/1000) = 1/2, T = 1000 ln 2 = 693.1 reads.

    For T of 2.5 s 693.1/2.5 = 277.3 reads a second; at 2,000 a second T is 0.347 s, below the two seconds of LRU's clock.
    """
    settings = {"keys": 1000, "cache_share": 0.5, "skews": ("zipf_1.0",)}
    slow, quick = (of(planned(**settings, skew_stays_s=stays_s), "skew")[0].params for stays_s in (2.5, 0))
    assert (slow["accesses_per_s"], quick["accesses_per_s"]) == (277.3, 2000)
    assert slow["che_t_s"] == pytest.approx(2.5, abs=0.001)
    assert slow["warm_up_s"] == pytest.approx(2.5, abs=0.001)
    assert quick["che_t_s"] == 0.347
    assert (slow["che_comparable"], quick["che_comparable"]) == (1, 0)


def test_few_keys_have_larger_values_so_that_all_steps_have_as_much_data() -> None:
    """1,000 rows of 20 bytes are 20,000: 40 aircraft of 500 bytes. Sizes have a bound."""
    params = {
        value_bytes: of(planned(keys=1000, value_bytes=value_bytes, skews=("tailnum",)), "skew")[0].params
        for value_bytes in (20, 1024)
    }
    assert [(one["keys"], one["value_bytes"]) for one in params.values()] == [(40, 500), (40, 8_192)]


def test_no_more_readers_stampede_than_there_are_slots() -> None:
    """With ``-u 30`` the step says so."""
    settings = CacheHitRateSettings(parts=("stampede",))
    plan = Plan(settings=settings, space=space, answer_bytes=0, slots=30)
    trials = plan.trials({"stampede": ["postgres"]}, seed="")
    assert {(trial.step, trial.params["readers"]) for trial in trials} == {("30_readers", 30)}


def test_rounds_repeat_all_parts_but_size() -> None:
    """Size has ``trials`` of each cell, the others ``rounds``."""
    trials = planned(parts=("size", "warm_up"), engines=("postgres",), trials=2, rounds=3, cache_shares=(1.0,))
    assert Counter(trial.labels["part"] for trial in trials) == {"size": 2 * 2, "warm_up": 3 * 3}


def test_only_the_engines_of_chosen_parts_are_needed() -> None:
    """Size has engines of its own."""
    assert CacheHitRateSettings(engines=("mysql",)).needed_engines == ("mysql", "postgres")
    assert CacheHitRateSettings(engines=("mysql",), parts=("ttl",)).needed_engines == ("postgres",)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ttls_s: [0.5, 0]", "scenarios.cache_hit_rate.ttls_s.1 must be >= 0.001, got 0"),
        ("stampede_ttl_s: 0", "scenarios.cache_hit_rate.stampede_ttl_s must be >= 0.001, got 0"),
        ("cache_shares: [0.1, 1.5]", "scenarios.cache_hit_rate.cache_shares.1 must be <= 1, got 1.5"),
        ("warm_up_shares: [0]", "scenarios.cache_hit_rate.warm_up_shares.0 must be > 0, got 0"),
        ("write_shares: [1]", "scenarios.cache_hit_rate.write_shares.0 must be < 1, got 1"),
        ("value_sizes: [100000]", "scenarios.cache_hit_rate.value_sizes.0 must be <= 60000, got 100000"),
        ("skews: [zipf]", "scenarios.cache_hit_rate.skews each is tailnum, dest or zipf_ with an exponent, zipf_0.99 say"),
        ("parts: [size, size]", "scenarios.cache_hit_rate.parts must have each entry once, has size more than once"),
    ],
)  # fmt: skip
def test_what_can_t_be_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    """A TTL of 0, a share beyond all: file, line, key and value."""
    path = tmp_path / "config.yaml"
    path.write_text(f"scenarios:\n  cache_hit_rate:\n    trials: 2\n    {line}\n")
    with pytest.raises(UsageError) as caught:
        load(path, {"cache_hit_rate": CacheHitRateSettings})
    assert str(caught.value).startswith(f"config.yaml:4: {said}")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"parts": ("warm_up",), "warm_up_shares": (0.5, 0.0001), "warm_up_keys": 2_000},
            "a cache of 0.01 % of 2,000 values doesn't hold one; cache_hit_rate.warm_up_shares must be >= 0.0005, got 0.0001",
        ),
        (
            {"parts": ("policy",), "keys": 10, "cache_share": 0.05},
            "a cache of 5 % of 10 values doesn't hold one; cache_hit_rate.cache_share must be >= 0.1, got 0.05",
        ),
        # Half of 1,000 keys that are all alike: 1000 ln 2 = 693 reads, one a second.
        (
            {"parts": ("skew",), "keys": 1_000, "cache_share": 0.5, "skews": ("zipf_0.6",), "skew_reads_per_s": 1},
            "warm only after 693 s; leave zipf_0.6 out of cache_hit_rate.skews, make skew_reads_per_s larger or cache_share smaller",
        ),
    ],
)
def test_a_cache_that_holds_nothing_or_is_never_warm_is_refused_before_anything_is_measured(
    settings: dict[str, object], said: str
) -> None:
    """Whichever step comes first: with the key and the least that will do."""
    with pytest.raises(CannotMeasure) as refused:
        planned(**settings)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("values", "nodes", "share"),
    [(2_000, 1, 0.0005), (2_300, 1, 0.00044), (94, 1, 0.011), (200, 3, 0.015), (10, 1, 0.1)],
)
def test_the_share_that_a_refusal_names_is_enough(values: int, nodes: int, share: float) -> None:
    """1 / 2,300 is 0.000435: 0.00043 would be refused again."""
    assert least_share(values, nodes) == share
    assert share * values >= nodes


def test_a_cluster_has_room_for_a_value_in_each_node() -> None:
    """A hundredth of 200 keys are two values: enough for one node, and for none of three to have one each."""
    made = CacheHitRateSettings(parts=("policy",), keys=200, cache_share=0.01)
    engines = {part: made.engines_of(part) for part in made.parts}
    assert Plan(settings=made, space=space, answer_bytes=1, slots=1).trials(engines, seed="1")
    with pytest.raises(CannotMeasure, match=r"in each of its 3 nodes; .*cache_share must be >= 0\.015, got 0\.01"):
        Plan(settings=made, space=space, answer_bytes=1, slots=1, nodes=3).trials(engines, seed="1")


@pytest.mark.parametrize("field", ["cache_shares", "ttls_s", "write_shares", "warm_up_shares", "stale_writes_per_s"])
def test_a_step_that_is_there_twice_is_refused(field: str) -> None:
    """It would be one cell with twice the trials."""
    with pytest.raises(ValidationError, match=r"must have each entry once, has 0\.5 more than once"):
        CacheHitRateSettings(**{field: (0.5, 0.5)})


@pytest.mark.parametrize("field", ["write_share_ttl_s", "policy_ttl_s", "stampede_ttl_s", "stale_ttl_s", "ttls_s"])
@pytest.mark.parametrize("ttl_s", [0, 0.0004])
def test_a_ttl_below_a_millisecond_is_refused(field: str, ttl_s: float) -> None:
    """A cache keeps whole milliseconds: 0 isn't a TTL to it, and 0.4 ms would be told as such and be 1 ms."""
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.001"):
        CacheHitRateSettings(**{field: (ttl_s,) if field == "ttls_s" else ttl_s})
