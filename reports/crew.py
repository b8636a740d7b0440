"""What became of the processes that made the load, where not all of them were there from first to last."""

from collections.abc import Iterator

from reports.load import Run
from reports.words import count


def warnings(run: Run, scenario: str) -> Iterator[str]:
    """A sentence for each worker that was lost, and one for each that came late; none where all were there."""
    entry = run.scenario(scenario)
    kept = {worker["worker"]: worker.get("kept") for worker in entry.get("workers") or ()}
    for lost in entry.get("workers_lost") or ():
        yield (
            f"Worker {lost['worker']} on {lost['host'] or 'an unknown host'} was lost: {lost['reason']}. {_cost(run, scenario, lost['trial'])} "
            f"{_kept(kept.get(lost['worker']))} The figures are of what the others measured; gates aren't judged by this run."
        )
    for worker in entry.get("workers") or ():
        if worker.get("joined_before") is not None:
            yield f"Worker {worker['worker']} on {worker['host']} joined late: it has its share of the load from trial {worker['joined_before']} on."


def _cost(run: Run, scenario: str, trial: int | None) -> str:
    if trial is None or trial not in run.broken_off(scenario):
        return "No trial broke off by it."
    return f"Trial {trial} broke off, has no part in any figure, and was done again by those that were left."


def _kept(rows: int | None) -> str:
    return "How many rows it left isn't known." if rows is None else f"{count(rows, 'row')} of it are kept."
