"""``dbharness report RUN --verify``: are the samples those that were written, and do the figures come out of them again?

Two questions, asked apart: the SHA-256 of every file that figures are computed from, against what the manifest noted when the
run was closed; and every figure computed anew, against findings.json.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.build import analyse
from reports.findings import Finding
from reports.hashes import altered
from reports.load import Run
from reports.records import Recorded, figure_of

SCHEMA = 1
COMPARED = ("value", "low", "high", "n", "unit", "better", "status", "reason", "basis", "sentence")
_CLOSE = 1e-9  # of a number: another processor may round its last digit otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of it: how many ``files`` and ``figures`` were looked at, what differs, and what couldn't be looked at."""

    run: str
    files: int
    figures: int
    differences: tuple[str, ...]
    unverifiable: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 as it was written, 1 something differs, 3 not all could be looked at."""
        return 1 if self.differences else 3 if self.unverifiable else 0

    def lines(self) -> Iterator[str]:
        """For people: what differs, what couldn't be looked at, and in a sentence what came of it."""
        yield from (f"differs: {one}" for one in self.differences)
        yield from (f"can't be verified: {one}" for one in self.unverifiable)
        looked_at = f"{self.files:,} files and {self.figures:,} figures of {self.run}"
        if self.differences:
            yield f"NOT verified: {looked_at} were looked at, {len(self.differences):,} differ"
        elif self.unverifiable:
            yield f"figures verified, files not: {self.figures:,} figures of {self.run} come out of the samples again"
        else:
            yield f"verified: {looked_at} are as they were written"

    def as_record(self) -> dict[str, Any]:
        """For programs; ``verified`` is null where not all could be looked at."""
        return {
            "schema": SCHEMA, "run": self.run, "verified": {0: True, 1: False, 3: None}[self.exit_code],
            "files": self.files, "figures": self.figures, "differences": list(self.differences),
            "unverifiable": list(self.unverifiable),
        }  # fmt: skip


def verify(place: Path | str) -> Verified:
    """Look at the run of a directory, or of what a URL names; nothing in it is written.

    Raises NotARun, also where it has no findings.json, and what stands in ``FAILURES`` where it can't be read to its end.
    """
    recorded = Recorded.load(place)
    run = Run.load(place)
    again = [finding for section in analyse(run) for finding in section.findings]
    noted = run.manifest.get("hashes")
    files = () if noted is None else tuple(altered(run.folder, noted))
    return Verified(
        run=recorded.id, files=len(noted or ()), figures=len(recorded.findings),
        differences=(*files, *altered_figures(recorded, again)),
        unverifiable=() if noted is not None else (_why_not(run),),
    )  # fmt: skip


def altered_figures(recorded: Recorded, again: Sequence[Finding]) -> Iterator[str]:
    """A sentence for each figure of findings.json that the samples don't give, or give otherwise, or that it lacks."""
    computed = {figure_of(record): record for record in (json.loads(json.dumps(one.as_record())) for one in again)}
    for figure, record in recorded.findings.items():
        if figure not in computed:
            yield f"{figure} stands in findings.json, and the samples don't give it"
            continue
        for member in COMPARED:
            written, found = record.get(member), computed[figure].get(member)
            if not _same(written, found):
                yield f"{figure}: {member} is {_said(written)} in findings.json, and {_said(found)} by the samples"
    for figure in sorted(computed.keys() - recorded.findings.keys()):
        yield f"{figure} comes out of the samples, and findings.json lacks it"


def _why_not(run: Run) -> str:
    if run.manifest["status"] == "running":
        return "the run was never closed, so no hashes of its files were noted; its figures were compared all the same"
    return (
        "the run is of an older dbharness, which noted no hashes of its files; its figures were compared all the same"
    )


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_CLOSE)
    return one == other


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value, ensure_ascii=False)
