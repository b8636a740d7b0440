"""What rds_failover plans: cells from words, who watches each, and in which order."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from harness.sql.failover.cells import cells_of, parameters_of
from harness.sql.failover.plan import trials_of
from harness.sql.failover.settings import RdsFailoverSettings


def settings(**given: Any) -> RdsFailoverSettings:
    return RdsFailoverSettings.model_validate(given)


def refusal(**given: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        settings(**given)
    return str(refused.value)


def planned(config: RdsFailoverSettings, lacking: frozenset[str] = frozenset()) -> Any:
    return trials_of(config, config.engines, lambda _, arm: arm not in lacking, "a seed")


def test_a_word_is_a_cell_of_every_engine_and_its_step_is_the_word() -> None:
    """Two engines, two words: four cells."""
    words = ["multi_az_instance.crash", "multi_az_cluster.planned.rds"]
    cells = list(cells_of(words, ("mysql", "postgres")))
    assert [(cell.engine, cell.step, cell.pace) for cell in cells] == [
        ("mysql", words[0], "fast"), ("postgres", words[0], "fast"),
        ("mysql", words[1], "rds"), ("postgres", words[1], "rds"),
    ]  # fmt: skip


def test_a_durability_parameter_belongs_to_one_engine() -> None:
    """MySQL has no synchronous_commit; what the topology applies is the parameter and its value."""
    words = ["single_az.crash.synchronous_commit=off", "single_az.crash.innodb_flush_log_at_trx_commit=0"]
    cells = list(cells_of(words, ("mysql", "postgres")))
    assert [(cell.engine, cell.parameters) for cell in cells] == [
        ("postgres", {"synchronous_commit": "off"}), ("mysql", {"innodb_flush_log_at_trx_commit": "0"}),
    ]  # fmt: skip
    assert parameters_of("default") == {}


def test_one_pace_for_all_is_laid_over_every_word() -> None:
    """As ``--pace rds`` does."""
    word = "multi_az_instance.crash"
    assert [cell.step for cell in cells_of([word], ("mysql",), "rds")] == [f"{word}.rds"]
    assert [cell.step for cell in cells_of([f"{word}.rds"], ("mysql",), "fast")] == [word]


def test_the_pace_of_rds_for_all_leaves_out_what_has_no_published_one() -> None:
    """D1 has a duration for Multi-AZ instances and clusters alone."""
    words = ["single_az.crash", "multi_az_cluster.hang", "async_replica.crash"]
    assert [cell.step for cell in cells_of(words, ("mysql",), "rds")] == ["multi_az_cluster.hang.rds"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("multi_az.crash", "topologies are single_az, multi_az_instance, multi_az_cluster, async_replica"),
        ("single_az", "must be topology.fault[.parameter=value][.rds]"),
        ("single_az.crash.slow", "must be topology.fault[.parameter=value][.rds]"),
        ("single_az.crash.sync_binlog=7", "sync_binlog: 0, 1"),
        ("single_az.crash.rds", "nothing is published"),
        ("single_az.black_hole", "has no other zone to go to"),
    ],
)
def test_a_word_that_says_nothing_is_refused_with_what_there_is(word: str, said: str) -> None:
    """At the start, not after the first ten minutes."""
    assert said in refusal(cells=[word])


def test_more_than_forty_failovers_a_round_are_refused() -> None:
    """15 of 4 topologies × 4 faults make sense, the 8 of two of them at RDS's pace too, for two engines: 46."""
    words = [
        f"{topology}.{fault}{pace}"
        for topology in ("single_az", "multi_az_instance", "multi_az_cluster", "async_replica")
        for fault in ("crash", "hang", "planned", "black_hole")
        for pace in ("", ".rds")
        if (topology, fault) != ("single_az", "black_hole")
        and (not pace or topology in ("multi_az_instance", "multi_az_cluster"))
    ]
    assert "at most 40 failovers a round (cells × engines), has 46" in refusal(cells=words)
    assert len(settings(cells=words, engines=["mysql"]).planned) == 23


