"""An SVG as matplotlib writes it, without what nobody sees: the page that it stands in is read by people, and sent to them.

Nothing that is drawn moves by more than half a hundredth of a point.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

_PLACES = re.compile(r'( (?:d|x|y|transform)=")([^"]*)')
_USE = re.compile(r'(<use xlink:href="#([^"]+)"[^>]*?) style="([^"]*)"')
_OWN_STYLE = re.compile(r'<path id="([^"]+)" d="[^"]*" style="([^"]*)"')
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
Point = tuple[str, str]


def slim(body: str) -> str:
    """Without groups that say nothing, styles that a mark has already, points on a straight line, and digits past a hundredth of a point."""
    body = _without_groups(body)
    body = _PLACES.sub(lambda found: found[1] + re.sub(r"-?\d+\.\d{3,}", _hundredth, found[2]), body)
    body = body.replace(' transform="rotate(-0 ', ' transform="rotate(0 ')
    body = re.sub(r' transform="rotate\(0 [^)]*\)"', "", body)
    body = re.sub(r' d="([^"]*)"', lambda found: f' d="{_path(found[1])}"', body)
    own = dict(_OWN_STYLE.findall(body))
    body = _USE.sub(lambda found: found[1] if own.get(found[2]) == found[3] else found[0], body)
    body = re.sub(r' style="([^"]*)"', lambda found: f' style="{_style(found[1])}"', body)
    return re.sub(r"\s*\n\s*", "\n", body)


def _without_groups(body: str) -> str:
    kept, opened = [], []
    for piece in re.split(r"(<g\b[^>]*>|</g>)", body):
        if piece == "<g/>":
            continue
        if piece.startswith("<g") and not piece.endswith("/>"):
            opened.append(piece != "<g>")
        said = opened.pop() if piece == "</g>" else piece != "<g>"
        if said:
            kept.append(piece)
    return "".join(kept)


def _hundredth(found: re.Match[str]) -> str:
    text = f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _style(text: str) -> str:
    return ";".join(
        ":".join(part.split(": ", 1)) for part in text.rstrip("; ").split("; ") if part != "stroke-dashoffset: 0"
    )


def _path(data: str) -> str:
    """The same path: each straight piece to its end, along an axis by one number; of another make than matplotlib's as it is."""
    commands = [(letter, numbers.split()) for letter, numbers in _COMMAND.findall(data)]
    if not {letter for letter, _ in commands} <= set("MLCQz"):
        return data
    told: list[str] = []
    line: list[Point] = []
    start: Point | None = None
    for letter, numbers in commands:
        if letter == "L":
            line.append((numbers[0], numbers[1]))
            continue
        told += [*_lines(line), letter + " ".join(numbers)]
        if letter == "M":
            start = (numbers[0], numbers[1])
        at = (numbers[-2], numbers[-1]) if numbers else start
        line = [at] if at else []
    return "".join([*told, *_lines(line)])


def _lines(points: Sequence[Point]) -> Iterator[str]:
    """Lines from the first of these points through the others."""
    kept: list[Point] = []
    for point in points:
        while len(kept) > 1 and _is_on_the_way(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    for before, point in pairwise(kept):
        if before[0] == point[0]:
            yield f"V{point[1]}"
        else:
            yield f"H{point[0]}" if before[1] == point[1] else f"L{point[0]} {point[1]}"


def _is_on_the_way(start: Point, middle: Point, end: Point) -> bool:
    """Whether who goes along an axis from start to end passes the middle."""
    (x, y), (at_x, at_y), (to_x, to_y) = (map(float, point) for point in (start, middle, end))
    up = x == at_x == to_x and min(y, to_y) <= at_y <= max(y, to_y)
    return up or (y == at_y == to_y and min(x, to_x) <= at_x <= max(x, to_x)) or middle == end
