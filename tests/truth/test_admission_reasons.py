"""B9: sixteen reasons for throttling, each from the limit that it names, with the exception that carries it."""

import pytest

from harness.dynamodb.admission import Admission, Kind, Limit, Resource, exception_name


def over(limit: Limit, kind: Kind, resource: Resource) -> Admission:
    """A table or index, a second old, that this limit and no other keeps from serving one kind of request."""
    match limit:
        case "ProvisionedThroughput":
            made = Admission.provisioned(1, 1, now_s=0, resource=resource)
            made.account(kind, 1_000, 1)
        case "KeyRangeThroughput":
            made = Admission.provisioned(20_000, 20_000, now_s=0, resource=resource)
            made.account(kind, 5_000, 1, partition_hash=0)
        case "MaxOnDemandThroughput":
            made = Admission.on_demand(now_s=0, max_read=10, max_write=10, resource=resource)
            made.account(kind, 100, 1)
        case "AccountLimit":
            made = Admission.on_demand(now_s=0, resource=resource)
            made.warm_up(100_000, 100_000, 0)
            made.account(kind, 50_000, 1)
    return made


@pytest.mark.parametrize(
    ("limit", "exception"),
    [
        ("ProvisionedThroughput", "ProvisionedThroughputExceededException"),
        ("KeyRangeThroughput", "ProvisionedThroughputExceededException"),  # of a provisioned table
        ("MaxOnDemandThroughput", "ThrottlingException"),
        ("AccountLimit", "RequestLimitExceeded"),
    ],
)
@pytest.mark.parametrize("kind", ["read", "write"])
@pytest.mark.parametrize("resource", ["Table", "Index"])
def test_b9_each_limit_gives_its_own_reason(limit: Limit, exception: str, kind: Kind, resource: Resource) -> None:
    """{Table|Index}{Read|Write}{limit}Exceeded; the other kind of request goes on."""
    made = over(limit, kind, resource)
    reason = made.check(kind, 1, partition_hash=0)
    assert reason == f"{resource}{kind.capitalize()}{limit}Exceeded"
    assert exception_name(reason, made.mode) == exception
    other: Kind = "write" if kind == "read" else "read"
    assert made.check(other, 1, partition_hash=0) is None


def test_b9_a_hot_partition_on_demand_is_throttled_by_another_exception() -> None:
    """The same reason; on demand there is no provisioned throughput to exceed."""
    table = Admission.on_demand(now_s=0)
    table.account("read", 4_000, 1, partition_hash=0)
    reason = table.check("read", 1, partition_hash=0)
    assert reason == "TableReadKeyRangeThroughputExceeded"
    assert exception_name(reason, table.mode) == "ThrottlingException"
    assert table.check("read", 1, partition_hash=1 << 63) is None
