"""Which figure of one side is which of the other: by id and labels, less the labels that tell the two sides apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.records import Figure, Recorded, labels_of_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One figure of both sides; ``figure`` is without the labels whose values are the sides' own."""

    figure: Figure
    base: Figure
    candidate: Figure


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LabelDifference:
    """A label that is one and the same all over each side, and not the same on both: ``client``, ``boto3``, ``lean``."""

    name: str
    base: str
    candidate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """``only_base`` and ``only_candidate`` are figures that nothing on the other side is; in the order they were found."""

    matches: tuple[Match, ...]
    only_base: tuple[Figure, ...]
    only_candidate: tuple[Figure, ...]
    labels: tuple[LabelDifference, ...]


def match(bases: Sequence[Recorded], candidates: Sequence[Recorded]) -> Matching:
    """The figures of both sides held together; those that match nothing are listed, never guessed."""
    of_base, of_candidate = _by_id(bases), _by_id(candidates)
    told_apart = {id: _told_apart(of_base[id], of_candidate[id]) for id in of_base if id in of_candidate}
    matches: list[Match] = []
    for id, labels in told_apart.items():
        names = [one.name for one in labels]
        there = {figure.without(names): figure for figure in of_candidate[id]}
        matches += [
            Match(figure=common, base=figure, candidate=there[common])
            for figure in of_base[id]
            if (common := figure.without(names)) in there
        ]
    return Matching(
        matches=tuple(matches),
        only_base=_rest(of_base, {one.base for one in matches}),
        only_candidate=_rest(of_candidate, {one.candidate for one in matches}),
        labels=tuple(sorted({one for labels in told_apart.values() for one in labels})),
    )


def _by_id(runs: Sequence[Recorded]) -> dict[str, list[Figure]]:
    """Every figure that any run of a side has, under its id, once."""
    found: dict[str, dict[Figure, None]] = {}
    for run in runs:
        for figure in run.findings:
            found.setdefault(figure.id, {})[figure] = None
    return {id: list(figures) for id, figures in found.items()}


def _told_apart(base: Sequence[Figure], candidate: Sequence[Figure]) -> list[LabelDifference]:
    """The labels of one id whose one value here is another one there."""
    return [
        LabelDifference(name=name, base=values["base"], candidate=values["candidate"])
        for name, values in labels_of_groups({"base": base, "candidate": candidate}).items()
    ]


def _rest(figures: Mapping[str, Iterable[Figure]], matched: set[Figure]) -> tuple[Figure, ...]:
    return tuple(figure for those in figures.values() for figure in those if figure not in matched)
