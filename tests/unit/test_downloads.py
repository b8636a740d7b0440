"""What Locust offers to take home has our columns behind its own."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import locust.html
import locust.stats
import pytest
from locust.env import Environment

from harness import downloads
from harness.cockpit.state import Feed
from harness.live import Live, three_digits
from harness.plan import Trial
from harness.recorder import Observation

# Two requests that were answered in 0.347 ms, one that was throttled after 2 ms: half a read unit each.
SEEN = ((347_000, "ok"), (347_000, "ok"), (2_000_000, "throttled"))
OURS = {"ok": 2, "throttled": 1, "failed": 0, "read_units": 1.5, "write_units": 0.0, "hits": 0, "misses": 0}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """A Locust with those two, whose writer was made before ours came, as in its own main; all is put back afterwards."""
    for where, name in (
        (locust.stats, "bucket_response_time"), (locust.stats, "print_stats_json"), (locust.stats, "save_stats_json"),
        (locust.stats.StatsCSV, "_requests_data_rows"), (locust.html, "render_template_from"),
    ):  # fmt: skip
        monkeypatch.setattr(where, name, getattr(where, name))
    monkeypatch.setattr(locust.stats, "bucket_response_time", three_digits)
    monkeypatch.setattr("sys.argv", ["locust"])  # which Locust's page reads for its form
    environment = Environment()
    environment.create_local_runner()
    yield environment
    for where, name in (
        (locust.stats.StatsCSV, "requests_csv_columns"), (locust.stats.StatsCSV, "rows_before_ours"),
        (locust.html, "render_before_ours"),
    ):  # fmt: skip
        if hasattr(where, name):
            delattr(where, name)


def measured(environment: Environment) -> Live:
    live = Live()
    for latency_ns, outcome in SEEN:
        seen = Observation(outcome=outcome, read_units=0.5)  # type: ignore[arg-type]
        live.note(Trial(trial=0, arm="query", step="1000", pair=0, labels={}, params={}), "Query", latency_ns, seen)
        environment.stats.log_request("Query", "query 1000", latency_ns / 1e6, 100)
    return live


def test_the_csv_has_our_counts_and_latencies_that_arent_whole_milliseconds(environment: Environment) -> None:
    """The median is 0.347 ms, of which Locust's own column keeps 0. The total has the same as its only row."""
    writer = locust.stats.StatsCSV(environment, [0.5])
    live = measured(environment)
    downloads.extend(lambda: Live())
    downloads.extend(lambda: live)  # for the scenario that runs now, once
    text = StringIO()
    writer.requests_csv(csv.writer(text))
    request, total = list(csv.DictReader(StringIO(text.getvalue())))
    assert (request["Name"], request["50%"], request["Latency p50, ms"]) == ("query 1000", "0", "0.347")
    for row in (request, total):
        assert (row["Answered"], row["Throttled"], row["Read units"]) == ("2", "1", "1.5")
        assert row["Latency p99, ms"] == "2.0"
    assert len(text.getvalue().splitlines()[0].split(",")) - 3 == len(text.getvalue().splitlines()[1].split(","))


def test_a_request_of_nobodys_has_empty_columns(environment: Environment) -> None:
    """One that another plug-in fired."""
    downloads.extend(lambda: Live())
    environment.stats.log_request("GET", "/", 3.0, 1)
    text = StringIO()
    locust.stats.StatsCSV(environment, [0.5]).requests_csv(csv.writer(text))
    row = next(csv.DictReader(StringIO(text.getvalue())))
    assert (row["Answered"], row["Latency p50, ms"]) == ("", "3.0")


def test_the_json_of_a_headless_run_has_them_too(
    environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed and in the file: Locust's members, and one of ours."""
    for write in (
        lambda: locust.stats.print_stats_json(environment.stats),
        lambda: locust.stats.save_stats_json(environment.stats, str(tmp_path / "out")),
    ):
        live = measured(environment)  # anew: Locust clears what it has written
        downloads.extend(lambda live=live: live)  # type: ignore[misc]
        write()
        (entry,) = json.loads(capsys.readouterr().out or (tmp_path / "out.json").read_text())
        assert entry["num_requests"] == 3
        assert entry["dbharness"] == OURS | {"p50_ms": 0.347, "p95_ms": 2.0, "p99_ms": 2.0}


def test_the_html_report_has_a_table_of_them(environment: Environment) -> None:
    """Below what Locust draws, in the ink of its theme."""
    live = measured(environment)
    downloads.extend(lambda: live)
    page = locust.html.get_html_report(environment, theme="dark")
    table = page[page.index('<section id="dbharness"') :]
    assert "<td>query 1000</td><td>2</td><td>1</td><td>0</td><td>1.5</td>" in table
    assert table.rstrip().endswith("</html>") and "color:#fff" in table


def test_two_more_csv_files_are_offered_counts_and_seconds(environment: Environment) -> None:
    """Named among Locust's downloads; a row a value of each second."""
    live, feed = measured(environment), Feed()
    feed.put(100, hit_rate=0.25, zone="up")
    web_ui: Any = environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
    downloads.offer(web_ui, lambda: live, lambda: {"cache": feed}, base_path="")
    client = web_ui.app.test_client()
    offered = web_ui.template_args["extended_csv_files"]
    assert [one["href"] for one in offered] == ["./dbharness/units.csv", "./dbharness/seconds.csv"]
    units, seconds = (client.get(one["href"].removeprefix(".")) for one in offered)
    assert units.mimetype == "text/csv" and units.text.splitlines()[1] == "Query,query 1000,2,1,0,1.5,0.0,0,0"
    assert seconds.text.splitlines() == ["Second,Feed,Name,Value", "100,cache,hit_rate,0.25", "100,cache,zone,up"]
