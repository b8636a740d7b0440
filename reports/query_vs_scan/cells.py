"""What was asked and answered: the samples of a run as cells, by part, question, step and arm, and round by round."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from reports import stats
from reports.findings import Basis, Better, Finding
from reports.load import Run
from reports.query_vs_scan.arms import NAME, QUESTIONS, Arm, arm_of, is_write
from reports.query_vs_scan.beside import Beside
from reports.query_vs_scan.reading import part_of, read
from reports.tool import Tool
from reports.words import measured, percent, setting

ByRound: TypeAlias = "pd.Series[float]"  # one figure a round


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm asking one question at one step: its measured, right answers. ``params`` are those of its trials."""

    part: str
    question: str
    step: str
    arm: str
    params: Mapping[str, Any]
    rows: pd.DataFrame

    @property
    def how(self) -> Arm:
        """The arm in words."""
        return arm_of(self.arm, self.question)

    @property
    def labels(self) -> dict[str, str]:
        """What tells this cell's findings apart."""
        about = {"part": self.part, "arm": self.arm, "question": self.question, "step": self.step}
        return about | {"client": str(self.rows["client"].iloc[0]), "op": self.op, "loop": "closed"}

    @property
    def op(self) -> str:
        """The operation asked; of an arm that isn't known, the one its rows name."""
        return self.how.op or str(self.rows["op"].iloc[0])

    @property
    def about(self) -> str:
        """Who asks what, in words."""
        asked = QUESTIONS.get(self.question, self.question)
        return (
            f"{self.how.words}, {asked}"
            if is_write(self.question)
            else f"{self.how.words} for {asked} from {self.table}"
        )

    @property
    def table(self) -> str:
        """The table it was asked of, in words."""
        items, size = f"{self.items:,} items", self.params.get("mean_item_bytes")
        if self.part == "answer_share":
            return f"{items}, {percent(self.share)} of them"
        return f"{items} of {float(size):,.0f} bytes" if size else items

    @property
    def items(self) -> int:
        """Items in the table; in runs older than parts the step says it."""
        return int(self.params.get("table_items") or self.step)

    @property
    def share(self) -> float:
        """The share of the table that is answered: exact, else as asked."""
        return float(self.params.get("answer_share") or self.step)

    @property
    def units_column(self) -> str:
        """Which capacity it consumes."""
        return "write_units" if is_write(self.question) else "read_units"

    @property
    def trials(self) -> list[int]:
        """The trials it was measured in."""
        return sorted(int(number) for number in self.rows["trial"].unique())

    def medians(self, column: str) -> ByRound:
        """A column's median in each trial, by round."""
        medians: ByRound = self.rows.groupby("round")[column].median()
        return medians

    def means(self, column: str) -> ByRound:
        """A column's mean in each trial, by round; without the rounds that don't have it."""
        means: ByRound = self.rows.groupby("round")[column].mean()
        return means.dropna()

    def units(self) -> ByRound:
        """Mean units an answer, by round."""
        return self.means(self.units_column)


@dataclass(frozen=True, slots=True)
class Asked:
    """The run of this scenario as its analyses take it: cells in the order of parts, questions and steps."""

    run: Run
    tool: Tool
    cells: tuple[Cell, ...]
    besides: tuple[Beside, ...]
    planned: tuple[str, ...]
    parts: frozenset[str]
    bad: pd.DataFrame

    @classmethod
    def of(cls, run: Run) -> "Asked":
        """Reads the samples; a run without any has no cells. ``parts`` have samples, ``bad`` are attempts without an answer."""
        found, trials = read(run), list(run.scenario(NAME).get("trials") or ())
        params = {trial["trial"]: trial["params"] for trial in trials}
        cells = [Cell(*key, params.get(int(rows["trial"].iloc[0]), {}), rows) for key, rows in found.cells.items()]
        return cls(
            run, Tool.of(run, NAME), tuple(_in_order(cells)), tuple(found.besides), tuple(dict.fromkeys(map(part_of, trials))),
            found.parts, found.bad,
        )  # fmt: skip

    @property
    def on(self) -> str:
        """What it was measured on, in words."""
        return setting(self.run, NAME, "dynamodb")

    @property
    def prices_of(self) -> str:
        """The prices' region and date, in words."""
        prices = self.run.manifest["prices"]
        return f"{prices['region']} prices of {prices['date']}"

    def price(self, key: str) -> float | None:
        """Dollars; None where the price isn't known."""
        value = self.run.manifest["prices"]["values"].get(key)
        return None if value is None else float(value)

    def where(self, part: str, question: str | None = None, arm: str | None = None) -> list[Cell]:
        """The cells of a part, of one question and arm where these are given, by step."""
        return [
            cell
            for cell in self.cells
            if cell.part == part and question in (None, cell.question) and arm in (None, cell.arm)
        ]

    def cell(self, part: str, question: str, arm: str) -> Cell | None:
        """The cell at the last step, the largest table; None where it wasn't measured."""
        return next(reversed(self.where(part, question, arm)), None)

    def measured(
        self,
        id: str,
        sentence: str,
        figure: stats.Interval,
        unit: str,
        labels: Mapping[str, str],
        *,
        better: Better = "none",
        basis: Basis = "local_model",
        headline: bool = False,
    ) -> Finding:
        """A finding of this scenario; ``id`` without its name."""
        return measured(
            self.run, NAME, f"{NAME}.{id}", sentence, figure, unit, better, labels, basis=basis, headline=headline
        )

    def unknown(self, id: str, about: str, reason: str, unit: str, labels: Mapping[str, str], n: int = 0) -> Finding:
        """A finding that can't be given, though something was measured; ``about`` opens its sentence."""
        return Finding(
            id=f"{NAME}.{id}", scenario=NAME, sentence=f"{about}: {reason}.", value=None, unit=unit, better="none", n=n,
            labels=dict(labels), target=self.run.manifest["target"], status="unknown", reason=reason,
        )  # fmt: skip


def units_for_each(rows: pd.DataFrame, column: str) -> ByRound:
    """Read units for each item that ``column`` counts, by round; without rounds that have none."""
    sums = rows.groupby("round")[["read_units", column]].sum()
    some = sums[sums[column] > 0]
    return some["read_units"] / some[column]


def trials_of(cells: Iterable[Cell]) -> list[int]:
    """The trials of several cells."""
    return sorted({trial for cell in cells for trial in cell.trials})


def _in_order(cells: Sequence[Cell]) -> list[Cell]:
    parts = list(dict.fromkeys([*_ORDER, *(cell.part for cell in cells)]))
    return sorted(cells, key=lambda cell: (parts.index(cell.part), cell.question, _size(cell), cell.arm))


_ORDER = ("table_items", "arms", "answer_share", "item_bytes", "index_writes")


def _size(cell: Cell) -> tuple[float, str]:
    """Steps by size: of items where these grow, else the step's own number."""
    size = cell.params.get("mean_item_bytes") if cell.part == "item_bytes" else cell.step
    try:
        return float(size or 0), cell.step
    except ValueError:
        return 0.0, cell.step
