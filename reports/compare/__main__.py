"""``python -m reports.compare``: compares runs; 0 compared, 1 a relative gate failed, 2 not comparable, 3 not whole."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.reader import until_reader_goes
from reports.compare import table, verdicts
from reports.compare.compared import Compared, compared
from reports.compare.comparison import Comparison
from reports.compare.designs import Sides, of_folder, of_runs
from reports.compare.junit import as_junit
from reports.compare.markdown import markdown
from reports.compare.page import html
from reports.compare.refusals import ALLOWABLE, Invalid, NotComparable
from reports.files import write_whole
from reports.gates.outcome import CannotAsk
from reports.load import NotARun
from reports.records import Recorded

WRONG_USAGE, INVALID = 2, 3


def main(words: Sequence[str] | None = None) -> int:
    """Compare, print, write; the exit code."""
    asked = _parser().parse_args(words)
    logging.basicConfig(format="%(message)s")
    try:
        found = compared(_sides(asked), allowed=asked.allow, gates=asked.gate, confidence=asked.confidence)
    except (NotARun, NotComparable, CannotAsk) as error:
        return _said(error, WRONG_USAGE)
    except Invalid as error:
        return _said(error, INVALID)
    try:
        if asked.out is not None:
            _write(found, asked.out)
    except OSError as error:
        return _said(f"{asked.out} can't be written: {error.strerror}", INVALID)
    if asked.json:
        print(verdicts.to_json(found), end="")
    elif not asked.quiet:
        print("\n".join(table.lines(found)))
        if asked.out is not None:
            print(f"comparison: {asked.out / 'comparison.html'}")
    return found.gates.exit_code or (0 if _anything(found.comparison) else INVALID)


def _write(found: Compared, folder: Path) -> None:
    """All files of a comparison, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "verdicts.json", verdicts.to_json(found))
    write_whole(folder / "comparison.md", markdown(found))
    write_whole(folder / "junit.xml", as_junit(found))
    write_whole(folder / "comparison.html", html(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports.compare", description="Compares runs.")
    parser.add_argument("--base", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument("--candidate", type=Path, nargs="+", default=[], metavar="DIR")
    parser.add_argument("--folder", type=Path, help="a folder that `dbharness ab` wrote, in place of both")
    parser.add_argument("--allow", choices=ALLOWABLE, action="append", default=[], help="compare although this differs")
    parser.add_argument(
        "--gate", action="append", metavar="TEXT", help="no worse than N%%, in place of the candidate's own"
    )
    parser.add_argument(
        "--confidence", type=_confidence, help="of the family of figures as a whole; 0.95 unless declared"
    )
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


def _confidence(text: str) -> float:
    value = float(text)
    if not 0.5 <= value < 1:
        raise argparse.ArgumentTypeError(f"a confidence is from 0.5 to below 1, such as 0.95; got {text}")
    return value


def _anything(comparison: Comparison) -> bool:
    return len(comparison.not_compared) < len(comparison.changes)


def _said(error: object, code: int) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(until_reader_goes(main))
