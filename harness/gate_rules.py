"""What a gate says, read from its text: which figures it is about, and what must hold of them. Looks at no figure.

    gate     = [ "all" | "any" ] selector demand
    selector = id [ "{" label { "," label } "}" ]            id: words with dots between them
    label    = name "=" ( text | '"' quoted text '"' )       quoted where it has , { } or " in it
    demand   = ( "<=" | ">=" | "<" | ">" ) number [ unit ]
             | "no worse than" number "%"

docs/gates.md says what each means. The text of a :class:`Gate` is canonical: the same gate written otherwise is the same text.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, cast

Sign = Literal["<=", ">=", "<", ">"]
Which = Literal["all", "any"]
SIGNS: tuple[Sign, ...] = ("<=", ">=", "<", ">")
_SHOWN = 24  # characters of the text that an error repeats
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_UNIT = r"%|×|[A-Za-zµ]+(?:[ /][A-Za-zµ]+)*"
_BARE = r'[^\s,{}"][^,{}"]*'
_QUOTED = r'"(?:[^"\\]|\\["\\])*"'


class GateError(ValueError):
    """The text is no gate: what must stand where, and what stands there; to be put behind the name of the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """The figures of this id that have these labels, whatever others they have."""

    id: str
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        about = ",".join(f"{name}={_written(text)}" for name, text in self.labels)
        return f"{self.id}{{{about}}}" if about else self.id

    @property
    def scenario(self) -> str:
        """The id's first word."""
        return self.id.partition(".")[0]

    def means(self, id: str, labels: Mapping[str, str]) -> bool:
        """Whether a figure of this id and these labels is one of them."""
        return id == self.id and all(name in labels and same(text, labels[name]) for name, text in self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``value`` in ``unit``, which is the figure's own where it is empty."""

    sign: Sign
    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {_number(self.value)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWorse:
    """By at most so many per cent in the direction that is worse, against a baseline."""

    percent: float

    def __str__(self) -> str:
        return f"no worse than {_number(self.percent)}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One line of section ``gates``; ``which`` is None where the selector must mean a single figure."""

    selector: Selector
    demand: Limit | NoWorse
    which: Which | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.which, str(self.selector), str(self.demand))))


def parse(text: str) -> Gate:
    """The gate that ``text`` says. Raises GateError, which names the column and what was expected there."""
    return _Reader(text).gate()


def parse_selector(text: str) -> Selector:
    """The selector alone, as a command line has it. Raises GateError likewise."""
    reader = _Reader(text)
    found = reader.selector()
    reader.need("$", "nothing more")
    return found


def same(wanted: str, there: str) -> bool:
    """Whether two labels are alike as text, or as numbers: 0.25 is 0.250, and 1 is 1.0."""
    if wanted == there:
        return True
    return all(re.fullmatch(_NUMBER, text) for text in (wanted, there)) and float(wanted) == float(there)


class _Reader:
    """Goes over the text once; ``at`` is where it is."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def gate(self) -> Gate:
        which = self.take(r"(?:all|any)(?=\s)")
        selector = self.selector()
        demand = self.limit() if self.take(r"no\s+worse\s+than\b") is None else self.no_worse()
        self.need("$", "nothing more, or the unit of a limit")
        return Gate(selector=selector, demand=demand, which=cast("Which | None", which))

    def selector(self) -> Selector:
        id = self.need(r"[A-Za-z_]\w*(?:\.\w+)+", "a figure's id, such as query_vs_scan.units_ratio,")
        labels: dict[str, str] = {}
        opened = self.take(r"\{") is not None
        while opened:
            begin = self.at
            name = self.need(r"[A-Za-z_]\w*", "a label, such as arm=query,")
            if name in labels:
                self.refuse(f"each label once, and not {name} again,", begin)
            self.need("=", f"= and what label {name} must be")
            labels[name] = self.label(name)
            opened = self.take(r"\}") is None
            if opened:
                self.need(",", "a comma or }")
        return Selector(id=id, labels=tuple(sorted(labels.items())))

    def label(self, name: str) -> str:
        quoted = self.take(_QUOTED)
        if quoted is not None:
            return re.sub(r"\\(.)", r"\1", quoted[1:-1])
        return self.need(_BARE, f'what label {name} must be, in "…" where it has , {{ }} or " in it,').rstrip()

    def limit(self) -> Limit:
        sign = self.need("<=|>=|<|>", "<=, >=, <, > or no worse than")
        value = self.number("a number")
        return Limit(sign=cast("Sign", sign), value=value, unit=self.take(_UNIT) or "")

    def no_worse(self) -> NoWorse:
        begin = self.at
        percent = self.number("a number of per cent")
        if percent < 0:
            self.refuse("a number of per cent that isn't below 0", begin)
        self.need("%", "%")
        return NoWorse(percent=percent)

    def number(self, what: str) -> float:
        begin = self.at
        value = float(self.need(_NUMBER, what))
        if not math.isfinite(value):
            self.refuse("a finite number", begin)
        return value

    def need(self, pattern: str, what: str) -> str:
        found = self.take(pattern)
        if found is None:
            self.refuse(what, self.at)
        return found

    def take(self, pattern: str) -> str | None:
        """What matches here, white space before it aside; None, and nothing taken, where nothing does."""
        found = re.compile(rf"\s*({pattern})").match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[1]

    def refuse(self, what: str, at: int) -> NoReturn:
        rest = self.text[at:].lstrip()
        where = f"where {rest[:_SHOWN]!r} stands" if rest else "where the text ends"
        raise GateError(f"must have {what} at column {len(self.text) - len(rest) + 1}, {where}")


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _written(text: str) -> str:
    if re.fullmatch(_BARE, text) and text == text.strip():
        return text
    escaped = re.sub(r'(["\\])', r"\\\1", text)
    return f'"{escaped}"'
