"""What the service tells about an account and itself: DescribeLimits, DescribeEndpoints."""

from collections.abc import Callable
from typing import Any

from harness.local.dynamodb.tables.account import Account

SERVICE_ACCOUNT_UNITS = 80_000


class Limits:
    """Quotas, and the address that clients are told to come to."""

    def __init__(self, account: Account, endpoint: Callable[[], str]) -> None:
        self._account, self._endpoint = account, endpoint

    def describe(self, _request: dict[str, Any], _now_s: float) -> dict[str, Any]:
        """DescribeLimits; without a limit of the account it tells the service's."""
        parameters = self._account.tables
        of_account = parameters.account_units or SERVICE_ACCOUNT_UNITS
        return {
            "AccountMaxReadCapacityUnits": of_account,
            "AccountMaxWriteCapacityUnits": of_account,
            "TableMaxReadCapacityUnits": parameters.table_units,
            "TableMaxWriteCapacityUnits": parameters.table_units,
        }

    def describe_endpoints(self, _request: dict[str, Any], _now_s: float) -> dict[str, Any]:
        """DescribeEndpoints; the service's own period."""
        return {"Endpoints": [{"Address": self._endpoint(), "CachePeriodInMinutes": 1_440}]}
