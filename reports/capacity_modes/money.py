"""Dollars: what a million served requests cost by either mode, and the utilisation at which both cost the same (C1)."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from harness.dynamodb.pricing import Prices, break_even_utilisation, on_demand_usd, provisioned_usd
from reports import stats
from reports.capacity_modes.samples import KINDS, NAME, Cell, Kind
from reports.capacity_modes.wording import Sayer, arm, case, sure
from reports.findings import Finding
from reports.load import Run
from reports.stats import Interval
from reports.words import absent, dollars, measured, percent

HOUR_S = 3600
_PRICES = {
    (False, "read"): "dynamodb.provisioned_rcu_hour_usd",
    (False, "write"): "dynamodb.provisioned_wcu_hour_usd",
    (True, "read"): "dynamodb.on_demand_read_usd_per_million",
    (True, "write"): "dynamodb.on_demand_write_usd_per_million",
}


def prices(run: Run) -> Prices:
    """The prices that the run was made with."""
    return Prices(**{name: run.manifest["prices"][name] for name in ("date", "region", "source", "values")})


def paid_usd(run: Run, cell: Cell) -> "pd.Series[float] | None":
    """What each trial's capacity or units of this kind cost; None where the price isn't known."""
    of_trial: dict[int, Any] = {}
    for trial, consumed in cell.ops.groupby("trial")["consumed"].sum().items():
        number = int(str(trial))
        if cell.on_demand:
            of_trial[number] = on_demand_usd(prices(run), **{f"{cell.kind}_units": float(consumed)})
        else:
            units = {f"{kind}_capacity_units": 0.0 for kind in KINDS}
            units[f"{cell.kind}_capacity_units"] = cell.provisioned_unit_s(number) / HOUR_S
            of_trial[number] = provisioned_usd(prices(run), **units, hours=1.0)
    return None if None in of_trial.values() else pd.Series(of_trial, dtype="float64")


def served(sayer: Sayer, cell: Cell) -> Finding:
    """Dollars for a million requests that were served in the end."""
    id, run = f"{cell.arm}.usd_per_million_served", sayer.run
    counted, paid, key = (
        cell.ops.groupby("trial")["served"].sum(),
        paid_usd(run, cell),
        _PRICES[cell.on_demand, cell.kind],
    )
    if run.manifest["prices"]["values"].get(key) is None or paid is None:
        return sayer.absent(cell, id, "USD", "lower", f"the price {key} isn't in the price file")
    if (counted == 0).any():
        return sayer.absent(cell, id, "USD", "lower", f"a trial served no {cell.kind} at all")
    cost = stats.mean_of_trials((paid / counted * 1e6).to_numpy())
    how = "paid by the unit" if cell.on_demand else "capacity paid by the hour, used or not"
    sentence = (
        f"{case(cell)}, {arm(cell)}: a million served {cell.kind}s cost {dollars(cost.value)} ({how}; "
        f"{sure(cost, dollars)}; {run.manifest['prices']['region']} prices of {run.manifest['prices']['date']})."
    )
    return sayer.say(cell, id, sentence, cost, "USD", "lower", basis="modelled")


def break_even(run: Run) -> Iterator[Finding]:
    """The mean utilisation above which provisioned costs less: a check of the prices, nothing measured."""
    id = f"{NAME}.break_even_utilisation"
    for kind in KINDS:
        share, labels = break_even_share(run, kind), {"kind": kind}
        if share is None:
            yield absent(run, NAME, id, "share", "none", "a price isn't in the price file", labels)
            continue
        sentence = (
            f"A price check, not a measurement: {kind} capacity that is used to more than {percent(share)} costs less "
            f"provisioned than on demand (C1; {run.manifest['prices']['region']} prices of {run.manifest['prices']['date']})."
        )
        exact = Interval(value=share, low=share, high=share, n=1, method="arithmetic")
        yield measured(run, NAME, id, sentence, exact, "share", "none", labels, basis="modelled")


def break_even_share(run: Run, kind: Kind) -> float | None:
    """C1's share of one kind, None where a price isn't known."""
    return break_even_utilisation(prices(run), kind)
