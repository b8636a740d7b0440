"""Our routes on a Flask app as Locust makes one: what they answer, and which files they don't."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, abort
from locust.stats import RequestStats

from harness.cockpit.routes import add_routes, report_file
from harness.cockpit.tabs import show
from harness.cockpit.ticking import Cockpit
from harness.live import Live


class WebUI:
    """The part of Locust's that we use; ``shut``: nobody is logged in."""

    def __init__(self) -> None:
        self.app = Flask("locust")
        self.template_args: dict[str, Any] = {}
        self.shut = False
        self.environment = SimpleNamespace(stats=RequestStats())

    def auth_required_if_enabled(self, view: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return abort(401) if self.shut else view(*args, **kwargs)

        return guarded


@pytest.fixture
def cockpit() -> Cockpit:
    return Cockpit(Live())


@pytest.fixture
def web_ui(cockpit: Cockpit) -> WebUI:
    web_ui = WebUI()
    web_ui.app.add_url_rule("/", "locust.index", lambda: '<body><div id="root"></div></body>')
    web_ui.app.add_url_rule(
        "/stats/requests", "locust.request_stats",
        lambda: {"stats": [one.to_dict() for one in (*web_ui.environment.stats.entries.values(), web_ui.environment.stats.total)]},
    )  # fmt: skip
    show(web_ui, cockpit.live, cockpit.state)
    add_routes(web_ui, cockpit, base_path="/base")
    return web_ui


def test_the_page_and_all_it_loads_come_from_this_process(web_ui: WebUI) -> None:
    """Every address in page and scripts is below our own; the policy allows no other."""
    client = web_ui.app.test_client()
    page = client.get("/base/dbharness/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text
    for name in ("live.css", "live.js", "charts.js", "figures.js", "uPlot.iife.min.js", "uPlot.min.css"):
        assert client.get(f"/base/dbharness/static/{name}").status_code == 200, name
    charts = client.get("/base/dbharness/charts").get_json()
    assert [chart["title"] for chart in charts][:2] == ["Read units a second", "Write units a second"]
    assert list(charts[0]["values"]) == ["read_units_per_s", "read_provisioned_per_s"]  # in order, not sorted


def test_live_has_what_is_new_since_a_second_of_the_same_test(web_ui: WebUI, cockpit: Cockpit, tmp_path: Path) -> None:
    """Who comes from an earlier test is told everything, whatever second it names."""
    cockpit.state.begin("cache_hit_rate", tmp_path)
    for second in (1, 2):
        cockpit.state.feed("cache").put(second, hit_rate=0.5)
    client = web_ui.app.test_client()
    for query, seconds in (
        ("", [1, 2]),
        ("?since=1&test=1", [2]),
        ("?since=2&test=1", []),
        ("?since=9&test=7", [1, 2]),
    ):
        told = client.get(f"/base/dbharness/live{query}").get_json()
        assert [row["second"] for row in told["feeds"]["cache"]] == seconds, query
        assert (told["scenario"], told["report"], told["going_on"]) == ("cache_hit_rate", None, True)


def test_the_least_and_most_on_locusts_page_are_no_whole_milliseconds(web_ui: WebUI) -> None:
    """0.347 and 12.3456 ms, which Locust tells as 0 and 12; both are in the sum of all as well, and a name that has no answer yet has 0."""
    for response_ms in (0.347, 12.3456):
        web_ui.environment.stats.log_request("read", "lazy 1", response_ms, 0)
    web_ui.environment.stats.get("lazy 2", "read")
    told = web_ui.app.test_client().get("/stats/requests").get_json()["stats"]
    assert [(one["min_response_time"], one["max_response_time"]) for one in told] == [
        (0.347, 12.3),
        (0, 0),
        (0.347, 12.3),
    ]


def test_nothing_is_told_where_login_is_asked_for(web_ui: WebUI) -> None:
    """Each of our routes is behind Locust's own."""
    web_ui.shut = True
    client = web_ui.app.test_client()
    for path in ("", "live", "charts", "static/live.js", "report/x/report.html"):
        assert client.get(f"/base/dbharness/{path}").status_code == 401, path


def test_reports_of_this_process_are_served_and_nothing_else(web_ui: WebUI, cockpit: Cockpit, tmp_path: Path) -> None:
    """A report, but no samples, no other folder, no file that only a link leads to, no run of somebody else."""
    run, other = tmp_path / "run", tmp_path / "other"
    (run / "samples").mkdir(parents=True)
    other.mkdir()
    for file in (run / "report.html", run / "samples" / "sketches.json", run / "secret.txt", other / "report.html"):
        file.write_text("it")
    (run / "link.html").symlink_to(other / "report.html")
    cockpit.state.begin("query_vs_scan", run)
    client = web_ui.app.test_client()
    assert client.get("/base/dbharness/report/run/report.html").text == "it"
    for path in (
        "run/samples/sketches.json", "run/secret.txt", "run/link.html", "run/missing.html", "other/report.html",
        "run/../other/report.html", "run/%2e%2e/other/report.html",
    ):  # fmt: skip
        assert client.get(f"/base/dbharness/report/{path}").status_code == 404, path
    assert report_file({"run": run}, "run", "../other/report.html") is None


def test_locusts_page_leads_to_ours_and_its_statistics_carry_our_tables(
    web_ui: WebUI, cockpit: Cockpit, tmp_path: Path
) -> None:
    """A link before its root; a row for each value of a feed, as its tab shows it."""
    cockpit.state.begin("cache_hit_rate", tmp_path)
    cockpit.state.feed("cache").put(1, hit_rate=0.5)
    client = web_ui.app.test_client()
    assert '<a href="./dbharness/"' in client.get("/").text
    extended = {one["key"]: one["data"] for one in client.get("/stats/requests").get_json()["extended_stats"]}
    assert extended["dbharness-cache"] == [
        {"what": "hit rate of the reads", "now": "50 %", "least": "50 %", "most": "50 %"}
    ]
    assert [tab["title"] for tab in web_ui.template_args["extended_tabs"]] == [
        "Units and throttles", "Capacity", "Cache", "Failover", "Servers", "Truth",
    ]  # fmt: skip
    assert {tab["key"] for tab in web_ui.template_args["extended_tabs"]} == set(extended)
