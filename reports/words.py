"""Numbers in sentences: three significant digits, units that fit, intervals, and what a figure was measured on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from reports.findings import Basis, Better, Finding, Status
from reports.load import Run
from reports.places import words_of
from reports.stats import Interval


def number(value: float) -> str:
    """Three significant digits, thousands grouped, no exponent, a real minus sign: 3,430; 61.2; 0.00213; −5."""
    if value == 0:
        return "0"
    if value < 0:
        return f"−{number(-value)}"
    if value >= 100:
        rounded = float(f"{value:.3g}") if value < 1e15 else value
        return f"{rounded:,.0f}"
    text = f"{value:.3g}"
    return f"{float(text):.10f}".rstrip("0").rstrip(".") if "e" in text else text


def microseconds(value_us: float) -> str:
    """A time in the unit that fits: 130 µs, 2.4 ms, 1.9 s."""
    for limit, scale, unit in ((1e3, 1, "µs"), (1e6, 1e3, "ms")):
        if abs(value_us) < limit:
            return f"{number(value_us / scale)} {unit}"
    return f"{number(value_us / 1e6)} s"


def milliseconds(value_ms: float) -> str:
    """The same from milliseconds."""
    return microseconds(value_ms * 1e3)


def seconds(value_s: float) -> str:
    """A duration in seconds, milliseconds below one."""
    return microseconds(value_s * 1e6)


def percent(share: float) -> str:
    """A share in per cent."""
    return f"{number(100 * share)} %"


def dollars(value_usd: float) -> str:
    """An amount of money."""
    return f"${number(value_usd)}" if value_usd < 10 else f"${value_usd:,.2f}"


def span(low: float | None, high: float | None, show: Any = number) -> str:
    """``, 95 % interval a to b``, or nothing where there is none; *exact* where there is no width."""
    if low is not None and high is None:
        return f", 95 % interval from {show(low)} on"
    if low is None or high is None:
        return ""
    return ", exact" if low == high else f", 95 % interval {show(low)} to {show(high)}"


def count(n: int, noun: str) -> str:
    """``1 trial``, ``2,000 trials``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


# The driver that speaks to an engine.
DRIVERS = {"postgres": "psycopg", "mysql": "pymysql"}


def engine_name(engine: str) -> str:
    """An engine as people write it."""
    return {"mysql": "MySQL", "postgres": "PostgreSQL"}.get(engine, engine)


def troubles(samples: pd.DataFrame) -> tuple[str, ...]:
    """A warning for the attempts that gave no answer, by arm, outcome and code; none where all did."""
    bad = samples[samples["outcome"] != "ok"] if len(samples) else samples
    if bad.empty:
        return ()
    kinds: Any = bad.groupby(["arm", "outcome", "error_code"], dropna=False).size().items()
    parts = (f"{count} × {arm} {outcome} {code}" for (arm, outcome, code), count in kinds)
    return (f"Attempts that gave no answer and count in no figure: {'; '.join(parts)}.",)


def setting(run: Run, scenario: str, server: str) -> str:
    """What a figure was measured on: ``local model, PostgreSQL 18.6``."""
    product = run.scenario(scenario).get("servers", {}).get(server, server)
    return f"{words_of(run.manifest, scenario, server)}, {product}"


def absent(
    run: Run,
    scenario: str,
    id: str,
    unit: str,
    better: Better,
    reason: str,
    labels: Mapping[str, str] | None = None,
    *,
    headline: bool = False,
) -> Finding:
    """The finding of something that wasn't measured, with the reason; never a zero."""
    about = "".join(f", {key} {value}" for key, value in (labels or {}).items())
    return Finding(
        id=id,
        scenario=scenario,
        sentence=f"Not measured: {id}{about}: {reason.rstrip('.')}.",
        value=None,
        unit=unit,
        better=better,
        n=0,
        target=run.manifest["target"],
        labels=dict(labels or {}),
        status="not_measured",
        reason=reason,
        headline=headline,
    )


def why_absent(run: Run, scenario: str) -> str:
    """Why a scenario has no samples."""
    return str(run.scenario(scenario).get("reason") or "the run ended before it measured anything")


def measured(
    run: Run,
    scenario: str,
    id: str,
    sentence: str,
    interval: Interval,
    unit: str,
    better: Better,
    labels: Mapping[str, str],
    *,
    basis: Basis = "local_model",
    headline: bool = False,
) -> Finding:
    """The finding of an estimate with its interval, or of a bound from below."""
    status: Status = "at_least" if interval.at_least else "measured"
    return Finding(
        id=id, scenario=scenario, sentence=sentence, value=interval.value, low=interval.low, high=interval.high, n=interval.n,
        unit=unit, better=better, labels=dict(labels), target=run.manifest["target"], status=status, basis=basis,
        headline=headline, bounded=interval.at_least, counts=interval.counts,
    )  # fmt: skip


def scaled(interval: Interval, factor: float) -> Interval:
    """The same estimate in another unit."""
    low, high = (None if bound is None else bound * factor for bound in (interval.low, interval.high))
    return replace(interval, value=interval.value * factor, low=low, high=high, counts=None)
