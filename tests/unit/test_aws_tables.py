"""Tables that a run makes on AWS: tagged, never in place of somebody else's, and gone with the run."""

from typing import Any

import pytest

from harness.aws.failures import AwsError
from harness.aws.safety import Refused
from harness.aws.tables import PATIENCE_S, TaggedTables
from harness.errors import CannotMeasure
from harness.flights import BY_DEST, table_definition

LIMIT_S = 5.0  # how long a table takes to be made or to go


class Service:
    """DynamoDB's control plane as far as it goes here, behind the gateway's methods; sleeping moves its clock on."""

    stack = "lab"

    def __init__(self, *, theirs: str | None = None) -> None:
        self.now_s = 0.0
        self.tables: dict[str, dict[str, Any]] = {}
        self.going: dict[str, float] = {}
        if theirs:
            self.tables[theirs] = {"ready_s": 0.0, "tag": None}
        self.log: list[str] = []
        self.made: list[dict[str, Any]] = []

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        for name in [name for name, at_s in self.going.items() if at_s <= self.now_s]:
            del self.tables[name], self.going[name]

    def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        assert service == "dynamodb"
        name = params["TableName"]
        if operation == "CreateTable":
            assert name not in self.tables
            (tag,) = params["Tags"]
            self.made.append(params)
            self.log.append(f"create {name}")
            self.tables[name] = {"ready_s": self.now_s + LIMIT_S, "tag": tag["Value"]}
            return {}
        if name not in self.tables:
            raise AwsError("no such table", trouble="missing")
        ready = self.tables[name]["ready_s"] <= self.now_s
        state = "DELETING" if name in self.going else ("ACTIVE" if ready else "CREATING")
        return {"Table": {"TableStatus": state}}

    def guarded(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        name = params["TableName"]
        if self.tables[name]["tag"] != self.stack:
            raise Refused(f"Delete of table {name} is refused: it has no tag")
        self.log.append(f"delete {name}")
        self.going[name] = self.now_s + LIMIT_S
        return {}


def tables_of(service: Service) -> TaggedTables:
    return TaggedTables(service, sleep_s=service.sleep, clock_s=lambda: service.now_s)  # type: ignore[arg-type]


def test_a_table_is_made_with_the_tag_and_gone_at_the_end() -> None:
    """On demand, there to be written to on return; nothing is left."""
    service = Service()
    tables = tables_of(service)
    tables.create(table_definition("dbharness-lab-flights_10", indexes=(), by_dest=True))
    assert service.now_s >= LIMIT_S and service.made[0]["BillingMode"] == "PAY_PER_REQUEST"
    assert service.made[0]["Tags"] == [{"Key": "dbharness", "Value": "lab"}]
    assert service.made[0]["GlobalSecondaryIndexes"][0]["IndexName"] == BY_DEST.name
    tables.close()
    assert service.tables == {}


def test_what_a_killed_run_left_is_made_anew() -> None:
    """It has our tag: deleted, waited for, and made again."""
    service = Service()
    service.tables["left"] = {"ready_s": 0.0, "tag": "lab"}
    tables_of(service).create(table_definition("left"))
    assert service.log == ["delete left", "create left"]


def test_somebody_else_s_table_of_that_name_is_not_touched() -> None:
    """No tag of ours: refused, and still there; nor is it deleted at the end."""
    service = Service(theirs="flights_10")
    tables = tables_of(service)
    with pytest.raises(Refused, match="has no tag"):
        tables.create(table_definition("flights_10"))
    tables.close()
    assert list(service.tables) == ["flights_10"] and service.log == []


def test_a_table_that_cannot_be_deleted_costs_no_other_and_is_said() -> None:
    """The tag was taken off one of two in the middle of the run."""
    service = Service()
    tables = tables_of(service)
    for name in ("one", "two"):
        tables.create(table_definition(name))
    service.tables["two"]["tag"] = None
    with pytest.raises(CannotMeasure, match=r"tables are left behind.*two"):
        tables.close()
    assert list(service.tables) == ["two"]


def test_a_table_that_is_never_there_is_not_waited_for_for_ever() -> None:
    """Named, with how long."""
    service = Service()
    service.sleep(0)
    tables = TaggedTables(service, sleep_s=service.sleep, clock_s=lambda: service.now_s * 100)  # type: ignore[arg-type]
    with pytest.raises(CannotMeasure, match=f"table slow is CREATING for {PATIENCE_S:g} s, expected ACTIVE"):
        tables.create(table_definition("slow"))


def test_a_table_that_is_going_already_is_waited_for() -> None:
    """An earlier run was killed while it went: DynamoDB refuses a second deletion, so none is asked for."""
    service = Service()
    service.tables["dbharness-lab-flights_10"] = {"ready_s": 0.0, "tag": "lab"}
    service.going["dbharness-lab-flights_10"] = LIMIT_S
    tables_of(service).create(table_definition("dbharness-lab-flights_10"))
    assert service.log == ["create dbharness-lab-flights_10"]


def test_a_table_that_could_not_be_deleted_again_is_not_made() -> None:
    """A prefix that says production: the deletion would be refused, so nothing is asked for."""
    service = Service()
    with pytest.raises(Refused, match="prod-flights_10 looks like production"):
        tables_of(service).create(table_definition("prod-flights_10"))
    assert service.log == []
