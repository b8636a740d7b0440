"""The start page over HTTP, in front of a Locust that starts nothing: what it shows, what it refuses, what it starts."""

import re
from pathlib import Path
from typing import Any

import gevent
import pytest
from locust import User
from locust.env import Environment

from harness import web_access
from harness.start_form.opening import open_start_form
from harness.start_form.options import add_options, overrides_of
from harness.start_form.starting import Offered

SENT = {"scenario": "query_vs_scan", "profile": "smoke"}


class FirstUser(User):
    """Stands for query_vs_scan."""


class SecondUser(User):
    """Stands for rds_failover."""


class Page:
    """Locust's web UI with the start page; ``started`` has the number of users, class and overrides of every start."""

    def __init__(self, *words: str, base_path: str = "") -> None:
        from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

        parser = get_empty_argument_parser()
        setup_parser_arguments(parser)
        add_options(parser)
        self.options = parser.parse_args([*words, *(["--web-base-path", base_path] if base_path else [])])
        classes = {"FirstUser": FirstUser, "SecondUser": SecondUser}
        self.environment = Environment(
            user_classes=list(classes.values()), parsed_options=self.options, available_user_classes=classes
        )
        self.environment.create_local_runner()
        self.started: list[tuple[int, list[str], list[str], str]] = []
        self.stopped, self.running = 0, ""
        runner: Any = self.environment.runner
        runner.start, runner.stop = self._start, self._stop
        web_ui: Any = self.environment.create_web_ui(
            "127.0.0.1", 0, web_base_path=base_path or None, delayed_start=True, userclass_picker_is_active=True
        )
        web_access.guard(web_ui, host="127.0.0.1", base_path=base_path, tls=False, environ={}, say=print)
        offered = {
            "query_vs_scan": Offered(user_class="FirstUser", slots=32),
            "rds_failover": Offered(user_class="SecondUser", slots=8),
        }
        self.runs: dict[str, Path] = {}
        open_start_form(self.environment, offered, under_way=lambda: self.running, runs=lambda: self.runs)
        self.client = web_ui.app.test_client()
        self.base_path = base_path

    def _start(self, users: int, _: float) -> None:
        classes = [one.__name__ for one in self.environment.user_classes]
        self.started.append((users, classes, overrides_of(self.options), self.options.harness_profile))

    def _stop(self) -> None:
        self.stopped += 1

    def get(self, path: str) -> Any:
        return self.client.get(f"{self.base_path}{path}", base_url="http://127.0.0.1:8089")

    def post(self, path: str, **sent: Any) -> Any:
        answer = self.client.post(f"{self.base_path}{path}", base_url="http://127.0.0.1:8089", data=sent)
        gevent.sleep(0.01)
        return answer

    def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/dbharness/start").text)
        assert found
        return found[1]

    def start(self, **sent: Any) -> Any:
        return self.post("/dbharness/start", csrf_token=self.token(), **{**SENT, **sent})


@pytest.fixture(autouse=True)
def _argv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["locust"])


def test_the_page_has_a_labelled_field_for_each_setting_with_its_help_and_no_script() -> None:
    """Of the scenario and profile asked for; the first one's where none is."""
    page = Page().get("/dbharness/start?scenario=rds_failover&profile=quick")
    assert page.status_code == 200
    assert '<label for="field-rds_failover-trials">' in page.text
    assert 'id="field-rds_failover-trials" name="rds_failover.trials" value="6"' in page.text
    assert 'aria-describedby="said-field-rds_failover-trials"' in page.text
    assert '<option value="null" selected>none</option>' in page.text  # pace
    assert "<script" not in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "query_vs_scan.pairs" in Page().get("/dbharness/start").text


