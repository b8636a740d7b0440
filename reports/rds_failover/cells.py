"""What was recorded: cases (a fault on a topology of an engine), and watches (one client's probes through one of its trials)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from reports import stats
from reports.findings import Basis, Better, Finding
from reports.load import Run
from reports.outage import Outage, longest_outage
from reports.rds_failover.arms import (
    BLOCKED,
    DEFAULT,
    FAILOVER,
    FAULTS,
    NAME,
    PACE_RDS,
    PROBES,
    READ,
    SYNCHRONY,
    TOPOLOGIES,
    TUNED,
    WRITE,
    in_order,
)  # fmt: skip
from reports.samples import NOWHERE, Places, Wanted, those, trial_by_trial
from reports.stats import Interval
from reports.tool import Tool
from reports.words import DRIVERS, absent, engine_name, measured, setting

# Columns of a later version, and what they are in runs without them; the same for what labels a trial.
_LATER: Mapping[str, Any] = {
    "client_arm": TUNED, "zone": "", "resolved_ns": -1, "connected_ns": -1, "authenticated_ns": -1, "seen_id": -1,
}  # fmt: skip
_KEYS = ("trial", "phase", "op", "t_end")
_COLUMNS = ("trial", "pair", "op", "op_id", "outcome", "error_code", "t_intended", "t_start", "t_end")
_LATER_LABELS: Mapping[str, str] = {"part": FAILOVER, "pace": "fast", "durability": DEFAULT}
Labels = Mapping[str, str]
_NONE: Labels = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault on a topology of an engine, at a pace and with durability parameters; ``trials`` are those that ran to their end."""

    part: str
    engine: str
    topology: str
    fault: str
    pace: str
    durability: str
    step: str
    server: str
    params: Mapping[str, Any]
    trials: tuple[int, ...]

    @property
    def about(self) -> str:
        """What fails over, in words, to begin a sentence with."""
        pace = ", at RDS's pace" if self.pace == PACE_RDS else ""
        durability = "" if self.durability == DEFAULT else f", {self.durability}"
        return f"{engine_name(self.engine)}, {self.where}{pace}{durability}"

    @property
    def where(self) -> str:
        """The topology in words."""
        return TOPOLOGIES.get(self.topology, self.topology.replace("_", " "))

    @property
    def after(self) -> str:
        """The fault in words, to stand after *after*."""
        return FAULTS.get(self.fault, f"a {self.fault} fault")

    @property
    def row(self) -> str:
        """The case in a table or chart, without its engine."""
        pace = ", RDS's pace" if self.pace == PACE_RDS else ""
        durability = "" if self.durability == DEFAULT else f", {self.durability}"
        return f"{self.where}, {self.fault.replace('_', ' ')}{pace}{durability}"

    @property
    def interval_s(self) -> float:
        """How often was probed."""
        return float(self.params["probe_interval_ms"]) / 1e3

    def id(self, figure: str) -> str:
        """A finding's id."""
        return f"{NAME}.{self.engine}.{self.topology}.{self.fault}.{figure}"

    def labels(self, client: str) -> dict[str, str]:
        """What tells findings of this case apart."""
        return {
            "engine": self.engine, "topology": self.topology, "fault": self.fault, "pace": self.pace,
            "durability": self.durability, "server": self.server, "driver": DRIVERS.get(self.engine, self.engine),
            "arm": client, "client": client, "step": self.step,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One client through one trial whose fault is known: ``rows`` are its attempts by when they ended, ``outages`` by probe.

    ``ends_ns`` is when the trial's watch is over: the cap, or in older runs the last attempt's end.
    """

    trial: int
    client: str
    rows: pd.DataFrame
    injected_ns: int
    ends_ns: int
    interval_s: float
    outages: Mapping[str, Outage]

    @property
    def main(self) -> str:
        """The probe whose return ends a failover for it: the write, or the read of a client that only reads."""
        return WRITE if WRITE in self.outages else READ

    def went_on(self, op: str) -> bool:
        """Whether a probe had no gap beyond the probes' own: its client wasn't down for that."""
        return self.outages[op].ended and self.outages[op].down_s <= 2 * self.interval_s

    @property
    def back(self) -> bool:
        """Whether all its probes were answered again."""
        return all(outage.ended for outage in self.outages.values())

    @property
    def back_ns(self) -> int:
        """When the last of its probes was answered again; the fault, where none was silent beyond the probes' own gaps."""
        seen = [outage.end_ns for op, outage in self.outages.items() if not self.went_on(op)]
        return max([self.injected_ns, *seen])

    @property
    def answered(self) -> pd.DataFrame:
        """Attempts that were."""
        return those(self.rows, self.rows["ok"])

    @property
    def failed(self) -> pd.DataFrame:
        """Attempts that were made and not answered with success, and ended after the fault; a tick without a free connection is none."""
        rows = self.rows
        return rows[~rows["ok"] & ~rows["blocked"] & (rows["t_end"] > self.injected_ns)]


@dataclass(frozen=True, slots=True)
class Measured:
    """The run of this scenario as its analyses take it; cases in the order of the report, those of which nothing ended too."""

    run: Run
    tool: Tool
    planned: pd.DataFrame
    cases: tuple[Case, ...]
    watches: Mapping[tuple[int, str], Watch]
    commits: pd.DataFrame

    @classmethod
    def of(cls, run: Run) -> "Measured":
        """Reads the samples; a run without any has cases without watches."""
        planned = _labelled(run.trials(NAME))
        cases = tuple(_cases(run, planned))
        commits, watches = _read(run, planned, {trial: case for case in cases for trial in case.trials})
        return cls(run, Tool.of(run, NAME), planned, cases, watches, commits)

    @property
    def engines(self) -> list[str]:
        """The engines that were asked for, and those that were planned beside them."""
        asked = self.run.scenario(NAME)["params"]["engines"]
        return list(dict.fromkeys([*asked, *(case.engine for case in self.cases)]))

    def of_engine(self, engine: str) -> list[Case]:
        """Its cases."""
        return [case for case in self.cases if case.engine == engine]

    def clients(self, case: Case) -> list[str]:
        """The clients that were to watch this case, and those that did; ``tuned`` first, the server itself last."""
        told = str(case.params.get("client_arms") or "")
        named = [one.strip() for one in told.split(",") if one.strip()]
        seen = [client for trial, client in self.watches if trial in case.trials]
        return in_order([*named, *seen])

    def of_client(self, case: Case, client: str) -> list[Watch]:
        """One client's watches of a case, by trial."""
        return [self.watches[trial, client] for trial in case.trials if (trial, client) in self.watches]

    def why_absent(self, case: Case) -> str | None:
        """Why none of a case's trials ended, where that was recorded."""
        labels = [
            self.planned[f"label_{name}"] == getattr(case, name)
            for name in ("engine", "part", "pace", "topology", "fault", "durability")
        ]
        numbers = set(self.planned.loc[pd.concat(labels, axis=1).all(axis=1), "trial"])
        failed = [event for event in self.run.events_of(NAME, "trial_failed") if event["trial"] in numbers]
        return str(failed[0]["reason"]) if failed else None

    def events(self, kind: str, case: Case) -> list[dict[str, Any]]:
        """The events of a kind in a case's trials."""
        mine = set(case.trials)
        return [event for event in self.run.events_of(NAME, kind) if event["trial"] in mine]

    def on(self, engine: str) -> str:
        """What a figure was measured on."""
        return setting(self.run, NAME, engine)

    def say(
        self, case: Case, client: str, figure: str, sentence: str, interval: Interval, unit: str, better: Better, *,
        basis: Basis = "local_model", headline: bool = False, about: Labels = _NONE,
    ) -> Finding:  # fmt: skip
        """A finding of a case and a client; ``about`` labels beside the usual ones."""
        labels = {**case.labels(client), **about}
        return measured(
            self.run, NAME, case.id(figure), sentence, interval, unit, better, labels, basis=basis, headline=headline
        )

    def absent(
        self, case: Case, client: str, figure: str, unit: str, reason: str, *, headline: bool = False
    ) -> Finding:
        """The finding of what a case doesn't tell of a client."""
        labels = case.labels(client)
        return absent(self.run, NAME, case.id(figure), unit, "lower", reason, labels, headline=headline)


def median_s(outages: Mapping[int, Outage]) -> Interval:
    """The median of the trials' outages; those that outlast their trial are bounds from below."""
    ended = [outage.down_s for outage in outages.values() if outage.ended]
    return stats.median_of_trials(ended, [outage.down_s for outage in outages.values() if not outage.ended])


def counted(number_of: int, n: int) -> Interval:
    """A count of the rows themselves: no chance is in it."""
    return Interval(value=float(number_of), low=float(number_of), high=float(number_of), n=n, method="counted")


def _labelled(trials: pd.DataFrame) -> pd.DataFrame:
    """The plan, with labels that older runs don't have."""
    for name, usual in _LATER_LABELS.items():
        column = f"label_{name}"
        if len(trials):
            trials[column] = trials[column].fillna(usual) if column in trials else usual
    return trials


def _read(
    run: Run, planned: pd.DataFrame, case_of: Mapping[int, Case]
) -> tuple[pd.DataFrame, dict[tuple[int, str], Watch]]:
    """The commits, trial by trial, and the watches of trials whose fault was recorded, each by when its rows ended."""
    keys = run.samples(NAME, _KEYS)
    if keys.empty or planned.empty:
        return keys.iloc[:0], {}
    done, injected = planned.loc[planned["done"], "trial"], injected_ns(run)
    committed, probed = _places(keys, done, ["commit"]), _places(keys, case_of.keys() & injected.keys(), [*PROBES])
    del keys
    wanted = [Wanted(_COLUMNS, np.concatenate([NOWHERE, *committed.values()]))]
    wanted += [Wanted((*_COLUMNS, *_LATER), places) for places in probed.values()]
    commits, *each = map(_dressed, run.frames(NAME, wanted))
    clients: Any = ((trial, rows.groupby("client_arm")) for trial, rows in zip(probed, each, strict=True))
    watches = {
        (trial, str(client)): _watch(trial, str(client), mine, injected[trial], case_of[trial])
        for trial, by_client in clients
        for client, mine in by_client
    }
    return commits, watches


def _places(keys: pd.DataFrame, trials: Iterable[int], ops: list[str]) -> dict[int, Places]:
    chosen = keys["op"].isin(ops) & (keys["phase"] == "measured")
    wanted = sorted(int(number) for number in trials)
    return trial_by_trial(keys["trial"].to_numpy(), wanted, chosen.to_numpy(), keys["t_end"].to_numpy())


def _dressed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with what older runs don't have, and three more columns:

    ``due_ns``, when each was due, or where it had no time of its own, when it began; whether it was ``ok`` or ``blocked``.
    """
    due_ns = rows["t_intended"].fillna(rows["t_start"]).astype("int64")
    later = {name: _filled(rows, name, usual) for name, usual in _LATER.items()}
    return rows.drop(columns=["t_intended", "error_code"]).assign(
        due_ns=due_ns, ok=rows["outcome"] == "ok", blocked=rows["error_code"] == BLOCKED, **later
    )


def _filled(rows: pd.DataFrame, name: str, usual: Any) -> Any:
    if name not in rows:
        return (
            usual
            if isinstance(usual, int)
            else pd.Categorical.from_codes(np.zeros(len(rows), np.int8), pd.Index([usual]))
        )
    if isinstance(usual, int):
        return rows[name].fillna(usual).astype("int64")
    words = rows[name].cat.add_categories([usual]) if usual not in rows[name].cat.categories else rows[name]
    return words.fillna(usual)


def _cases(run: Run, planned: pd.DataFrame) -> Iterator[Case]:
    """The planned ones by engine as asked for, part, pace, topology and fault."""
    if planned.empty:
        return
    engines, faults, topologies = list(run.scenario(NAME)["params"]["engines"]), list(FAULTS), list(TOPOLOGIES)
    names = ["engine", "part", "pace", "topology", "fault", "durability"]
    columns, found = [f"label_{name}" for name in names], []
    for key, rows in planned[planned["label_part"] != SYNCHRONY].groupby(columns, sort=False):
        case = Case(
            **dict(zip(names, map(str, key), strict=True)),
            step=str(rows["step"].iloc[0]),
            server=str(run.scenario(NAME).get("servers", {}).get(key[0], key[0])),
            params={str(name)[6:]: value for name, value in rows.iloc[0].items() if str(name).startswith("param_")},
            trials=tuple(sorted(int(number) for number in rows.loc[rows["done"], "trial"])),
        )
        place = tuple(
            order.index(word) if word in order else len(order)
            for word, order in ((case.engine, engines), (case.part, [FAILOVER]), (case.pace, ["fast"]),
                                (case.topology, topologies), (case.fault, faults))
        )  # fmt: skip
        found.append((place, case))
    yield from (case for _, case in sorted(found, key=lambda one: one[0]))


def injected_ns(run: Run) -> dict[int, int]:
    """When each trial's fault came; a planned failover without one began when it was asked for."""
    asked = {event["trial"]: int(event["t_ns"]) for event in run.events_of(NAME, "failover_asked")}
    return asked | {event["trial"]: int(event["t_ns"]) for event in run.events_of(NAME, "fault_injected")}


def _watch(trial: int, client: str, rows: pd.DataFrame, at_ns: int, case: Case) -> Watch:
    cap_s = case.params.get("cap_s")
    known = cap_s is not None and not pd.isna(cap_s)
    ends_ns = at_ns + round(float(cap_s or 0) * 1e9) if known else int(rows["t_end"].max())
    outages = {
        str(op): _to_the_cap(longest_outage(mine, after_ns=at_ns), ends_ns, round(2e9 * case.interval_s))
        for op, mine in rows.groupby("op")
    }
    return Watch(
        trial=trial, client=client, rows=rows, injected_ns=at_ns, ends_ns=ends_ns, interval_s=case.interval_s,
        outages=outages,
    )  # fmt: skip


def _to_the_cap(outage: Outage, ends_ns: int, resolution_ns: int) -> Outage:
    """One that never ended lasts until the cap, if the last probe was due within the probes' resolution before it."""
    if outage.ended or outage.end_ns < ends_ns - resolution_ns:
        return outage
    return replace(outage, end_ns=ends_ns)
