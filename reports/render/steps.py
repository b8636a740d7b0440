"""Step by step: a section's findings laid out as tables, a row a step, phase and arm, a column a figure.

Nothing is computed anew. Figures of a part stand in one table where they are told apart by the same labels and have most rows in common;
what all of a table's findings share is said once above it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.findings import Finding
from reports.render import figures

LEGEND = "◆ tool-bound, ▲ a bound from below, ○ not measured, ? unknown; the reasons stand with the findings below."
# Labels that people look for first, in this order; and those that describe a row more often than they tell it apart.
_FIRST = ("question", "engine", "demand", "topology", "fault", "step", "arm", "client", "kind", "when")
_DESCRIBING = frozenset(("op", "loop", "server", "driver", "speed", "scale", "policy"))
_WHOLE, _MOST = "all", 0.5
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """``names`` head the columns that tell the rows apart, ``common`` is what holds for every row."""

    part: str
    common: str
    names: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def steps(findings: Sequence[Finding]) -> list[Steps]:
    """The tables of all parts in the order the findings come; a figure that has but one row stands in none."""
    groups: dict[tuple[str, frozenset[str]], list[Finding]] = {}
    for one in findings:
        told = frozenset(one.labels.keys() - _DESCRIBING)
        groups.setdefault((one.labels.get("part", _WHOLE), told), []).append(one)
    return [
        _table(part, those, names)
        for (part, _), group in groups.items()
        for names in [_telling(group)]
        for those in _alike(group, names)
        if len({_key(one, names) for one in those}) > 1
    ]


def _telling(group: Sequence[Finding]) -> list[str]:
    """The labels that tell apart what those before them don't."""
    named = dict.fromkeys(name for one in group for name in one.labels)
    found: list[str] = []
    for name in sorted(named, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)):
        # Two findings of one figure are told apart; those of two figures needn't be.
        apart, further = (len({(_figure(one), _key(one, names)) for one in group}) for names in (found, [*found, name]))
        if further > apart:
            found.append(name)
    return found


def _alike(group: Sequence[Finding], names: Sequence[str]) -> list[list[Finding]]:
    """The group's figures, those together that have at least half of their rows in common."""
    by_figure: dict[str, list[Finding]] = {}
    for one in group:
        by_figure.setdefault(_figure(one), []).append(one)
    tables: list[tuple[set[Key], list[Finding]]] = []
    for those in by_figure.values():
        keys = {_key(one, names) for one in those}
        home = next((table for table in tables if len(keys & table[0]) >= _MOST * len(keys | table[0])), None)
        if home is None:
            tables.append((keys, list(those)))
        else:
            home[0].update(keys)
            home[1].extend(those)
    return [those for _, those in tables]


def _table(part: str, those: Sequence[Finding], telling: Sequence[str]) -> Steps:
    names = [name for name in telling if len(_values(those, name)) > 1]
    cells: dict[Key, dict[str, str]] = {}
    for one in those:
        cells.setdefault(_key(one, names), {})[_figure(one)] = _cell(one)
    columns = list(dict.fromkeys(_figure(one) for one in those))
    shared = (name for name in dict.fromkeys(name for one in those for name in one.labels) if name != "part")
    common = [(name, next(iter(_values(those, name)))) for name in shared if len(_values(those, name)) == 1]
    return Steps(
        part=_words(part),
        common=" · ".join(f"{_words(name)} {text}" for name, text in common),
        names=tuple(map(_words, names)),
        headings=tuple(map(_words, columns)),
        rows=tuple((*key, *(row.get(column, figures.NONE) for column in columns)) for key, row in cells.items()),
    )


def _key(one: Finding, names: Iterable[str]) -> Key:
    return tuple(one.labels.get(name, figures.NONE) for name in names)


def _values(those: Sequence[Finding], name: str) -> set[str]:
    return {one.labels.get(name, figures.NONE) for one in those}


def _figure(one: Finding) -> str:
    return one.id.rpartition(".")[2]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(one: Finding) -> str:
    if one.value is None:
        return figures.shape(one)
    return figures.value(one) if one.status == "measured" else f"{figures.shape(one)} {figures.value(one)}"
