"""The samples of capacity_modes as cells: one arm under one demand, reads or writes, the trials that ran to their end.

Every time here is in service seconds since the trial began: the twin's clock runs ``speed`` times the wall's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from reports.load import Run
from reports.samples import NOWHERE, Places, Wanted, trial_by_trial

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
_KEYS = ("trial", "phase", "outcome", "kind", "client")
_OF_OPS = ("op_id", "attempt", "outcome", "error_code", "demand_units", "t_intended", "t_end")
_COLUMNS = ("trial", "op", "reason", *_OF_OPS)
_UNITS: Mapping[Kind, tuple[str, ...]] = {"read": ("read_units",), "write": ("write_units", "index_units")}
_BAD = ("arm", "outcome", "error_code")
_CELL = ["label_part", "label_demand", "step", "arm", "label_policy"]
Steps = tuple[tuple[float, float], ...]
"""From when on (service s) so many capacity units: ascending, the first at 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One arm under one demand, for one kind of request.

    ``attempts`` and ``ops`` hold its finished trials: a row an attempt (``trial``, ``op``, ``reason``, ``due_s``, ``refused``),
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


def read(run: Run) -> tuple[list[Cell], pd.DataFrame]:
    """Every planned cell, by part, demand and arm, one without a finished trial without rows; attempts that failed but weren't throttled.

    No cells where the scenario has no samples.
    """
    keys = run.samples(NAME, _KEYS)
    if keys.empty:
        return [], keys
    trials = _labelled(run, run.trials(NAME))
    chosen = list(_chosen(keys, [planned for _, planned in trials.groupby(_CELL, sort=False)]))
    bad = Wanted(_BAD, np.flatnonzero(~keys["outcome"].isin(["ok", "throttled"])))
    client = str(keys["client"].iloc[0])
    del keys
    failed, *frames = run.frames(
        NAME, [bad, *(Wanted((*_COLUMNS, *_UNITS[kind]), places) for _, kind, places in chosen)]
    )
    begins = {event["trial"]: event["t_ns"] for event in run.events_of(NAME, "trial_begin")}
    capacity, found = _capacity(run, begins, trials), []
    for planned, kind, _ in chosen:
        part, demand, step, arm, policy = (str(planned[name].iloc[0]) for name in _CELL)
        attempts = _in_service_seconds(frames.pop(0), begins, planned)  # what an operation is made of is let go then
        found.append(
            Cell(
                part=part, demand=demand, step=step, arm=arm, kind=kind, policy=policy, client=client,
                params=_params(planned.iloc[0]), planned=len(planned), trials=_done(planned), ops=_operations(attempts, kind),
                attempts=attempts.drop(columns=[*_OF_OPS, *_UNITS[kind], "end_s"]), capacity=capacity[kind],
            )
        )  # fmt: skip
    return sorted(found, key=_place), failed


def _done(planned: pd.DataFrame) -> tuple[int, ...]:
    return tuple(int(number) for number in planned.loc[planned["done"], "trial"])


def _chosen(keys: pd.DataFrame, cells: Sequence[pd.DataFrame]) -> Iterator[tuple[pd.DataFrame, Kind, Places]]:
    """Where the measured attempts of each cell's finished trials are, for each kind that its trials asked for; both where none of
    them wrote a row.
    """
    numbers = [int(number) for planned in cells for number in planned["trial"]]
    measured_, trials = keys["phase"] == "measured", keys["trial"].to_numpy()
    of_kind = {kind: trial_by_trial(trials, numbers, (measured_ & (keys["kind"] == kind)).to_numpy()) for kind in KINDS}
    for planned in cells:
        asked = [kind for kind in KINDS if any(len(of_kind[kind][number]) for number in planned["trial"])]
        for kind in asked or KINDS:
            yield planned, kind, np.concatenate([NOWHERE, *(of_kind[kind][number] for number in _done(planned))])


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


def _in_service_seconds(rows: pd.DataFrame, begins: Mapping[int, int], planned: pd.DataFrame) -> pd.DataFrame:
    """Adds when each attempt's operation was due and when the attempt was answered; whether it was refused."""
    since, per_ns = rows["trial"].map(begins), rows["trial"].map(planned.set_index("trial")["param_speed"]) / 1e9
    times = {f"{name}_s": (rows[column] - since) * per_ns for name, column in (("due", "t_intended"), ("end", "t_end"))}
    return rows.assign(refused=rows["outcome"] == "throttled", **times)


def _operations(attempts: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """A row an operation of a cell: what it came to after all its attempts."""
    rows = attempts.iloc[np.lexsort([attempts[name] for name in ("attempt", "op_id", "trial")])]
    trial, op_id = rows["trial"].to_numpy(), rows["op_id"].to_numpy()
    new = np.concatenate([[True], (trial[1:] != trial[:-1]) | (op_id[1:] != op_id[:-1])])[: len(rows)]
    firsts = np.flatnonzero(new)
    sent = (rows["error_code"] != NEVER_SENT).to_numpy()

    def added(values: Any, how: np.ufunc = np.add) -> Any:
        """Over the attempts of each operation; an answer that tells no units consumed none."""
        return how.reduceat(np.nan_to_num(np.asarray(values)), firsts) if len(firsts) else np.asarray(values)

    due_s, last = rows["due_s"].to_numpy()[firsts], np.append(firsts[1:], len(rows))[: len(firsts)] - 1
    served, end_s = added(rows["outcome"] == "ok", np.logical_or), rows["end_s"].to_numpy()[last]
    return pd.DataFrame(
        {
            "trial": trial[firsts], "due_s": due_s, "units": rows["demand_units"].to_numpy()[firsts],
            "attempts": added(sent.astype(np.int32)), "refused": added((sent & rows["refused"].to_numpy()).astype(np.int32)),
            "served": served, "consumed": added(rows[f"{kind}_units"]), "index_units": added(rows["index_units"]) if kind == "write" else 0.0,
            "latency_s": np.where(served, end_s - due_s, np.nan),
        }
    )  # fmt: skip


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
