"""Runs the planted truths through the whole pipeline, from load to finding, and says which came back."""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import selftest_record, selftest_table, suite
from harness.config import Config
from harness.config import load_prices as prices_of
from harness.errors import CannotMeasure
from harness.paths import cache_dir
from harness.planted.truths import PlantedSettings, Recovery, Truth, recovered, truths
from harness.registry import PLANTED
from harness.report_child import make_report
from harness.rundir import RunDir, command_line

_INTERRUPTED = "interrupted: no truth was looked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came back, and the record of it that was kept for later reports; ``interrupted`` where Ctrl-C ended it before."""

    recoveries: tuple[Recovery, ...]
    record: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 where every truth came back, 1 where one didn't."""
        if self.interrupted:
            return suite.INTERRUPTED
        return 0 if all(recovery.well for recovery in self.recoveries) else 1

    def as_record(self) -> Mapping[str, Any]:
        """For programs; an interrupted one has no truths."""
        return self.record or {"schema": selftest_table.RECORD_SCHEMA, "truths": []}

    def markdown(self) -> Iterator[str]:
        """README's table, or that there is none."""
        if self.interrupted:
            yield _INTERRUPTED
            return
        yield from selftest_table.markdown(self.record)

    def lines(self) -> Iterator[str]:
        """A line a truth, and one that counts them."""
        if self.interrupted:
            yield _INTERRUPTED
            return
        for recovery in self.recoveries:
            yield _line(recovery)
        well = sum(recovery.well for recovery in self.recoveries)
        yield f"{well} of {len(self.recoveries)} planted truths recovered"


def run(
    progress: suite.ProgressView, *, out: Path | None = None, seed: int = 1, planted: PlantedSettings | None = None
) -> Outcome:
    """Measure the planted servers and compare; the run is kept in ``out`` where one is given.

    Raises CannotMeasure where nothing could be measured, with the reason.
    """
    settings = planted or PlantedSettings()
    if out is not None:
        return _run(progress, out, seed, settings, truths(settings))
    with tempfile.TemporaryDirectory(prefix="dbharness-selftest-") as folder:
        return _run(progress, Path(folder) / "run", seed, settings, truths(settings))


def _run(
    progress: suite.ProgressView, out: Path, seed: int, settings: PlantedSettings, expected: Sequence[Truth]
) -> Outcome:
    begins_s = time.monotonic()
    config = Config(profile="quick", seed=seed, scenarios={PLANTED: settings})
    directory = RunDir.create(out, config, prices_of(config), source="built in", command=command_line())
    reason = suite.measure((PLANTED,), directory, progress)
    directory.finish(reason)
    if reason is not None:
        return Outcome(recoveries=(), interrupted=True)
    code = make_report(directory.path, quiet=True)
    if code:
        entry = directory.manifest["scenarios"][PLANTED]
        raise CannotMeasure(f"the self-test measured nothing: {entry['reason'] or f'its report ended with {code}'}")
    findings: list[dict[str, Any]] = json.loads((directory.path / "findings.json").read_text())
    recoveries = tuple(recovered(expected, findings))
    record = selftest_record.record_of(recoveries, time.monotonic() - begins_s)
    try:
        selftest_record.keep(record)
    except OSError as error:
        raise CannotMeasure(f"{cache_dir()}: {error.strerror}; name another place with DBHARNESS_CACHE") from error
    return Outcome(recoveries=recoveries, record=record)


def _line(recovery: Recovery) -> str:
    truth = recovery.truth
    found = "nothing" if recovery.found is None else f"{recovery.found:.4g}"
    within = "or more" if truth.error is None else f"± {truth.error:.3g}" if truth.error else "exactly"
    marked = f", marked {truth.status.replace('_', '-')}" if truth.status != "measured" else ""
    ending = f"NOT recovered: {recovery.why}" if recovery.why else f"recovered{marked}"
    return f"{truth.name}: planted {truth.value:.4g} {truth.unit} {within}, found {found}: {ending}"
