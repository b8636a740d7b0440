"""The flights in both engines: every row there, the same answers, byte for byte."""

import orjson
import pytest

from harness import dataset
from harness.local.services import LocalServices
from harness.services import Needs
from harness.sql import schema
from harness.sql.connections import connect

ENGINES = ("postgres", "mysql")


@pytest.fixture(scope="module")
def january():
    return dataset.load((1,))


@pytest.fixture(scope="module")
def connections(january):
    services = LocalServices.up(Needs(engines=ENGINES))
    assert not services.unavailable, services.unavailable
    both = {engine: connect(services.sql[engine]) for engine in ENGINES}
    for connection in both.values():
        schema.create(connection)
        assert schema.load(connection, january) == 27_004 + 3_322 + 1_458 + 16 + january.weather.num_rows
    yield both
    for connection in both.values():
        connection.close()
    services.close()


@pytest.fixture(params=ENGINES)
def connection(request, connections):
    return connections[request.param]


def test_every_row_is_there(connection, january):
    """Five tables hold as many rows as the data, flights without tail number, plane or airport included."""
    counts = {name: connection.query(f"SELECT count(*) FROM {name}")[0][0] for name in schema.TABLES}
    assert counts == {name: getattr(january, name).num_rows for name in schema.TABLES}
    missing = {
        "tailnum IS NULL": 155,
        "tailnum IS NOT NULL AND tailnum NOT IN (SELECT tailnum FROM planes)": 4_324,
        "dest NOT IN (SELECT faa FROM airports)": 680,
        "air_time IS NULL": 606,
    }
    for condition, count in missing.items():
        assert connection.query(f"SELECT count(*) FROM flights WHERE {condition}") == [(count,)]


def test_sums_are_those_of_the_data(connection, january):
    """Numbers survived the way: distance, delays and coordinates add up to what the data adds up to."""
    assert connection.query("SELECT sum(distance), sum(arr_delay), count(arr_delay) FROM flights") == [
        (
            sum(january.flights["distance"].to_pylist()),
            sum(january.flights["arr_delay"].drop_null().to_pylist()),
            27_004 - 606,
        )
    ]
    (latitudes,) = connection.query("SELECT sum(lat) FROM airports")[0]
    assert latitudes == pytest.approx(sum(january.airports["lat"].to_pylist()), rel=1e-12)


def test_what_was_left_out_can_be_computed(connection, january):
    """The parts of the scheduled time stand in sched_dep; the weather's key finds the flight's own hour."""
    parts = connection.query(
        "SELECT extract(month FROM sched_dep), extract(day FROM sched_dep), extract(hour FROM sched_dep), "
        "extract(minute FROM sched_dep), count(*) FROM flights GROUP BY 1, 2, 3, 4"
    )
    expected = {}
    for row in zip(*(january.flights[name].to_pylist() for name in ("month", "day", "hour", "minute")), strict=True):
        expected[row] = expected.get(row, 0) + 1
    assert {tuple(int(part) for part in row[:4]): row[4] for row in parts} == expected
    joined = connection.query(
        "SELECT count(*) FROM flights f JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour"
    )
    assert joined == [(27_004 - 52,)]


def test_an_aircraft_is_its_plane_and_latest_flights(connection, january):
    """N14228: the plane's data and its flights, latest first, equal what the data says."""
    value = orjson.loads(schema.aircraft(connection, "N14228"))
    rows = [row for row in january.flights.to_pylist() if row["tailnum"] == "N14228"]
    names = dict(zip(*(january.airlines[column].to_pylist() for column in ("carrier", "name")), strict=True))
    latest = sorted(rows, key=lambda row: row["sched_dep"], reverse=True)[:20]
    assert value["flights"] == [
        {
            "sched_dep": row["sched_dep"].isoformat(),
            "airline": names[row["carrier"]],
            **{name: row[name] for name in ("flight", "origin", "dest", "dep_delay", "arr_delay", "distance")},
        }
        for row in latest
    ]
    (plane,) = [row for row in january.planes.to_pylist() if row["tailnum"] == "N14228"]
    assert value["plane"] == {name: plane[name] for name in schema.PLANE_COLUMNS}


def test_both_engines_answer_with_the_same_bytes(connections, january):
    """For 200 aircraft, planes known and unknown, what a cache would hold doesn't depend on the engine."""
    tails = sorted(set(january.flights["tailnum"].drop_null().to_pylist()))[::15]
    assert len(tails) > 200
    for tail in tails:
        assert schema.aircraft(connections["postgres"], tail) == schema.aircraft(connections["mysql"], tail)


def test_an_aircraft_nobody_knows_has_no_flights(connection):
    """No rows give an empty answer, not an error."""
    assert schema.aircraft(connection, "N00000") == b'{"plane":null,"flights":[]}'


def test_the_read_uses_an_index(connection):
    """The read behind the cache looks flights up by tail number instead of reading them all."""
    plan = str(connection.query("EXPLAIN " + schema.AIRCRAFT_SQL, ("N14228",)))
    assert "flights_by_tailnum" in plan


def test_tables_can_be_made_again(connections, january):
    """Creating drops what was there: a second load doesn't double."""
    connection = connections["postgres"]
    schema.create(connection)
    schema.load(connection, january)
    assert connection.query("SELECT count(*) FROM flights") == [(27_004,)]
