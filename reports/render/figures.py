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
    """``value`` with its unit; a share is written in per cent, a ratio as a multiple."""
    if unit == "share":
        return f"{number(value * 100)} %"
    if unit in ("ratio", "×", "x"):
        return f"{number(value)} ×"
    return f"{number(value)} {unit}".strip()


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
    scale = 100 if finding.unit == "share" else 1
    return f"{number(low * scale)} to {quantity(high, finding.unit)}"


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
