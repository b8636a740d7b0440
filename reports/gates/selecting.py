"""Which figures a gate means; and what is said where it means none, or several without saying which."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.gate_rules import Gate, Selector, same
from reports.gates.outcome import CannotAsk, Judged
from reports.records import Figure, nearest, told_apart

_MOST_NAMED = 12


def matched(gate: Gate, findings: Mapping[Figure, Mapping[str, Any]]) -> list[Figure]:
    """The figures of a run that the gate means, in the order of its findings, one unless it says *all* or *any*.

    Raises CannotAsk, which names what there is.
    """
    found = [figure for figure in findings if gate.selector.means(figure.id, dict(figure.labels))]
    if not found:
        raise CannotAsk(f"gate {gate}: {_nothing(gate.selector, list(findings))}")
    if len(found) > 1 and gate.which is None:
        wanted = gate.selector.labels
        each = [str(Figure(one.id, tuple(sorted({*wanted, *one.labels})))) for one in told_apart(found)]
        raise CannotAsk(
            f"gate {gate}: {gate.selector} means {len(found)} figures: write all or any before it, or a label that one has: "
            f"{_listed(each)}"
        )
    return found


def named(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The figures of one gate, each named by the labels that tell it from the others."""
    apart = told_apart([one.figure for one in judged])
    names = (", ".join(f"{name} {text}" for name, text in one.labels) for one in apart)
    return tuple(replace(one, name=name) for one, name in zip(judged, names, strict=True))


def _nothing(selector: Selector, figures: Sequence[Figure]) -> str:
    """Why nothing is meant: the id, one label, or all of them together; with the nearest names."""
    alike = [figure for figure in figures if figure.id == selector.id]
    if not alike:
        names = nearest(selector.id, figures)
        return f"no figure of this run has the id {selector.id}; nearest: {_listed(names) or 'none'}"
    names = sorted({name for figure in alike for name, _ in figure.labels})
    for name, text in selector.labels:
        there = sorted({value for figure in alike for own, value in figure.labels if own == name})
        if not there:
            return (
                f"{selector.id} has no label {name}; nearest: {_listed(_nearest_first(name, names)) or 'it has none'}"
            )
        if not any(same(text, value) for value in there):
            return f"no {selector.id} has {name}={text}; nearest: {_listed(_nearest_first(text, there))}"
    with_most = max(_labels_kept(selector, figure) for figure in alike)
    close = [figure for figure in alike if _labels_kept(selector, figure) == with_most]
    return f"no {selector.id} has all these labels; nearest: {_listed([str(figure) for figure in close])}"


def _labels_kept(selector: Selector, figure: Figure) -> int:
    labels = dict(figure.labels)
    return sum(name in labels and same(text, labels[name]) for name, text in selector.labels)


def _nearest_first(wanted: str, there: Sequence[str]) -> list[str]:
    """By how far off they are where all are numbers, else by how alike they read."""
    try:
        return sorted(there, key=lambda one: abs(float(one) - float(wanted)))
    except ValueError:
        return sorted(there, key=lambda one: -difflib.SequenceMatcher(None, wanted, one).ratio())


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
