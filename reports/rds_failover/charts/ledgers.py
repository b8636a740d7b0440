"""What became of the writes: by case, and by client."""

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.charts import new_panels, points_by_row
from reports.findings import Finding
from reports.rds_failover.arms import ALL, DEFAULT, NAME, client_row
from reports.rds_failover.cells import Measured
from reports.rds_failover.ledger import client_rows, totals
from reports.section import Chart
from reports.words import engine_name, number

_ROW_INCHES, _AROUND_INCHES = 0.26, 0.5
_SHOWN = ("lost writes", "phantom writes")
_BY_CLIENT = ("duplicate writes", "ambiguous writes", "backward reads")


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """Both, where a ledger was checked."""
    cases = _cases(found)
    if cases.empty:
        return
    yield Chart(
        id=f"{NAME}-ledger", title="What became of the writes, case by case",
        caption="Counts over all trials and clients of a case, every write looked up afterwards. A case that lost nothing has a 0 that was "
        "counted. What a lost host would lose isn't measured.",
        alt=" ".join(
            one.sentence for one in findings
            if one.id.endswith(".lost_writes") and one.labels.get("client") == ALL and one.value is not None
        ),
        table=cases, draw=lambda table: _draw(table, _SHOWN[:1] + _any(table, _SHOWN[1:])),
    )  # fmt: skip
    clients = _clients(found, findings)
    yield Chart(
        id=f"{NAME}-ledger-clients", title="What became of the writes, client by client",
        caption="Over all failovers with the durability that RDS has. A client that sends an ambiguous write again without a token may apply "
        "it twice; a read goes backwards where it asks a copy that lags.",
        alt="; ".join(f"{row['row']}: {row['duplicate writes']:,} duplicate writes" for _, row in clients.iterrows()) + ".",
        table=clients, draw=lambda table: _draw(table, _BY_CLIENT[:1] + _any(table, _BY_CLIENT[1:])),
    )  # fmt: skip


def _any(table: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(column for column in columns if (table[column] > 0).any())


def _cases(found: Measured) -> pd.DataFrame:
    made = []
    for case in found.cases:
        checks = found.events("ledger_checked", case)
        if checks:
            sums, trials = totals(checks), len({check["trial"] for check in checks})
            name = case.row if case.durability == DEFAULT else f"{case.where}, {case.durability}"
            made.append({"row": f"{engine_name(case.engine)}, {name}", "failovers": trials} | _counts(sums))
    return pd.DataFrame(made)


def _clients(found: Measured, findings: Sequence[Finding]) -> pd.DataFrame:
    made = []
    for engine in found.engines:
        for client, sums in client_rows(found, engine).items():
            backward = [
                one.value or 0.0 for one in findings
                if one.id.endswith(".backward_reads") and (one.labels["engine"], one.labels["client"]) == (engine, client)
            ]  # fmt: skip
            name = f"{client_row(client)}, {engine_name(engine)}"
            row: dict[str, object] = {"row": name, **_counts(sums)}
            made.append(row | {"backward reads": round(sum(backward)) if backward else None})
    return pd.DataFrame(made)


def _counts(sums: dict[str, int]) -> dict[str, int]:
    order = ("acknowledged", "failed", "ambiguous", "ambiguous_present", "retried", "lost", "phantom", "duplicate")
    headings = {"ambiguous_present": "ambiguous, present", "retried": "retried writes", "failed": "refused writes"}
    return {headings.get(key, f"{key} writes"): sums[key] for key in order}


def _draw(table: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """A panel a count that is anywhere above 0; the first one always."""
    figure, panels = new_panels([_ROW_INCHES * len(table) + 0.1] * len(columns), around=_AROUND_INCHES, share_x=False)
    for at, (axes, column) in enumerate(zip(panels, columns, strict=True)):
        bare = table.assign(low=float("nan"), high=float("nan"))
        points_by_row(axes, bare, column, ("low", "high"), number, names="row", index=at, bars=True)
        axes.set_xlim(left=0, right=max(1.0, 1.16 * float(table[column].max())))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(column)
    return figure
