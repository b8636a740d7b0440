"""``python -m reports RUN``: the report of a run directory. 0 done, 2 not a run, 3 nothing in it was measured.

With ``--verify`` nothing is written; 0 as it was, 1 something differs, 3 not all can be verified.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.build import analyse, write
from reports.load import NotARun, Run
from reports.render import figures
from reports.section import Section
from reports.verify import verify

SCHEMA = 1


def main() -> int:
    """Make the report, print its main findings and its path; or verify the run."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Makes the report of a run directory.")
    parser.add_argument("run", type=Path)
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
    try:
        sections = analyse(run)
        page = write(run, sections)
    except OSError as error:
        print(f"error: the report of {asked.run} can't be written: {error.strerror}", file=sys.stderr)
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
        "markdown": str(run.path / "report.md"), "findings": str(run.path / "findings.json"),
        "headlines": [finding.as_record() for finding in figures.headlines(sections)],
        "warnings": {section.scenario: list(section.warnings) for section in sections},
    }  # fmt: skip


def _verified(asked: argparse.Namespace) -> int:
    found = verify(asked.run)
    if asked.json:
        print(json.dumps(found.as_record(), ensure_ascii=False))
    elif not asked.quiet:
        print("\n".join(found.lines()))
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
