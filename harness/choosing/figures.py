"""The measured figures as one plain table: what findings.json of a run with sql_vs_nosql says of each pattern and store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SCENARIO = "sql_vs_nosql"
CACHED = "_cached"
CANNOT = "cannot"
Bound = Literal["value", "low", "high"]
STRONG = frozenset({"strong", "read committed", "repeatable read", "serializable"})
"""Consistency, as a run notes it, that sees every write which was acknowledged before: of SQL, on the server that takes the writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure and what it stands on; ``items`` is the table it was measured on, None where that isn't said."""

    id: str
    store: str
    pattern: str
    value: float
    low: float | None
    high: float | None
    n: int
    unit: str
    basis: str
    items: int | None = None
    kind: str | None = None

    def at(self, bound: Bound) -> float:
        """The value, or an end of its interval where it has one."""
        end = {"value": self.value, "low": self.low, "high": self.high}[bound]
        return self.value if end is None else end


Key = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All of one run: figures by id (without the scenario's name), store, pattern and kind; what stores can't; how consistent they are."""

    run: str
    figures: Mapping[Key, Figure] = field(default_factory=dict)
    why_absent: Mapping[Key, str] = field(default_factory=dict)
    cannot: Mapping[tuple[str, str], str] = field(default_factory=dict)
    consistency: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, run: str, findings: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]] = ()
    ) -> "Measured":
        """From the records of findings.json and of events.jsonl (``needed`` and ``cannot``).

        Where a figure stands at several sizes of the table, that of the largest counts.
        """
        figures: dict[Key, Figure] = {}
        absent: dict[Key, str] = {}
        cannot: dict[tuple[str, str], str] = {}
        for record in findings:
            labels = record.get("labels", {})
            if record.get("scenario") != SCENARIO or not {"arm", "pattern"} <= labels.keys():
                continue
            if labels.get("server", "").startswith("cache") or labels.get("of") == "latency":
                continue
            key = (str(record["id"]).removeprefix(f"{SCENARIO}."), labels["arm"], labels["pattern"], labels.get("kind"))
            if record["value"] is None:
                reason = str(record.get("reason") or record["status"])
                absent[key] = reason
                if reason.startswith(CANNOT):
                    cannot[labels["arm"], labels["pattern"]] = reason.removeprefix(CANNOT).lstrip(": ")
                continue
            figure = _figure(record, labels)
            if key not in figures or (figure.items or 0) > (figures[key].items or 0):
                figures[key] = figure
        consistency = {}
        for event in events:
            if event.get("scenario") == SCENARIO and event.get("kind") == "needed":
                consistency[event["arm"], event["pattern"]] = str(event["consistency"])
            if event.get("scenario") == SCENARIO and event.get("kind") == CANNOT:
                cannot.setdefault((event["arm"], event["pattern"]), str(event["reason"]))
        return cls(run=run, figures=figures, why_absent=absent, cannot=cannot, consistency=consistency)

    def get(self, id: str, store: str, pattern: str, kind: str | None = None) -> Figure | None:
        """A figure; that of no kind where there is none of this one."""
        return self.figures.get((id, store, pattern, kind)) or self.figures.get((id, store, pattern, None))

    def kinds(self, id: str, store: str, pattern: str) -> Sequence[Figure]:
        """The figures of an id that are told apart by kind."""
        return [
            figure for (of, arm, about, kind), figure in self.figures.items()
            if (of, arm, about) == (id, store, pattern) and kind is not None
        ]  # fmt: skip

    def strongly(self, store: str, pattern: str) -> bool | None:
        """Whether an answer sees every write acknowledged before; None where the run doesn't say."""
        said = self.consistency.get((store, pattern))
        return None if said is None else said.split(",")[0].strip() in STRONG


def _figure(record: Mapping[str, Any], labels: Mapping[str, str]) -> Figure:
    step = labels.get("step", "")
    return Figure(
        id=str(record["id"]), store=labels["arm"], pattern=labels["pattern"], value=float(record["value"]), low=record.get("low"),
        high=record.get("high"), n=int(record["n"]), unit=str(record["unit"]), basis=str(record["basis"]),
        items=int(step) if step.isdecimal() else None, kind=labels.get("kind"),
    )  # fmt: skip
