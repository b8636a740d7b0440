"""A trial's use of the two tables of capacity_modes on AWS: loaded once, left alone, and counted by CloudWatch afterwards."""

from collections.abc import Sequence
from typing import Any

from harness.aws.capacity_tables import capacity_tables
from harness.aws.services import AwsServices, table_counts
from harness.dynamodb.answers import bulk_load
from harness.plan import Trial
from harness.scenario import Context


class ManagedTables:
    """``rest_s``: how long the provisioned table is left alone before a trial, in which it may save that much (B2)."""

    def __init__(self, context: Context, *, rest_s: float) -> None:
        services = context.services
        assert isinstance(services, AwsServices)
        self.tables = capacity_tables(services)
        self.counts = table_counts(context)
        self._context, self._rest_s = context, rest_s
        self._left_alone_ns: dict[str, int] = {}

    @property
    def scaled(self) -> bool:
        """Whether the provisioned table's capacity follows demand."""
        return self.tables.scaling is not None

    def prepare(self, trial: Trial, items: Sequence[dict[str, Any]]) -> None:
        """The items in the table, and its store as full as a rest makes it; on demand nothing is saved."""
        table = self.tables.of(trial.arm)
        if table not in self._left_alone_ns:
            bulk_load(self._context.services.dynamodb.lean, table, items, concurrency=1)
            self._left_alone_ns[table] = self._context.clock_ns()
        if table == self.tables.provisioned:
            rested_s = (self._context.clock_ns() - self._left_alone_ns[table]) / 1e9
            self._context.sleep_s(max(0.0, self._rest_s - rested_s))

    def end(self, trial: Trial, begun_ns: int) -> None:
        """The table is left alone from now on; its minutes of this trial are CloudWatch's to count."""
        table = self.tables.of(trial.arm)
        self._left_alone_ns[table] = self._context.clock_ns()
        self.counts.note(table, trial.trial, begun_ns, indexes=self.tables.indexes[table], apart=True)
