"""What transactions consume (A1, A2, A12, A13), through the twin in process, each figure by hand."""

import pytest
from metered_tables import ALL, INDEXES, KB, KEYS_ONLY, Raw, arms, counted, item, key, make, put
from twin_in_process import ask, done, refused, unhurried

from harness.local.dynamodb.service import Service


@pytest.fixture
def twin() -> Service:
    return unhurried()


def write(twin: Service, *parts: Raw, **more: str) -> list[Raw]:
    """TransactWriteItems; what each table consumed."""
    consumed: list[Raw] = done(twin, "TransactWriteItems", TransactItems=parts, **INDEXES, **more)["ConsumedCapacity"]
    return consumed


def put_of(table: str, new: Raw, **more: str) -> Raw:
    return {"Put": {"TableName": table, "Item": new, **more}}


def check_of(table: str, asked: Raw, condition: str = "attribute_exists(p)") -> Raw:
    return {"ConditionCheck": {"TableName": table, "Key": asked, "ConditionExpression": condition}}


@pytest.mark.parametrize(("size", "units"), [(KB, 2), (KB + 1, 4), (3 * KB, 6), (400 * KB, 800)])
def test_a2_a_write_in_a_transaction_costs_twice(twin: Service, size: int, units: float) -> None:
    """The guide's 3 KB item: 6."""
    (consumed,) = write(twin, put_of(make(twin), item("a", "1", size)))
    assert arms(consumed) == (units, 0, 0)


@pytest.mark.parametrize(("size", "units"), [(4 * KB, 2), (4 * KB + 1, 4), (400 * KB, 200), (None, 2)])
def test_a1_a_read_in_a_transaction_costs_two_for_each_4_kb(twin: Service, size: int | None, units: float) -> None:
    """Two blocks are 4, the largest item 200, and what isn't there 2."""
    table = make(twin)
    if size is not None:
        put(twin, table, item("a", "1", size))
    gets = [{"Get": {"TableName": table, "Key": key("a", "1")}}]
    answer = done(twin, "TransactGetItems", TransactItems=gets, **INDEXES)
    assert [arms(one) for one in answer["ConsumedCapacity"]] == [(units, 0, 0)]
    assert ("Item" in answer["Responses"][0]) == (size is not None)


def test_a13_each_part_is_rounded_then_doubled_then_added(twin: Service) -> None:
    """Puts of 1.5 and 2.5 KB in one table, 500 bytes in another: 2 × 2 + 2 × 3 = 10, and 2; one sum of 4 KB were 8."""
    one, other = make(twin, "one"), make(twin, "other")
    parts = [put_of(one, item("a", "1", 1_536)), put_of(one, item("a", "2", 2_560)), put_of(other, item("a", "1", 500))]
    told = {consumed["TableName"]: arms(consumed) for consumed in write(twin, *parts)}
    assert told == {"one": (10, 0, 0), "other": (2, 0, 0)}


def test_a13_deletions_and_checks_are_sized_on_the_item_there_is(twin: Service) -> None:
    """3,000 bytes are 3 units, twice that for a check that writes nothing and for the deletion; nothing there, 2."""
    table = make(twin)
    put(twin, table, item("a", "1", 3_000))
    (checked,) = write(twin, check_of(table, key("a", "1")))
    (deleted,) = write(twin, {"Delete": {"TableName": table, "Key": key("a", "1")}})
    (nothing,) = write(twin, {"Delete": {"TableName": table, "Key": key("a", "1")}})
    assert [arms(one) for one in (checked, deleted, nothing)] == [(6, 0, 0), (6, 0, 0), (2, 0, 0)]


def test_a13_an_update_costs_twice_the_larger_of_before_and_after(twin: Service) -> None:
    """2,500 bytes cut to a few by REMOVE: 2 × 3."""
    table = make(twin)
    put(twin, table, item("a", "1", 2_500))
    update = {"TableName": table, "Key": key("a", "1"), "UpdateExpression": "REMOVE x"}
    (consumed,) = write(twin, {"Update": update})
    assert arms(consumed) == (6, 0, 0)


def test_a12_a_transaction_doubles_the_tables_part_alone(twin: Service) -> None:
    """1,500 bytes, in all of which the local index shares: 2 × 2 and 2; the global one has 6 bytes: 1, then 1 + 1 to move."""
    table = make(twin, by_g=KEYS_ONLY, by_l=ALL)
    (new,) = write(twin, put_of(table, item("a", "1", 1_500, g="1", l="1")))
    (moved,) = write(twin, put_of(table, item("a", "1", 1_500, g="2", l="1")))
    (checked,) = write(twin, check_of(table, key("a", "1")))
    assert [arms(one) for one in (new, moved, checked)] == [(4, 2, 1), (4, 2, 2), (4, 0, 0)]


def test_a13_a_cancelled_transaction_changes_nothing_tells_no_units_and_consumes(twin: Service) -> None:
    """A put of 1,500 bytes, 2 × 2, and a check that fails on nothing, 2 × 1: the meter counts 6."""
    table = make(twin, by_g=KEYS_ONLY)
    parts = [put_of(table, item("a", "1", 1_500, g="1")), check_of(table, key("b", "1"))]
    status, answer = ask(twin, "TransactWriteItems", TransactItems=parts, **INDEXES)
    assert (status, answer["__type"].rpartition("#")[2]) == (400, "TransactionCanceledException")
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert "ConsumedCapacity" not in answer
    assert "Item" not in done(twin, "GetItem", TableName=table, Key=key("a", "1"))
    assert counted(twin, table) == 6


def test_a13_the_same_token_again_reads_instead_of_writing(twin: Service) -> None:
    """A put of 200 bytes over 9 KB: 2 × 9 first; again, as measured on the service, 2 × 3 blocks of what was there."""
    table = make(twin)
    put(twin, table, item("a", "1", 9 * KB))
    parts = [put_of(table, item("a", "1", 200))]
    first, again = (write(twin, *parts, ClientRequestToken="once")[0]["CapacityUnits"] for _ in range(2))
    assert (first, again) == (18, 6)


@pytest.mark.parametrize("operation", ["TransactWriteItems", "TransactGetItems"])
def test_a13_a_transaction_has_at_most_100_parts(twin: Service, operation: str) -> None:
    """100 small ones are 200 units either way; 101 are refused."""
    table = make(twin)
    puts = [put_of(table, item("a", str(n))) for n in range(101)]
    gets = [{"Get": {"TableName": table, "Key": key("a", str(n))}} for n in range(101)]
    parts = puts if operation == "TransactWriteItems" else gets
    (consumed,) = done(twin, operation, TransactItems=parts[:100], **INDEXES)["ConsumedCapacity"]
    assert arms(consumed) == (200, 0, 0)
    assert refused(twin, operation, TransactItems=parts) == "ValidationException"
