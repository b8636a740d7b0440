"""A report says which worker was lost or came late, and what that did to the figures."""

from pathlib import Path

from rundir import PlantedRun, trial

from reports.crew import warnings

NAME = "query_vs_scan"


def test_a_lost_worker_is_said_with_the_trial_it_cost_and_the_rows_it_left(tmp_path: Path) -> None:
    """Trial 1 broke off and was done again as 2; a second one was lost between trials, on a machine that isn't this one."""
    planted = PlantedRun(tmp_path / "run")
    lost = [
        {"worker": "1", "host": "alpha", "reason": "nothing was heard of it any more", "trial": 1},
        {"worker": "2", "host": "beta", "reason": "it took its leave", "trial": None},
    ]
    workers = [
        {"worker": "0", "host": "alpha", "rows": 9}, {"worker": "1", "host": "alpha", "rows": None, "kept": 1234},
        {"worker": "2", "host": "beta", "rows": None, "kept": None},
    ]  # fmt: skip
    trials = [trial(0, "query", "10"), trial(1, "query", "10", done=False), trial(2, "query", "10") | {"repeats": 1}]
    planted.scenario(NAME, params={}, trials=trials, workers=workers, workers_lost=lost)
    first, second = warnings(planted.load(), NAME)
    assert first == (
        "Worker 1 on alpha was lost: nothing was heard of it any more. Trial 1 broke off, has no part in any figure, and was done again by "
        "those that were left. 1,234 rows of it are kept. The figures are of what the others measured; gates aren't judged by this run."
    )
    assert "No trial broke off by it. How many rows it left isn't known." in second


def test_a_late_worker_is_said_with_its_first_trial_and_who_was_there_all_along_is_not_named(tmp_path: Path) -> None:
    """Worker 0 from the beginning, worker 1 from trial 22 on."""
    planted = PlantedRun(tmp_path / "run")
    workers = [{"worker": "0", "host": "a", "rows": 9}, {"worker": "1", "host": "b", "rows": 4, "joined_before": 22}]
    planted.scenario(NAME, params={}, trials=[trial(0, "query", "10")], workers=workers)
    assert list(warnings(planted.load(), NAME)) == [
        "Worker 1 on b joined late: it has its share of the load from trial 22 on."
    ]
