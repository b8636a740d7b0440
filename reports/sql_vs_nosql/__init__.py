"""Which database for which use: the same questions of SQL and DynamoDB, whether the answers are right, what they take and cost.

A room for each: ``arms`` the words, ``in_pandas`` the right answers, ``checked``, ``cells`` what was read, ``answers`` each cell's figures,
``growth``, ``costs``, ``charts``, ``method``.
"""

from collections.abc import Iterator
from dataclasses import replace

from reports.findings import Finding
from reports.load import Run
from reports.section import Section
from reports.sql_vs_nosql import answers, costs, growth
from reports.sql_vs_nosql.arms import NAME, TITLE, arm_words, is_cached, pattern_words
from reports.sql_vs_nosql.cells import Measured
from reports.sql_vs_nosql.charts import charts
from reports.sql_vs_nosql.method import method, warnings
from reports.stats import Interval
from reports.words import absent, count, troubles, why_absent

__all__ = ["NAME", "TITLE", "analyse"]


def analyse(run: Run) -> Section:
    """The section of sql_vs_nosql."""
    found = Measured.of(run)
    if not found.cells and not found.checked.wrong:
        return _nothing(run)
    findings = (
        *_right_rows(found), *costs.flips(found), *growth.findings(found), *_absences(found), *answers.findings(found), *costs.of_cells(found),
    )  # fmt: skip
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in findings if finding.headline),
        findings=findings,
        charts=charts(found, findings),
        method=method(found),
        warnings=(*warnings(found), *troubles(found.bad)),
        tool=found.tool.rows(findings),
    )


def _right_rows(found: Measured) -> Iterator[Finding]:
    """Whether the stores say the same as pandas: nothing else counts where they don't."""
    check = found.checked
    if check.why_not is not None:
        yield absent(found.run, NAME, f"{NAME}.wrong_answers", "answers", "lower", f"not checked: {check.why_not}", {})
        return
    arms = len({arm for arm, _ in check.held})
    if check.wrong:
        which = ", ".join(f"{arm} {pattern} ({one.first})" for (arm, pattern), one in check.held.items() if one.wrong)
        sentence = (
            f"{check.wrong:,} of {check.answers:,} answers are other rows than pandas finds in the raw CSV: {which}."
        )
    else:
        sentence = f"All {check.answers:,} answers of {count(arms, 'arm')} that were held against pandas on the raw CSV are the same rows."
    figure = Interval(
        value=float(check.wrong), low=float(check.wrong), high=float(check.wrong), n=check.answers, method="counted"
    )
    yield found.measured("wrong_answers", sentence, figure, "answers", {}, headline=bool(check.wrong))


def _absences(found: Measured) -> Iterator[Finding]:
    """What stores can't opens the report, once each, in a sentence of its own."""
    for finding in answers.absences(found):
        arm, pattern = finding.labels["arm"], finding.labels["pattern"]
        why = found.cannot.get((arm, pattern))
        if why is None or is_cached(arm) or not finding.id.endswith(".latency_p50_ms"):
            yield finding
        else:
            sentence = f"{arm_words(arm)} has no answer to {pattern_words(pattern)}: {why.rstrip('.')}."
            yield replace(finding, sentence=sentence, headline=True)


def _nothing(run: Run) -> Section:
    reason = why_absent(run, NAME)
    ids = (("latency_p50_ms", "ms"), ("usd_per_million_answers", "USD"), ("flip_rate_per_s", "answers/s"))
    found = [
        absent(run, NAME, f"{NAME}.{id}", unit, "none", reason, headline=place == 0)
        for place, (id, unit) in enumerate(ids)
    ]
    return Section(
        scenario=NAME, title=TITLE, verdict=(found[0].sentence,), findings=tuple(found), charts=(), method=()
    )
