"""What Locust's own form may start: the same one run of one scenario, with what it asks for held to the same rules.

It has no place for a complaint but one line above its button, so it asks for profile, target and seed only; all settings of a
scenario are on our own page.
"""

from typing import Any

from harness.errors import HarnessError
from harness.start_form.routes import StartPage
from harness.start_form.settings import check

_NAMES = {"harness_target": "target", "harness_seed": "seed", "user_count": "slots"}


def watch(web_ui: Any, page: StartPage, *, base_path: str) -> None:
    """Look at each start before Locust does, and answer in its place where it can't be."""
    from flask import jsonify, request

    def look() -> Any:
        if request.method != "POST" or request.path != f"{base_path}/swarm":
            return None
        why = refusal(page, request.form)
        if why is None:
            page.starter.reset()
            return None
        return jsonify({"success": False, "message": why, "host": web_ui.environment.host})

    web_ui.app.before_request(look)


def refusal(page: StartPage, form: Any) -> str | None:
    """Why a start from Locust's form can't be, in one line; None where it can."""
    starter = page.starter
    if name := starter.under_way():
        return f"{name} is under way: stop it first"
    classes = {one.user_class: name for name, one in starter.offered.items()}
    asked = [classes.get(name, name) for name in form.getlist("user_classes")] or list(starter.offered)
    if len(asked) != 1:
        return f"one run is of one scenario: pick one of {', '.join(starter.offered)}"
    try:
        described = page.described(asked[0], form.get("harness_profile"))
        wrong = check(page.source, described, lambda name: _given(form, name)).wrong
    except HarnessError as error:
        return str(error)
    return "; ".join(sentence for sentences in wrong.values() for sentence in sentences) or None


def _given(form: Any, name: str) -> list[str]:
    """What Locust's form has for a field of ours."""
    return [value for theirs, ours in _NAMES.items() if ours == name for value in form.getlist(theirs) if value]
