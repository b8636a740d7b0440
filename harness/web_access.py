"""Who may use the web UI: anybody on this machine's loopback addresses, elsewhere whoever has the password.

Locust's page binds all addresses, answers every site's scripts and asks for nobody's name unless told otherwise. Here it is the
other way round: loopback unless ``--web-host`` says more, and then nothing but the login page is served to who hasn't logged in.
What changes something is taken from pages of our own alone: by ``Origin``, and by a token where it is ours.
"""

import hmac
import ipaddress
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import gevent

from harness.errors import UsageError

PASSWORD_VARIABLE = "DBHARNESS_UI_PASSWORD"  # noqa: S105 - the name of one
TOKEN_HEADER, TOKEN_FIELD = "X-CSRF-Token", "csrf_token"
LEAST_PASSWORD_CHARACTERS = 8
_WRONG_PASSWORD_PAUSE_S = 1.0
_MOST_WAITING = 5  # wrong passwords whose pause is under way; further ones are refused at once
_USER, _TOKEN = "operator", "dbharness_csrf"
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def guard(
    web_ui: Any, *, host: str, base_path: str, tls: bool, environ: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Put the rules of this module before every route of ``web_ui``; before it begins to serve.

    ``host`` is what it binds. Where that isn't a loopback address a password is asked for: that of the environment, or one made
    here, which ``say`` tells once. Raises UsageError for a password that is too short.
    """
    app = web_ui.app
    app.secret_key = secrets.token_bytes(32)
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_SECURE=tls,
        SESSION_COOKIE_PATH=f"{base_path}/",
    )  # fmt: skip
    here = is_loopback(host)
    app.before_request(_refuse_strangers(names_of_loopback=here))
    # Flask goes through these backwards: the first comes last, after what Locust has added.
    app.after_request_funcs.setdefault(None, []).insert(0, _without_cors)
    if not here or web_ui.web_login:
        _ask_for_password(web_ui, base_path, _password(environ, say))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to ``host``; an empty one, ``*`` or a name that isn't localhost: no."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def csrf_token() -> str:
    """The token of the session under way, for a page of ours to send back in ``TOKEN_HEADER``, or a form in ``TOKEN_FIELD``."""
    from flask import session

    token: str = session.setdefault(_TOKEN, secrets.token_urlsafe(24))
    return token


def csrf_matches() -> bool:
    """Whether the request under way has the token of its session."""
    from flask import request, session

    token = session.get(_TOKEN)
    sent: str = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")
    return bool(token) and hmac.compare_digest(str(token).encode(), sent.encode())


def _refuse_strangers(*, names_of_loopback: bool) -> Callable[[], Any]:
    """A check before each request: what changes something comes from a page of ours, and a loopback page is asked by its name.

    The second keeps a foreign page from reaching us by a name of its own that it lets point at loopback (DNS rebinding).
    """
    from flask import abort, request

    def check() -> None:
        if names_of_loopback and not is_loopback(_host_of(request.host)):
            abort(403, "this page is asked by a loopback address or localhost")
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin.partition("://")[2] != request.host
        if request.method in _CHANGING and (
            foreign or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        ):
            abort(403, "what changes something is taken from this page alone")

    return check


def _host_of(netloc: str) -> str:
    """The host of ``host:port``, an IPv6 address in brackets included."""
    return netloc[: netloc.index("]") + 1] if netloc.startswith("[") else netloc.partition(":")[0]


def _without_cors(response: Any) -> Any:
    """Locust allows every site's scripts to read its answers; no answer of ours is for them."""
    for name in [name for name, _ in response.headers if name.lower().startswith("access-control-")]:
        del response.headers[name]
    return response


def _password(environ: Mapping[str, str], say: Callable[[str], None]) -> str:
    given = environ.get(PASSWORD_VARIABLE)
    if given is None:
        made = secrets.token_urlsafe(12)
        say(f"the web UI asks for a password; this run's is {made} (or give your own in {PASSWORD_VARIABLE})")
        return made
    if len(given) < LEAST_PASSWORD_CHARACTERS:
        raise UsageError(
            f"{PASSWORD_VARIABLE} must have at least {LEAST_PASSWORD_CHARACTERS} characters, has {len(given)}"
        )
    return given


def _ask_for_password(web_ui: Any, base_path: str, password: str) -> None:
    """Locust's own login page with one field, and no other route without having passed it."""
    from flask import abort, redirect, request, session, url_for
    from flask_login import LoginManager, UserMixin, current_user, login_user

    class Operator(UserMixin):  # type: ignore[misc]
        id = _USER

    manager = LoginManager()
    manager.init_app(web_ui.app)
    manager.login_view = "locust.login"
    manager.user_loader(lambda name: Operator() if name == _USER else None)
    web_ui.login_manager, web_ui.web_login = manager, True
    web_ui.auth_args = {
        "custom_form": {
            "inputs": [{"label": "Password", "name": "password", "is_secret": True, "is_required": True}],
            "callback_url": f"{base_path}/dbharness/login",
            "submit_button_text": "Log in",
        }
    }
    open_paths = (f"{base_path}/login", f"{base_path}/dbharness/login", f"{base_path}/assets/", f"{base_path}/static/")
    waiting = 0

    def closed() -> Any:
        if current_user.is_authenticated or request.path.startswith(open_paths):
            return None
        return redirect(url_for("locust.login")) if request.method == "GET" else abort(401)

    def log_in() -> Any:
        nonlocal waiting
        if hmac.compare_digest(request.form.get("password", "").encode(), password.encode()):
            session.clear()
            login_user(Operator())
            return redirect(url_for("locust.index"))
        if waiting >= _MOST_WAITING:
            abort(429)
        waiting += 1
        gevent.sleep(_WRONG_PASSWORD_PAUSE_S)  # so that guessing takes longer than a password lasts
        waiting -= 1
        session["auth_error"] = "wrong password"
        return redirect(url_for("locust.login"))

    web_ui.app.before_request(closed)
    web_ui.app.add_url_rule(f"{base_path}/dbharness/login", "dbharness_login", log_in, methods=["POST"])
