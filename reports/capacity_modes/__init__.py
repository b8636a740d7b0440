"""Provisioned or on-demand: when a demand is throttled, how much of it and why, what retries do, and what the rest costs.

Every arm goes one way: samples → cells → findings (shares, onset, money, policies) → headlines and charts.
"""

from reports.capacity_modes.cost_chart import cost_charts
from reports.capacity_modes.headlines import headlines
from reports.capacity_modes.method import method
from reports.capacity_modes.money import break_even
from reports.capacity_modes.onset_chart import onset_charts
from reports.capacity_modes.policy_chart import policy_charts
from reports.capacity_modes.reconciled import reconciled
from reports.capacity_modes.samples import KINDS, NAME, TITLE, read
from reports.capacity_modes.share_chart import share_charts
from reports.capacity_modes.tail_charts import tail_charts
from reports.capacity_modes.timelines import timelines
from reports.capacity_modes.told import tell
from reports.capacity_modes.wording import Sayer
from reports.findings import Finding
from reports.load import Run
from reports.section import Section
from reports.tool import Tool
from reports.words import absent, troubles, why_absent

__all__ = ["NAME", "TITLE", "analyse"]


def analyse(run: Run) -> Section:
    """The section of capacity_modes."""
    planned, failed = read(run)
    if not planned:
        return _nothing(run)
    tool = Tool.of(run, NAME)
    sayer = Sayer(run, tool)
    told = [tell(sayer, cell) for cell in planned]
    leading = list(headlines(sayer, told))
    rest = [finding for one in told for finding in one.findings if not any(finding is bearer for bearer, _ in leading)]
    even = list(break_even(run))
    counted = [reconciled(run, planned, kind) for kind in KINDS]
    opening = [finding for _, finding in leading]
    findings = [*opening, *rest, *counted, *even]
    retries = next((finding.sentence for finding in opening if finding.labels["part"] == "policy"), "")
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in opening),
        findings=tuple(findings),
        charts=(
            *share_charts(told), *onset_charts(told), *timelines(told), *policy_charts(told, retries), *tail_charts(told, retries),
            *cost_charts(run, told, even),
        ),
        method=method(run, told),
        warnings=(*troubles(failed), *_miscounted(counted)),
        tool=tool.rows(findings),
    )  # fmt: skip


def _miscounted(counted: list[Finding]) -> tuple[str, ...]:
    if any(finding.value for finding in counted):
        return ("The units of the answers aren't those that the service counted, so no figure here is to be trusted.",)
    return ()


def _nothing(run: Run) -> Section:
    reason = why_absent(run, NAME)
    findings = [
        absent(run, NAME, f"{NAME}.{id}", unit, "none", reason, {"kind": kind})
        for kind in KINDS
        for id, unit in (
            ("provisioned.throttle_onset_s", "s"),
            ("provisioned.throttled_share", "share"),
            ("on_demand.throttled_share", "share"),
        )
    ]
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=(f"Not measured: {reason}.",),
        findings=tuple(findings),
        charts=(),
        method=(),
    )
