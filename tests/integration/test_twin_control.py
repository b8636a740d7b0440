"""The twin's clock and parameters changed while it runs: the clock never jumps, tables that are there stay as they are."""

import pytest

from harness.dynamodb.client import DynamoClient
from harness.errors import CannotMeasure
from harness.local.dynamodb.service import Service
from harness.local.services import LocalServices, State
from harness.local.twin_control import TwinControl
from harness.services import Needs


@pytest.fixture
def url(twin_services):
    return twin_services.dynamodb_url


@pytest.fixture
def twin_services():
    services = LocalServices.up(Needs(dynamodb=True, dynamodb_own=True))
    yield services
    services.close()


def made(url, name):
    """A table on demand."""
    definition = {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }  # fmt: skip
    with DynamoClient(url) as client:
        assert client.call("CreateTable", definition).status == 200


def partitions(control, table):
    return len(control.state()["tables"][table]["meters"]["table"]["admission"]["partitions"])


def test_the_clock_goes_on_from_where_it_is() -> None:
    """100 wall seconds at speed 1, 10 at 50, 10 at 2: 100, 600, 620 service seconds, and no jump at a change."""
    wall = [0.0]
    service = Service(clock_s=lambda: wall[0])
    wall[0] = 100.0
    service.set_speed(50)
    assert service.now_s == pytest.approx(100)
    wall[0] = 110.0
    assert service.now_s == pytest.approx(600)
    service.set_speed(2)
    assert service.now_s == pytest.approx(600)
    wall[0] = 120.0
    assert service.now_s == pytest.approx(620)
    service.reset()
    assert (service.speed, service.now_s) == (1.0, 0.0)


def test_tables_made_later_suppose_what_was_asked_for(url) -> None:
    """New on-demand tables begin with 12,000 R / 4,000 W: 4 partitions of 3,000 R and 1,000 W; of 400 W it takes 10."""
    control = TwinControl(url)
    made(url, "before")
    control.suppose({"partition_read_rate": 3_000, "partition_write_rate": 400})
    made(url, "after")
    assert control.state()["admission"]["partition_write_rate"] == 400
    assert (partitions(control, "before"), partitions(control, "after")) == (4, 10)
    control.suppose({"on_demand_read_rate": 12, "on_demand_write_rate": 4})
    made(url, "small")
    assert partitions(control, "small") == 1, "the partition's rates are the default again"
    control.suppose(None)
    made(url, "again")
    assert partitions(control, "again") == 4


def test_its_speed_is_told_and_wrong_words_are_refused(url) -> None:
    """One line each that says what is wrong; nothing changes."""
    control = TwinControl(url)
    control.set_speed(300)
    assert control.state()["speed"] == 300
    for wrong in (0, -1, 2_000_000):
        with pytest.raises(CannotMeasure, match="expected.*a number above 0"):
            control.set_speed(wrong)
    with pytest.raises(CannotMeasure, match="admission.burst: unknown; there are burst_s"):
        control.suppose({"burst": 1})
    with pytest.raises(CannotMeasure, match="partition_read_rate and partition_write_rate must be > 0"):
        control.suppose({"partition_read_rate": 0})
    assert control.state()["speed"] == 300


def test_a_twin_that_is_gone_is_said(twin_services) -> None:
    """With where it should be."""
    twin_services.close()
    with pytest.raises(CannotMeasure, match="doesn't answer at /_twin/"):
        TwinControl(twin_services.dynamodb_url).state()


def test_a_scenario_that_alters_its_twin_never_shares_one() -> None:
    """What `services up` left running isn't offered to it."""
    state = State(control="c", dynamodb_url="http://127.0.0.1:1")
    assert state.offers(Needs(dynamodb=True))
    assert not state.offers(Needs(dynamodb=True, dynamodb_own=True))
