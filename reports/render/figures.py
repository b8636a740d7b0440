"""How figures, intervals and words of a finding are written, the same on every page."""

import math
from collections.abc import Sequence
from numbers import Integral, Real

import pandas as pd

from reports.findings import Finding
from reports.section import Section

NONE = "–"
_BASES = {"local_model": "local model", "modelled": "modelled", "aws": "AWS", "endpoint_override": "endpoint override"}
_SHAPES = {"measured": "●", "at_least": "▲", "tool_bound": "◆", "not_measured": "○", "unknown": "?"}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_TIMES = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
_LEAST_WORD = 4  # letters: shorter ones are no words in the plural
_SILENT = ("not_measured", "unknown")


def number(value: float) -> str:
    """Four significant digits, thousands set apart, whole numbers whole: 0.01234, 12.3, 27,004."""
    if not math.isfinite(value):
        return NONE if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0 or (float(value).is_integer() and abs(value) < 1e15):
        return f"{value or 0:,.0f}".replace("-", "−")  # `or` takes the sign off a zero
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -6 or exponent >= 15:
        return f"{value:.3g}".replace("-", "−")
    text = f"{value:,.{max(0, 3 - exponent)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def quantity(value: float, unit: str) -> str:
    """``value`` with its unit: a share in per cent, a ratio as a multiple, a time in the unit that fits, one page in the singular."""
    factor, shown = _scale(value, unit)
    text = number(value * factor)
    return f"{text} {_singular(shown) if text == '1' else shown}".strip()


def _scale(value: float, unit: str) -> tuple[float, str]:
    """What to multiply by, and the unit that is written."""
    if unit == "share":
        return 100.0, "%"
    if unit in ("ratio", "×", "x"):
        return 1.0, "×"
    if unit not in _SECONDS:
        return 1.0, unit
    fits = next((name for name, seconds in _TIMES if abs(value) * _SECONDS[unit] >= seconds), None)
    shown = (fits or "µs") if value and math.isfinite(value) else unit
    return _SECONDS[unit] / dict(_TIMES).get(shown, _SECONDS[unit]), {"us": "µs"}.get(shown, shown)


def _singular(unit: str) -> str:
    if len(unit) < _LEAST_WORD or "/" in unit:
        return unit
    return f"{unit[:-3]}y" if unit.endswith("ies") else unit.removesuffix("s")


def value(finding: Finding) -> str:
    """What was found, or in a word why nothing was."""
    if finding.value is None:
        return status(finding)
    text = quantity(finding.value, finding.unit)
    return f"at least {text}" if finding.at_least else text


def interval(finding: Finding) -> str:
    """The bounds in the finding's unit; an open side is said, never left out."""
    low, high = finding.low, finding.high
    if finding.value is None or (low is None and high is None):
        return NONE
    if high is None:
        return f"from {quantity(low or 0.0, finding.unit)}"
    if low is None:
        return f"up to {quantity(high, finding.unit)}"
    if low == high:
        return "exact"
    factor, _ = _scale(high, finding.unit)
    return f"{number(low * factor)} to {quantity(high, finding.unit)}"


def basis(finding: Finding) -> str:
    """What it was measured on, in words."""
    return _BASES[finding.basis]


def status(finding: Finding) -> str:
    """The status as words."""
    return finding.status.replace("_", " ")


def shape(finding: Finding) -> str:
    """The status as a shape, for who can't tell colours apart."""
    return _SHAPES[finding.status]


def labels(finding: Finding) -> str:
    """``arm query · step 1000``."""
    return " · ".join(f"{name.replace('_', ' ')} {text}" for name, text in finding.labels.items())


def cell(content: object) -> str:
    """One cell of a chart's table: figures as ``number`` writes them, nothing as a dash."""
    if content is None or content is pd.NaT or content is pd.NA:
        return NONE
    if isinstance(content, bool):
        return "yes" if content else "no"
    if isinstance(content, Integral):
        return f"{int(content):,}".replace("-", "−")
    if isinstance(content, Real):
        return number(float(content))
    return str(content)


def rows(table: pd.DataFrame, limit: int) -> list[list[str]]:
    """The first ``limit`` rows of ``table`` as text, without its index."""
    return [[cell(content) for content in row] for row in table.head(limit).itertuples(index=False, name=None)]


def markdown_row(texts: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in texts) + " |"


def headlines(sections: Sequence[Section]) -> list[Finding]:
    """The findings a report opens with, in the order of its sections."""
    return [finding for section in sections for finding in section.findings if finding.headline]


def anything_measured(sections: Sequence[Section]) -> bool:
    """Whether at least one finding has a value."""
    return any(finding.status not in _SILENT for section in sections for finding in section.findings)
