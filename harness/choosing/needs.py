"""What a workload asks of one store, as measured: CPU or units an answer of each pattern, and what stands against the store."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from harness.choosing.curves import exact
from harness.choosing.figures import CACHED, Bound, Figure, Measured
from harness.choosing.workload import Use, Workload
from harness.sql.endpoint import Engine
from harness.stores_compared.patterns import PATTERNS

DYNAMODB = "dynamodb"
CPU, UNITS, HIT_RATE, EXPONENT = "cpu_ms_per_answer", "units_per_answer", "hit_rate", "growth_exponent"
TOUCHES_ALL = ("add_attribute",)
"""Patterns whose one answer touches every item, so that it grows as the table does."""
Resource = Literal["cpu_s", "read", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """So much of a resource an answer: a figure, in the resource's unit by ``scale``, and how it grows with the table.

    ``growth`` is the figure that the exponent is of, None where it is supposed.
    """

    figure: Figure
    scale: Fraction = Fraction(1)
    exponent: float = 0.0
    growth: Figure | None = None

    def at(self, items: Fraction, bound: Bound) -> Fraction:
        """What an answer takes of a table of so many items; exact unless it grows."""
        value = max(Fraction(0), exact(self.figure.at(bound))) * self.scale
        if not self.exponent or not self.figure.items:
            return value
        return value * Fraction((float(items) / self.figure.items) ** self.exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One pattern of a store. ``primary``: only the server that takes writes may answer; ``hit``: the share that a cache answers."""

    pattern: str
    use: Use
    takes: tuple[tuple[Resource, Measure], ...]
    hit: Figure | None
    primary: bool

    def missed(self, bound: Bound) -> Fraction:
        """The share that reaches the store; ``bound`` is of the cost, and more hits cost less."""
        opposite: dict[Bound, Bound] = {"value": "value", "low": "high", "high": "low"}
        return (
            Fraction(1)
            if self.hit is None
            else min(Fraction(1), max(Fraction(0), 1 - exact(self.hit.at(opposite[bound]))))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A figure that wasn't measured, and why, where the run says."""

    figure: str
    pattern: str
    arm: str
    part: str
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A store under a workload. ``out`` are the reasons it can't be taken, ``lacking`` what isn't known of it; both may be empty."""

    store: str
    needs: tuple[Need, ...] = ()
    helpers: tuple[tuple[str, float | None], ...] = ()
    out: tuple[str, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    supposed: tuple[str, ...] = ()

    @property
    def cached(self) -> bool:
        """Whether a cache stands in front."""
        return self.store.endswith(CACHED)

    @property
    def engine(self) -> Engine | None:
        """The engine of a SQL store."""
        return engine_of(self.store)

    def stands_on(self) -> Iterator[Figure]:
        """Every figure its cost is made of."""
        for need in self.needs:
            for _, measure in need.takes:
                yield measure.figure
                if measure.growth is not None:
                    yield measure.growth
            if need.hit is not None:
                yield need.hit


def engine_of(store: str) -> Engine | None:
    """The engine of a SQL store, None of DynamoDB."""
    if store.startswith(DYNAMODB):
        return None
    return "postgres" if store.startswith("postgres") else "mysql"


def case_of(store: str, workload: Workload, measured: Measured) -> Case:
    """Everything that is known and not known of a store under a workload."""
    plain, cached = store.removesuffix(CACHED), store.endswith(CACHED)
    case = Case(store=store)
    for pattern, use in workload.patterns.items():
        if (reason := measured.cannot.get((plain, pattern))) is not None:
            case = _helped(case, pattern, use, reason)
            continue
        hit = None
        if cached and PATTERNS[pattern].reads and use.consistency != "strong":
            hit = measured.get(HIT_RATE, store, pattern)
        case = _with_need(
            _fresh_enough(case, plain, pattern, use, measured), plain, pattern, use, hit, workload, measured
        )
    if cached and not any(need.hit for need in case.needs) and not case.out:
        read = [name for name, use in workload.patterns.items() if PATTERNS[name].reads and use.consistency != "strong"]
        if not read:
            return replace(case, out=(*case.out, "nothing that is asked could come from a cache"))
        absent = tuple(_lacking(measured, HIT_RATE, store, name, "patterns") for name in read)
        return replace(case, lacking=(*case.lacking, *absent))
    return case


def _helped(case: Case, pattern: str, use: Use, reason: str) -> Case:
    """The pattern goes to a helper where the workload asks for one, else the store is out."""
    if use.if_cannot == "helper":
        return replace(case, helpers=(*case.helpers, (pattern, use.helper_usd_month)))
    return replace(case, out=(*case.out, f"it cannot {pattern}: {reason.rstrip('.')}"))


def _fresh_enough(case: Case, plain: str, pattern: str, use: Use, measured: Measured) -> Case:
    if use.consistency != "strong":
        return case
    strongly = measured.strongly(plain, pattern)
    if strongly is None and not any(_resources(plain, pattern, measured)):
        return case  # its figures are lacking, and are what is said
    if strongly is None:
        missing = Lacking(figure="consistency", pattern=pattern, arm=plain, part="patterns", why="the run doesn't say")
        return replace(case, lacking=(*case.lacking, missing))
    if not strongly:
        said = measured.consistency[plain, pattern]
        return replace(case, out=(*case.out, f"{pattern} is asked for strongly consistent, and was measured {said}"))
    return case


def _with_need(
    case: Case, plain: str, pattern: str, use: Use, hit: Figure | None, workload: Workload, measured: Measured
) -> Case:
    found = list(_resources(plain, pattern, measured))
    if not found:
        name = UNITS if engine_of(plain) is None else CPU
        return replace(case, lacking=(*case.lacking, _lacking(measured, name, plain, pattern, "patterns")))
    takes: list[tuple[Resource, Measure]] = []
    for resource, measure in found:
        exponent = _exponent(plain, pattern, resource, measure.figure, workload, measured)
        if isinstance(exponent, Lacking):
            return replace(case, lacking=(*case.lacking, exponent))
        if isinstance(exponent, Figure):
            takes.append((resource, replace(measure, exponent=exponent.value, growth=exponent)))
            continue
        if exponent is not None:
            case = replace(case, supposed=tuple(dict.fromkeys((*case.supposed, exponent))))
        takes.append((resource, replace(measure, exponent=1.0 if exponent and pattern in TOUCHES_ALL else 0.0)))
    primary = not PATTERNS[pattern].reads or use.consistency == "strong"
    need = Need(pattern=pattern, use=use, takes=tuple(takes), hit=hit, primary=primary)
    return replace(case, needs=(*case.needs, need))


def _resources(plain: str, pattern: str, measured: Measured) -> Iterator[tuple[Resource, Measure]]:
    """CPU of a SQL store; units of DynamoDB by kind, or, where the run doesn't tell kinds apart, of the pattern's own."""
    if engine_of(plain) is not None:
        if figure := measured.get(CPU, plain, pattern):
            yield "cpu_s", Measure(figure=figure, scale=Fraction(1, 1000))
        return
    if kinds := measured.kinds(UNITS, plain, pattern):
        for figure in kinds:
            yield "read" if figure.kind == "read" else "write", Measure(figure=figure)
    elif figure := measured.get(UNITS, plain, pattern):
        yield "read" if PATTERNS[pattern].reads else "write", Measure(figure=figure)


def _exponent(
    plain: str, pattern: str, resource: Resource, figure: Figure, workload: Workload, measured: Measured
) -> "Figure | str | Lacking | None":
    """How a figure grows with the table: as measured, or as supposed, in words, or what is lacking to say so. None: it needn't be known."""
    if not PATTERNS[pattern].growing:
        return None
    grown = measured.get(EXPONENT, plain, pattern, None if resource == "cpu_s" else resource)
    if figure.items == workload.data.items and not workload.growth.items_percent_a_month:
        return None
    if grown is not None:
        return grown
    if PATTERNS[pattern].reads:
        return _lacking(measured, EXPONENT, plain, pattern, "growth")
    how = (
        "to grow as the table does, since it touches every item"
        if pattern in TOUCHES_ALL
        else "not to grow with the table"
    )
    return f"{pattern} is supposed {how}: what changes data isn't measured at several sizes."


def _lacking(measured: Measured, figure: str, arm: str, pattern: str, part: str) -> Lacking:
    why = next(
        (why for (of, by, about, _), why in measured.why_absent.items() if (of, by, about) == (figure, arm, pattern)),
        None,
    )
    return Lacking(figure=figure, pattern=pattern, arm=arm, part=part, why=why)
