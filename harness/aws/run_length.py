"""How long a planned run on AWS is, and what it asks of DynamoDB on demand. Pure: from settings and planned trials.

On AWS nothing runs faster than the wall, so capacity_modes' service seconds are seconds. What the settings don't fix is
assumed here, by name; a part whose figures the local stand-ins alone can set isn't planned.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from harness.aws.deployment import ITEM_BYTES, Database, Part
from harness.dynamodb.metering import read_units, write_units
from harness.dynamodb.query_settings import QueryVsScanSettings
from harness.flight_questions import ARMS, reads_it_all
from harness.index_writes import INDEXES, QUESTIONS
from harness.plan import Trial

UP_S: Final = 45 * 60.0
"""Assumed: creating the stack; a Multi-AZ database and its proxy are what takes so long."""
DOWN_S: Final = 20 * 60.0
"""Assumed: taking it down."""
BETWEEN_TRIALS_S: Final = 2.0
"""Assumed: tables or rows made and a cache filled before a trial, and a look at them after it."""
TABLE_S: Final = 20.0
"""Assumed: a table made ready for a trial."""
STORE_S: Final = 300.0
"""Until a provisioned table's store of unused capacity is full again (B2)."""
ANSWER_S: Final = 0.05
"""Assumed: an answer of some dozen items, over every way to it: a GetItem each takes longest."""
PAGE_S: Final = 0.1
"""Assumed: a page of 1 MB of it."""
LOADED_PER_S: Final = 2_000.0
"""Assumed: items loaded a second; a new table on demand takes 4,000 units of writes (B5), an index as many again."""
FAILOVER_S: Final = {"multi_az_instance": 120.0, "multi_az_cluster": 35.0}
"""The upper end of what is typical (D1)."""
REST_S: Final = 300.0
"""Assumed: from one failover to the next; one too soon is refused (D3, RDS-EVENT-0034)."""
_PAGE_BYTES = 1_000_000
NOT_ON_AWS: Final = {
    "query_vs_scan": ("neighbour",),
    "capacity_modes": ("hot",),
    "cache_hit_rate": ("lost",),
}
"""Parts that need the twin's clock or its limits, or a cache that can be killed."""


def deploying() -> tuple[Part, ...]:
    """Before and after: both are paid for."""
    return (
        Part(name="up", seconds=UP_S, how="assumed"),
        Part(name="down", seconds=DOWN_S, how="assumed"),
    )


def capacity_modes(trials: Iterable[Trial]) -> Part:
    """Every trial at the speed of the wall; where capacity is provisioned, once the store of it is full again.

    Units of the arms that are billed on demand: at most what the trial's peak would ask for all the time.
    """
    measured = _on_aws("capacity_modes", trials)
    rests = sum(STORE_S for one in measured if not one.arm.startswith("on_demand"))
    seconds = rests + sum(float(one.params["service_s"]) + TABLE_S for one in measured)
    peak_s = {
        kind: sum(
            float(one.params["peak_multiple"])
            * float(one.params[f"{kind}_capacity_units"])
            * float(one.params["service_s"])
            for one in measured
            if one.arm.startswith("on_demand")
        )
        for kind in ("read", "write")
    }
    return Part(
        name="capacity_modes", seconds=seconds, read_request_units=peak_s["read"], write_request_units=peak_s["write"],
        how=f"{len(measured)} trials at speed 1, {TABLE_S:g} s before each, {STORE_S:g} s more where capacity is provisioned (B2)",
    )  # fmt: skip


def cache_hit_rate(trials: Iterable[Trial]) -> Part:
    """Every trial as long as its plan says."""
    measured = _on_aws("cache_hit_rate", trials)
    seconds = sum(float(one.params["warm_up_s"]) + float(one.params["measured_s"]) for one in measured)
    return Part(
        name="cache_hit_rate", seconds=seconds + BETWEEN_TRIALS_S * len(measured),
        how=f"{len(measured)} trials, {BETWEEN_TRIALS_S:g} s between two",
    )  # fmt: skip


