"""Runs a series through the whole pipeline, from load to finding, and says how often chance passed for a difference."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import suite
from harness.config import Config, load_prices
from harness.errors import CannotMeasure
from harness.registry import SERIES
from harness.report_child import make_report
from harness.rundir import RunDir, command_line
from harness.series.limits import most_alarms
from harness.series.settings import SeriesSettings

FALSE_ALARMS = f"{SERIES}.false_alarm_share"
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the report of a series found; ``interrupted`` where Ctrl-C cut it short."""

    run: Path
    pairs: int
    findings: tuple[Record, ...]
    interrupted: bool = False

    @property
    def alarms(self) -> list[Record]:
        """Each figure's false alarms at the pairs that were asked for: figure, comparisons, alarms, share with interval, most."""
        found = [
            finding
            for finding in self.findings
            if finding["id"] == FALSE_ALARMS and finding["labels"]["pairs"] == str(self.pairs)
        ]
        return [
            {
                "figure": finding["labels"]["figure"], "pairs": self.pairs, "comparisons": finding["n"],
                "alarms": round(finding["counts"][0]), "most": most_alarms(finding["n"]),
                "share": finding["value"], "low": finding["low"], "high": finding["high"],
            }
            for finding in found
            if finding["value"] is not None
        ]  # fmt: skip

    @property
    def too_many(self) -> list[Record]:
        """The figures that were told apart more often than chance does."""
        return [one for one in self.alarms if one["alarms"] > one["most"]]

    @property
    def exit_code(self) -> int:
        """0 where no figure was told apart too often, 1 where one was; 3 where there is none, 130 where it was interrupted."""
        if self.interrupted:
            return suite.INTERRUPTED
        return (1 if self.too_many else 0) if self.alarms else CannotMeasure.exit_code

    def as_record(self) -> Record:
        """For programs."""
        return {
            "schema": 1, "run": str(self.run), "well": not self.too_many and bool(self.alarms), "alarms": self.alarms,
            "findings": list(self.findings),
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """For people, after the findings that the report's own process has said."""
        for one in self.too_many:
            yield (
                f"TOO MANY: {one['figure']}: {one['alarms']} of {one['comparisons']} comparisons told apart what is the same, "
                f"{one['most']} or fewer were to be expected"
            )
        if self.alarms and not self.too_many:
            yield "no figure was told apart more often than chance does"
        yield f"everything is in {self.run}"


def run(
    progress: suite.ProgressView, *, out: Path | None, seed: int, settings: SeriesSettings, quiet: bool = False
) -> Outcome:
    """Measure a series and make its report, in ``out`` or a new run directory; ``quiet``: the report says nothing.

    Raises CannotMeasure where nothing could be measured, with the reason.
    """
    config = Config(profile="quick", seed=seed, scenarios={SERIES: settings})
    directory = RunDir.create(out, config, load_prices(config), source="built in", command=command_line())
    reason = suite.measure((SERIES,), directory, progress)
    suite.ignore_interrupts()  # the report of what there is isn't to be lost to a second Ctrl-C
    directory.finish(reason)
    code = make_report(directory.path, quiet=quiet)
    entry = directory.manifest["scenarios"].get(SERIES, {})
    if code and reason is None:
        raise CannotMeasure(f"no comparison came of it: {entry.get('reason') or f'its report ended with {code}'}")
    return Outcome(
        run=directory.path, pairs=settings.pairs, findings=_findings(directory.path), interrupted=reason is not None
    )


def _findings(run: Path) -> tuple[Record, ...]:
    path = run / "findings.json"
    found: Sequence[Record] = json.loads(path.read_text()) if path.exists() else ()
    return tuple(found)
