"""The web UI is for this machine, or for who has the password; what changes something comes from its own page alone."""

from collections.abc import Mapping
from typing import Any

import pytest
from locust.env import Environment

from harness import web_access
from harness.errors import UsageError

PASSWORD = "a long enough one"


class Ui:
    """Locust's web UI, guarded and not served; ``said`` is what it told the console."""

    def __init__(self, host: str, environ: Mapping[str, str], base_path: str = "", *, tls: bool = False) -> None:
        self.said: list[str] = []
        environment = Environment()
        environment.create_local_runner()
        web_ui: Any = environment.create_web_ui(host, 0, web_base_path=base_path or None, delayed_start=True)
        web_access.guard(web_ui, host=host, base_path=base_path, tls=tls, environ=environ, say=self.said.append)
        self.web_ui = web_ui
        web_ui.app.add_url_rule("/dbharness/token", "token", web_access.csrf_token)
        web_ui.app.add_url_rule("/dbharness/act", "act", lambda: str(web_access.csrf_matches()), methods=["POST"])
        self.base_url = f"http://{'127.0.0.1:8089' if web_access.is_loopback(host) else 'bench.example:8089'}"

    def client(self) -> Any:
        return self.web_ui.app.test_client()

    def get(self, client: Any, path: str, **more: Any) -> Any:
        return client.get(path, base_url=self.base_url, **more)

    def post(self, client: Any, path: str, **more: Any) -> Any:
        return client.post(path, base_url=self.base_url, **more)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_access, "_WRONG_PASSWORD_PAUSE_S", 0.0)
    monkeypatch.setattr("sys.argv", ["locust"])  # which Locust's page reads for its form


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.0.1.2", True), ("::1", True), ("[::1]", True), ("localhost", True), ("0.0.0.0", False),
     ("", False), ("*", False), ("::", False), ("192.0.2.7", False), ("bench.example", False)],
)  # fmt: skip
def test_only_addresses_of_this_machine_are_loopback(host: str, *, here: bool) -> None:
    """What is empty or a star binds all addresses."""
    assert web_access.is_loopback(host) is here


def test_on_loopback_nobody_is_asked_for_a_password() -> None:
    """The page is there at once, and nothing is said of a password."""
    ui = Ui("127.0.0.1", {})
    assert ui.get(ui.client(), "/").status_code == 200
    assert ui.said == []


def test_bound_elsewhere_every_page_but_the_login_leads_to_the_login() -> None:
    """GET is led there, what changes something is refused."""
    ui = Ui("0.0.0.0", {web_access.PASSWORD_VARIABLE: PASSWORD})
    client = ui.client()
    for path in ("/", "/stats/requests", "/exceptions", "/dbharness/token", "/stats/report"):
        answer = ui.get(client, path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/login"), path
    assert ui.post(client, "/swarm", data={"user_count": 1}).status_code == 401
    assert ui.get(client, "/login").status_code == 200
    assert PASSWORD not in ui.get(client, "/login").get_data(as_text=True)


def test_the_right_password_opens_the_page_and_a_wrong_one_does_not() -> None:
    """With the words *wrong password* on the login page."""
    ui = Ui("0.0.0.0", {web_access.PASSWORD_VARIABLE: PASSWORD})
    client = ui.client()
    assert ui.post(client, "/dbharness/login", data={"password": "another one"}).headers["Location"] == "/login"
    assert "wrong password" in ui.get(client, "/login").get_data(as_text=True)
    assert ui.get(client, "/").status_code == 302
    assert ui.post(client, "/dbharness/login", data={"password": PASSWORD}).headers["Location"] == "/"
    assert ui.get(client, "/").status_code == 200


def test_the_session_cookie_is_out_of_reach_for_scripts_other_sites_and_where_tls_is_on_for_plain_http() -> None:
    """HttpOnly, SameSite=Strict, Secure."""
    ui = Ui("0.0.0.0", {web_access.PASSWORD_VARIABLE: PASSWORD}, tls=True)
    cookie = ui.post(ui.client(), "/dbharness/login", data={"password": PASSWORD}).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Secure"} <= {part.strip() for part in cookie.split(";")}


def test_without_a_password_given_one_is_made_and_told_once() -> None:
    """What is told opens the page."""
    ui = Ui("0.0.0.0", {})
    assert len(ui.said) == 1
    told = ui.said[0].split("this run's is ")[1].split(" ")[0]
    client = ui.client()
    assert ui.post(client, "/dbharness/login", data={"password": told}).headers["Location"] == "/"
    assert told != Ui("0.0.0.0", {}).said[0].split("this run's is ")[1].split(" ")[0]


def test_a_password_that_is_too_short_is_refused() -> None:
    """Seven characters where eight are the least."""
    with pytest.raises(UsageError, match="at least 8 characters, has 7"):
        Ui("0.0.0.0", {web_access.PASSWORD_VARIABLE: "seven77"})


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_sites_page_can_start_nothing(headers: dict[str, str]) -> None:
    """Neither by its origin nor by what the browser says of it; our own page can."""
    ui = Ui("127.0.0.1", {})
    assert ui.post(ui.client(), "/stop", headers=headers).status_code == 403
    assert ui.post(ui.client(), "/stop", headers={"Origin": "http://127.0.0.1:8089"}).status_code == 200


def test_a_name_that_was_pointed_at_loopback_is_refused() -> None:
    """As DNS rebinding does it."""
    ui = Ui("127.0.0.1", {})
    assert ui.client().get("/stats/requests", base_url="http://rebound.example:8089").status_code == 403
    assert ui.client().get("/stats/requests", base_url="http://localhost:8089").status_code == 200


def test_no_answer_is_for_other_sites_scripts() -> None:
    """Locust's CORS headers are gone."""
    ui = Ui("127.0.0.1", {})
    answer = ui.get(ui.client(), "/stats/requests", headers={"Origin": "http://evil.example"})
    assert [name for name, _ in answer.headers if name.lower().startswith("access-control")] == []


def test_the_token_of_a_session_matches_there_and_nowhere_else() -> None:
    """Two sessions: each one's own token is right, none and the other's are wrong."""
    ui = Ui("127.0.0.1", {})
    mine, other = ui.client(), ui.client()
    token, others = (ui.get(client, "/dbharness/token").get_data(as_text=True) for client in (mine, other))
    sent = [{}, {web_access.TOKEN_HEADER: others}, {web_access.TOKEN_HEADER: token}]
    assert [ui.post(mine, "/dbharness/act", headers=one).get_data(as_text=True) for one in sent] == [
        "False",
        "False",
        "True",
    ]


def test_under_a_base_path_the_login_and_its_cookie_are_there_too() -> None:
    """``--web-base-path /bench``."""
    ui = Ui("0.0.0.0", {web_access.PASSWORD_VARIABLE: PASSWORD}, base_path="/bench")
    client = ui.client()
    assert ui.get(client, "/bench/").headers["Location"] == "/bench/login"
    logged_in = ui.post(client, "/bench/dbharness/login", data={"password": PASSWORD})
    assert logged_in.headers["Location"] == "/bench/"
    assert "Path=/bench/" in logged_in.headers["Set-Cookie"]
    assert ui.get(client, "/bench/").status_code == 200
