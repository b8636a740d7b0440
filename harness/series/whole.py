"""Whole runs of a scenario with the same on both sides: made as ``ab`` makes its pairs, then cut into comparisons."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CannotMeasure
from harness.pairs import command
from harness.pairs.runs import Asked
from harness.report_child import ask
from harness.suite import INTERRUPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """So many comparisons of so many pairs; ``config`` is what both sides are run with."""

    scenario: str
    comparisons: int
    pairs: int
    config: Path
    profile: str | None
    seed: int
    overrides: tuple[str, ...]
    out: Path | None


def run(wanted: Wanted, say: Callable[[str], None], *, as_json: bool) -> int:
    """Make the pairs and print what of them cried wolf; the exit code. Of an interrupted one what is whole is compared too."""
    side = (str(wanted.config),)
    asked = Asked(
        scenario=wanted.scenario,
        profile=wanted.profile,
        seed=wanted.seed,
        overrides=wanted.overrides,
        config=wanted.config,
    )
    made = command.make_pairs(
        command.Wanted(
            a=side, b=side, asked=asked, pairs=wanted.comparisons * wanted.pairs, most_pairs=None, out=wanted.out
        ),
        say,
    )
    code = CannotMeasure.exit_code
    if made.folder.pairs >= wanted.pairs:
        code = ask(
            "reports.series", [str(made.folder.path), "--pairs", str(wanted.pairs), *(["--json"] if as_json else [])]
        )
    say(f"{made.folder.pairs} whole pairs; everything is in {made.folder.path}")
    return {"interrupted": INTERRUPTED, "failed": CannotMeasure.exit_code}.get(made.ending, code)
