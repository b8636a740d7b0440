"""The folder of one comparison by pairs: its run directories, and comparison.json, which grows by whole pairs.

Schema 1: command (that made it), scenario (null: all of them), sides, seed of the orders, looks, gates (of the command line, declared
before the first pair), pairs, ended (null while pairs are being made, then why no more were), and failed: runs that didn't come to their
end, kept but not counted.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from harness.errors import CannotMeasure, UsageError
from harness.pairs.plan import LETTERS, Letter, Look, Pair
from harness.paths import runs_dir
from harness.redaction import Redactor
from harness.rundir import command_line, fresh, refuse_taken

COMPARISON_SCHEMA = 1
COMPARISON = "comparison.json"
COMPARE = "reports.compare"
"""The child that compares."""


class Folder:
    """Open for writing; replaced as a whole at each change, so that a reader never sees half of it."""

    def __init__(self, path: Path, record: dict[str, Any], redactor: Redactor | None = None) -> None:
        self.path = path
        self._record, self._redactor = record, redactor

    @classmethod
    def create(
        cls,
        path: Path | None,
        *,
        scenario: str | None,
        sides: Mapping[Letter, Mapping[str, Any]],
        seed: int,
        looks: Sequence[Look],
        gates: Sequence[str] = (),
        redactor: Redactor | None = None,
    ) -> Self:
        """A new folder, under ``runs/`` where ``path`` is None, without a pair. Raises UsageError for one that holds something."""
        if path is None:
            path = fresh(runs_dir(), "ab-")
        refuse_taken(path)
        folder = cls(
            path,
            {
                "schema": COMPARISON_SCHEMA,
                "command": command_line(),
                "scenario": scenario,
                "sides": dict(sides),
                "seed": seed,
                "looks": [[look.pairs, look.confidence] for look in looks],
                "gates": list(gates),
                "pairs": [],
                "ended": None,
                "failed": [],
            },
            redactor,
        )
        try:
            (path / "logs").mkdir(parents=True)
            folder._write()
        except OSError as error:
            raise CannotMeasure(f"{path}: {error.strerror}; name another place with --out") from error
        return folder

    @property
    def pairs(self) -> int:
        """How many whole pairs there are."""
        return len(self._record["pairs"])

    def log(self, run: str) -> Path:
        """Where what a run prints goes."""
        return self.path / "logs" / f"{run}.log"

    def add(self, pair: Pair, attempt: int) -> None:
        """A pair is whole: its runs of this attempt count from here on."""
        runs = {letter: pair.run(letter, attempt) for letter in LETTERS}
        self._record["pairs"].append(asdict(pair) | runs)
        self._write()

    def add_failed(self, pair: Pair, letter: Letter, attempt: int, reason: str) -> None:
        """A run that doesn't count, and why."""
        self._record["failed"].append(
            {"pair": pair.pair, "side": letter, "run": pair.run(letter, attempt), "reason": reason}
        )
        self._write()

    def end(self, reason: str) -> None:
        """No more pairs are made."""
        self._record["ended"] = reason
        self._write()

    def drop_if_empty(self) -> None:
        """Take the folder away where no run has begun in it."""
        if not any(self.path.glob("*/manifest.json")):
            shutil.rmtree(self.path)

    def _write(self) -> None:
        partial = self.path / f".{COMPARISON}.partial"
        written = self._redactor.tree(self._record) if self._redactor else self._record
        partial.write_text(json.dumps(written, indent=1) + "\n")
        partial.replace(self.path / COMPARISON)


def words_of_folder(path: Path, gates: Sequence[str] = ()) -> list[str]:
    """How the child is told to compare the pairs of a folder, with a report in it; by ``gates``, else those that were declared.

    Raises UsageError for what isn't a folder of pairs.
    """
    try:
        declared = json.loads((path / COMPARISON).read_text()).get("gates", [])
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path}: no folder that `dbharness ab` made; a single run is compared with another: BASE CANDIDATE"
        ) from error
    return [
        "--folder",
        str(path),
        "--out",
        str(path),
        *(word for gate in gates or declared for word in ("--gate", gate)),
    ]
