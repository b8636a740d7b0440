"""At what rate another store becomes the cheapest: solved on every piece of the curves, so that a ceiling's step is met exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from harness.choosing.curves import Curve, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """``rate`` is where the answer changes to ``store``; ``included`` says whether at this very rate it has already.

    ``store`` is None where nothing that is compared can be had beyond it.
    """

    rate: Fraction
    included: bool
    store: str | None


Stretch = tuple[Fraction, Fraction | None, Mapping[str, Line | None]]
"""Rates from (not included) and to (included), and each store's line between them."""


def cheapest(curves: Mapping[str, Curve], rate: Fraction) -> str | None:
    """The store that costs least at a rate; of several the first by name."""
    known = [(usd, name) for name, curve in curves.items() if (usd := curve.at(rate)) is not None]
    return min(known)[1] if known else None


def above(curves: Mapping[str, Curve], store: str, rate: Fraction) -> Flip | None:
    """Where, beyond ``rate``, ``store`` stops being among the cheapest; None where it never does."""
    for begin, end, lines in _stretches(curves):
        if end is not None and end <= rate:
            continue
        least, mine = max(begin, rate), lines[store]
        if mine is None:
            return _beyond(lines, least, 1)
        found = [
            meets
            for line in lines.values()
            if line is not None
            and (meets := _undercuts(line, mine, least)) is not None
            and (end is None or meets < end)
        ]
        if found:
            return _beyond(lines, min(found), 1)
    return None


def below(curves: Mapping[str, Curve], store: str, rate: Fraction) -> Flip | None:
    """The same towards 0; a flip at 0 itself is none."""
    for begin, end, lines in reversed(list(_stretches(curves))):
        if begin >= rate:
            continue
        most, mine = rate if end is None else min(end, rate), lines[store]
        if mine is None:
            return _beyond(lines, most, 0)
        cheaper = [line for line in lines.values() if line is not None and line.at(most) < mine.at(most)]
        if cheaper:
            return _beyond(lines, most, 0)
        mirrored = Line(fixed=mine.fixed, each=-mine.each)
        found = [
            -meets
            for line in lines.values()
            if line is not None
            and (meets := _undercuts(Line(fixed=line.fixed, each=-line.each), mirrored, -most)) is not None
            and -meets > begin
        ]
        if found:
            return _beyond(lines, max(found), -1)
    return None


def _undercuts(line: Line, mine: Line, start: Fraction) -> Fraction | None:
    """The rate from ``start`` on just above which ``line`` is below ``mine``; None where it never is."""
    gap, closing = line.at(start) - mine.at(start), mine.each - line.each
    if gap < 0 or (gap == 0 and closing > 0):
        return start
    return start + gap / closing if closing > 0 else None


def _beyond(lines: Mapping[str, Line | None], rate: Fraction, towards: int) -> Flip:
    """The flip to whichever is cheapest at ``rate`` itself (``towards`` 0), or just above (1) or below it (−1)."""
    known = [(line.at(rate), towards * line.each, name) for name, line in lines.items() if line is not None]
    return Flip(rate=rate, included=towards == 0, store=min(known)[2] if known else None)


def _stretches(curves: Mapping[str, Curve]) -> Iterator[Stretch]:
    places, begin = dict.fromkeys(curves, 0), Fraction(0)
    while True:
        here = {name: curve.pieces[places[name]] for name, curve in curves.items()}
        end = min((one.until for one in here.values() if one.until is not None), default=None)
        yield begin, end, {name: one.line for name, one in here.items()}
        if end is None:
            return
        places = {name: places[name] + (one.until == end) for name, one in here.items()}
        begin = end
