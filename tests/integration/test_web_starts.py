"""Runs started from the start page over HTTP, and Locust's own headless way: the same run directory, and our columns in what it writes."""

import csv
import http.cookiejar
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from whole_runs import Place, until

ONE_PART = {"query_vs_scan.parts": "table_items", "query_vs_scan.table_items": "1000", "query_vs_scan.pairs": "2"}


class Browser:
    """Cookies, forms, and what came back."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._open = urllib.request.build_opener(cookies).open

    def get(self, path: str) -> str:
        with self._open(self.base + path, timeout=20) as answer:
            text: str = answer.read().decode()
        return text

    def post(self, path: str, **sent: Any) -> tuple[int, str]:
        data = urllib.parse.urlencode(sent, doseq=True).encode()
        try:
            with self._open(self.base + path, data, timeout=20) as answer:
                return answer.status, answer.geturl() if answer.geturl() != self.base + path else answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def start(self, scenario: str, **sent: Any) -> tuple[int, str]:
        page = self.get(f"/dbharness/start?scenario={scenario}&profile=smoke")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        return self.post("/dbharness/start", scenario=scenario, profile="smoke", csrf_token=token[1], **sent)

    def live(self) -> Any:
        return json.loads(self.get("/dbharness/live?since=0"))

    def answered(self) -> int:
        stats = json.loads(self.get("/stats/requests"))["stats"]
        return sum(one["num_requests"] for one in stats if one["name"] == "Aggregated")


@pytest.fixture
def ui(place: Place, port: int) -> Iterator[tuple[Browser, subprocess.Popen[bytes]]]:
    """``dbharness ui`` without a name: all scenarios to choose from."""
    process = place.start(place.command("ui", "--profile", "smoke", "--port", str(port)))
    browser = Browser(port)

    def serving() -> bool:
        try:
            return bool(browser.get("/dbharness/start"))
        except OSError:
            return False

    until(serving, 40, "the start page")
    yield browser, process
    process.kill()
    process.wait()


@pytest.mark.timeout(500)
def test_scenarios_are_started_one_after_the_other_from_one_page_each_leaves_a_reported_run_and_ctrl_c_nothing(
    place: Place, ui: tuple[Browser, subprocess.Popen[bytes]]
) -> None:
    """A wrong value starts nothing; the right one measures what it says; then another scenario, stopped in its middle."""
    browser, process = ui
    status, said = browser.start("query_vs_scan", **{**ONE_PART, "query_vs_scan.pairs": "0"})
    assert status == 200 and "scenarios.query_vs_scan.pairs must be &gt; 0, got 0" in said
    assert browser.live()["test"] == 0

    pressed_s = time.monotonic()
    assert browser.start("query_vs_scan", **ONE_PART) == (200, f"{browser.base}/dbharness/")
    until(lambda: browser.answered() > 0, 60, "a first sample")
    print(f"form to first sample: {time.monotonic() - pressed_s:.2f} s")
    until(lambda: not browser.live()["going_on"] and browser.live()["report"] is not None, 90, "a report")
    run = f"/dbharness/{browser.live()['report'].rpartition('/')[0]}"
    manifest = json.loads(browser.get(f"{run}/manifest.json"))
    settings = manifest["config"]["scenarios"]["query_vs_scan"]
    assert (settings["parts"], settings["table_items"], settings["pairs"]) == (["table_items"], [1000], 2)
    assert (
        list(manifest["scenarios"]) == ["query_vs_scan"]
        and manifest["scenarios"]["query_vs_scan"]["status"] == "complete"
    )
    assert f'href="report/{run.rpartition("/")[2]}/report.html"' in browser.get("/dbharness/start")
    rows = list(csv.DictReader(browser.get("/stats/requests/csv").splitlines()))
    assert int(rows[-1]["Answered"]) == manifest["scenarios"]["query_vs_scan"]["requests"]
    assert "Units and throttles" in browser.get("/stats/report")

    assert browser.start("capacity_modes")[0] == 200
    until(lambda: browser.answered() > 0 and browser.live()["scenario"] == "capacity_modes", 60, "its first sample")
    process.send_signal(signal.SIGINT)
    assert process.wait(40) is not None
    assert place.leftovers() == []


@pytest.mark.timeout(300)
def test_headless_json_html_and_csv_carry_our_columns_and_leave_the_same_run_directory(place: Place) -> None:
    """One command with all three: their counts, the manifest's and the rows agree; exit 0, a report, nothing left."""
    out, sets = place.run.parent / "it", [f"--harness-set={key}=[{value}]" for key, value in list(ONE_PART.items())[:2]]
    prefix, page = place.run.parent / "stats", place.run.parent / "locust.html"
    command = [
        sys.executable, "-m", "locust", "-f", "scenarios/query_vs_scan.py", "--headless", "-u", "4", "-r", "4", "--only-summary",
        "--json-file", str(prefix), "--html", str(page), "--csv", str(prefix), "--harness-profile", "smoke",
        "--harness-set=query_vs_scan.pairs=2", *sets, "--harness-out", str(out),
    ]  # fmt: skip
    assert place.start(command).wait(90) == 0, place.said
    run = Place(out, place.temporary, place.mark, place.port)
    counted = run.manifest()["scenarios"]["query_vs_scan"]["requests"]
    assert counted == run.rows("query_vs_scan") > 0 and (out / "report.html").is_file()
    with Path(f"{prefix}_stats.csv").open() as file:
        total = list(csv.DictReader(file))[-1]
    assert (int(total["Request Count"]), int(total["Answered"])) == (counted, counted)
    entries = json.loads(Path(f"{prefix}.json").read_text())
    assert sum(entry["dbharness"]["ok"] for entry in entries) == counted
    units = sum(entry["dbharness"]["read_units"] for entry in entries)
    assert units == pytest.approx(run.samples("query_vs_scan")["read_units"].sum())
    assert 'id="dbharness"' in page.read_text()
    assert place.leftovers() == []


def test_several_scenarios_without_a_page_to_choose_on_are_refused_in_one_line(place: Place, port: int) -> None:
    """Headless, and with processes of their own."""
    crew = ["--class-picker", "--web-port", str(port), "--master", "--master-bind-port", str(port)]
    for words, says in (
        (["--headless"], "give one file of scenarios/ to -f, or --class-picker to choose of "),
        (crew, "--class-picker chooses for one process"),
    ):
        process = place.start([sys.executable, "-m", "locust", "-f", "scenarios/", *words])
        assert process.wait(60) == 2, place.said
        assert says in place.said and "Traceback" not in place.said
