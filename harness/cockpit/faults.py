"""A fault by hand: ``POST /dbharness/fault``, and ``GET /dbharness/token``, whose answer it must have with it."""

from typing import Any

from harness import web_access
from harness.cockpit.ticking import Cockpit
from harness.errors import HarnessError, UsageError
from harness.scenario import FAULT_KINDS

CONFIRMATION = "fail over"
"""What is to be sent along as ``confirm`` where it isn't a stand-in that fails."""


def add_routes(pages: Any, web_ui: Any, cockpit: Cockpit) -> None:
    """Both routes on the blueprint ``pages``.

    A fault's answer is JSON: 200 with ``happened``; 400 for a kind that there isn't, 403 without the token, 409 where nothing can fail
    now, all with ``error``; 409 with ``confirm`` too, the word to send, on target aws.
    """
    from flask import jsonify, request

    def token() -> Any:
        return jsonify(token=web_access.csrf_token())

    def fault() -> Any:
        if not web_access.csrf_matches():
            return jsonify(error="this page is of another session: load it again"), 403
        sent = request.get_json(silent=True)
        told = sent if isinstance(sent, dict) else request.form.to_dict()
        status, answer = answer_to(cockpit, told.get("kind"), told.get("confirm"))
        return jsonify(answer), status

    for view, method in ((token, "GET"), (fault, "POST")):
        pages.add_url_rule(f"/{view.__name__}", view.__name__, web_ui.auth_required_if_enabled(view), methods=[method])


def answer_to(cockpit: Cockpit, kind: object, confirm: object) -> tuple[int, dict[str, str]]:
    """Status and answer to who asks for a fault of ``kind``."""
    if kind not in FAULT_KINDS:
        return 400, {"error": f"kind must be one of {', '.join(FAULT_KINDS)}, is {kind!r}"}
    session = cockpit.session
    if session is None:
        return 409, {"error": "no test is under way"}
    if session.on_aws and confirm != CONFIRMATION:
        error = f"a database on AWS fails over, for everybody who uses it: confirm with the words {CONFIRMATION}"
        return 409, {"error": error, "confirm": CONFIRMATION}
    try:
        return 200, {"happened": session.fault(kind)}
    except UsageError as error:
        return 409, {"error": str(error)}
    except HarnessError as error:
        return 500, {"error": str(error)}
