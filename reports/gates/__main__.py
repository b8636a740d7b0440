"""``python -m reports.gates RUN``: judges a run's gates. 0 kept, 1 a gate failed, 2 wrong usage, 3 invalid, 4 inconclusive where asked."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.gate_rules import Gate, GateError, parse
from harness.reader import until_reader_goes
from reports.compare.refusals import ALLOWABLE
from reports.gates.evaluate import evaluate
from reports.gates.files import write
from reports.gates.outcome import CannotAsk
from reports.load import NotARun
from reports.records import Recorded
from reports.render.gates import lead

WRONG_USAGE, INVALID = 2, 3


def main() -> int:
    """Judge, write what gates leave in the run's directory, and say it."""
    parser = argparse.ArgumentParser(prog="python -m reports.gates", description="Judges the gates of a run directory.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--gate", action="append", metavar="TEXT", help="instead of the configuration's; repeatable")
    parser.add_argument("--baseline", action="append", default=[], type=Path, metavar="RUN", help="repeatable")
    parser.add_argument("--allow", choices=ALLOWABLE, action="append", default=[], help="a baseline may differ in this")
    parser.add_argument("--inconclusive", choices=("pass", "fail"), default="pass")
    parser.add_argument("--json", action="store_true", help="print the document of gates.json and nothing else")
    asked = parser.parse_args()
    try:
        run = Recorded.load(asked.run)
        gates = _gates(run, asked.gate)
        baselines = [Recorded.load(path) for path in asked.baseline]
        verdict = evaluate(
            run, gates, baselines=baselines, allowed=asked.allow, inconclusive=asked.inconclusive,
            every=asked.gate is not None,
        )  # fmt: skip
    except (NotARun, CannotAsk) as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    try:
        document = write(run, verdict)
    except OSError as error:
        print(f"gates of {asked.run} can't be written there: {error.strerror}", file=sys.stderr)
        return INVALID
    for line in (json.dumps(document, ensure_ascii=False),) if asked.json else _lines(document, asked.run):
        print(line)
    return verdict.exit_code


def _gates(run: Recorded, texts: Sequence[str] | None) -> list[Gate]:
    """Those of the texts, each once; without any those of the run's own configuration. Raises CannotAsk."""
    given = texts if texts is not None else (run.manifest.get("config") or {}).get("gates") or []
    found = {}
    for text in given:
        try:
            gate = parse(text)
        except GateError as error:
            raise CannotAsk(f"gate {text!r} {error}") from error
        found[str(gate)] = gate
    if not found:
        raise CannotAsk(f"{run.path}: its configuration has no gates; give one with --gate (docs/gates.md)")
    return list(found.values())


def _lines(document: Mapping[str, Any], run: Path) -> Iterator[str]:
    for gate in document["gates"]:
        warning = "warning: " if gate["word"] == "inconclusive" and not document["exit_code"] else ""
        yield f"{warning}{gate['gate']}: {gate['sentence']}"
    for one in document["not_asked"]:
        yield f"warning: {one['gate']}: Not asked: {one['reason']}."
    yield from (f"warning: {sentence}" for sentence in document["warnings"])
    yield f"{lead(document)} gates: {run / 'gates.json'}"


if __name__ == "__main__":
    sys.exit(until_reader_goes(main))
