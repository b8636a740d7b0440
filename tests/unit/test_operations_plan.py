"""What rds_operations plans: which groups an engine has, what stands side by side, and what is refused."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import config as configuration
from harness.errors import CannotMeasure, UsageError
from harness.plan import Trial
from harness.sql.operations.connection_limit import ConnectionLimit
from harness.sql.operations.groups import ParameterGroups
from harness.sql.operations.parts import trials_of
from harness.sql.operations.replica_lag import ReplicaLag
from harness.sql.operations.settings import PartName, RdsOperationsSettings
from harness.sql.operations.snapshots import Snapshots
from scenarios.rds_operations import RdsOperations

MAKE: dict[PartName, Any] = {
    "parameters": ParameterGroups, "snapshots": Snapshots, "replica_lag": ReplicaLag, "connections": ConnectionLimit,
}  # fmt: skip


def planned(part: PartName, **given: Any) -> list[Trial]:
    """The trials of one part on both engines; nothing is started for a plan."""
    settings = RdsOperationsSettings.model_validate({"parts": [part], **given})
    room: Any = SimpleNamespace(settings=settings, engines=settings.engines)
    return trials_of({part: MAKE[part](room)}, settings, "a seed")


def refusal(folder: Path, override: str) -> str:
    path = folder / "config.yaml"
    path.write_text("profile: quick\n")
    with pytest.raises(UsageError) as refused:
        configuration.load(path, {"rds_operations": RdsOperationsSettings}, overrides=[f"rds_operations.{override}"])
    return str(refused.value)


def test_the_groups_of_an_engine_stand_side_by_side_and_the_step_is_the_group() -> None:
    """``flush_log_2`` is MySQL's alone, ``synchronous_commit_off`` PostgreSQL's, ``default`` both's: 2 groups each, twice."""
    trials = planned("parameters", rounds=2, parameter_groups=["default", "flush_log_2", "synchronous_commit_off"])
    assert Counter((trial.labels["engine"], trial.arm, trial.step) for trial in trials) == {
        ("mysql", "default", "default"): 2, ("mysql", "flush_log_2", "flush_log_2"): 2,
        ("postgres", "default", "default"): 2, ("postgres", "synchronous_commit_off", "synchronous_commit_off"): 2,
    }  # fmt: skip
    assert set(Counter(trial.pair for trial in trials).values()) == {2}
    assert [trial.trial for trial in trials] == list(range(8))


def test_what_yaml_reads_as_false_is_off_for_a_server() -> None:
    """``synchronous_commit: off`` in config.yaml is false once it is read; numbers are text too."""
    settings = RdsOperationsSettings.model_validate(
        {"groups": {"mine": {"postgres": {"synchronous_commit": False, "fsync": True}, "mysql": {"sync_binlog": 0}}},
         "parameter_groups": ["mine"]},
    )  # fmt: skip
    assert settings.groups["mine"].of("postgres") == {"synchronous_commit": "off", "fsync": "on"}
    assert settings.groups["mine"].of("mysql") == {"sync_binlog": "0"}


def test_what_is_restored_was_created_before() -> None:
    """In every round of every size, whatever the seed draws."""
    trials = planned("snapshots", rounds=3, snapshot_flights=[1000, 3000])
    by_pair: dict[int, list[str]] = {}
    for trial in trials:
        by_pair.setdefault(trial.pair, []).append(trial.arm)
    assert list(by_pair.values()) == [["create", "restore"]] * 12
    assert {trial.step for trial in trials} == {"1000", "3000"}


def test_the_step_of_replica_lag_is_how_many_are_written_in_a_second() -> None:
    """No writers beside the beats in ``idle``."""
    trials = planned("replica_lag", lag_writes_low_per_s=50, lag_writes_high_per_s=700)
    assert {(trial.arm, trial.step, trial.params["writes_per_s"]) for trial in trials} == {
        ("idle", "0", 0), ("writes_low", "50", 50), ("writes_high", "700", 700),
    }  # fmt: skip


def test_connections_stop_at_half_the_limit_or_go_on_past_it() -> None:
    """Of 30, four are held by those who read and write: 15 - 4 = 11 are opened below, 30 + 5 - 4 = 31 above."""
    trials = planned("connections", connection_limits=[30], connections_beyond=5)
    assert {(trial.arm, trial.step, trial.params["opened"]) for trial in trials} == {
        ("below", "30", 11), ("above", "30", 31),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("parts=[parameter]", "rds_operations.parts.0 should be 'parameters', 'backup'"),
        ("parameter_groups=[mine]", "parameter_groups names 'mine', which groups hasn't: it has default"),
        ("groups={mine: {oracle: {}}}", "groups.mine.oracle is not a key of this section; there are mysql, postgres"),
        ("connection_limits=[5]", "connection_limits.0 must be >= 20, got 5"),
        ("connection_limits=[30, 30]", "30"),
        ("lag_writes_low_per_s=900", "lag_writes_low_per_s must be below lag_writes_high_per_s, 500, is 900"),
        ("writers=0", "writers must be > 0, got 0"),
        ("rounds=0", "rounds must be > 0, got 0"),
        ("snapshot_flights=[]", "snapshot_flights must have at least 1 entry"),
        ("measured_s=-1", "measured_s must be > 0, got -1"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(override: str, said: str, tmp_path: Path) -> None:
    """Before anything is started."""
    message = refusal(tmp_path, override)
    assert said in message
    assert "\n" not in message


def test_managed_databases_are_not_measured_and_one_line_says_what_is() -> None:
    """RDS's own snapshots and restores have commands of their own."""
    services: Any = SimpleNamespace()
    with pytest.raises(CannotMeasure, match="`dbharness aws snapshot` and `aws restore` are timed") as refused:
        RdsOperations.on_aws(RdsOperationsSettings(), services)
    assert "\n" not in str(refused.value)
