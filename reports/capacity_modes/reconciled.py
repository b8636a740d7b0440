"""Units that the answers told, against those that the service counted itself: a refused attempt consumes nothing."""

from collections.abc import Sequence

from reports.capacity_modes.samples import NAME, Cell, Kind
from reports.findings import Finding
from reports.load import Run
from reports.stats import Interval
from reports.words import absent, measured, number, setting

SAME_UNITS = 1e-6  # sums of halves are exact; this is for what a service rounds otherwise


def reconciled(run: Run, cells: Sequence[Cell], kind: Kind) -> Finding:
    """The differences of all finished trials, added up without their signs."""
    id, labels = f"{NAME}.reconciled_units", {"kind": kind}
    counted = {event["trial"]: float(event[f"{kind}_units"]) for event in run.events_of(NAME, "consumed")}
    mine = [cell for cell in cells if cell.kind == kind and counted.keys() & set(cell.trials)]
    if not mine:
        return absent(run, NAME, id, "units", "lower", "the service's own count wasn't recorded", labels)
    answered = {trial: 0.0 for cell in mine for trial in cell.trials if trial in counted}
    refused = 0
    for cell in mine:
        refused += int(cell.ops["refused"].sum())
        for trial, units in cell.ops.groupby("trial")["consumed"].sum().items():
            answered[int(str(trial))] += units
    differences = [abs(units - counted[trial]) for trial, units in answered.items()]
    alike = sum(difference <= SAME_UNITS for difference in differences)
    total = sum(difference for difference in differences if difference > SAME_UNITS)
    nothing = "" if total else f" {refused:,} refused attempts consumed nothing."
    sentence = (
        f"The answers told of {sum(answered.values()):,.10g} {kind} units, and in {alike} of {len(differences)} trials the service "
        f"counted the same itself; {number(total)} differ ({setting(run, NAME, 'dynamodb')}).{nothing}"
    )
    exact = Interval(value=total, low=total, high=total, n=len(differences), method="counted")
    return measured(run, NAME, id, sentence, exact, "units", "lower", labels)
