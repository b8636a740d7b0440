"""``python -m reports.compare``: compares runs; 0 compared, 1 a relative gate failed, 2 not comparable, 3 not whole."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from reports.compare import table, verdicts
from reports.compare.comparison import Comparison, compare
from reports.compare.designs import Sides, of_folder, of_runs
from reports.compare.differences import differences
from reports.compare.refusals import ALLOWABLE, Invalid, NotComparable, refuse
from reports.load import NotARun
from reports.records import Recorded


def main(words: Sequence[str] | None = None) -> int:
    """Compare, print, write; the exit code."""
    asked = _parser().parse_args(words)
    logging.basicConfig(format="%(message)s")
    try:
        sides = _sides(asked)
        found = differences(sides.base.runs, sides.candidate.runs)
        scenarios = refuse(sides, found, asked.allow)
    except (NotARun, NotComparable) as error:
        return _said(error, 2)
    except Invalid as error:
        return _said(error, 3)
    comparison = compare(
        sides.base.runs, sides.candidate.runs, design=sides.design, confidence=asked.confidence or sides.confidence,
        scenarios=scenarios, order=sides.order,
    )  # fmt: skip
    if asked.out is not None:
        try:
            asked.out.mkdir(parents=True, exist_ok=True)
            (asked.out / "verdicts.json").write_text(verdicts.to_json(comparison, sides, found), encoding="utf-8")
        except OSError as error:
            return _said(f"{asked.out} can't be written: {error.strerror}", 3)
    if asked.json:
        print(verdicts.to_json(comparison, sides, found), end="")
    elif not asked.quiet:
        print("\n".join(table.lines(comparison, sides, found)))
    return 0 if _anything(comparison) else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports.compare", description="Compares runs.")
    parser.add_argument("--base", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument("--candidate", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument("--folder", type=Path, help="a folder that `dbharness ab` wrote, in place of both")
    parser.add_argument("--allow", choices=ALLOWABLE, action="append", default=[], help="compare although this differs")
    parser.add_argument("--confidence", type=float, help="of the family of figures as a whole; 0.95 unless declared")
    parser.add_argument("--out", type=Path, help="where the page and its files go")
    parser.add_argument("--json", action="store_true", help="print verdicts.json and nothing else")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    return parser


def _sides(asked: argparse.Namespace) -> Sides:
    if asked.folder is not None and not asked.base and not asked.candidate:
        return of_folder(asked.folder)
    if asked.folder is not None or not asked.base or not asked.candidate:
        raise NotARun("give --base and --candidate, or --folder alone")
    bases, candidates = ([Recorded.load(path) for path in paths] for paths in (asked.base, asked.candidate))
    return of_runs(bases, candidates)


def _anything(comparison: Comparison) -> bool:
    return len(comparison.not_compared) < len(comparison.changes)


def _said(error: object, code: int) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