def rds_failover(databases: Iterable[Database], *, trials: int) -> Part:
    """So many failovers of each database that has somewhere to go, one after another."""
    standing = [one for one in databases if one.topology in FAILOVER_S]
    seconds = sum(trials * (FAILOVER_S[one.topology] + REST_S) for one in standing)
    return Part(
        name="rds_failover", seconds=seconds,
        how=f"{trials} failovers of {_count(len(standing), 'database')}, typical at most (D1), {REST_S:g} s to the next",
    )  # fmt: skip


def query_vs_scan(settings: QueryVsScanSettings) -> Part:
    """Loading its tables, and the answers that read or write much: every Scan, and every answer that is a share of the table.

    Short answers count for time alone: a Query of an aircraft's flights is a few units.
    """
    parts = [part for part in settings.parts if part not in NOT_ON_AWS["query_vs_scan"]]
    largest, answers = settings.largest, settings.warm_up_answers + settings.least_answers
    scans = settings.warm_up_answers + settings.least_scans
    read = seconds = loaded = 0.0
    if "arms" in parts:  # a strong one counts for two; filter, COUNT and segments change nothing (A5, A17)
        arms = [arm for of_question in ARMS.values() for arm in of_question]
        whole = sum(map(reads_it_all, arms)) + len(settings.segments)
        read += (whole + arms.count("scan_strong")) * scans * _scan_units(largest)
        seconds += whole * scans * _scan_s(largest) + (len(arms) - sum(map(reads_it_all, arms))) * answers * ANSWER_S
        loaded += _loaded(largest, indexes=_ALL_INDEXES)
    if "table_items" in parts:
        for items in settings.table_items:
            read += 2 * scans * _scan_units(items)
            seconds += 2 * (scans * _scan_s(items) + answers * ANSWER_S)
            loaded += 0.0 if items == largest and "arms" in parts else _loaded(items, indexes=1)
    if "answer_share" in parts:
        once = settings.warm_up_answers + 1
        for share in settings.answer_shares:  # the Scan, and a Query and Gets of the share
            read += once * (1 + share) * _scan_units(largest)
            seconds += once * (1 + share) * _scan_s(largest)
            if share * largest <= settings.most_keys:
                read += once * 2 * share * largest * read_units(int(ITEM_BYTES), "eventual")
                seconds += once * share * largest * ANSWER_S
    if "item_bytes" in parts:
        for size in settings.item_sizes:
            size_bytes = float(size) if isinstance(size, int) else ITEM_BYTES
            read += scans * _scan_units(settings.item_size_items, size_bytes)
            seconds += scans * _scan_s(settings.item_size_items, size_bytes) + 2 * answers * ANSWER_S
            loaded += settings.item_size_items * write_units(int(size_bytes))
    written = 0.0
    if "index_writes" in parts:
        writes = settings.warm_up_answers + settings.index_writes
        written = _WRITE_CELLS * writes * _WRITE_UNITS
        seconds += _WRITE_CELLS * writes * ANSWER_S
        loaded += len(INDEXES) * _loaded(settings.index_write_items, indexes=1)
    return Part(
        name="query_vs_scan", seconds=settings.pairs * seconds + loaded / LOADED_PER_S,
        read_request_units=settings.pairs * read, write_request_units=settings.pairs * written + loaded,
        how=f"{settings.pairs} rounds, {ANSWER_S:g} s a short answer and {PAGE_S:g} s a page; tables loaded by {LOADED_PER_S:,.0f} units a second",
    )  # fmt: skip


_ALL_INDEXES = 5  # three by destination, two within an aircraft
_WRITE_CELLS = len(QUESTIONS) * len(INDEXES)
_WRITE_UNITS = 3.0  # at most: the item, and its entry taken away and put elsewhere (A12)


def _scan_units(items: float, item_bytes: float = ITEM_BYTES) -> float:
    return read_units(int(items * item_bytes), "eventual")


def _scan_s(items: float, item_bytes: float = ITEM_BYTES) -> float:
    return max(ANSWER_S, items * item_bytes / _PAGE_BYTES * PAGE_S)


def _loaded(items: int, *, indexes: int) -> float:
    """Units: one for each item and each of its index entries, none of which is above 1 KB (A2, A12)."""
    return float(items * (1 + indexes))


def _on_aws(scenario: str, trials: Iterable[Trial]) -> Sequence[Trial]:
    return [one for one in trials if one.labels.get("part") not in NOT_ON_AWS[scenario]]


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
