"""Document paths at work: looked up in an item, held apart from each other, and projected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.local.dynamodb.data.values import Value
from harness.local.dynamodb.expressions.well_formed import invalid

Item = Mapping[str, Value]
BoundPath = tuple[str | int, ...]
Selection = Mapping[str | int, Any]  # a Selection again, or None for all that lies there


def lookup(item: Item, path: BoundPath) -> Value | None:
    """The value at a path, None where there is none."""
    current: Any = item.get(path[0])  # type: ignore[arg-type]
    for part in path[1:]:
        if current is None:
            return None
        if isinstance(part, int):
            members = current.get("L", ())
            current = members[part] if part < len(members) else None
        else:
            current = current.get("M", {}).get(part)
    found: Value | None = current
    return found


@dataclass(slots=True)
class _Place:
    """A step that paths share: the first path through it, the one that ends there, the steps below, the first by name and index."""

    first: int
    ends: int | None = None
    steps: "dict[str | int, _Place]" = field(default_factory=dict)
    first_by: dict[type, int] = field(default_factory=dict)


def keep_apart(paths: Sequence[BoundPath], kind: str) -> None:
    """Raise where two paths overlap, or take one place for a list and for a map; an overlap is told first, as the service does."""
    root = _Place(0)
    conflict: tuple[int, int] | None = None
    for number, path in enumerate(paths):
        place = root
        for part in path:
            if place.ends is not None:
                raise _clash("overlap", paths, (place.ends, number), kind)
            other = place.first_by.get(str if isinstance(part, int) else int)
            if other is not None and conflict is None:
                conflict = other, number
            place.first_by.setdefault(type(part), number)
            place = place.steps.setdefault(part, _Place(number))
        if place.ends is not None or place.steps:
            raise _clash("overlap", paths, (place.first, number), kind)
        place.ends = number
    if conflict is not None:
        raise _clash("conflict", paths, conflict, kind)


def _clash(how: str, paths: Sequence[BoundPath], pair: tuple[int, int], kind: str) -> Exception:
    one, two = (written(paths[number]) for number in pair)
    return invalid(
        kind,
        f"Two document paths {how} with each other; must remove or rewrite one of these paths; path one: {one}, path two: {two}",
    )


def written(path: BoundPath) -> str:
    """A path as the service's messages have it."""
    return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in path)}]"


def select(paths: Sequence[BoundPath], kind: str = "ProjectionExpression") -> Selection:
    """Paths as one tree; a leaf is None. Raises where two of them meet."""
    keep_apart(paths, kind)
    root: dict[str | int, Any] = {}
    for path in paths:
        level: Any = root
        for part in path[:-1]:
            level = level.setdefault(part, {})
        level[path[-1]] = None
    return root


def project(item: Item, selection: Selection) -> dict[str, Value]:
    """The item with only what is selected; what is left of a list closes up, in the list's order."""
    found = ((str(name), _part(item.get(str(name)), inner)) for name, inner in selection.items())
    return {name: part for name, part in found if part is not None}


def _part(value: Value | None, inner: Selection | None) -> Value | None:
    if value is None or inner is None:
        return value
    ((kind, content),) = value.items()
    if kind == "M":
        members = project(content, inner)
        return {"M": members} if members else None
    if kind != "L":
        return None
    places = sorted(place for place in inner if isinstance(place, int) and place < len(content))
    parts = [part for place in places if (part := _part(content[place], inner[place])) is not None]
    return {"L": parts} if parts else None
