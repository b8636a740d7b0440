"""What all tables of one twin share: region, clock, parameters; and how the service tells times and quotas."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from harness.dynamodb.admission import AdmissionParameters
from harness.local.dynamodb.tables.parameters import TableParameters

ACCOUNT_ID = "000000000000"
DAY_S = 86_400.0
MORE = "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."


class Capacity(NamedTuple):
    """Capacity units of a second; none of both where nothing is provisioned."""

    read: int = 0
    write: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The surroundings of tables. ``began_epoch_s`` is the epoch's second at which the service's clock was at 0."""

    region: str = "us-east-1"
    began_epoch_s: float = 0.0
    tables: TableParameters = field(default_factory=TableParameters)
    admission: AdmissionParameters = field(default_factory=AdmissionParameters)

    @classmethod
    def beginning(
        cls, epoch_s: float, tables: TableParameters | None = None, admission: AdmissionParameters | None = None
    ) -> "Account":
        """An account whose service's clock is at 0 at that second of the epoch; its days are UTC's."""
        return cls(
            began_epoch_s=epoch_s,
            tables=tables or TableParameters(),
            admission=replace(admission or AdmissionParameters(), day_began_s=-(epoch_s % DAY_S)),
        )

    def epoch_s(self, now_s: float) -> float:
        """The epoch's second at a moment of the service's clock."""
        return self.began_epoch_s + now_s

    def told(self, now_s: float) -> str:
        """A moment as the service's messages tell it: Wednesday, July 25, 2018 8:48:14 PM UTC."""
        at = datetime.fromtimestamp(self.epoch_s(now_s), UTC)
        return f"{at:%A, %B} {at.day}, {at.year} {at.hour % 12 or 12}:{at:%M:%S %p} UTC"

    def arn(self, table: str) -> str:
        """The ARN of a table."""
        return f"arn:aws:dynamodb:{self.region}:{ACCOUNT_ID}:table/{table}"
