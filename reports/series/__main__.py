"""``python -m reports.series FOLDER --pairs K``: false alarms of whole runs whose sides are equal, in comparisons of K pairs.

The folder is what ``dbharness aa SCENARIO`` made. 0 done, 1 more false alarms than promised, 2 no such folder, 3 too few pairs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.reader import until_reader_goes
from reports.compare.designs import of_folder
from reports.load import NotARun
from reports.series.whole import whole
from reports.words import count


def main(words: Sequence[str] | None = None) -> int:
    """Read, compare, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reports.series", description="False alarms of whole runs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(words)
    try:
        found = whole(of_folder(asked.folder), asked.pairs)
    except NotARun as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if found is None:
        print(
            f"error: {asked.folder}: no figure can be compared by {count(asked.pairs, 'pair')} of it", file=sys.stderr
        )
        return 3
    print(json.dumps(found.as_record(), allow_nan=False) if asked.json else "\n".join(found.lines()))
    return 1 if found.too_many else 0


if __name__ == "__main__":
    sys.exit(until_reader_goes(main))
