"""The samples of capacity_modes as cells: one arm under one demand, reads or writes, the trials that ran to their end.

Every time here is in service seconds since the trial began: the twin's clock runs ``speed`` times the wall's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from reports.load import Run

NAME, TITLE = "capacity_modes", "Provisioned or on-demand"
Kind = Literal["read", "write"]
KINDS: tuple[Kind, ...] = ("read", "write")
PARTS = ("ramp", "steps", "spike", "diurnal", "hot", "policy", "back_pressure")
ARMS = {
    "provisioned": "provisioned", "autoscaled": "with auto scaling", "on_demand": "on demand",
    "on_demand_warm": "on demand, warmed up", "on_demand_max": "on demand with a maximum", "none": "without retries",
    "standard": "standard retries", "adaptive": "adaptive retries", "no_index": "without an index",
    "index_enough": "an index with enough", "index_starved": "an index with too little",
}  # fmt: skip
"""The arms in words, in the order of the page; trials come in one that was drawn."""
TABLE = "table"
NEVER_SENT = (
    "GaveUp"  # error code of an attempt that `adaptive` held back until patience ended: throttled by the client itself
)
Steps = tuple[tuple[float, float], ...]
"""From when on (service s) so many capacity units: ascending, the first at 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One arm under one demand, for one kind of request.

    ``attempts`` and ``ops`` hold its finished trials: a row an attempt (the samples' columns, ``due_s``, ``end_s``, ``refused``),
    and a row an operation with all that were sent (``due_s``, ``units`` demanded, ``attempts``, ``refused`` of them, ``served``,
    ``consumed`` units, ``index_units`` of these, ``latency_s`` where it was served). ``planned`` trials were to be done.
    """

    part: str
    demand: str
    step: str
    arm: str
    kind: Kind
    policy: str
    client: str
    params: Mapping[str, Any]
    planned: int
    trials: tuple[int, ...]
    attempts: pd.DataFrame
    ops: pd.DataFrame
    capacity: Mapping[int, Mapping[str, Steps]]

    @property
    def labels(self) -> dict[str, str]:
        """What tells this cell's findings apart."""
        about = {"part": self.part, "demand": self.demand, "step": self.step, "arm": self.arm, "kind": self.kind}
        about |= {"client": self.client, "speed": f"{self.speed:g}", "loop": "open"}
        about |= {"scale": f"{self.scale:g}"} if "scale" in self.params else {}
        return about | ({"policy": self.policy} if self.policy != "none" else {})

    @property
    def speed(self) -> float:
        """Service seconds a second of the wall."""
        return float(self.params["speed"])

    @property
    def scale(self) -> float:
        """By how much the rates of B1 and B5 were divided in the twin."""
        return float(self.params.get("scale", 1))

    @property
    def length_s(self) -> float:
        """How long a trial asks."""
        given = self.params.get("service_s")
        return float(self.params["ramp_service_s"] + self.params["hold_service_s"] if given is None else given)

    @property
    def capacity_units(self) -> float:
        """The unit that demand is stated in: what the provisioned arm starts with, units a second."""
        return float(self.params[f"{self.kind}_capacity_units"])

    @property
    def on_demand(self) -> bool:
        """Paid by the unit; nothing is provisioned."""
        return self.arm.startswith("on_demand")

    def provisioned(self, trial: int) -> Mapping[str, Steps]:
        """Capacity of the table, and of an index by its name, over one trial; empty on demand."""
        if self.on_demand:
            return {}
        seen = dict(self.capacity.get(trial, {}))
        seen.setdefault(TABLE, ((0.0, self.capacity_units),))
        index = self.params.get("index_write_units")
        if len(seen) == 1 and index and self.kind == "write" and self.arm != "no_index":
            seen["index"] = ((0.0, float(index)),)
        return seen

    def provisioned_unit_s(self, trial: int) -> float:
        """Capacity units times seconds that one trial pays for, all resources."""
        return sum(unit_seconds(steps, self.length_s) for steps in self.provisioned(trial).values())


def unit_seconds(steps: Steps, length_s: float) -> float:
    """The integral of capacity over a trial."""
    ends = [*(at_s for at_s, _ in steps[1:]), length_s]
    return sum(units * max(0.0, min(end, length_s) - at_s) for (at_s, units), end in zip(steps, ends, strict=True))


def cells(run: Run, samples: pd.DataFrame, trials: pd.DataFrame) -> list[Cell]:
    """Every planned cell, by part, demand and arm; one without a finished trial has no rows."""
    begins = {event["trial"]: event["t_ns"] for event in run.events_of(NAME, "trial_begin")}
    trials = _labelled(run, trials)
    measured = samples[samples["phase"] == "measured"] if len(samples) else samples
    rows = _in_service_seconds(measured, begins, trials)
    ops = _operations(rows)
    capacity = _capacity(run, begins, trials)
    client = str(samples["client"].iloc[0])
    found = []
    by: list[Any] = ["label_part", "label_demand", "step", "arm", "label_policy"]
    for names, planned in trials.groupby(by, sort=False):
        part, demand, step, arm, policy = map(str, names)
        done = tuple(int(number) for number in planned.loc[planned["done"], "trial"])
        for kind in _kinds(rows, planned):
            attempts, whole = (frame[frame["trial"].isin(done) & (frame["kind"] == kind)] for frame in (rows, ops))
            found.append(
                Cell(
                    part=part, demand=demand, step=step, arm=arm, kind=kind, policy=policy, client=client,
                    params=_params(planned.iloc[0]), planned=len(planned), trials=done, attempts=attempts, ops=whole,
                    capacity=capacity[kind],
                )
            )  # fmt: skip
    return sorted(found, key=_place)


def _place(cell: Cell) -> tuple[int, float, str, int, int]:
    """Parts and arms in the order above, what isn't named there last; steps by how much is demanded."""
    part, arm = ([*names, name].index(name) for names, name in ((PARTS, cell.part), (ARMS, cell.arm)))
    return part, float(cell.params.get("multiple", 0.0)), cell.step, arm, KINDS.index(cell.kind)


def _labelled(run: Run, trials: pd.DataFrame) -> pd.DataFrame:
    """Runs from before there were parts ramped, under the retry policy of their settings."""
    defaults = {"part": "ramp", "demand": "ramp", "policy": str(run.scenario(NAME)["params"].get("retries", "none"))}
    for name, text in defaults.items():
        column = trials[f"label_{name}"] if f"label_{name}" in trials else pd.Series(index=trials.index, dtype=object)
        trials = trials.assign(**{f"label_{name}": column.fillna(text)})
    return trials


def _params(first: "pd.Series[Any]") -> dict[str, Any]:
    """The params that this trial has; those of other parts are absent from it, which a table says as NaN."""
    found = {str(name).removeprefix("param_"): first[name] for name in first.index if str(name).startswith("param_")}
    return {name: value for name, value in found.items() if isinstance(value, str) or pd.notna(value)}


def _kinds(rows: pd.DataFrame, planned: pd.DataFrame) -> Iterator[Kind]:
    """The kinds that these trials asked for; both where none of them wrote a row."""
    asked = set(rows.loc[rows["trial"].isin(planned["trial"]), "kind"])
    return (kind for kind in KINDS if kind in asked or not asked)


def _in_service_seconds(rows: pd.DataFrame, begins: Mapping[int, int], trials: pd.DataFrame) -> pd.DataFrame:
    """Adds when each attempt's operation was due and when the attempt was answered; whether it was refused."""
    since, per_ns = rows["trial"].map(begins), rows["trial"].map(trials.set_index("trial")["param_speed"]) / 1e9
    times = {f"{name}_s": (rows[column] - since) * per_ns for name, column in (("due", "t_intended"), ("end", "t_end"))}
    return rows.assign(refused=rows["outcome"] == "throttled", **times)


def _operations(rows: pd.DataFrame) -> pd.DataFrame:
    """A row an operation: what it came to after all its attempts."""
    consumed = rows["read_units"].where(rows["kind"] == "read", rows["write_units"])
    rows = rows.assign(
        ok=rows["outcome"] == "ok", sent=rows["error_code"] != NEVER_SENT, consumed=consumed.astype("float64")
    )
    rows["refused"] &= rows["sent"]
    rows = rows.sort_values(["trial", "op_id", "attempt"])
    found = rows.groupby(["trial", "op_id"], sort=False, as_index=False).agg(
        kind=("kind", "first"), due_s=("due_s", "first"), units=("demand_units", "first"), attempts=("sent", "sum"),
        refused=("refused", "sum"), served=("ok", "any"), consumed=("consumed", "sum"),
        index_units=("index_units", "sum"), end_s=("end_s", "last"),
    )  # fmt: skip
    return found.assign(latency_s=(found["end_s"] - found["due_s"]).where(found["served"]))


def _capacity(run: Run, begins: Mapping[int, int], trials: pd.DataFrame) -> dict[Kind, dict[int, dict[str, Steps]]]:
    """What the service said was provisioned, by kind, trial and resource; empty where nobody asked."""
    speed = trials.set_index("trial")["param_speed"]
    found: dict[Kind, dict[int, dict[str, Steps]]] = {kind: {} for kind in KINDS}
    for event in sorted(run.events_of(NAME, "capacity"), key=lambda event: event["t_ns"]):
        trial = event["trial"]
        if trial not in begins:
            continue
        at_s = max(0.0, (event["t_ns"] - begins[trial]) / 1e9 * float(speed[trial]))
        for kind in KINDS:
            resources = found[kind].setdefault(trial, {})
            before = resources.get(event["resource"], ())
            # What was seen first held from the beginning, whenever the question was answered.
            resources[event["resource"]] = (*before, (at_s if before else 0.0, float(event[kind])))
    return found


def mean_demand(cell: Cell) -> float:
    """Units that were asked for in a trial, on average."""
    return float(cell.ops.groupby("trial")["units"].sum().mean())


def binned(rows: pd.DataFrame, weights: Any, length_s: float, bins: int) -> Any:
    """Sums of ``weights`` over equal bins of when each row's operation was due."""
    place = np.clip((rows["due_s"] / length_s * bins).astype(int), 0, bins - 1)
    return np.bincount(place, weights, bins)
