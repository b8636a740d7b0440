"""The finding: one answer, with what it was measured on and how sure it is. ``findings.json`` is a list of these."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from reports.stats import Interval

# Version 1: the fields of Finding, as a list of objects. A change of meaning or a removal raises it; members may be added,
# as `floor`, `excess`, `headline` and `counts` were.
FINDINGS_SCHEMA = 1

Basis = Literal["local_model", "modelled", "aws", "endpoint_override"]
Better = Literal["lower", "higher", "none"]
Status = Literal["measured", "at_least", "tool_bound", "not_measured", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolShare:
    """What of a latency is the tool's: the floor of ``client`` and ``op`` in the same ``statistic``, and the excess over it.

    Both are in the finding's own unit, which is ``unit_us`` microseconds.
    ``cpu_share``, ``lateness_p99_ms`` and ``queued_p99_ms`` are the worst of the finding's trials. None is what wasn't measured.
    """

    client: str
    op: str
    statistic: str
    unit_us: float
    floor: float | None
    excess: Interval | None
    cpu_share: float | None
    lateness_p99_ms: float | None
    queued_p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One answer. ``value`` is None exactly where status is not_measured or unknown, and ``reason`` then says why.

    ``low`` and ``high`` bound it at 95 % where the method gives an interval; ``at_least`` has the cap as value and no ``high``.
    ``n`` counts what the interval rests on: trials or pairs, else samples. ``headline`` findings open the report. A latency
    that was held against the tool's floor has it in ``tool``. ``bounded``: the value is a bound from below, whatever else the
    status has to say. ``counts`` are the successes and the total of a share, where it is made of counts.
    """

    id: str
    scenario: str
    sentence: str
    value: float | None
    unit: str
    better: Better
    n: int
    target: str
    low: float | None = None
    high: float | None = None
    labels: dict[str, str] = field(default_factory=dict)
    basis: Basis = "local_model"
    status: Status = "measured"
    reason: str | None = None
    headline: bool = False
    tool: ToolShare | None = None
    bounded: bool = False
    counts: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        silent = self.status in ("not_measured", "unknown")
        if silent != (self.value is None) or (silent and not self.reason):
            raise ValueError(f"{self.id}: status {self.status} with value {self.value} and reason {self.reason!r}")

    @property
    def at_least(self) -> bool:
        """Whether the value is a bound from below, tool-bound or not."""
        return self.bounded or self.status == "at_least"

    def as_record(self) -> dict[str, Any]:
        """The finding as findings.json has it.

        ``floor`` and ``excess`` stand there only where a floor was measured, ``counts`` only where a share was counted, ``headline``
        only where it is true.
        """
        record = asdict(self)
        del record["tool"], record["bounded"]
        if not self.headline:
            del record["headline"]
        if self.counts is None:
            del record["counts"]
        if self.tool is not None and self.tool.excess is not None:
            excess = self.tool.excess
            record["floor"] = self.tool.floor
            record["excess"] = {"value": excess.value, "low": excess.low, "high": excess.high}
        return record


def to_json(findings: Sequence[Finding]) -> str:
    """findings.json: deterministic, one finding a line."""
    lines = (json.dumps(finding.as_record(), ensure_ascii=False, allow_nan=False) for finding in findings)
    return "[\n" + ",\n".join(lines) + "\n]\n"
