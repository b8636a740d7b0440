"""What parts backup and pitr of rds_operations plan, and what of their settings is refused."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import config as configuration
from harness.errors import UsageError
from harness.sql.operations.parts import MAKE, trials_of
from harness.sql.operations.settings import PARTS, RdsOperationsSettings


def planned(**given: Any) -> Any:
    settings = RdsOperationsSettings.model_validate({"parts": ["backup", "pitr"], **given})
    room: Any = SimpleNamespace(settings=settings, engines=settings.engines)
    return trials_of({part: MAKE[part](room) for part in settings.parts}, settings, "a seed")


def test_every_part_that_can_be_asked_for_is_there() -> None:
    """None is silently left out."""
    assert set(MAKE) == set(PARTS)


def test_with_and_without_a_base_backup_stand_side_by_side_for_every_size() -> None:
    """Two sizes, two engines, three rounds: twelve pairs."""
    trials = [trial for trial in planned(rounds=3, backup_flights=[1000, 3000]) if trial.labels["part"] == "backup"]
    pairs = Counter((trial.labels["engine"], trial.step, trial.pair) for trial in trials)
    assert len(pairs) == 12 and set(pairs.values()) == {2}
    assert {trial.arm for trial in trials} == {"quiet", "base_backup"}
    assert {(trial.step, trial.params["flights"]) for trial in trials} == {("1000", 1000), ("3000", 3000)}


def test_base_backups_begin_with_what_is_counted_and_the_load_ends_with_them() -> None:
    """No load before or after them, whatever the settings of other parts."""
    assert {
        (trial.params["before_s"], trial.params["after_s"], trial.params["measured_s"])
        for trial in planned(before_s=1, after_s=1, measured_s=3) if trial.labels["part"] == "backup"
    } == {(0.0, 0.0, 3.0)}  # fmt: skip


def test_each_engine_is_restored_once_a_round() -> None:
    """One arm, one step."""
    trials = [trial for trial in planned(rounds=2) if trial.labels["part"] == "pitr"]
    assert Counter((trial.labels["engine"], trial.arm, trial.step) for trial in trials) == {
        ("mysql", "restore", "before_delete"): 2, ("postgres", "restore", "before_delete"): 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("pitr_between_s=0.5", "pitr_between_s must be >= 1, got 0.5"),
        ("pitr_between_s=.inf", "pitr_between_s"),
        ("backup_flights=[]", "backup_flights must have at least 1 entry"),
        ("backup_flights=[0]", "backup_flights.0 must be > 0, got 0"),
        ("backup_flights=[5, 5]", "backup_flights"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(override: str, said: str, tmp_path: Path) -> None:
    """Before anything is started; with less than a second between, none need lie between backup and delete."""
    path = tmp_path / "config.yaml"
    path.write_text("profile: quick\n")
    with pytest.raises(UsageError) as refused:
        configuration.load(path, {"rds_operations": RdsOperationsSettings}, overrides=[f"rds_operations.{override}"])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
