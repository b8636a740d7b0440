"""What gates leave in a run's directory: gates.json, junit.xml, and their section in the report's page and Markdown."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.files import write_whole
from reports.gates.outcome import Judged, Outcome, Verdict
from reports.records import Recorded
from reports.render import gates as rendered
from reports.render.junit import Case, Shown, junit
from reports.render.markdown import cut

# Version 1: what docs/gates.md says of gates.json. A change of meaning or a removal raises it; members may be added.
GATES_SCHEMA = 1
_SHOWN: Mapping[str, Shown] = {"pass": "passed", "fail": "failure", "inconclusive": "skipped", "invalid": "error"}


def write(run: Recorded, verdict: Verdict) -> dict[str, Any]:
    """Write all of it; the document of gates.json. A page that no report of this version made is left as it is."""
    path = Path(run.path)
    document = as_record(run, verdict)
    write_whole(path / "gates.json", json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_whole(path / "junit.xml", as_junit(run, verdict))
    if (page := path / "report.html").exists():
        write_whole(page, rendered.placed(page.read_text(encoding="utf-8"), rendered.html(document)))
    if (text := path / "report.md").exists():
        write_whole(text, cut(rendered.placed(text.read_text(encoding="utf-8"), rendered.markdown(document))))
    return document


def read(path: Path, findings: str) -> dict[str, Any] | None:
    """The document of gates.json in a run's directory, None where none is there that rests on these ``findings``."""
    try:
        document: dict[str, Any] = json.loads((path / "gates.json").read_text(encoding="utf-8"))
        if document["schema"] == GATES_SCHEMA and document["findings_sha256"] == _sha256(findings.encode()):
            return document
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _sha256(findings: bytes) -> str:
    return hashlib.sha256(findings).hexdigest()


def as_record(run: Recorded, verdict: Verdict) -> dict[str, Any]:
    """gates.json; ``findings_sha256`` says on which findings.json it rests."""
    return {
        "schema": GATES_SCHEMA,
        "run": run.id,
        "findings_sha256": _sha256((Path(run.path) / "findings.json").read_bytes()),
        "word": verdict.word,
        "exit_code": verdict.exit_code,
        "inconclusive": verdict.inconclusive,
        "baselines": list(verdict.baselines),
        "warnings": list(verdict.warnings),
        "gates": [_gate(outcome) for outcome in verdict.outcomes],
        "not_asked": [{"gate": str(gate), "reason": reason} for gate, reason in verdict.not_asked],
    }


def as_junit(run: Recorded, verdict: Verdict) -> str:
    """One case a gate, known from run to run by its figure's id and its own text."""
    manifest = run.manifest
    about = {
        "run": run.id,
        "target": manifest.get("target"),
        "profile": manifest.get("profile"),
        "seed": manifest.get("seed"),
    }
    git = manifest.get("git") or {}
    about |= {"commit": git.get("commit"), "baselines": ", ".join(verdict.baselines) or None, "word": verdict.word}
    strict = verdict.inconclusive == "fail"
    cases = [_case(outcome, strict=strict) for outcome in verdict.outcomes]
    cases += [
        Case(
            classname=gate.selector.id,
            name=str(gate),
            shown="skipped",
            type="not asked",
            sentence=f"Not asked: {reason}.",
        )
        for gate, reason in verdict.not_asked
    ]
    properties = {name: str(value) for name, value in about.items() if value is not None}
    return junit("gates", cases, timestamp=str(manifest.get("started") or ""), properties=properties)


def _gate(outcome: Outcome) -> dict[str, Any]:
    return {
        "gate": str(outcome.gate), "word": outcome.word, "sentence": outcome.sentence,
        "scenario": outcome.gate.selector.scenario, "figures": [_figure(judged) for judged in outcome.figures],
    }  # fmt: skip


def _figure(judged: Judged) -> dict[str, Any]:
    return {
        "id": judged.figure.id, "labels": dict(judged.figure.labels), "name": judged.name, "word": judged.word, "reason": judged.reason,
        "value": judged.value, "low": judged.low, "high": judged.high, "limit": judged.limit, "unit": judged.unit, "n": judged.n,
        "measure": judged.measure, "bound": judged.bound, **judged.more,
    }  # fmt: skip


def _case(outcome: Outcome, *, strict: bool) -> Case:
    word = outcome.word
    shown = "failure" if strict and word == "inconclusive" else _SHOWN[word]
    several = len(outcome.figures) > 1
    details = [f"{judged.word}: {judged.name}: {judged.said}" for judged in outcome.figures] if several else []
    return Case(
        classname=outcome.gate.selector.id, name=str(outcome.gate), shown=shown, type=word, sentence=outcome.sentence,
        details=details, properties={"word": word} | ({} if several else _properties(outcome.figures[0])),
    )  # fmt: skip


def _properties(judged: Judged) -> dict[str, str]:
    about = _figure(judged)
    names = ("value", "low", "high", "limit", "unit", "n", *judged.more)
    return {name: str(about[name]) for name in names if isinstance(about[name], str | int | float)}
