"""The gates of a comparison by pairs: relative ones, judged once on all pairs and never by a single run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UsageError
from harness.gate_rules import Gate, GateError, NoWorse, parse

WITHOUT = "gates=[]"
"""The override that makes a run of a pair without gates: a relative one has no baseline there but the other side."""


def typed(texts: Sequence[str]) -> tuple[str, ...]:
    """Gates as they were typed, in their canonical form. Raises UsageError for what is none, or a limit."""
    found: list[str] = []
    for text in texts:
        try:
            gate = parse(text)
        except GateError as error:
            raise UsageError(f"--gate {text!r} {error}") from error
        if not isinstance(gate.demand, NoWorse):
            raise UsageError(
                f"--gate {gate}: pairs are held to *no worse than N%* alone; a limit is `dbharness gate`'s"
            )
        found.append(str(gate))
    return tuple(dict.fromkeys(found))


def relative_ones(texts: Sequence[str], scenario: str | None) -> tuple[str, ...]:
    """Those of a configuration that compare, and are about ``scenario``; None is all of them."""
    return tuple(text for text in texts if _compares(text, scenario))


def in_file(path: Path, overrides: Sequence[str]) -> tuple[str, ...]:
    """The gates that a configuration has which other code will read, as far as that can be known without it."""
    try:
        document: Any = yaml.safe_load(path.read_text())
        said = [yaml.safe_load(text.partition("=")[2]) for text in overrides if text.partition("=")[0] == "gates"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ()  # that code will say what is wrong with it
    gates = said[-1] if said else document.get("gates") if isinstance(document, dict) else None
    return tuple(map(str, gates)) if isinstance(gates, list) else ()


def _compares(text: str, scenario: str | None) -> bool:
    try:
        gate: Gate = parse(text)
    except GateError:
        return False
    return isinstance(gate.demand, NoWorse) and scenario in (None, gate.selector.scenario)