def test_a_form_that_is_right_starts_one_scenario_and_leads_to_the_live_page() -> None:
    """Its class alone of the two, its slots, what was changed."""
    page = Page()
    answer = page.start(**{"query_vs_scan.pairs": "4", "slots": "6"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "./")
    assert page.started == [(6, ["FirstUser"], ["query_vs_scan.pairs=4"], "smoke")]


def test_a_wrong_value_is_told_at_its_field_what_was_given_stays_and_nothing_is_started() -> None:
    """Summary with a link, the field marked invalid and described by its complaint; the rest as it was typed."""
    page = Page()
    answer = page.start(**{"query_vs_scan.pairs": "<0>", "query_vs_scan.aircraft": "5"})
    assert answer.status_code == 200 and "Nothing was started" in answer.text
    assert '<a href="#field-query_vs_scan-pairs">' in answer.text
    field = re.search(r"<input[^>]*name=\"query_vs_scan.pairs\"[^>]*>", answer.text)
    assert field and 'aria-invalid="true"' in field[0] and "wrong-field-query_vs_scan-pairs said-" in field[0]
    assert 'value="&lt;0&gt;"' in field[0]
    assert 'name="query_vs_scan.aircraft" value="5"' in answer.text
    assert page.started == []


def test_a_form_without_the_pages_token_is_refused() -> None:
    """To start and to stop: another site can't."""
    page = Page()
    assert page.post("/dbharness/start", **SENT).status_code == 403
    assert page.post("/dbharness/stop").status_code == 403
    assert (page.started, page.stopped) == ([], 0)


def test_while_a_run_is_under_way_none_is_started_and_it_can_be_stopped() -> None:
    """With the name of what runs; from Locust's form too, in its own way of saying so."""
    page = Page()
    page.running = "rds_failover"
    answer = page.start()
    assert "rds_failover is under way" in answer.text
    refused = page.post("/swarm", user_count=1, spawn_rate=1, user_classes="FirstUser").get_json()
    assert (refused["success"], refused["message"]) == (False, "rds_failover is under way: stop it first")
    assert page.post("/dbharness/stop", csrf_token=page.token()).status_code == 303
    assert (page.started, page.stopped) == ([], 1)


@pytest.mark.parametrize(
    ("sent", "says"),
    [({}, "one run is of one scenario: pick one of query_vs_scan, rds_failover"),
     ({"user_classes": ["FirstUser", "SecondUser"]}, "one run is of one scenario: pick one of query_vs_scan, rds_failover"),
     ({"user_classes": "FirstUser", "harness_seed": "x"}, "seed should be a valid integer, unable to parse string as an integer, got 'x'"),
     ({"user_classes": "FirstUser", "user_count": "0"}, "slots must be >= 1, got '0'"),
     ({"user_classes": "FirstUser", "harness_profile": "huge"}, "--profile: unknown profile 'huge'; there are smoke, quick, standard")],
    ids=["none", "two", "seed", "slots", "profile"],
)  # fmt: skip
def test_locusts_form_is_held_to_the_same_rules(sent: dict[str, Any], says: str) -> None:
    """It shows one line above its button, and starts nothing."""
    page = Page()
    answer = page.post("/swarm", **{"user_count": 1, "spawn_rate": 1, **sent}).get_json()
    assert (answer["success"], answer["message"]) == (False, says)
    assert page.started == []


def test_locusts_form_starts_the_one_class_with_its_seed_and_what_the_command_line_said() -> None:
    """What our own page asked for before is forgotten; the command line's override stays."""
    page = Page("--harness-set", "query_vs_scan.aircraft=3")
    page.start(**{"query_vs_scan.pairs": "4"})
    answer = page.post(
        "/swarm", user_count=2, spawn_rate=1, user_classes="SecondUser", harness_profile="quick", harness_seed="7"
    )
    assert answer.get_json()["success"]
    assert page.started[0][2] == ["query_vs_scan.aircraft=3", "query_vs_scan.pairs=4"]
    assert page.started[1] == (2, ["SecondUser"], ["query_vs_scan.aircraft=3", "seed=7"], "quick")


def test_target_and_seed_of_the_command_line_are_the_pages_defaults_and_hold_in_both_forms() -> None:
    """Given by options of their own."""
    page = Page("--harness-seed", "5")
    assert 'name="seed" value="5"' in page.get("/dbharness/start").text
    page.start()
    page.post("/swarm", user_count=2, spawn_rate=1, user_classes="SecondUser")
    assert [overrides for _, _, overrides, _ in page.started] == [["seed=5"], ["seed=5"]]


def test_reports_of_this_process_are_linked_once_they_are_there(tmp_path: Path) -> None:
    """A run whose report isn't made yet has no link."""
    page = Page()
    page.runs = {"one": tmp_path / "one", "two": tmp_path / "two"}
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "report.html").write_text("")
    text = page.get("/dbharness/start").text
    assert 'href="report/one/report.html"' in text and "report/two" not in text


def test_a_wrong_scenario_or_profile_is_said_on_the_page_and_to_programs() -> None:
    """What there is."""
    page = Page()
    answer = page.get("/dbharness/start?scenario=nope")
    assert "unknown scenario &#39;nope&#39;; there are query_vs_scan, rds_failover" in answer.text
    assert page.get("/dbharness/settings?scenario=query_vs_scan&profile=huge").status_code == 422
    assert page.get("/dbharness/settings?scenario=query_vs_scan&profile=quick").get_json()["profile"] == "quick"


def test_under_a_base_path_it_is_below_that() -> None:
    """--web-base-path, for a proxy in front."""
    page = Page(base_path="/bench")
    assert page.start().status_code == 303
    assert page.post("/swarm", user_count=1, spawn_rate=1).get_json()["success"] is False
    assert len(page.started) == 1


def test_programs_are_told_what_is_wrong_by_field_with_a_status() -> None:
    """422 for what was sent, 409 while another run is under way, 200 for what was started."""
    page = Page()

    def start(**sent: str) -> tuple[int, Any]:
        answer = page.client.post(
            "/dbharness/start", base_url="http://127.0.0.1:8089", data={**SENT, **sent},
            headers={"Accept": "application/json", web_access.TOKEN_HEADER: page.token()},
        )  # fmt: skip
        return answer.status_code, answer.get_json()

    said = "scenarios.query_vs_scan.pairs must be > 0, got 0"
    assert start(**{"query_vs_scan.pairs": "0"}) == (422, {"started": False, "wrong": {"query_vs_scan.pairs": [said]}})
    assert start() == (200, {"started": True, "wrong": {}})
    page.running = "rds_failover"
    status, told = start()
    assert status == 409 and "rds_failover is under way" in told["wrong"][""][0]
