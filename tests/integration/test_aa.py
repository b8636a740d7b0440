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


def test_whole_runs_of_a_scenario_are_compared_with_themselves(place: Place) -> None:
    """Two pairs of smoke runs are one comparison: the share of its figures that cried wolf, and nothing that chance isn't in."""
    small = (
        "--profile",
        "smoke",
        "--set",
        "query_vs_scan.parts=[item_bytes]",
        "--set",
        "query_vs_scan.item_sizes=[as_is]",
    )
    few = ("--comparisons", "1", "--pairs", "2")
    done = place.call("aa", "query_vs_scan", *few, *small, "--out", str(place.run), "--json", timeout_s=170)
    document = json.loads(done.stdout)
    assert done.returncode == (0 if document["well"] else 1), done.stderr
    assert (document["comparisons"], document["pairs"], document["apart"]) == (1, 2, [])
    assert "query_vs_scan.latency_p50_ms" in {one["figure"].partition("{")[0] for one in document["figures"]}
    assert f"2 whole pairs; everything is in {place.run}" in done.stderr
    assert place.leftovers() == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--profile", "smoke"), "--profile is of whole runs: name a SCENARIO"),
        (("query_vs_scan", "--trial-s", "1"), "--trial-s is of a series, and query_vs_scan is run as a whole"),
    ],
)  # fmt: skip
def test_options_of_the_other_kind_are_wrong_usage(place: Place, words: tuple[str, ...], why: str) -> None:
    """Exit 2, a line, and nothing made."""
    done = place.call("aa", *words, "--out", str(place.run))
    assert done.returncode == 2
    assert done.stderr.startswith(why)
    assert not place.run.exists()


def test_a_service_that_there_is_not_is_wrong_usage(place: Place) -> None:
    """Exit 2, and those that there are."""
    done = place.call("aa", "--through", "oracle", "--out", str(place.run))
    assert done.returncode == 2
    assert all(name in done.stderr for name in ("dynamodb", "valkey", "postgres", "mysql"))
