"""``python -m reports RUN``: the report of a run directory. 0 done, 2 not a run, 3 nothing in it was measured.

RUN may be a URL of any file system that pyarrow has; it is read in place, and ``--out`` says where its report goes.
"""

import argparse
import logging
import sys
from pathlib import Path

from reports.build import analyse, write
from reports.load import NotARun, Run
from reports.render import figures


def main() -> int:
    """Make the report; print its main findings and its path."""
    parser = argparse.ArgumentParser(prog="python -m reports", description="Makes the report of a run directory.")
    parser.add_argument("run", metavar="RUN", help="a run directory, or a URL like s3://bucket/prefix")
    parser.add_argument("--out", type=Path, help="where the report goes; the run's own directory where not given")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    asked = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    try:
        run = Run.load(asked.run)
    except NotARun as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if asked.out is None and run.elsewhere is not None:
        print(f"error: {run.folder.name} is read in place; say where its report goes with --out DIR", file=sys.stderr)
        return 2
    try:
        sections = analyse(run)
        page = write(run, sections, asked.out)
    except OSError as error:
        print(f"error: the report of {run.folder.name} can't be written: {error.strerror}", file=sys.stderr)
        return 3
    if not asked.quiet:
        if run.partial:
            print(f"This run is partial: {run.partial}.")
        for finding in figures.headlines(sections):
            print(f"• {finding.sentence}")
        print(f"report: {page}")
    return 0 if figures.anything_measured(sections) else 3


if __name__ == "__main__":
    sys.exit(main())
