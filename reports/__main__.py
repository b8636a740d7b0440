"""``python -m reports RUN``: the report of a run directory. 0 done, 2 not a run, 3 nothing in it was measured.

RUN may be a URL of any file system that pyarrow has; it is read in place, and ``--out`` says where its report goes.
With ``--verify`` nothing is written; 0 as it was, 1 something differs, 3 not all can be verified.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.reader import until_reader_goes
from reports.build import analyse, write
from reports.folder import FAILURES, said, shown
from reports.load import NotARun, Run
from reports.render import figures
from reports.section import Section
from reports.verify import verify

SCHEMA = 1


def main() -> int:
    """Make the report, print its main findings and its path; or verify the run."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Makes the report of a run directory.")
    parser.add_argument("run", metavar="RUN", help="a run directory, or a URL like s3://bucket/prefix")
    parser.add_argument("--out", type=Path, help="where the report goes; the run's own directory where not given")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--verify", action="store_true", help="write nothing: compare samples and figures with the run's"
    )
    asked = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    try:
        return _verified(asked) if asked.verify else _reported(asked)
    except NotARun as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _reported(asked: argparse.Namespace) -> int:
    run = Run.load(asked.run)
    if asked.out is None and run.elsewhere is not None:
        raise NotARun(f"{run.elsewhere.name} is read in place; say where its report goes with --out DIR")
    try:
        sections = analyse(run)
        page = write(run, sections, asked.out)
    except OSError as error:
        print(f"error: the report of {run.folder.name} can't be written: {error.strerror}", file=sys.stderr)
        return 3
    if asked.json:
        print(json.dumps(_record(run, sections, page), ensure_ascii=False, allow_nan=False))
    elif not asked.quiet:
        if run.partial:
            print(f"This run is partial: {run.partial}.")
        for finding in figures.headlines(sections):
            print(f"• {finding.sentence}")
        print(f"report: {page}")
    return 0 if figures.anything_measured(sections) else 3


def _record(run: Run, sections: Sequence[Section], page: Path) -> dict[str, Any]:
    """What a report says, for programs: its files, the findings that it opens with, the warnings of each scenario."""
    return {
        "schema": SCHEMA, "run": str(run.manifest.get("id", run.path.name)), "partial": run.partial, "report": str(page),
        "markdown": str(page.with_name("report.md")), "findings": str(page.with_name("findings.json")),
        "headlines": [finding.as_record() for finding in figures.headlines(sections)],
        "warnings": {section.scenario: list(section.warnings) for section in sections},
    }  # fmt: skip


def _verified(asked: argparse.Namespace) -> int:
    try:
        found = verify(asked.run)
    except FAILURES as error:
        print(f"error: {shown(asked.run)} can't be read to its end: {said(error)}", file=sys.stderr)
        return 3
    if asked.json:
        print(json.dumps(found.as_record(), ensure_ascii=False))
    elif not asked.quiet:
        print("\n".join(found.lines()))
    return found.exit_code


if __name__ == "__main__":
    sys.exit(until_reader_goes(main))
