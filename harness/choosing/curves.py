"""Costs as functions of one rate, exact: straight pieces, each closed on the right, as a ceiling of instances makes them.

Numbers are fractions: ``rate × CPU seconds / (vCPU × 0.5)`` is two instances where it is 2, and three just above, whatever binary
fractions make of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

ZERO = Fraction(0)


def exact(number: float) -> Fraction:
    """The decimal fraction that a number was written as: 0.1 is a tenth."""
    return Fraction(repr(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``fixed + each × rate``."""

    fixed: Fraction = ZERO
    each: Fraction = ZERO

    def at(self, rate: Fraction) -> Fraction:
        """The value at a rate."""
        return self.fixed + self.each * rate

    def times(self, factor: Fraction) -> "Line":
        """The line, stretched."""
        return Line(fixed=self.fixed * factor, each=self.each * factor)

    def plus(self, other: "Line") -> "Line":
        """The sum of two."""
        return Line(fixed=self.fixed + other.fixed, each=self.each + other.each)

    def until(self, limit: Fraction) -> "Fraction | None":
        """The rate up to which a line that doesn't fall is at ``limit`` or below: None for all rates, below 0 for none."""
        if self.each == 0:
            return None if self.fixed <= limit else Fraction(-1)
        return (limit - self.fixed) / self.each


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """From the end of the piece before (not included) to ``until`` (included), None for no end; without ``line`` it can't be had."""

    until: Fraction | None
    line: Line | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A cost for every rate above 0; the last piece has no end."""

    pieces: tuple[Piece, ...]

    @classmethod
    def straight(cls, line: Line) -> "Curve":
        """One line for all rates."""
        return cls(pieces=(Piece(until=None, line=line),))

    @classmethod
    def at_least(cls, floor: Fraction, line: Line) -> "Curve":
        """The line, never below ``floor``; for lines that don't fall."""
        leaves = line.until(floor)
        flat = Piece(until=leaves, line=Line(fixed=floor))
        if leaves is None:
            return cls(pieces=(flat,))
        rest = Piece(until=None, line=line)
        return cls(pieces=(rest,) if leaves <= 0 else (flat, rest))

    @classmethod
    def cheapest(cls, options: Iterable[tuple[Fraction | None, Fraction]]) -> "Curve":
        """Of options that can be had up to a rate (None: always) for so much, at every rate the cheapest."""
        ends = sorted(options, key=lambda one: (one[0] is None, one[0] or ZERO, -one[1]), reverse=True)
        pieces: list[Piece] = [] if ends and ends[0][0] is None else [Piece(until=None, line=None)]
        lowest: Fraction | None = None
        for until, usd in ends:
            if (until is not None and until <= 0) or (lowest is not None and usd >= lowest):
                continue
            pieces.append(Piece(until=until, line=Line(fixed=usd)))
            lowest = usd
        return cls(pieces=tuple(reversed(pieces)))

    def at(self, rate: Fraction) -> Fraction | None:
        """The cost at a rate above 0; None where it can't be had."""
        for piece in self.pieces:
            if piece.until is None or rate <= piece.until:
                return None if piece.line is None else piece.line.at(rate)
        raise AssertionError("the last piece has no end")


def total(curves: Sequence[Curve], factor: Fraction = Fraction(1)) -> Curve:
    """The sum of curves, times ``factor``; it can be had where all of them can."""
    pieces, places = [], [0] * len(curves)
    while True:
        here = [curve.pieces[place] for curve, place in zip(curves, places, strict=True)]
        until = min((one.until for one in here if one.until is not None), default=None)
        line: Line | None = Line()
        for one in here:
            line = None if line is None or one.line is None else line.plus(one.line)
        pieces.append(Piece(until=until, line=None if line is None else line.times(factor)))
        if until is None:
            return Curve(pieces=tuple(pieces))
        places = [place + (one.until == until) for place, one in zip(places, here, strict=True)]