def test_one_pace_must_not_make_two_cells_the_same() -> None:
    """The same failover twice in a round would be one cell with twice the trials."""
    assert "two cells that are the same" in refusal(
        cells=["multi_az_cluster.hang", "multi_az_cluster.hang.rds"], pace="rds"
    )


def test_nothing_to_measure_is_refused() -> None:
    """Only a parameter that the one engine asked for hasn't."""
    assert "nothing to measure" in refusal(engines=["mysql"], cells=["single_az.crash.synchronous_commit=off"])


def test_every_cell_has_one_trial_a_round_and_what_rds_takes_minutes_for_comes_last_and_once() -> None:
    """Two engines × (three fast cells × 6 rounds + one at RDS's pace), after two steps × two topologies × 3 rounds of commits."""
    config = settings(
        cells=["multi_az_instance.crash", "multi_az_instance.hang", "single_az.crash", "multi_az_cluster.crash.rds"],
        trials=6, synchrony_ms=[0, 1], synchrony_rounds=3,
    )  # fmt: skip
    trials = planned(config)
    assert [trial.trial for trial in trials] == list(range(24 + 36 + 2))
    assert Counter(trial.labels["part"] for trial in trials) == {"synchrony": 24, "failover": 38}
    assert [trial.labels["pace"] for trial in trials[-2:]] == ["rds", "rds"]
    assert {trial.labels["part"] for trial in trials[:24]} == {"synchrony"}
    pairs = Counter(trial.pair for trial in trials)
    assert sorted(pairs) == list(range(len(pairs)))
    assert {pairs[trial.pair] for trial in trials if trial.labels["part"] == "failover"} == {1}
    assert {pairs[trial.pair] for trial in trials[:24]} == {2}  # both topologies side by side
    fast, slow = trials[24], trials[-1]
    assert (fast.params["cap_s"], slow.params["cap_s"]) == (1.6, 180)


def test_the_part_synchrony_has_the_topology_for_an_arm_and_the_delay_for_a_step() -> None:
    """0 and 1 ms between zones."""
    trials = planned(settings(cells=[], engines=["mysql"], synchrony_ms=[0, 1], synchrony_rounds=1))
    assert {(trial.arm, trial.step, trial.params["inter_az_ms"], trial.labels["topology"]) for trial in trials} == {
        (arm, step, delay, arm)
        for arm in ("single_az", "multi_az_cluster")
        for step, delay in (("0ms", 0.0), ("1ms", 1.0))
    }


def arms(word: str, lacking: frozenset[str] = frozenset(), **given: Any) -> list[str]:
    (trial,) = planned(settings(cells=[word], engines=["mysql"], trials=1, **given), lacking)
    return str(trial.params["client_arms"]).split(",")


def test_who_watches_depends_on_what_there_is_to_watch() -> None:
    """One address leaves nothing for multi_host, no copy nothing for reader; a TTL of 5 s outlasts a fast trial."""
    everyone = ["tuned", "naive", "keepalive", "pool", "pool_pre_ping", "multi_host", "proxy"]
    assert arms("multi_az_instance.crash") == [*everyone, "reference"]
    assert arms("single_az.crash") == [arm for arm in everyone if arm != "multi_host"] + ["reference"]
    assert arms("multi_az_cluster.hang") == [*everyone, "reader", "reference"]
    assert arms("multi_az_instance.crash.rds") == [*everyone, "tuned_ttl", "reference"]


def test_a_client_that_cannot_be_had_is_left_out() -> None:
    """No PgBouncer here, say."""
    assert "proxy" not in arms("multi_az_instance.crash", frozenset({"proxy"}))


def test_a_durability_parameter_needs_few_clients() -> None:
    """What is lost is lost for all of them."""
    assert arms("single_az.crash.sync_binlog=0") == ["tuned", "reference"]
