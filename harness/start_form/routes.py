"""``/dbharness/start``: the page with a scenario's settings, and what comes back from it; ``/dbharness/settings`` for programs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from harness.config import Profile
from harness.errors import UsageError
from harness.start_form.comments import notes
from harness.start_form.page import HERE, Shown, Value, html
from harness.start_form.settings import WHOLE_FORM, Form, Source, as_record, check, form_of
from harness.start_form.starting import Starter
from harness.web_access import csrf_matches, csrf_token
from harness.yaml_lines import read_lines

PROFILES: tuple[str, ...] = get_args(Profile)
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
REFUSED, CONFLICT, FOREIGN = 422, 409, 403


class StartPage:
    """The views, without Flask's part in them: each takes what was asked and gives a page and a status."""

    def __init__(self, source: Source, starter: Starter, runs: Callable[[], Mapping[str, Path]], profile: str) -> None:
        self.source, self.starter, self._runs, self._profile = source, starter, runs, profile

    def begin(self, form: Any) -> tuple[Mapping[str, Sequence[str]], int]:
        """Begin what was sent; or say what is wrong, by field, with a status, and begin nothing."""
        scenario, profile = self._which(form)
        try:
            described = self.described(scenario, profile)
        except UsageError as error:
            return {"": str(error).splitlines()}, REFUSED
        checked = check(self.source, described, form.getlist)
        if checked.wrong:
            return checked.wrong, REFUSED
        try:
            self.starter.start(scenario, profile=described.profile, overrides=checked.overrides, slots=checked.slots)
        except UsageError as error:
            return {"": [str(error)]}, CONFLICT
        return {}, 200

    def page(self, asked: Any, *, token: str, wrong: Mapping[str, Sequence[str]] | None = None) -> str:
        """The form of the scenario and profile that were asked for: with its defaults, or with what was sent and what is ``wrong`` in it."""
        scenario, profile = self._which(asked)
        complaints = dict(wrong or {})
        form, sent = None, {}
        try:
            form = self.described(scenario, profile)
            sent = _sent(form, asked) if wrong else {}
        except UsageError as error:
            complaints = {"": str(error).splitlines()}
        return html(Shown(
            scenarios=list(self.starter.offered), profiles=PROFILES, scenario=scenario, profile=profile,
            profile_said=self._profile_said(), token=token, form=form, given=self.source.given, sent=sent,
            wrong=complaints, going_on=self.starter.under_way(), reports=self._reports(),
        ))  # fmt: skip

    def described(self, scenario: str, profile: str | None) -> Form:
        """The form for programs and people. Raises UsageError for an unknown scenario or profile, or a wrong config.yaml."""
        if scenario not in self.starter.offered:
            raise UsageError(f"unknown scenario {scenario!r}; there are {', '.join(self.starter.offered)}")
        return form_of(self.source, scenario, profile, self.starter.offered[scenario].slots)

    def _which(self, asked: Mapping[str, str]) -> tuple[str, str]:
        return asked.get("scenario") or next(iter(self.starter.offered)), asked.get("profile") or self._profile

    def _profile_said(self) -> str:
        """What config.yaml says beside ``profile``; nothing where it can't be read, which is said elsewhere."""
        try:
            return notes(self.source.file.read_text(), read_lines(self.source.file)[1], ())["profile"].said
        except (UsageError, OSError, KeyError):
            return ""

    def _reports(self) -> list[dict[str, str]]:
        """Those of this process's runs, the newest first."""
        made = [(name, run) for name, run in self._runs().items() if (run / "report.html").is_file()]
        return [{"name": name, "href": f"report/{name}/report.html"} for name, _ in reversed(made)]


def _sent(form: Form, given: Any) -> dict[str, Value]:
    """What a user gave, to be shown again."""
    whole = WHOLE_FORM in given
    return {
        one.name: tuple(given.getlist(one.name)) if one.kind == "choices" else given[one.name]
        for one in form.fields
        if one.name in given or (whole and one.kind == "choices")
    }


def add_routes(web_ui: Any, page: StartPage, *, base_path: str) -> None:
    """Put the start page beside the live one, behind the login where that is on."""
    from flask import Blueprint, abort, jsonify, redirect, request, send_from_directory

    def start() -> Any:
        if request.method == "GET":
            return page.page(request.args, token=csrf_token())
        if not csrf_matches():
            abort(FOREIGN, "this form is out of date: open it again")
        wrong, status = page.begin(request.form)
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
            return jsonify({"started": not wrong, "wrong": wrong}), status
        # The form again is a page like any other: a browser would call a status of refusal an error of ours.
        return page.page(request.form, token=csrf_token(), wrong=wrong) if wrong else redirect("./", 303)

    def stop() -> Any:
        if not csrf_matches():
            abort(FOREIGN, "this form is out of date: open it again")
        page.starter.stop()
        return redirect("./", 303)

    def settings() -> Any:
        try:
            return jsonify(as_record(page.described(request.args.get("scenario", ""), request.args.get("profile"))))
        except UsageError as error:
            return jsonify({"error": str(error)}), REFUSED

    def style() -> Any:
        return send_from_directory(HERE / "static", "start.css")

    def close_off(response: Any) -> Any:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    pages: Any = Blueprint("dbharness_start", __name__, url_prefix=f"{base_path}/dbharness")
    for rule, view, methods in (
        ("/start", start, ["GET", "POST"]), ("/stop", stop, ["POST"]), ("/settings", settings, ["GET"]), ("/start.css", style, ["GET"]),
    ):  # fmt: skip
        pages.add_url_rule(rule, view.__name__, web_ui.auth_required_if_enabled(view), methods=methods)
    pages.after_request(close_off)
    web_ui.app.register_blueprint(pages)
