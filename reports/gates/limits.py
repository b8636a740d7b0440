"""A figure against a limit: on the interval, never on the point."""

import math
from collections.abc import Mapping
from typing import Any

from harness.gate_rules import Gate, Limit, Sign
from reports.gates.outcome import CannotAsk, Judged, Word
from reports.records import Figure
from reports.render.figures import quantity
from reports.words import span

_TIMES_NS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "minutes": 6e10}
_TIMES = ("ratio", "×", "x")
_NO_ANSWER = ("not_measured", "unknown", "tool_bound")


def decide(low: float, high: float, sign: Sign, limit: float) -> Word:
    """*pass* where the limit is kept wherever in [low, high] the truth is, *fail* where it is broken everywhere in it."""
    kept = {"<=": high <= limit, "<": high < limit, ">=": low >= limit, ">": low > limit}[sign]
    broken = {"<=": low > limit, "<": low >= limit, ">=": high < limit, ">": high <= limit}[sign]
    return "pass" if kept else "fail" if broken else "inconclusive"


def limit_in(gate: Gate, limit: Limit, unit: str) -> float:
    """The limit in a figure's unit: of times any, of a share per cent too. Raises CannotAsk for a unit that isn't one of it."""
    if limit.unit in ("", unit) or (limit.unit in _TIMES and unit in _TIMES):
        return limit.value
    if limit.unit == "%" and unit == "share":
        return limit.value / 100
    if limit.unit in _TIMES_NS and unit in _TIMES_NS:
        return limit.value * _TIMES_NS[limit.unit] / _TIMES_NS[unit]
    ways = {"share": "no unit, or %"} | dict.fromkeys(_TIMES_NS, "no unit, or one of time")
    own = f"in {unit}" if unit else "a bare number"
    raise CannotAsk(
        f"gate {gate}: {gate.selector.id} is {'a share' if unit == 'share' else own}, and the limit in {limit.unit}; "
        f"write {ways.get(unit, f'no unit, or {unit}' if unit else 'no unit')}"
    )


def judge(gate: Gate, limit: Limit, figure: Figure, record: Mapping[str, Any]) -> Judged:
    """The word of one finding as findings.json has it. Raises CannotAsk where the limit's unit isn't one of it."""
    unit, status, value = record["unit"], record["status"], record["value"]
    at_most = limit_in(gate, limit, unit)
    low, high = record["low"], record["high"]
    if status == "at_least" and low is None:
        low = value
    word, reason = _word(record, low, high, limit.sign, at_most)
    return Judged(
        figure=figure, word=word, reason=reason, value=value, low=record["low"], high=high, unit=unit, limit=at_most,
        n=record["n"], measure=_measure(record), bound=f"{limit.sign} {_asked(limit, unit)}",
    )  # fmt: skip


def why_silent(record: Mapping[str, Any]) -> str | None:
    """Why a finding can't be asked: it has no value, or one that may be the tool's own; None where it can."""
    if record["status"] not in _NO_ANSWER:
        return None
    return f"{record['status'].replace('_', ' ')}: {(record['reason'] or 'no reason given').rstrip('.')}"


def _word(
    record: Mapping[str, Any], low: float | None, high: float | None, sign: Sign, limit: float
) -> tuple[Word, str | None]:
    if silent := why_silent(record):
        return "invalid", silent
    if low is None and high is None:
        return "inconclusive", f"it has no interval at n = {record['n']:,}"
    word = decide(-math.inf if low is None else low, math.inf if high is None else high, sign, limit)
    if word != "inconclusive":
        return word, None
    if record["status"] == "at_least":
        return word, "how much more it is was not seen"
    return word, "the interval has the limit in it; more trials narrow it"


def _asked(limit: Limit, unit: str) -> str:
    """The limit as it was asked for, not rounded; without a unit of its own in the figure's."""
    if not limit.unit and unit == "share":
        return f"{100 * limit.value:.12g} %"
    return f"{limit.value:.12g} {limit.unit or ('×' if unit in _TIMES else unit)}".rstrip()


def _measure(record: Mapping[str, Any]) -> str:
    """The value with its interval, as a sentence has it."""
    unit, value = record["unit"], record["value"]
    if value is None:
        return "no value"
    if record["status"] == "at_least":
        return f"at least {quantity(value, unit)}"
    return quantity(value, unit) + span(record["low"], record["high"], lambda bound: quantity(bound, unit))
