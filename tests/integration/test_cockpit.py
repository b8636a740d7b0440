"""A real Locust with its web UI, its live page polled as a browser would: one test after the other, and with several workers."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from whole_runs import Place, until

BRIEF = (
    "query_vs_scan.parts=[table_items]", "query_vs_scan.table_items=[500]", "query_vs_scan.in_flight=4",
    "query_vs_scan.trial_s=0.5",
)  # fmt: skip


class Page:
    """What a browser does on ours, without one: it keeps every row it was told."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.since = self.test = 0

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as answer:
            body: bytes = answer.read()
        return body

    def start(self) -> None:
        form = urlencode({"user_count": 4, "spawn_rate": 100, "harness_profile": "smoke"}).encode()
        urllib.request.urlopen(f"{self.address}/swarm", data=form, timeout=10).close()

    def ask(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.get(f"/dbharness/live?since={self.since}&test={self.test}"))
        if told["test"] != self.test:
            self.test, self.rows = told["test"], {}
        for feed, rows in told["feeds"].items():
            self.rows.setdefault(feed, []).extend(rows)
        self.since = max((row["second"] for rows in self.rows.values() for row in rows), default=0)
        return told

    def is_up(self) -> bool:
        try:
            self.ask()
        except OSError:
            return False
        return True


@contextmanager
def served(place: Place, port: int, *words: str, sets: tuple[str, ...]) -> Iterator[Page]:
    """Locust with its web UI on query_vs_scan; gone afterwards with all it started."""
    overrides = [word for one in sets for word in ("--harness-set", one)]
    command = [
        sys.executable, "-m", "locust", "-f", "scenarios/query_vs_scan.py", "--web-port", str(port),
        "--harness-profile", "smoke", *overrides, *words,
    ]  # fmt: skip
    process = place.start(command)
    page = Page(f"http://127.0.0.1:{port}")
    try:
        until(page.is_up, 30, "the web UI answers")
        yield page
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.timeout(400)
def test_a_run_is_followed_second_by_second_and_the_next_begins_anew(place: Place, port: int) -> None:
    """Units, latencies below a millisecond and the tool's pulse come while trials run; then the report; then all of it again.

    No directory is given: two runs can't share one.
    """
    with served(place, port, sets=(*BRIEF, "query_vs_scan.pairs=2")) as page:
        assert page.ask()["test"] == 0
        reports = []
        for test in (1, 2):
            page.start()
            until(lambda: page.ask()["test"] == test, 30, "the test begins")  # noqa: B023 - waited for here
            until(lambda: not page.ask()["going_on"], 90, "the run is over and reported")
            told = page.ask()
            assert (told["scenario"], told["failure"], told["progress"]["state"]) == ("query_vs_scan", None, "over")
            assert told["progress"]["done"] == told["progress"]["planned"] == 8
            seconds = [row["second"] for row in page.rows["truth"]]
            assert seconds == sorted(set(seconds))
            assert 2 <= len(seconds) <= 20
            busy = [row for row in page.rows["truth"] if row["answered_per_s"] > 0]
            assert all(0 < row["latency_p50_ms|Query"] < 50 for row in busy if "latency_p50_ms|Query" in row)
            assert any("latency_p50_ms|Query" in row for row in busy)
            assert all(row["generator_cpu_share"] > 0 for row in busy)
            assert all(row["lateness_p99_ms"] is None for row in busy)  # a closed loop is never late
            assert any(row.get("read_units_per_s", 0) > 0 for row in page.rows["capacity"])
            reports.append(told["report"])
        assert len(set(reports)) == 2
        for report in reports:  # of both runs of this process
            assert b"query_vs_scan" in page.get(f"/dbharness/{report}")
        extended = json.loads(page.get("/stats/requests"))["extended_stats"]
        counts = {one["key"]: len(one["data"]) for one in extended}
        assert counts["dbharness-truth"] > 0 and counts["dbharness-capacity"] > 0 and counts["dbharness-cache"] == 0
        assert b"./dbharness/" in page.get("/")


@pytest.mark.timeout(400)
def test_a_master_shows_the_sums_of_its_workers(place: Place, port: int) -> None:
    """Every answer of both processes is in the table once; latencies come merged, the pulse is a worker's."""
    with served(
        place, port, "--processes", "2", "--harness-out", str(place.run), sets=(*BRIEF, "query_vs_scan.pairs=4")
    ) as page:
        page.start()
        until(lambda: page.ask()["test"] == 1, 30, "the test begins")
        until(lambda: not page.ask()["going_on"], 90, "the run is over and reported")
        assert page.ask()["failure"] is None
        stats = json.loads(page.get("/stats/requests"))
        ours = next(one["data"] for one in stats["extended_stats"] if one["key"] == "dbharness")
        assert (
            sum(row["ok"] for row in ours)
            == next(row for row in stats["stats"] if row["name"] == "Aggregated")["num_requests"]
        )
        assert any(row.get("generator_cpu_share") is not None for row in page.rows["truth"])
        assert any(0 < row.get("latency_p50_ms|Query", 0) < 50 for row in page.rows["truth"])
        assert any(row.get("read_units_per_s", 0) > 0 for row in page.rows["capacity"])
