"""``dbharness aa``, shortened, through every service it can ask."""

import json

import pytest
from whole_runs import Place

SHORT = ("--comparisons", "2", "--pairs", "2", "--trial-s", "0.05", "--warm-up-s", "0.01")


@pytest.mark.parametrize(
    ("through", "client", "op"),
    [
        ("dynamodb", "lean", "GetItem"), ("valkey", "lean", "GET"), ("postgres", "psycopg", "SELECT"),
        ("mysql", "pymysql", "SELECT"),
    ],
)  # fmt: skip
def test_the_same_is_compared_with_itself_through_every_service(
    place: Place, through: str, client: str, op: str
) -> None:
    """Two comparisons of two pairs, eight trials under two names; exit 0 or 1 as the document says, and nothing is left."""
    done = place.call("aa", "--through", through, *SHORT, "--out", str(place.run), "--json")
    document = json.loads(done.stdout)
    assert done.returncode == (0 if document["well"] else 1), done.stderr
    assert document["run"] == str(place.run)
    assert {one["figure"] for one in document["alarms"]} >= {"p50", "mean"}
    for one in document["alarms"]:
        assert (one["comparisons"], one["pairs"], one["most"]) == (2, 2, 1)
        assert one["share"] == one["alarms"] / 2
    rows = place.samples("series")
    assert {*rows["arm"]} == {"a", "b"} and {*rows["client"]} == {client} and {*rows["op"]} == {op}
    assert {*rows["outcome"]} == {"ok"} and {*rows["phase"]} == {"warm-up", "measured"}
    order = rows.groupby("trial")["arm"].first().tolist()
    assert all({*order[start : start + 2]} == {"a", "b"} for start in range(0, 8, 2))
    assert (place.run / "report.html").exists()
    assert place.leftovers() == []


def test_people_are_told_in_sentences(place: Place) -> None:
    """The false alarms of each figure, what was found, the usual test; and where everything is."""
    done = place.call("aa", *SHORT, "--out", str(place.run))
    assert done.returncode in (0, 1), done.stderr
    assert "2 comparisons of an operation with itself told it apart" in done.stdout
    assert "A Mann–Whitney test on all requests" in done.stdout
    assert done.stdout.splitlines()[-1] == f"everything is in {place.run}"


def test_a_service_that_there_is_not_is_wrong_usage(place: Place) -> None:
    """Exit 2, and those that there are."""
    done = place.call("aa", "--through", "oracle", "--out", str(place.run))
    assert done.returncode == 2
    assert all(name in done.stderr for name in ("dynamodb", "valkey", "postgres", "mysql"))
