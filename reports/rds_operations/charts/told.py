"""What charts say in words, out of the findings."""

from collections.abc import Iterable, Sequence

from reports.findings import Finding
from reports.rds_operations.arms import NAME


def of(findings: Sequence[Finding], part: str, *figures: str, engine: str | None = None) -> list[Finding]:
    """A part's findings of these figures that have a value, of one engine where that is given."""
    return [
        one for one in findings
        if one.value is not None and one.labels.get("part") == part and one.id.startswith(f"{NAME}.")
        and one.id.rsplit(".", 1)[1] in figures and engine in (None, one.labels.get("engine"))
    ]  # fmt: skip


def sentences(those: Iterable[Finding]) -> str:
    """One after the other."""
    return " ".join(one.sentence for one in those)
