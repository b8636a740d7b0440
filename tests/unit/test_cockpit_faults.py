"""Who may ask for a fault over HTTP, for which, and what is answered where none can be had."""

from typing import Any

import pytest
from locust.env import Environment

from harness import web_access
from harness.cockpit.routes import add_routes
from harness.cockpit.ticking import Cockpit
from harness.errors import UsageError
from harness.live import Live

PASSWORD = "a long enough one"


class Session:
    """A test under way whose scenario waits for a fault, or says ``why_not``."""

    def __init__(self, *, on_aws: bool = False, why_not: str | None = None) -> None:
        self.on_aws, self.why_not = on_aws, why_not
        self.asked: list[str] = []

    def fault(self, kind: str) -> str:
        if self.why_not:
            raise UsageError(self.why_not)
        self.asked.append(kind)
        return f"{kind} of the writer"


class Browser:
    """A browser on the guarded web UI of Locust, bound to ``host``."""

    def __init__(self, session: Session | None, host: str = "127.0.0.1") -> None:
        environment = Environment()
        environment.create_local_runner()
        web_ui: Any = environment.create_web_ui(host, 0, delayed_start=True)
        environ = {web_access.PASSWORD_VARIABLE: PASSWORD}
        web_access.guard(web_ui, host=host, base_path="", tls=False, environ=environ, say=lambda _: None)
        cockpit: Any = Cockpit(Live())
        cockpit.session = session
        add_routes(web_ui, cockpit, base_path="")
        self._client = web_ui.app.test_client()
        self._base = f"http://{'127.0.0.1' if web_access.is_loopback(host) else 'bench.example'}:8089"

    def log_in(self) -> None:
        self._client.post("/dbharness/login", base_url=self._base, data={"password": PASSWORD})

    def token(self) -> Any:
        return self._client.get("/dbharness/token", base_url=self._base)

    def ask(self, told: Any, token: str | None = None) -> Any:
        headers = {} if token is None else {web_access.TOKEN_HEADER: token}
        return self._client.post("/dbharness/fault", base_url=self._base, json=told, headers=headers)

    def answer(self, **told: str) -> tuple[int, Any]:
        """With this session's token."""
        answer = self.ask(told, self.token().get_json()["token"])
        return answer.status_code, answer.get_json()


@pytest.fixture(autouse=True)
def _no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["locust"])  # which Locust's page reads for its form


@pytest.mark.parametrize("kind", ["crash", "hang", "planned"])
def test_each_kind_reaches_the_scenario_and_what_happened_is_answered(kind: str) -> None:
    """Once."""
    session = Session()
    assert Browser(session).answer(kind=kind) == (200, {"happened": f"{kind} of the writer"})
    assert session.asked == [kind]


def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    """A wrong one, none, one that isn't a text, and a body that isn't an object."""
    session = Session()
    browser = Browser(session)
    assert browser.answer(kind="fire") == (400, {"error": "kind must be one of crash, hang, planned, is 'fire'"})
    assert browser.answer()[0] == 400
    token = browser.token().get_json()["token"]
    assert browser.ask({"kind": ["crash"]}, token).status_code == 400
    assert browser.ask(["crash"], token).status_code == 400
    assert session.asked == []


def test_without_the_token_of_its_own_session_nothing_fails() -> None:
    """No token, a made-up one, and that of another browser."""
    session = Session()
    browser, other = Browser(session), Browser(session)
    browser.token()
    for token in (None, "made up", other.token().get_json()["token"]):
        answer = browser.ask({"kind": "crash"}, token)
        assert (answer.status_code, answer.get_json()) == (
            403, {"error": "this page is of another session: load it again"},
        )  # fmt: skip
    assert session.asked == []


def test_who_has_not_logged_in_gets_no_token_and_no_fault() -> None:
    """Bound to all addresses; with the password both are to be had."""
    session = Session()
    browser = Browser(session, "0.0.0.0")
    assert browser.token().status_code == 302
    assert browser.ask({"kind": "crash"}, "made up").status_code == 401
    assert session.asked == []
    browser.log_in()
    assert browser.answer(kind="crash")[0] == 200


def test_on_aws_a_fault_is_confirmed_first() -> None:
    """The answer says with which words; others aren't them."""
    session = Session(on_aws=True)
    browser = Browser(session)
    for told in ({}, {"confirm": "yes"}):
        status, answer = browser.answer(kind="planned", **told)
        assert (status, answer["confirm"]) == (409, "fail over")
        assert "a database on AWS fails over" in answer["error"]
    assert session.asked == []
    assert browser.answer(kind="planned", confirm="fail over")[0] == 200


def test_where_nothing_can_fail_now_the_reason_is_answered() -> None:
    """The scenario's own sentence; without a test there is none to ask."""
    assert Browser(Session(why_not="the load has only begun")).answer(kind="hang") == (
        409, {"error": "the load has only begun"},
    )  # fmt: skip
    assert Browser(None).answer(kind="hang") == (409, {"error": "no test is under way"})
