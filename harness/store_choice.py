"""`dbharness choose`: reads a workload and a run's figures, says which store is the cheapest that can; with a directory, a report too."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from harness import choice_answer, plan_output
from harness import config as configuration
from harness.choosing.choose import Choice, choose
from harness.choosing.figures import SCENARIO, Measured
from harness.choosing.record import record_of
from harness.choosing.workload import Workload
from harness.config import Config
from harness.config_words import KeyPath, WrongSettings, complaints, nearest
from harness.dynamodb.pricing import Prices
from harness.errors import CannotMeasure, UsageError
from harness.run_samples import manifest_of
from harness.stores import Store
from harness.stores_compared.patterns import PATTERNS
from harness.yaml_lines import read_lines

NAME = "choice"
"""The name under which a choice stands in its directory's manifest, and of its analysis in reports."""
EXAMPLE = "docs/examples/workload.yaml shows one"
MEASURE = f"dbharness run {SCENARIO} --profile standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line; without ``from_run`` the last whole run in ``runs/`` that has the scenario."""

    workload: Path
    from_run: Path | None = None
    region: str = "us-east-1"
    prices_file: str | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A choice with what it was made by."""

    choice: Choice
    record: dict[str, Any]
    config: Config
    prices: Prices

    @property
    def found(self) -> bool:
        """Whether any store can be named."""
        return self.choice.best is not None


def make(asked: Request) -> Chosen:
    """Read, size, rank. Raises UsageError, and CannotMeasure where there is no run to stand on."""
    plan_output.refuse_used(asked.out)
    workload = read_workload(asked.workload)
    config = Config(region=asked.region, prices_file=asked.prices_file)
    prices = configuration.load_prices(config)
    choice = choose(workload, read_measured(asked.from_run or last_run()), prices)
    return Chosen(choice=choice, record=record_of(choice), config=config, prices=prices)


def show(chosen: Chosen, console: Console) -> None:
    """The answer and its reasons, the tables, then what it stands on."""
    first, last = choice_answer.lines(chosen.record)
    plan_output.show(first, choice_answer.tables(chosen.record), last, console)


def write_report(chosen: Chosen, out: Path, console: Console | None) -> int:
    """A directory with the choice and its report; the report's exit code."""
    return plan_output.write_report(NAME, chosen.record, chosen.config, chosen.prices, out, console)


def read_workload(path: Path) -> Workload:
    """The workload in a file. Raises UsageError with the file and line of everything that is wrong."""
    document, lines = read_lines(path, f"give a workload file; {EXAMPLE}")
    if not document:
        raise UsageError(f"{path.name}:1: is empty; expected data and patterns, {EXAMPLE}")

    def place(key_path: KeyPath) -> str:
        """The line of a key, or of the nearest above it that is there."""
        heads = (key_path[:depth] for depth in range(len(key_path), 0, -1))
        return f"{path.name}:{next((lines[head] for head in heads if head in lines), 1)}"

    if problems := list(_unknown_patterns(document, place)):
        raise UsageError("\n".join(problems))
    try:
        return Workload.model_validate(document)
    except ValidationError as error:
        raise WrongSettings(complaints(error, (), Workload, place)) from error


def read_measured(run: Path) -> Measured:
    """The figures of a run with sql_vs_nosql. Raises UsageError, with the way out, where it has none."""
    manifest = manifest_of(run)
    if SCENARIO not in manifest.get("scenarios", {}):
        raise UsageError(f"{run}: has no {SCENARIO}; measure it: {MEASURE}")
    try:
        findings = json.loads((run / "findings.json").read_text())
    except OSError as error:
        raise UsageError(
            f"{run}: findings.json: {error.strerror}; make its report first: dbharness report {run}"
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{run / 'findings.json'} is damaged ({error}); make it again: dbharness report {run}"
        ) from error
    if not isinstance(findings, list):
        raise UsageError(f"{run / 'findings.json'} is no list of findings; make it again: dbharness report {run}")
    return Measured.of(str(manifest.get("id", run.name)), findings, _events(run))


def last_run() -> Path:
    """The last whole run in ``runs/`` that has the scenario. Raises CannotMeasure where there is none."""
    try:
        found = Store.of(None).runs(SCENARIO, last=1)
    except UsageError:
        found = []
    if not found:
        raise CannotMeasure(
            f"no whole run in runs/ has {SCENARIO}; measure it ({MEASURE}), or name one with --from-run"
        )
    return found[0]


def _unknown_patterns(document: dict[str, Any], place: Callable[[KeyPath], str]) -> Iterator[str]:
    patterns = document.get("patterns")
    for name in patterns if isinstance(patterns, dict) else ():
        if name not in PATTERNS:
            yield f"{place(('patterns', name))}: unknown pattern {name!r}{nearest(str(name), list(PATTERNS))}"


def _events(run: Path) -> Iterator[dict[str, Any]]:
    try:
        text = (run / "events.jsonl").read_text(errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        if isinstance(event, dict):
            yield event
