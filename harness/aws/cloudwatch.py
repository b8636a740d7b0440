"""What DynamoDB counted by CloudWatch: fetched after the run for the whole minutes in which only trials touched a table.

The client's own counts of the same minutes stand in the samples; the report lays both side by side.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from harness.aws.failures import AwsError
from harness.aws.gateway import Aws
from harness.errors import CannotMeasure
from harness.rundir import Events
from harness.services import Place

MINUTE_NS = 60_000_000_000
UNSETTLED_S = 180.0
"""CloudWatch has a minute's points some minutes late: asked for sooner they are too few."""
ASKS, ASK_EVERY_S = 5, 60.0
"""So often at most, so far apart, until two answers in a row are the same."""
QUERIES_A_CALL = 500
OPERATIONS = ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem")
NO_MINUTE = "no whole minute of CloudWatch's lies within the trials"


@dataclass(slots=True, kw_only=True)
class Watched:
    """One table over the trials that were its only load; monotonic ns, the first begin and the last end."""

    table: str
    indexes: tuple[str, ...]
    begin_ns: int
    end_ns: int
    trials: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Sums of the minutes: units of table and indexes, and requests that were throttled."""

    read: float
    write: float
    throttled: float


class TableCounts:
    """The tables of a run, and what CloudWatch says of each once ``settle`` has waited for it."""

    def __init__(
        self,
        aws: Aws,
        place: Place,
        events: Events,
        *,
        sleep_s: Callable[[float], None] = time.sleep,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._aws, self._place, self._events = aws, place, events
        self._sleep_s, self._clock_ns, self._wall_ns = sleep_s, clock_ns, wall_ns
        self._watched: dict[object, Watched] = {}

    def note(
        self, table: str, trial: int, begin_ns: int, *, indexes: Iterable[str] = (), apart: bool = False
    ) -> None:  # fmt: skip
        """A trial that ends now was the table's only load; ``apart``: between trials others touched it."""
        end_ns = self._clock_ns()
        key = (table, trial) if apart else table
        watched = self._watched.setdefault(
            key, Watched(table=table, indexes=tuple(indexes), begin_ns=begin_ns, end_ns=end_ns)
        )
        watched.trials.append(trial)
        watched.end_ns = end_ns

    def settle(self) -> None:
        """Events ``cloudwatch``, one a table (or trial), or ``cloudwatch_absent`` with the reason. Never ends a run."""
        if not self._watched:
            return
        if self._place != "aws" and self._aws.endpoint_url is None:
            self._absent(f"{self._place}: no CloudWatch counts there")
            return
        minutes = [(watched, span) for watched in self._watched.values() if (span := self._whole_minutes(watched))]
        if not minutes:
            self._absent(NO_MINUTE)
            return
        try:
            self._fetch(minutes)
        except (AwsError, CannotMeasure) as error:
            self._absent(str(error))

    def _fetch(self, minutes: Sequence[tuple[Watched, tuple[int, int]]]) -> None:
        last_ns = max(end for _, (_, end) in minutes)
        self._sleep_s(max(0.0, last_ns / 1e9 + UNSETTLED_S - self._wall_ns() / 1e9))
        before: list[Counted] | None = None
        for _ in range(ASKS):
            counts = [read(self._aws, watched, *span) for watched, span in minutes]
            if counts == before and any(one.read or one.write for one in counts):
                break
            before = counts
            self._sleep_s(ASK_EVERY_S)
        offset_ns = self._wall_ns() - self._clock_ns()
        for (watched, (begin_ns, end_ns)), counted in zip(minutes, counts, strict=True):
            self._events.add(
                "cloudwatch", table=watched.table, trials=watched.trials, minutes=(end_ns - begin_ns) // MINUTE_NS,
                begin_ns=begin_ns - offset_ns, end_ns=end_ns - offset_ns, read=counted.read, write=counted.write,
                throttled=counted.throttled,
            )  # fmt: skip

    def _whole_minutes(self, watched: Watched) -> tuple[int, int] | None:
        """The wall's whole minutes between the first begin and the last end, ns; None where there is none."""
        offset_ns = self._wall_ns() - self._clock_ns()
        begin_ns = -(-(watched.begin_ns + offset_ns) // MINUTE_NS) * MINUTE_NS
        end_ns = (watched.end_ns + offset_ns) // MINUTE_NS * MINUTE_NS
        return (begin_ns, end_ns) if end_ns > begin_ns else None

    def _absent(self, reason: str) -> None:
        self._events.add("cloudwatch_absent", reason=reason)


def read(aws: Aws, watched: Watched, begin_ns: int, end_ns: int) -> Counted:
    """What CloudWatch has of these minutes now. Raises AwsError."""
    asked = list(_queries(watched))
    sums: dict[str, float] = defaultdict(float)
    for first in range(0, len(asked), QUERIES_A_CALL):
        part = asked[first : first + QUERIES_A_CALL]
        results = aws.paginate(
            "cloudwatch", "GetMetricData", "MetricDataResults", MetricDataQueries=[query for _, query in part],
            StartTime=datetime.fromtimestamp(begin_ns / 1e9, UTC), EndTime=datetime.fromtimestamp(end_ns / 1e9, UTC),
        )  # fmt: skip
        what = {query["Id"]: name for name, query in part}
        for result in results:
            sums[what[result["Id"]]] += sum(result.get("Values", ()))
    return Counted(read=sums["read"], write=sums["write"], throttled=sums["throttled"])


def _queries(watched: Watched) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each metric counts, and its query: an index's units are no part of its table's."""
    table = {"TableName": watched.table}
    metrics: list[tuple[str, str, Mapping[str, str]]] = [
        (kind, f"Consumed{kind.capitalize()}CapacityUnits", where)
        for where in (table, *(table | {"GlobalSecondaryIndexName": index} for index in watched.indexes))
        for kind in ("read", "write")
    ]
    metrics += [("throttled", "ThrottledRequests", table | {"Operation": operation}) for operation in OPERATIONS]
    for number, (what, metric, where) in enumerate(metrics):
        dimensions = [{"Name": name, "Value": value} for name, value in where.items()]
        yield (
            what,
            {
                "Id": f"m{number}", "ReturnData": True,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/DynamoDB", "MetricName": metric, "Dimensions": dimensions},
                    "Period": 60, "Stat": "Sum",
                },
            },
        )  # fmt: skip
