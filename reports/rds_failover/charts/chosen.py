"""Which cases are drawn in detail, and how the charts name and find things."""

from collections.abc import Sequence

from reports.findings import Finding
from reports.rds_failover.arms import FAILOVER, NAME, PACE_RDS, REFERENCE, client_row
from reports.rds_failover.cells import Case, Measured
from reports.words import engine_name

MOST = 4  # cases an engine whose clients are drawn one by one; more would bury the page, and their figures are in the findings
_FIRST = (("multi_az_instance", "crash"), ("multi_az_instance", "hang"), ("multi_az_cluster", "crash"))


def detailed(found: Measured, engine: str) -> list[Case]:
    """The cases of an engine that people ask for first, at most MOST; where none of them was measured, the first that was."""
    cases = watched(found, engine)
    wanted = [case for which in _FIRST for case in cases if (case.topology, case.fault) == which]
    wanted.sort(key=lambda case: case.pace == PACE_RDS)
    return (wanted or cases[:1])[:MOST]


def watched(found: Measured, engine: str) -> list[Case]:
    """The failovers of an engine that were measured, durability steps aside."""
    return [
        case
        for case in found.of_engine(engine)
        if case.part == FAILOVER and any(found.of_client(case, client) for client in found.clients(case))
    ]


def rows(found: Measured, case: Case) -> list[str]:
    """The clients that watched a case, as rows of a chart: the server itself first, for it is what the others are held against."""
    seen = [client for client in found.clients(case) if found.of_client(case, client)]
    return sorted(seen, key=lambda client: client != REFERENCE)


def names(clients: Sequence[str]) -> list[str]:
    """Their names in a chart."""
    return [client_row(client) for client in clients]


def chart_id(case: Case, what: str) -> str:
    """A chart's id."""
    return f"{NAME}-{case.engine}-{case.step.replace('.', '-').replace('_', '-').replace('=', '-')}-{what}"


def title(case: Case, what: str) -> str:
    """A chart's title."""
    return f"{engine_name(case.engine)}, {case.row}: {what}"


def told(findings: Sequence[Finding], case: Case, *figures: str, client: str | None = None) -> str:
    """The sentences of a case's findings of these figures, of one client where that is given."""
    ids = {case.id(figure) for figure in figures}
    those = [
        one for one in findings
        if one.id in ids and one.labels.get("step") == case.step and client in (None, one.labels.get("client"))
    ]  # fmt: skip
    return " ".join(one.sentence for one in those)
